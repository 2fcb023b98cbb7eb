"""The simulated phones: a view over deliveries, with a box to answer from. Only with the simulator channel.

Where everything runs in one process, its viewer may also advance the clock, switch phones off and stop the provider.
"""

from __future__ import annotations

import secrets
from typing import Any, Protocol

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from ledger.pages import simulated
from ledger.police import replies
from ledger.store.clock import DemoClock
from ledger.store.unit_of_work import URGENT, Ledger
from ledger.values import parse_phone

STEPS_S = (60, 120, 300, 600, 3600)  # by how much the clock may be advanced at a time
_ORDER = ("", "officer", "security", "counselor", "psychologist")  # as the story goes: the reporter has no role


class Network(Protocol):
    """The faults that can be asked of the simulated phone network."""

    @property
    def off(self) -> frozenset[str]: ...
    @property
    def down(self) -> bool: ...
    def switch_off(self, to: str) -> None: ...
    def switch_on(self, to: str) -> None: ...
    def provider_down(self, down: bool) -> None: ...


def blueprint(ledger: Ledger, network: Network | None) -> Blueprint:
    bp = Blueprint("simulator", __name__, template_folder="templates", url_prefix="/simulator")
    clock = ledger.clock if isinstance(ledger.clock, DemoClock) else None

    @bp.get("")
    def phones() -> str:
        with ledger.read() as conn:
            shown, told = simulated.phones(conn, ledger.keys), simulated.latest_cases(conn)
        in_order = dict(sorted(shown.items(), key=lambda phone: _place(*phone[0])))
        minutes, now = round(clock.ahead.total_seconds() / 60) if clock else 0, ledger.clock.now()
        return render_template("desk/simulator.html", phones=in_order, told=told, network=network, now=now,
                               steps=STEPS_S if clock else (), minutes=minutes)  # fmt: skip

    @bp.post("/reply")
    def reply() -> Any:
        """A text from a simulated phone, through the same door as a real one."""
        sender, body = parse_phone(request.form.get("phone", "")), request.form.get("body", "")[:500]
        if sender and body.strip():
            with ledger.begin("reply", URGENT) as uow:
                replies.take(uow, f"SIMIN{secrets.token_hex(16)}", sender, body)
        return _back()

    @bp.post("/clock")
    def advance() -> Response:
        """`seconds`: one of STEPS_S. What falls due in between is rung as after an outage."""
        asked = request.form.get("seconds", "")
        if clock and asked in map(str, STEPS_S):
            clock.advance(int(asked))
        return _back()

    @bp.post("/fault")
    def fault() -> Response:
        """`phone` switched off or on again, or without one the provider: `on` = 1 makes the fault, 0 heals it."""
        phone, make = parse_phone(request.form.get("phone", "")), request.form.get("on") == "1"
        if network and phone:
            (network.switch_off if make else network.switch_on)(phone)
        elif network and "phone" not in request.form:
            network.provider_down(make)
        return _back()

    return bp


def _back() -> Response:
    return redirect(url_for("simulator.phones"), 303)


def _place(number: str, who: str) -> tuple[int, str]:
    role = who.rpartition(" ")[2]
    return (_ORDER.index(role) if role in _ORDER else len(_ORDER), number)
