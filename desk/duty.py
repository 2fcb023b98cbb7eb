"""The duty page: waiting cases first, one POST to take a case, the facts in the order in which they are typed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from desk.auth import me, roles
from ledger import anchors, views
from ledger.accounts import User
from ledger.acknowledgement import PROGRESS, acknowledge, record_outcome, record_progress
from ledger.errors import NotAllowed, NotFound
from ledger.states import OUTCOMES
from ledger.unit_of_work import URGENT, Ledger
from ledger.values import parse_amount

POLICE = ("officer", "security", "admin")


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("duty", __name__, template_folder="templates", url_prefix="/duty")

    @bp.get("")
    @roles(*POLICE)
    def waiting() -> Any:
        if request.args.get("code"):
            return redirect(url_for("duty.case", code=request.args["code"].strip()[:10] or "-"), 303)
        now = ledger.clock.now()
        with ledger.read() as conn:
            rows = views.duty_list(conn, ledger.keys, me(), now)
            alarms = views.open_alarms(conn) if me().role in views.ALL_CASES else []
        return render_template("desk/duty.html", rows=rows, alarms=alarms, now=now)

    @bp.get("/<code>")
    @roles(*POLICE)
    def case(code: str) -> str:
        now = ledger.clock.now()
        with ledger.read() as conn:
            found = _found(conn, code)
            sheet = views.case_sheet(conn, ledger.keys, found)
            proxies = views.officers(conn, ledger.keys) if me().role in views.ALL_CASES else []
        with ledger.begin("read-log") as uow:
            anchors.log_read(uow, _actor(me()), "case.read", f"case:{found['id']}")
        return render_template("desk/case.html", sheet=sheet, now=now, proxies=proxies, outcomes=OUTCOMES,
                               progress=tuple(PROGRESS))  # fmt: skip

    @bp.post("/<code>/acknowledge")
    @roles(*POLICE)
    def take(code: str) -> Response:
        """For oneself, or (duty desk) for the officer who was called: `person` is their roster id."""
        with ledger.read() as conn:
            found = _found(conn, code)
            person, via = _taker(conn)
        kind = "dissuade" if found["kind"] == "in_progress" else "police"
        with ledger.begin("acknowledge", URGENT) as uow:
            owner = acknowledge(uow, uow.case(found["id"]), kind, person, via, _actor(me()))
        flash("taken" if owner.won or owner.person == person else "taken_by_other")
        return redirect(url_for("duty.case", code=found["code"]), 303)

    def _taker(conn: Any) -> tuple[UUID, str]:
        user, named = me(), request.form.get("person", "")
        if user.role in views.ALL_CASES and named:
            chosen = next((p.id for p in views.officers(conn, ledger.keys) if str(p.id) == named), None)
            return chosen or abort(400), "proxy"
        return user.person or abort(400), "page"

    @bp.post("/<code>/outcome")
    @roles(*POLICE)
    def outcome(code: str) -> Response:
        """`progress` (contacted · filed · accepted_110), or `transfer` with `outcome` and perhaps `amount`."""
        with ledger.read() as conn:
            found = _found(conn, code)
        person = None if me().role in views.ALL_CASES else me().person
        progress, said = request.form.get("progress", ""), request.form.get("outcome", "")
        position = request.form.get("transfer", "1")
        if progress not in PROGRESS and (said not in OUTCOMES or not position.isdecimal()):
            abort(400)
        try:
            with ledger.begin("outcome", URGENT) as uow:
                held = uow.case(found["id"])
                if progress:
                    record_progress(uow, held, progress, person, _actor(me()))
                else:
                    amount = parse_amount(request.form.get("amount", ""))
                    record_outcome(uow, held, int(position), said, amount, person, _actor(me()))
        except NotAllowed:
            flash("not_owner")
        return redirect(url_for("duty.case", code=found["code"]), 303)

    def _found(conn: Any, code: str) -> Any:
        try:
            return views.find_case(conn, me(), code[:10])
        except NotFound:
            abort(404)

    return bp


def _actor(user: User) -> str:
    return f"user:{user.id}"
