"""The duty page: waiting cases first, one POST to take a case, the facts in the order in which they are typed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from sqlalchemy import Connection, RowMapping
from werkzeug.wrappers import Response

from desk import access, duty_sheet
from desk.auth import me, roles
from ledger import channels, fraud
from ledger.errors import NotAllowed, NotFound
from ledger.pages import duty_views, views
from ledger.pages import sheet as stop_sheet
from ledger.police import asking, casework, lapsing, reviews
from ledger.police.acknowledgement import acknowledge
from ledger.police.progress import PROGRESS, record_outcome, record_progress
from ledger.police.stopped import STOPPED
from ledger.school import rungs
from ledger.school.people import Person
from ledger.staff.accounts import User
from ledger.states import OUTCOMES, first_obligation
from ledger.store.unit_of_work import URGENT, Case, Ledger, UnitOfWork
from ledger.values import clean_text, parse_amount, parse_when

POLICE = ("officer", "security", "admin")
Deed = Callable[[UnitOfWork, Case, UUID | None, str], object]
_POSITION = re.compile(r"[0-9]{1,3}")


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("duty", __name__, template_folder="templates", url_prefix="/duty")

    @bp.get("")
    @roles(*POLICE)
    def waiting() -> Any:
        if typed := request.args.get("code", "").strip()[:10]:
            found = access.find(ledger, typed)
            if found is None:
                flash("unknown_code")
                return redirect(url_for("duty.waiting"), 303)
            return redirect(url_for("duty.case", code=found["code"]), 303)
        now = ledger.clock.now()
        with ledger.read() as conn:
            listed = duty_views.duty_list(conn, ledger.keys, me(), now)
            stops = duty_views.stops(conn, ledger.keys, me(), now)
            alarms = views.open_alarms(conn) if me().role in views.ALL_CASES else []
        return render_template("desk/duty.html", rows=listed.rows, more=listed.more, alarms=alarms, now=now,
                               stops=stops)  # fmt: skip

    @bp.get("/<code>")
    @roles(*POLICE)
    def case(code: str) -> str:
        found, now = access.case_of(ledger, code), ledger.clock.now()
        with ledger.read() as conn:
            sheet = views.case_sheet(conn, ledger.keys, me(), found)
            paper = stop_sheet.stop_payment(conn, ledger.keys, found, ledger.zone, current_app.config["SCHOOL"], now)
            first, others = _proxies(conn, found) if me().role in views.ALL_CASES else ([], [])
            over = me().role in views.ALL_CASES and reviews.over(conn, found["id"])
        access.log("case.read", f"case:{found['id']}")
        unread = json.loads(sheet["reporter"]["unread"] or "{}")
        return render_template("desk/case.html", sheet=sheet, now=now, first=first, others=others, outcomes=OUTCOMES,
                               progress=tuple(PROGRESS), unread=unread, paper=paper, over=over,
                               details=channels.DETAIL_NAMES,
                               questioned=fraud.questioned(found["fraud_type"]))  # fmt: skip

    @bp.post("/<code>/acknowledge")
    @roles(*POLICE)
    def take(code: str) -> Response:
        """For oneself, or (duty desk) for the officer who was called: `person` is their roster id."""
        found = access.case_of(ledger, code)
        with ledger.read() as conn:
            person, via = _taker(conn, found)
        with ledger.begin("acknowledge", URGENT) as uow:
            owner = acknowledge(uow, uow.case(found["id"]), first_obligation(found["kind"]), person, via, _actor(me()))
        flash("taken" if owner.won or owner.person == person else "taken_by_other", found["code"])
        return redirect(url_for("duty.case", code=found["code"]), 303)

    def _proxies(conn: Connection, found: RowMapping) -> tuple[list[Person], list[Person]]:
        """For whom the office may take a case: those on duty for its college, then everybody else who could have it.

        Money that has not gone yet is nobody's to stop: the desk and the counselor dissuade.
        """
        now = ledger.clock.now()
        dissuade = found["kind"] == "in_progress"
        targets = ("desk", "counselor") if dissuade else ("officer", "backup")
        first = rungs.called(conn, ledger.keys, targets, found, now, ledger.zone)
        known = {person.id for person in first}
        others = [] if dissuade else views.officers(conn, ledger.keys)
        return first, [person for person in others if person.id not in known]

    def _taker(conn: Connection, found: RowMapping) -> tuple[UUID, str]:
        user, named = me(), request.form.get("person", "")
        if user.role in views.ALL_CASES and "person" in request.form:  # left empty it takes nothing for the desk itself
            first, others = _proxies(conn, found)
            chosen = next((p.id for p in first + others if str(p.id) == named), None)
            return chosen or abort(400), "proxy"
        return user.person or abort(400), "page"

    def deed(code: str, label: str, do: Deed, said: Callable[[Any], str] = lambda _: "recorded") -> Response:
        """Something that only its owner or the office may do to a case; the page says whether it was done.

        `said`: the words of the page for what `do` came to.
        """
        found = access.case_of(ledger, code)
        person = None if me().role in views.ALL_CASES else me().person or abort(400)
        try:
            with ledger.begin(label, URGENT) as uow:
                came_to = do(uow, uow.case(found["id"]), person, _actor(me()))
            flash(said(came_to), found["code"])
        except (NotAllowed, NotFound):  # not found: money that has not gone yet has no outcome
            flash("not_owner", found["code"])
        return redirect(url_for("duty.case", code=found["code"]), 303)

    @bp.post("/<code>/outcome")
    @roles(*POLICE)
    def outcome(code: str) -> Response:
        """`progress` (contacted · filed · accepted_110; `seen`: how many transfers the page had, `unsafe`: since when
        the student was not safe, empty if that was not said), or `transfer` with
        `outcome`, perhaps `amount`, `number`, `stopped_at`."""
        form = request.form
        progress, said, position = form.get("progress", ""), form.get("outcome", ""), form.get("transfer", "1")
        code = access.case_of(ledger, code)["code"]  # as the page knows it, which shows what is said of its case alone
        if progress not in PROGRESS if progress else said not in OUTCOMES or not _POSITION.fullmatch(position):
            abort(400)
        if progress:
            seen, unsafe = _seen(), form.get("unsafe")
            return deed(code, "outcome", lambda uow, case, who, by: record_progress(
                uow, case, progress, who, by, seen, unsafe))  # fmt: skip
        typed, number = form.get("amount", "").strip(), clean_text(form.get("number", ""), 40)
        amount = parse_amount(typed)
        if typed and amount is None:
            flash("amount_unread", code)
            return redirect(url_for("duty.case", code=code), 303)
        since, unread = _stopped_at() if said == STOPPED else (None, False)
        # Recorded all the same where something is lacking: an officer may not know it yet.
        return deed(code, "outcome", lambda uow, case, who, by: record_outcome(
            uow, case, int(position), said, amount, who, by, number, since),
            lambda lacks: _but(unread, code, position, f"without_{lacks}" if lacks else "recorded"))  # fmt: skip

    @bp.post("/<code>/stop-again")
    @roles(*POLICE)
    def stop_again(code: str) -> Response:
        """再止付 of `transfer`, perhaps `stopped_at`."""
        position, code = request.form.get("transfer", ""), access.case_of(ledger, code)["code"]
        if not _POSITION.fullmatch(position):
            abort(400)
        since, unread = _stopped_at()
        return deed(code, "stop-again", lambda uow, case, who, by: lapsing.renew(
            uow, case, int(position), since, who, by),
            lambda new: _but(unread, code, position, "recorded") if new else "stopped_twice")  # fmt: skip

    def _stopped_at() -> tuple[datetime | None, bool]:
        """When it was stopped, None for now; whether something was typed that says no such time."""
        now, typed = ledger.clock.now(), request.form.get("stopped_at", "").strip()
        when = parse_when(typed[:40], now, ledger.zone) if typed else None
        since = when.at if when and when.at and when.at <= now else None
        return since, bool(typed) and since is None

    @bp.post("/<code>/ask")
    @roles(*POLICE)
    def ask(code: str) -> Response:
        """Ask the student for the match keys that the sheet lacks."""
        return deed(code, "ask", asking.ask_student, lambda _: "asked")

    @bp.post("/<code>/voice")
    @roles(*POLICE)
    def voice(code: str) -> Response:
        """`voice`: called (已电话核实) or unreached (未接通，先行报送); `seen`, `unsafe` as above."""
        said, seen, unsafe = request.form.get("voice", ""), _seen(), request.form.get("unsafe")
        access.case_of(ledger, code)
        if said not in casework.VOICES:
            abort(400)
        return deed(code, "voice", lambda uow, case, who, by: casework.record_voice(
            uow, case, said, who, by, seen, unsafe))  # fmt: skip

    @bp.post("/<code>/kind")
    @roles(*POLICE)
    def kind(code: str) -> Response:
        """`kind`: one of fraud.KINDS."""
        said = request.form.get("kind", "")
        access.case_of(ledger, code)
        if said not in fraud.KINDS:
            abort(400)
        return deed(code, "kind", lambda uow, case, who, by: casework.set_kind(uow, case, said, who, by))

    @bp.post("/<code>/close")
    @roles(*POLICE)
    def close(code: str) -> Response:
        """`seen` as above."""
        seen = _seen()
        return deed(code, "close", lambda uow, case, who, by: casework.close(uow, case, who, by, seen),
                    lambda closed: "recorded" if closed else "another_came")  # fmt: skip

    @bp.post("/<code>/reopen")
    @roles(*views.ALL_CASES)
    def reopen(code: str) -> Response:
        return deed(code, "reopen", lambda uow, case, _who, by: casework.reopen(uow, case, by))

    duty_sheet.add(bp, ledger)
    return bp


def _but(unread: bool, code: str, position: str, said: str) -> str:
    """What a button says, beside a time that could not be read: it was left out, and may be put right."""
    if unread:
        flash(f"stopped_at_unread {int(position)}", code)
    return said


def _seen() -> int | None:
    typed = request.form.get("seen", "")
    return int(typed) if _POSITION.fullmatch(typed) else None


def _actor(user: User) -> str:
    return f"user:{user.id}"
