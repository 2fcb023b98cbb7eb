"""The ledger of one college and its keeper (台账责任人), and for the office who read a family's situation, and why."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from desk import access
from desk.auth import me, roles
from desk.care import LONG, texts
from desk.exports import REASON, id_of
from ledger import fraud
from ledger.care import closing
from ledger.errors import NotFound
from ledger.export import keeper
from ledger.figures import college
from ledger.pages.views import ALL_CASES
from ledger.store.unit_of_work import Ledger
from ledger.values import clean_text

KEEPER = "keeper"


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("keeper", __name__, template_folder="templates", url_prefix="/desk")

    def shown(code: str, *, reasoned: bool = False, wrong: str = "") -> str:
        """`reasoned`: with family and source of the money, on this page alone; `wrong`: of the reason."""
        case, now = access.case_of(ledger, code), ledger.clock.now()
        with ledger.read() as conn:
            it = keeper.line(conn, ledger.keys, me(), case, now, reasoned=reasoned)
        access.log("student.read", f"case:{case['id']}")
        return render_template("desk/ledger_line.html", it=it, record=it.record, now=now, reasoned=reasoned,
                               wrong=wrong, kinds=fraud.KINDS,
                               longest=REASON, long=LONG)  # fmt: skip

    @bp.get("/ledger")
    @roles(KEEPER)
    def listed() -> str:
        """`after` (a code) in `part` (open, closed): where the page before ended."""
        part = keeper.CLOSED if request.args.get("part") == keeper.CLOSED else keeper.OPEN
        after, now = request.args.get("after"), ledger.clock.now()
        last = access.case_of(ledger, after) if after else None
        with ledger.read() as conn:
            rows, more = keeper.listed(conn, ledger.keys, me(), now, part, last)
            name = college.name(conn, me())
        access.log("ledger.read", f"college:{me().college or '-'}")
        return render_template("desk/ledger.html", rows=rows, more=more, name=name, first=last is None, now=now)

    @bp.get("/ledger/<code>")
    @roles(KEEPER)
    def line(code: str) -> str:
        return shown(code)

    @bp.post("/ledger/<code>/read")
    @roles(KEEPER)
    def read(code: str) -> Any:
        """`reason`: for this reading, whose answer it is. It is noted before anything is shown."""
        case, reason = access.case_of(ledger, code), clean_text(request.form.get("reason", ""), REASON)
        if not reason:
            return shown(code, wrong="reason"), 422
        with ledger.begin("background-read") as uow:
            keeper.note(uow, uow.case(case["id"]), reason, _actor())
        return shown(code, reasoned=True)

    @bp.post("/ledger/<code>/background")
    @roles(KEEPER)
    def background(code: str) -> Response:
        """`family`, `money_source`, each with `shown_…`: who has not read what stands there adds to it."""
        case = access.case_of(ledger, code)
        seen = dict.fromkeys(closing.BACKGROUND, "") | texts("shown_")
        try:
            with ledger.begin("background") as uow:
                its, said = uow.case(case["id"]), texts("")
                dropped = closing.record_background(uow, its, said, _actor(), seen, closed_too=True)
            flash("unsaved" if dropped else "recorded", f"ledger {case['code']}")
        except NotFound:
            flash("not_yet", f"ledger {case['code']}")
        return redirect(url_for("keeper.line", code=case["code"]), 303)

    @bp.get("/reads")
    @roles(*ALL_CASES)
    def reads() -> str:
        """`before` (an id of one): where the page before ended."""
        before = id_of(request.args["before"]) if "before" in request.args else None
        with ledger.read() as conn:
            found, more = keeper.readings(conn, ledger.keys, before)
        access.log("reads.shown", *(f"code:{code}" for code in dict.fromkeys(it.code for it in found)))
        return render_template("desk/reads.html", found=found, more=more, first=before is None, now=ledger.clock.now())

    return bp


def _actor() -> str:
    return f"user:{me().id}"
