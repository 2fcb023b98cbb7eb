"""The security office's board, for a wall screen and a phone: it sounds until somebody says that they heard it."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from desk import access
from desk.auth import roles
from ledger import board, views
from ledger.unit_of_work import Ledger


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("board", __name__, template_folder="templates", url_prefix="/desk/board")

    @bp.get("")
    @roles("security", "admin")
    def wall() -> str:
        now = ledger.clock.now()
        with ledger.read() as conn:
            shown = board.board(conn, ledger.keys, now, ledger.zone)
            alarms = views.open_alarms(conn)
        # The page asks again every few seconds; it names no student, so one line for each opening says enough.
        if "refresh" not in request.args:
            access.log("board.read", "page:board")
        return render_template("desk/board.html", board=shown, alarms=alarms, now=now)

    return bp
