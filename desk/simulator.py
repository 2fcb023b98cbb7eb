"""The simulated phones: a view over deliveries, with a box to answer from. Only with the simulator channel."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from ledger import replies, views
from ledger.unit_of_work import URGENT, Ledger
from ledger.values import parse_phone


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("simulator", __name__, template_folder="templates", url_prefix="/simulator")

    @bp.get("")
    def phones() -> str:
        with ledger.read() as conn:
            shown = views.simulated_phones(conn, ledger.keys)
        return render_template("desk/simulator.html", phones=shown, zone=ledger.zone)

    @bp.post("/reply")
    def reply() -> Any:
        """A text from a simulated phone, through the same door as a real one."""
        sender, body = parse_phone(request.form.get("phone", "")), request.form.get("body", "")[:500]
        if sender and body.strip():
            with ledger.begin("reply", URGENT) as uow:
                replies.take(uow, f"SIMIN{secrets.token_hex(16)}", sender, body)
        return redirect(url_for("simulator.phones"), 303)

    return bp
