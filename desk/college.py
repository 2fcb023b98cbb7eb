"""The college leader's page: how the college's cases stand, and how fast everybody was."""

from __future__ import annotations

from flask import Blueprint, render_template

from desk import access
from desk.auth import me, roles
from ledger import college
from ledger.unit_of_work import Ledger


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("college", __name__, template_folder="templates", url_prefix="/desk/figures")

    @bp.get("")
    @roles("leader", "security", "admin")
    def figures() -> str:
        now = ledger.clock.now()
        with ledger.read() as conn:
            rows, name = college.cases(conn, me(), now), college.name(conn, me())
        access.log("figures.read", f"college:{me().college or '*'}")
        return render_template("desk/college.html", rows=rows, name=name, now=now)

    return bp
