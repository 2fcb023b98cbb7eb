"""Whether somebody will answer: who would be called now, the gaps of the week, who is out of reach, the last drills."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, render_template

from desk import access
from desk.auth import me, roles
from ledger.ready.readiness import AREAS, readiness
from ledger.store.unit_of_work import Ledger


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("readiness", __name__, template_folder="templates", url_prefix="/desk/readiness")

    @bp.get("")
    @roles("leader", "security", "admin")
    def page() -> str:
        """A leader sees the own college and the `*` row; of what is late or alarmed elsewhere, only that it is."""
        now, office = ledger.clock.now(), me().role != "leader"
        only = None if office else me().college or ""
        with ledger.read() as conn:
            found = readiness(conn, ledger.keys, now, ledger.zone, only)
        access.log("readiness.read", f"college:{me().college or '*'}")
        return render_template("desk/readiness.html", found=found, areas=AREAS, office=office, now=now)

    @bp.app_template_filter("weekday")
    def weekday(at: datetime) -> int:
        """1 is Monday, in the school's zone."""
        return at.astimezone(ledger.zone).isoweekday()

    return bp
