"""The duty page: waiting cases first, one POST to take a case, the facts in the order in which they are typed."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from desk import access
from desk.auth import me, roles
from ledger import views
from ledger.accounts import User
from ledger.acknowledgement import PROGRESS, acknowledge, record_outcome, record_progress
from ledger.errors import NotAllowed, NotFound
from ledger.states import OUTCOMES
from ledger.unit_of_work import URGENT, Ledger
from ledger.values import parse_amount

POLICE = ("officer", "security", "admin")
_POSITION = re.compile(r"[0-9]{1,3}")


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
        found, now = access.case_of(ledger, code), ledger.clock.now()
        with ledger.read() as conn:
            sheet = views.case_sheet(conn, ledger.keys, found)
            proxies = views.officers(conn, ledger.keys) if me().role in views.ALL_CASES else []
        access.log("case.read", f"case:{found['id']}")
        unread = json.loads(sheet["reporter"]["unread"] or "{}")
        return render_template("desk/case.html", sheet=sheet, now=now, proxies=proxies, outcomes=OUTCOMES,
                               progress=tuple(PROGRESS), unread=unread)  # fmt: skip

    @bp.post("/<code>/acknowledge")
    @roles(*POLICE)
    def take(code: str) -> Response:
        """For oneself, or (duty desk) for the officer who was called: `person` is their roster id."""
        found = access.case_of(ledger, code)
        with ledger.read() as conn:
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
        found = access.case_of(ledger, code)
        person = None if me().role in views.ALL_CASES else me().person
        progress, said = request.form.get("progress", ""), request.form.get("outcome", "")
        position = request.form.get("transfer", "1")
        if progress not in PROGRESS if progress else said not in OUTCOMES or not _POSITION.fullmatch(position):
            abort(400)
        try:
            with ledger.begin("outcome", URGENT) as uow:
                held = uow.case(found["id"])
                if progress:
                    record_progress(uow, held, progress, person, _actor(me()))
                else:
                    amount = parse_amount(request.form.get("amount", ""))
                    record_outcome(uow, held, int(position), said, amount, person, _actor(me()))
        except (NotAllowed, NotFound):  # not found: money that has not gone yet has no outcome
            flash("not_owner")
        return redirect(url_for("duty.case", code=found["code"]), 303)

    return bp


def _actor(user: User) -> str:
    return f"user:{user.id}"
