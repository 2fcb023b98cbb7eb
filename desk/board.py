"""The security office's board, for a wall screen and a phone: it sounds until somebody says that they heard it."""

from __future__ import annotations

from flask import Blueprint, render_template, request, session

from desk import access
from desk.auth import roles
from ledger.pages import board, views
from ledger.store.unit_of_work import Ledger

_SEEN = "board"  # the codes whose numbers this opening of the board has shown, in the viewer's own cookie


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("board", __name__, template_folder="templates", url_prefix="/desk/board")

    @bp.get("")
    @roles("security", "admin")
    def wall() -> str:
        now = ledger.clock.now()
        with ledger.read() as conn:
            shown = board.board(conn, ledger.keys, now, ledger.zone)
            alarms = views.open_alarms(conn)
        # The page asks again every few seconds: one line for each opening, and one for each student's number on it.
        numbers = [row.code for row in shown.pressing if row.student]
        numbers += [row.code for row in shown.waiting if row.student]
        if "refresh" not in request.args:
            access.log("board.read", "page:board")
            session.pop(_SEEN, None)
        new = [code for code in numbers if code not in session.get(_SEEN, ())]
        if new:
            access.log("student.read", *(f"code:{code}" for code in dict.fromkeys(new)))
            session[_SEEN] = numbers
        return render_template("desk/board.html", board=shown, alarms=alarms, now=now)

    return bp
