"""The duty list on a page: who stands which duty when. The office adds and removes shifts and puts numbers right.

The whole roster comes by file (`stopline roster import`), which then replaces what was changed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for

from desk import access
from desk.auth import me, roles
from desk.exports import id_of
from ledger.pages.views import ALL_CASES
from ledger.school import dutylist, people
from ledger.school.schoolrows import DUTIES, BadRoster, Fault
from ledger.store.unit_of_work import Ledger, UnitOfWork
from ledger.values import clean_text

SHIFT = ("college", "role", "person", "days", "start", "end")
USUAL = {"days": "1-7", "start": "00:00", "end": "00:00"}  # what the form proposes: always
LONGEST = 64  # characters of anything typed here


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("roster", __name__, template_folder="templates", url_prefix="/desk/roster")

    def shown(form: str = "", typed: Mapping[str, str] | None = None, faults: Sequence[Fault] = ()) -> str:
        """`form`: which was sent and not taken, with what was typed into it and why."""
        with ledger.read() as conn:
            lines, staff = dutylist.lines(conn, ledger.keys), dutylist.staff(conn, ledger.keys)
            colleges = people.colleges(conn)
        access.log("roster.read", "roster:*")
        return render_template("desk/roster.html", lines=lines, staff=staff, colleges=colleges, duties=tuple(DUTIES),
                               form=form, typed=typed or USUAL, faults=faults)  # fmt: skip

    def changed(form: str, typed: Mapping[str, str], change: Callable[[UnitOfWork], bool], done: str) -> Any:
        try:
            with ledger.begin("roster-page") as uow:
                did = change(uow)
        except BadRoster as bad:
            return shown(form, typed, bad.faults), 422
        flash(done if did else "as_before", "roster")
        return redirect(url_for("roster.page"), 303)

    @bp.get("")
    @roles(*ALL_CASES)
    def page() -> str:
        return shown()

    @bp.post("/shifts")
    @roles(*ALL_CASES)
    def add() -> Any:
        """`college` (a code or `*`), `role`, `person` (a key of the roster), `days`, `start`, `end`."""
        typed = _typed(*SHIFT)
        return changed("shift", typed, lambda uow: dutylist.add(uow, dutylist.typed(typed), _actor()), "added")

    @bp.post("/shifts/<shift>/remove")
    @roles(*ALL_CASES)
    def remove(shift: str) -> Any:
        wanted = id_of(shift)
        return changed("list", {}, lambda uow: dutylist.remove(uow, wanted, _actor()), "removed")

    @bp.post("/phones")
    @roles(*ALL_CASES)
    def renumber() -> Any:
        """`who` (an id), `phone`."""
        typed = _typed("who", "phone")
        if not typed["who"]:
            return shown("phone", typed, [Fault("", 0, "who", "choose somebody", "请选择人员")]), 422
        wanted = id_of(typed["who"])
        return changed("phone", typed, lambda uow: dutylist.renumber(uow, wanted, typed["phone"], _actor()), "called")

    return bp


def _typed(*names: str) -> dict[str, str]:
    return {name: clean_text(request.form.get(name, ""), LONGEST) for name in names}


def _actor() -> str:
    return f"user:{me().id}"
