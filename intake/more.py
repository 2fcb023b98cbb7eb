"""Stage 2 behind the status link: one question a page, saved by one POST, skipped by a link. A GET changes nothing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection, RowMapping, select
from werkzeug.exceptions import RequestEntityTooLarge

from intake import answers, images, language
from intake.doors import Door
from intake.questions import HOW, PHONE, QUESTIONS, Question, asked
from intake.reading import Problem, Reading
from ledger import fraud
from ledger import tables as t
from ledger.errors import Expired, LedgerAway, NotAllowed, NotFound
from ledger.reporting import additions, renumbering, status, uploads
from ledger.ringing import match_keys
from ledger.store.unit_of_work import DOOR

_FRAME = 64 << 10  # what a form puts around its picture
_TITLE = ("截图", "Screenshots")
_TOO_OFTEN = Problem(
    PHONE, "已经改过几次，不能再改。请在民警来电时说。", "Changed too often. Tell the officer who calls."
)
# Filled in by the report itself, where it was: (question, columns of which one says so)
_TOLD = {
    "who": ("name_sealed", "student_no_sealed"),
    "story": ("narrative_sealed",),
    "police": ("called_110",),
    "money": ("money_source_sealed",),
}


def blueprint(door: Door) -> Blueprint:
    bp = Blueprint("more", __name__, url_prefix="/r/<token>")
    language.install(bp, door)
    keys = door.ledger.keys

    def found(conn: Connection, token: str) -> RowMapping:
        return status.case_by_token(conn, token, door.ledger.clock.now())

    @bp.errorhandler(NotFound)
    @bp.errorhandler(Expired)
    def gone(error: Exception) -> tuple[str, int]:
        expired = isinstance(error, Expired)
        return render_template("intake/gone.html", expired=expired), 410 if expired else 404

    @bp.app_context_processor
    def task_list() -> dict[str, Any]:
        """`more_tasks(token)`: [(address, words, filled)] for the list on the status page."""

        def more_tasks(token: str) -> list[tuple[str, tuple[str, str], bool]]:
            with door.ledger.read() as conn:
                case = found(conn, token)
                filled, questions = _filled(conn, door, case), _asked_of(conn, case)
                shots = uploads.count(conn, case["id"]) > 0
            made = [(url_for("more.question", token=token, slug=q.slug), q.title, q.slug in filled) for q in questions]
            return [*made, (url_for("more.screenshots", token=token), _TITLE, shots)]

        return {"more_tasks": more_tasks}

    @bp.get("/more")
    def listed(token: str) -> str:
        with door.ledger.read() as conn:
            case = found(conn, token)
        return render_template("intake/more.html", token=token, drill=case["drill"], saved=_saved())

    @bp.get("/more/<slug>")
    def question(token: str, slug: str) -> str:
        return _asked(token, slug)

    def _asked(token: str, slug: str, problem: Problem | None = None, typed: Mapping[str, str] | None = None) -> str:
        now = door.ledger.clock.now()
        with door.ledger.read() as conn:
            case = found(conn, token)
            this = _fitting(case, slug)
            said = additions.of_case(conn, keys.unwrap(case["id"], case["row_key"]), case["id"])
            rows = match_keys.transfers(conn, case["id"]) if this.each or slug == "transfer" else []
            colleges = _colleges(conn) if any(field.kind == "college" for field in this.fields) else {}
            following = _following(conn, case, slug, token)
        numbers = [row["position"] for row in rows if this.each and (not this.of or row["channel"] in this.of)]
        which = answers.number(request.args.get("transfer") or str(next(iter(numbers), 1)))
        shown = typed or _shown_back(said, slug, which, now)
        return render_template("intake/more_question.html", token=token, drill=case["drill"], this=this, shown=shown,
                               colleges=colleges, page=secrets.token_urlsafe(18), saved=_saved(), following=following,
                               numbers=numbers, several=len(rows) > 1, which=which, problem=problem,
                               full=slug == "transfer" and len(rows) >= additions.MAX_TRANSFERS,
                               most=additions.MAX_TRANSFERS, questioned=fraud.told_of(case))  # fmt: skip

    @bp.post("/more/<slug>")
    def save(token: str, slug: str) -> Any:
        with door.ledger.read() as conn:
            case = found(conn, token)
        this = _fitting(case, slug)
        given = answers.read(this, request.form, door.ledger.clock.now(), door.ledger.zone)
        if slug == PHONE and given.typed:
            return _renumbered(token, case, given.typed)
        with door.ledger.begin("addition", DOOR) as uow:
            additions.save(uow, uow.case(case["id"]), given)
        again = slug == "transfer" and given.another is not None
        about = given.position if slug == HOW else None
        return _next(token, slug, again=again, saved=bool(given.typed), about=about)

    def _next(token: str, slug: str, *, again: bool = False, saved: bool = True, about: int | None = None) -> Any:
        """To what is asked now: an answer may bring a question of its own, `about` the same transfer.

        Where the ledger is away by now, to the list: what was given is kept, and nobody may read that it is not.
        """
        said = {"saved": "1"} if saved else {}
        try:
            with door.ledger.read() as conn:
                here = url_for("more.question", token=token, slug=slug)
                to = here if again else _following(conn, found(conn, token), slug, token, about)
            said |= {"transfer": str(about)} if about and about > 1 else {}
        except LedgerAway:
            to = url_for("more.listed", token=token)
        return redirect(f"{to}?{urlencode(said)}" if said else to, 303)

    def _renumbered(token: str, case: RowMapping, typed: Mapping[str, str]) -> Any:
        """A number is as compulsory here as in the form: what cannot be read is asked for again."""
        reading = Reading(door.ledger.clock.now(), door.ledger.zone)
        phone = reading.compulsory_phone(PHONE, typed[PHONE])
        problem = reading.problems[0] if reading.problems else None
        if problem is None:
            with door.ledger.begin("renumbering", DOOR) as uow:
                kept = renumbering.correct(uow, uow.case(case["id"]), phone)
            problem = None if kept else _TOO_OFTEN
        if problem:
            return _asked(token, PHONE, problem, typed), 422
        return _next(token, PHONE)

    @bp.get("/screenshots")
    def screenshots(token: str) -> str:
        return _screenshots(token)

    @bp.post("/screenshots")
    def upload(token: str) -> Any:
        request.max_content_length = images.MAX_BYTES + _FRAME
        with door.ledger.read() as conn:
            case = found(conn, token)
        try:
            sent = request.files.get("picture")
            picture = images.clean(sent.read() if sent else b"")
            with door.ledger.begin("screenshot", DOOR) as uow:
                uploads.add(uow, uow.case(case["id"]), *picture)
        except (RequestEntityTooLarge, images.TooLarge):
            return _screenshots(token, "large"), 422
        except images.NotAPicture:
            return _screenshots(token, "unread"), 422
        except NotAllowed:
            return _screenshots(token, "many"), 422
        return redirect(url_for("more.screenshots", token=token, saved=1), 303)

    def _screenshots(token: str, why: str = "") -> str:
        with door.ledger.read() as conn:
            case = found(conn, token)
            kept = uploads.count(conn, case["id"])
        return render_template("intake/more_screenshots.html", token=token, drill=case["drill"], kept=kept, why=why,
                               most=uploads.MOST, saved=_saved(), questioned=fraud.told_of(case))  # fmt: skip

    return bp


def _asked_of(conn: Connection, case: RowMapping, about: int | None = None) -> tuple[Question, ...]:
    """`about`: only what fits this transfer."""
    ways = None
    if case["kind"] != "in_progress":
        rows = match_keys.transfers(conn, case["id"])
        ways = {row["channel"] for row in rows if about in (None, row["position"])}
    return asked(ways, questioned=fraud.told_of(case))


def _fitting(case: RowMapping, slug: str) -> Question:
    """Also one that is not asked any more: what somebody was typing meanwhile is taken."""
    known = QUESTIONS if case["kind"] != "in_progress" else asked(None)
    return next((q for q in known if q.slug == slug), None) or abort(404)


def _following(conn: Connection, case: RowMapping, slug: str, token: str, about: int | None = None) -> str:
    """Where 下一个 leads: the next question, after the last one the screenshots."""
    slugs = [q.slug for q in QUESTIONS]
    later = slugs[slugs.index(slug) + 1 :]
    after = next((q.slug for q in _asked_of(conn, case, about) if q.slug in later), None)
    return url_for("more.question", token=token, slug=after) if after else url_for("more.screenshots", token=token)


def _shown_back(said: list[additions.Answered], slug: str, which: int, now: datetime) -> dict[str, str]:
    """What was typed here less than 15 minutes ago; a further transfer begins with an empty page."""
    if slug == "transfer":
        return {}
    recent = (a for a in reversed(said) if now - a.at < additions.SHOWN_BACK)
    return next((a.typed for a in recent if (a.question, a.position) == (slug, which)), {})


def _filled(conn: Connection, door: Door, case: RowMapping) -> set[str]:
    key = door.ledger.keys.unwrap(case["id"], case["row_key"])
    given = additions.of_case(conn, key, case["id"])
    answered = {a.question for a in given}
    if additions.kind_told(conn, key, case, given):
        answered.add("fraud")
    if renumbering.corrected(conn, key, case["id"]):
        answered.add(PHONE)
    rows = match_keys.transfers(conn, case["id"])
    if any(row["happened_at"] is not None for row in rows):
        answered.add("time")
    said = {a.position for a in given if a.question == HOW}
    if all(row["channel"] != "other" or row["position"] in said for row in rows):
        answered.add(HOW)
    else:
        answered.discard(HOW)  # of one of them it was said, and of another not yet
    told = {slug for slug, columns in _TOLD.items() if any(case[column] is not None for column in columns)}
    return answered | told


def _colleges(conn: Connection) -> dict[str, str]:
    c = t.colleges.c
    return {row.code: row.name for row in conn.execute(select(c.code, c.name).order_by(c.name)) if row.code != "*"}


def _saved() -> bool:
    return request.args.get("saved") == "1"
