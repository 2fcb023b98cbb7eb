"""The follow-ups: whose contact is due, one screen for a contact, and what only the psychology centre sees."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from desk import access
from desk.auth import me, roles
from ledger import followups
from ledger.care import closing, contacts, dated, family, waiving
from ledger.care.contacts import Entry, Said
from ledger.errors import NotAllowed, NotFound
from ledger.export import exports
from ledger.pages import care_views
from ledger.ringing import handover, referrals
from ledger.school import people
from ledger.store.unit_of_work import Case, Ledger, UnitOfWork
from ledger.values import clean_text, parse_when

OFFICE = ("security", "admin")
READERS = ("counselor", *OFFICE)
NEXT_DAYS = {"1": 1, "3": 3, "7": 7}
_KIND, _PAGE = re.compile(r"[a-z0-9_]{1,16}"), re.compile(r"[0-9a-f]{8}")
LONG = 8000  # characters; a box holds 2,000, and what several have written into it at once
Deed = Callable[[UnitOfWork, Case], object]


def blueprint(ledger: Ledger) -> Blueprint:
    bp = Blueprint("care", __name__, template_folder="templates", url_prefix="/desk")

    def listed(template: str) -> str:
        now = ledger.clock.now()
        tomorrow = now.astimezone(ledger.zone).date() + timedelta(days=1)
        with ledger.read() as conn:
            found = care_views.follow_ups(conn, ledger.keys, me(), now, datetime.combine(tomorrow, time(), ledger.zone))
        access.log("student.read", *(f"code:{row.code}" for row in found.rows))
        return render_template(template, found=found, now=now, counted=care_views.COUNTED)

    def shown(code: str, typed: Mapping[str, str] | None = None, wrong: Mapping[str, str] | None = None) -> str:
        """`wrong`: field → problem, of what was `typed` into one of its forms."""
        case, now = access.case_of(ledger, code), ledger.clock.now()
        with ledger.read() as conn:
            record = care_views.record(conn, ledger.keys, me(), case, now, ledger.zone)
            others = handover.candidates(conn, ledger.keys, case["college_code"], case["counselor_id"])
            centre = people.by_id(conn, ledger.keys, people.with_role(conn, "psychologist"))
        access.log("student.read", f"case:{case['id']}")
        return render_template("desk/followup.html", it=record, now=now, others=others, centre=centre, entry=contacts,
                               page=secrets.token_hex(4), beyond=followups.BEYOND,
                               typed=typed or {}, wrong=wrong or {}, purposes=followups.PURPOSES,
                               days=(dated.first_day(now, ledger.zone), dated.last_day(now, ledger.zone)))  # fmt: skip

    def deed(code: str, label: str, do: Deed, back: str = "care.follow_up", lacks: str = "lacking") -> Response:
        """Something done to a record of this user's; the page says whether it was done, or what it lacks for it."""
        case = access.case_of(ledger, code)
        try:
            with ledger.begin(label) as uow:
                said = do(uow, uow.case(case["id"]))
            flash(f"{lacks}:{','.join(said)}" if isinstance(said, list) and said else "recorded", case["code"])
        except NotAllowed:
            flash("not_done", case["code"])
        except NotFound:
            abort(400)
        return redirect(url_for(back, code=case["code"]), 303)

    @bp.get("/followups")
    @roles(*READERS)
    def follow_ups() -> str:
        return listed("desk/followups.html")

    @bp.get("/followups/<code>")
    @roles(*READERS)
    def follow_up(code: str) -> str:
        return shown(code)

    @bp.post("/followups/<code>/contact")
    @roles("counselor")
    def contact(code: str) -> Any:
        """`contact` (its kind), `reached` (yes, no, declined); all else may be left out.

        `unsafe`: since when the student was not safe as the page had it, empty if that was not said.
        """
        kind, said = request.form.get("contact", ""), _said()
        access.case_of(ledger, code)
        if not _KIND.fullmatch(kind):
            abort(400)

        def do(uow: UnitOfWork, case: Case) -> None:
            if said.entry.in_danger:
                closing.reopen_if_closed(uow, case, _actor())
            contacts.record(uow, case, kind, said, _actor(), me().person)

        return deed(code, "contact", do)

    def _said() -> Said:
        form = request.form
        outcome = form.get("reached", "no")
        entry = Entry(
            mode=_one("mode", contacts.MODES), ticks=_some("tick", contacts.TICKS), signs=_some("sign", contacts.SIGNS),
            needs=_some("need", contacts.NEEDS), danger=_one("danger", contacts.DANGER), loans="loans" in form,
            declined=outcome == "declined",
        )  # fmt: skip
        days = NEXT_DAYS.get(form.get("next", ""))
        day = ledger.clock.now().astimezone(ledger.zone).date() + timedelta(days=days or 0)
        agreed = followups.by_evening(day, ledger.zone) if days else None
        note = clean_text(form.get("note", ""), 2000)
        page = form.get("page", "")
        return Said(outcome if outcome in contacts.OUTCOMES else "no", entry, note, agreed,
                    page if _PAGE.fullmatch(page) else "", form.get("unsafe"))  # fmt: skip

    @bp.post("/followups/<code>/dated")
    @roles("counselor")
    def on_a_day(code: str) -> Any:
        """`purpose` and `day` (2027-01-31) add a contact; `contact` (its kind) is moved to `day`, or with `back` not
        owed any more."""
        typed = {name: request.form.get(name, "")[:40] for name in ("contact", "purpose", "day")}
        kind, purpose = typed["contact"], typed["purpose"]
        access.case_of(ledger, code)
        if kind and "back" in request.form:
            return deed(code, "dated", lambda uow, case: dated.take_back(uow, case, kind, _actor()))
        due_at, problem = dated.due(exports.day(typed["day"]), ledger.clock.now(), ledger.zone)
        wrong = {"day": problem} if problem else {}
        wrong |= {} if kind or purpose in followups.PURPOSES else {"purpose": "empty"}
        if due_at is None or wrong:
            return shown(code, typed, wrong), 422
        if kind:
            return deed(code, "dated", lambda uow, case: dated.move(uow, case, kind, due_at, _actor()), lacks="dated")
        return deed(code, "dated", lambda uow, case: dated.add(uow, case, purpose, due_at, _actor()), lacks="dated")

    @bp.post("/followups/<code>/family")
    @roles("counselor", "psychologist")
    def family_told(code: str) -> Any:
        """`consent` (yes, no) of the student; without it a `reason`. Empty, `by` is who is signed in, `at` is now."""
        form, now = request.form, ledger.clock.now()
        typed = {
            name: clean_text(form.get(name, ""), most) for name, most in (("by", 80), ("at", 40), ("reason", 2000))
        }
        typed["consent"] = _one("consent", family.CONSENT)
        when = parse_when(typed["at"], now, ledger.zone) if typed["at"] else None
        at = when.at if when else None if typed["at"] else now
        wrong = family.lacking(typed["consent"], typed["reason"]) | ({} if at else {"at": "time"})
        access.case_of(ledger, code)
        if at is None or wrong:
            return shown(code, typed, wrong), 422
        page = form.get("page", "")
        return deed(code, "family", lambda uow, case: family.record(uow, case, typed, at, page[:8], _actor()),
                    "care.referred" if me().role == "psychologist" else "care.follow_up")  # fmt: skip

    @bp.post("/followups/<code>/background")
    @roles("counselor")
    def background(code: str) -> Response:
        """`family`, `money_source`, each with `shown_…`: what stood in its box before."""
        said, shown = texts(""), texts("shown_")
        return deed(code, "background", lambda uow, case: closing.record_background(uow, case, said, _actor(), shown),
                    lacks="unsaved")  # fmt: skip

    @bp.post("/followups/<code>/handover")
    @roles(*READERS)
    def hand_over(code: str) -> Response:
        try:
            to = UUID(request.form.get("person", ""))
        except ValueError:
            access.case_of(ledger, code)
            abort(400)
        answer = deed(code, "handover", lambda uow, case: handover.hand_over(uow, case, to, _actor()))
        if access.still_theirs(ledger, code):
            return answer
        flash("handed_over", "followups")  # who was never rung for the student has no page of theirs any more
        return redirect(url_for("care.follow_ups"), 303)

    @bp.post("/followups/<code>/refer")
    @roles("counselor")
    def refer(code: str) -> Response:
        """`reason`: declined asks whether the student is to be left in peace; without one, to see them today."""
        if request.form.get("reason") == referrals.DECLINED:
            return deed(code, "refer", lambda uow, case: waiving.ask(uow, case, _actor()), lacks="barred")
        return deed(code, "refer", lambda uow, case: referrals.refer(uow, case, "asked", _actor()))

    @bp.post("/followups/<code>/danger")
    @roles(*OFFICE)
    def danger(code: str) -> Response:
        """`danger` ticked has somebody go there, as a counselor's word does: the office may be who hears it first."""

        def do(uow: UnitOfWork, case: Case) -> None:
            if "danger" not in request.form:
                raise NotAllowed("nothing was ticked")
            try:
                closing.raise_immediate(uow, case, _actor())
            except NotFound:
                raise NotAllowed("its record is not open yet") from None

        return deed(code, "danger", do)

    @bp.post("/followups/<code>/safe")
    @roles(*READERS)
    def safe(code: str) -> Response:
        """`raised`: of which danger the page told."""

        def do(uow: UnitOfWork, case: Case) -> None:
            if not referrals.end_immediate(uow, case, _actor(), request.form.get("raised", "")):
                raise NotAllowed("it was raised again")

        return deed(code, "safe", do)

    @bp.post("/followups/<code>/close")
    @roles(*READERS)
    def close(code: str) -> Response:
        """The counselor asks (`debt`: plan, none; `told`); somebody else signs (`sign`)."""
        if "sign" in request.form:
            return deed(code, "close", lambda uow, case: closing.sign(uow, case, me()))
        debt, told = request.form.get("debt", ""), "told" in request.form
        return deed(code, "close", lambda uow, case: closing.ask(uow, case, debt, told, me()))

    @bp.post("/followups/<code>/reopen")
    @roles(*READERS)
    def reopen(code: str) -> Response:
        return deed(code, "reopen", lambda uow, case: closing.reopen(uow, case, _actor()))

    @bp.get("/care")
    @roles("psychologist")
    def centre() -> str:
        return listed("desk/followups.html")

    @bp.get("/care/<code>")
    @roles("psychologist")
    def referred(code: str) -> str:
        return shown(code)

    @bp.post("/care/<code>/note")
    @roles("psychologist")
    def note(code: str) -> Response:
        """A note; only the centre reads it. `seen` answers the referral, or `waive` does.

        `danger` has somebody go there, as a counselor's word does; `safe` ends that which was `raised` then.
        """
        said = {"note": clean_text(request.form.get("note", ""), 4000)}

        def do(uow: UnitOfWork, case: Case) -> list[str]:
            referrals.note(uow, case, said, me().id, _actor())
            barred = waiving.waive(uow, case, me()) if "waive" in request.form else []
            if "seen" in request.form:
                referrals.seen(uow, case, _actor())
            if "safe" in request.form:
                referrals.end_immediate(uow, case, _actor(), request.form.get("raised", ""))
            if "danger" in request.form:
                closing.raise_immediate(uow, case, _actor())
            return barred

        return deed(code, "centre-note", do, "care.referred", "barred")

    return bp


def texts(prefix: str) -> dict[str, str]:
    """Family and source of the money, of those boxes that the form has."""
    form = request.form
    return {it: clean_text(form[prefix + it], LONG) for it in closing.BACKGROUND if prefix + it in form}


def _one(name: str, known: tuple[str, ...]) -> str:
    said = request.form.get(name, "")
    return said if said in known else ""


def _some(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    said = request.form.getlist(name)
    return tuple(it for it in known if it in said)


def _actor() -> str:
    return f"user:{me().id}"
