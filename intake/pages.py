"""The student's pages: the report form and the status page. No login, no script needed, two languages."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any

import structlog
from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from intake.doors import Door, Spooled
from intake.questions import page_of
from intake.reading import Problem, Reading, read_form
from intake.script import doubted, read_aloud
from ledger import fraud, states
from ledger.channels import ASKED, WORDS
from ledger.errors import Expired, KeyMissing, LedgerAway, NotFound, Tampered
from ledger.police import asking
from ledger.reporting import conversion, reports, status, withdrawal
from ledger.reporting.reportin import ReportIn, TransferIn
from ledger.ringing import match_keys, unsafety
from ledger.store.unit_of_work import DOOR, Case, UnitOfWork

log = structlog.get_logger()
BUCKETS = ("now", "30min", "24h", "earlier")
FIELDS = ("channel", "amount", "when", "payee_account", "payee_name", "phone", "phone_unsafe", "safe_phone", "for_whom",
          "victim_phone", "submission_key")  # fmt: skip


def blueprint(door: Door) -> Blueprint:
    bp = Blueprint(
        "intake", __name__, template_folder="templates", static_folder="static", static_url_path="/static/intake"
    )

    @bp.before_request
    def choose_language() -> None:
        asked = request.args.get("lang") or request.form.get("lang") or request.cookies.get("lang")
        g.lang = "en" if asked == "en" else "zh"

    @bp.after_request
    def keep_language(response: Response) -> Response:
        if request.args.get("lang") in ("zh", "en"):
            response.set_cookie("lang", g.lang, max_age=86400 * 365, secure=door.public_url.startswith("https://"),
                                httponly=True, samesite="Lax")  # fmt: skip
        return response

    @bp.context_processor
    def words() -> dict[str, Any]:
        return {"lang": g.lang, "t": lambda zh, en: en if g.lang == "en" else zh, "school": door.school}

    @bp.get("/")
    def form() -> str:
        return _form_page({"submission_key": secrets.token_urlsafe(18)}, None)

    @bp.post("/report")
    def take_report() -> BaseResponse:
        typed = {name: request.form.get(name, "") for name in FIELDS}
        reading = read_form(typed, door.ledger.clock.now(), door.ledger.zone, g.lang)
        if reading.report is None:
            return make_response(_form_page(typed, reading), 422)
        canonical = json.dumps({name: typed[name] for name in FIELDS if name != "submission_key"}, sort_keys=True)
        key = typed["submission_key"]
        try:
            taken = door.accept(reading.report, f"form:{key}" if key else None, canonical)
        except LedgerAway:
            return _nothing_saved(typed)
        return redirect(url_for("intake.status_page", token=taken.token), 303)

    @bp.post("/warn")
    def warn() -> BaseResponse:
        """The second door: nothing is sent yet, and a phone number is enough."""
        typed = {"warn_phone": request.form.get("phone", ""), "submission_key": request.form.get("submission_key", "")}
        reading = Reading(door.ledger.clock.now(), door.ledger.zone)
        phone = reading.compulsory_phone("warn_phone", typed["warn_phone"])
        if reading.problems:
            return make_response(_form_page(typed, reading), 422)
        key = typed["submission_key"]
        report = ReportIn(phone=phone, transfers=(), kind="in_progress", language=g.lang)
        try:
            taken = door.accept(report, f"warn:{key}" if key else None, phone, "warn")
        except LedgerAway:
            return _nothing_saved(typed)
        return redirect(url_for("intake.status_page", token=taken.token), 303)

    @bp.errorhandler(NotFound)
    @bp.errorhandler(Expired)
    def gone(error: Exception) -> tuple[str, int]:
        expired = isinstance(error, Expired)
        return render_template("intake/gone.html", expired=expired), 410 if expired else 404

    @bp.get("/r/<token>")
    def status_page(token: str) -> BaseResponse:
        return door.wherever(
            token,
            lambda: _status_page(door, token).make_conditional(request),
            lambda waiting: make_response(_spooled_page(door, waiting, token)),
        )

    @bp.post("/r/<token>/unsafe")
    def unsafe(token: str) -> BaseResponse:
        """Of a case that cannot be opened nothing can be stored and nobody rung: what is left is to say so at once."""
        with door.ledger.read() as conn:
            case_id = status.case_by_token(conn, token, door.ledger.clock.now())["id"]
        with door.ledger.begin("unsafe", DOOR) as uow:
            case = uow.readable(case_id)
            if case is not None:
                unsafety.ask_for_help(uow, case, reports.ANONYMOUS)
        if case is None:
            log.error("unsafe_unheard", case=str(case_id))
            return make_response(render_template("intake/unheard.html"), 410)
        return redirect(url_for("intake.status_page", token=token), 303)

    @bp.post("/r/<token>/withdraw")
    def withdraw(token: str) -> BaseResponse:
        return _change(door, token, "withdraw", lambda uow, case: withdrawal.request(uow, case, reports.ANONYMOUS))

    @bp.post("/r/<token>/sent")
    def sent(token: str) -> BaseResponse:
        """Money left after all: the warning becomes a report."""
        reading = Reading(door.ledger.clock.now(), door.ledger.zone)
        item = TransferIn(
            amount_fen=reading.amount("amount", request.form.get("amount")),
            channel=reading.choice("channel", request.form.get("channel"), WORDS, "other") or "other",
            payee_account=reading.fact("payee_account", request.form.get("payee_account")),
        )
        try:
            if reading.problems:
                return _asked_again(token, reading.problems[0])
            return _change(door, token, "sent", lambda uow, case: conversion.convert(
                uow, case, item, reading.unread, reports.ANONYMOUS))  # fmt: skip
        except (KeyMissing, Tampered) as error:
            log.error("sent_unheard", error=type(error).__name__)
            return _reported_anew()

    def _reported_anew() -> BaseResponse:
        """Of a case that cannot be opened nobody can be rung again: what was typed is in the form of a new report."""
        typed = {name: request.form.get(name, "") for name in ("amount", "channel", "payee_account")}
        return make_response(_form_page({**typed, "submission_key": secrets.token_urlsafe(18)}, None, why="lost"), 410)

    def _asked_again(token: str, problem: Problem) -> BaseResponse:
        with door.ledger.read() as conn:
            case = status.case_by_token(conn, token, door.ledger.clock.now())
        if case["kind"] != "in_progress":  # a second tap: it is a report already, and its page has no such question
            return redirect(url_for("intake.status_page", token=token), 303)
        page = _status_page(door, token, problem)
        page.status_code = 422
        return page

    return bp


def _change(door: Door, token: str, label: str, what: Callable[[UnitOfWork, Case], object]) -> BaseResponse:
    """One change behind the status link, and back to its page."""
    with door.ledger.read() as conn:
        case_id = status.case_by_token(conn, token, door.ledger.clock.now())["id"]
    with door.ledger.begin(label, DOOR) as uow:
        what(uow, uow.case(case_id))
    return redirect(url_for("intake.status_page", token=token), 303)


def _status_page(door: Door, token: str, problem: Problem | None = None) -> Response:
    now = door.ledger.clock.now()
    with door.ledger.read() as conn:
        case = status.case_by_token(conn, token, now)
        shown = status.of_case(conn, door.ledger.keys, case, now)
        script = read_aloud(conn, door.ledger.keys, case, now, door.ledger.zone, g.lang)
        rows, wanted = match_keys.transfers(conn, case["id"]), asking.asked(conn, door.ledger.keys, case)
        doubts = doubted(conn, door.ledger.keys, case, rows, now)
    paid_by = sorted({row["channel"] for row in rows})
    ways = {row["position"]: row["channel"] for row in rows}
    lacking = [(position, key, page_of(key, ways.get(position, ""))) for position, key in wanted]
    endings = states.endings(row["outcome"] for row in rows)
    # Shown with the outcomes: until when the first of what was stopped is held.
    held = min((row["stop_ends_at"] for row in rows if row["stop_ends_at"] and row["stop_ends_at"] > now), default=None)
    pressed = {name: case[name] for name in ("unsafe_at", "withdrawal_at")} | {"questioned": fraud.told_of(case)}
    pressed["at_a_bank"] = not all(match_keys.no_account(row) for row in rows)
    page = render_template("intake/status.html", shown=shown, script=script, drill=case["drill"], now=now, token=token,
                           zone=door.ledger.zone, unsafe=case["phone_unsafe"], paid_by=paid_by, problem=problem,
                           channels=ASKED, endings=endings, held=held, lacking=lacking, doubts=doubts,
                           **pressed)  # fmt: skip
    response = make_response(page)
    # The page says "updated at" and "minutes ago", so its tag covers what changed, not its letters.
    said = f"{shown}{script}{pressed}{paid_by}{endings}{held}{lacking}{doubts}{g.lang}{int(now.timestamp()) // 60}"
    response.set_etag(hashlib.sha256(said.encode()).hexdigest()[:24], weak=True)
    return response


def _spooled_page(door: Door, waiting: Spooled, token: str) -> str:
    """A report that has not come into the ledger yet: its code, and that 110 cannot wait."""
    return render_template("intake/spooled.html", waiting=waiting, now=door.ledger.clock.now(), zone=door.ledger.zone,
                           token=token, going=waiting.report.kind != "in_progress")  # fmt: skip


def _nothing_saved(typed: dict[str, str]) -> Response:
    response = make_response(_form_page(typed, None, why="away"), 503)
    response.headers["Retry-After"] = "2"
    return response


def _form_page(typed: dict[str, str], reading: Reading | None, *, why: str = "") -> str:
    """`why` it is shown though nothing typed is at fault: away · lost (the case it was about)."""
    problems = {p.field: p for p in reading.problems} if reading else {}
    return render_template("intake/form.html", typed=typed, problems=problems, why=why, channels=ASKED,
                           buckets=BUCKETS)  # fmt: skip
