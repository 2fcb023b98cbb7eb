"""The counselor's follow-ups: whose contact is due, and what was done."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for

from desk import access
from desk.auth import me, roles
from ledger import care, followups, views
from ledger.errors import NotFound
from ledger.unit_of_work import Ledger
from ledger.values import clean_text

WHO = ("counselor", "security", "admin")
KINDS = [plan.kind for plan in followups.CADENCE]


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("care", __name__, template_folder="templates", url_prefix="/desk/followups")

    @bp.get("")
    @roles(*WHO)
    def follow_ups() -> str:
        now = ledger.clock.now()
        with ledger.read() as conn:
            rows = views.follow_ups(conn, ledger.keys, me())
        access.log("student.read", *(f"code:{row.code}" for row in rows))
        return render_template("desk/followups.html", rows=rows, now=now)

    @bp.post("/<code>/contact")
    @roles("counselor")
    def contact(code: str) -> Any:
        """`contact` (its kind), `reached` (yes or no), `note`."""
        found, kind = access.case_of(ledger, code), request.form.get("contact", "")
        if kind not in KINDS:
            abort(400)
        note = clean_text(request.form.get("note", ""), 2000)
        try:
            with ledger.begin("contact") as uow:
                care.record_contact(uow, uow.case(found["id"]), kind, request.form.get("reached") == "yes", note,
                                    f"user:{me().id}")  # fmt: skip
        except NotFound:
            abort(400)
        return redirect(url_for("care.follow_ups"), 303)

    return bp
