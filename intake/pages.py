"""The student's pages: the report form and the status page. No login, no script needed, two languages."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from intake.doors import Door
from intake.reading import CHANNELS, Reading, read_form
from intake.script import read_aloud
from ledger import reports, status
from ledger.errors import Expired, LedgerAway, NotFound
from ledger.unit_of_work import DOOR

BUCKETS = ("now", "30min", "24h", "earlier")
FIELDS = ("channel", "amount", "when", "payee_account", "payee_name", "phone", "phone_unsafe", "for_whom",
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
            with door.ledger.begin("report", DOOR) as uow:
                taken = reports.accept(uow, reading.report, f"form:{key}" if key else None, canonical)
        except LedgerAway:
            response = make_response(_form_page(typed, None, away=True), 503)
            response.headers["Retry-After"] = "2"
            return response
        return redirect(url_for("intake.status_page", token=taken.token), 303)

    @bp.get("/r/<token>")
    def status_page(token: str) -> BaseResponse:
        now = door.ledger.clock.now()
        with door.ledger.read() as conn:
            try:
                case = status.case_by_token(conn, token, now)
            except NotFound:
                return make_response(render_template("intake/gone.html", expired=False), 404)
            except Expired:
                return make_response(render_template("intake/gone.html", expired=True), 410)
            shown = status.of_case(conn, case, now)
            script = read_aloud(conn, door.ledger.keys, case, now, door.ledger.zone, g.lang)
        page = render_template("intake/status.html", shown=shown, script=script, drill=case["drill"], now=now,
                               zone=door.ledger.zone, unsafe=case["phone_unsafe"])  # fmt: skip
        response = make_response(page)
        # The page says "updated at" and "minutes ago", so its tag covers what changed, not its letters.
        said = f"{shown}{script}{g.lang}{int(now.timestamp()) // 60}"
        response.set_etag(hashlib.sha256(said.encode()).hexdigest()[:24], weak=True)
        return response.make_conditional(request)

    return bp


def _form_page(typed: dict[str, str], reading: Reading | None, *, away: bool = False) -> str:
    problems = {p.field: p for p in reading.problems} if reading else {}
    return render_template("intake/form.html", typed=typed, problems=problems, away=away, channels=CHANNELS,
                           buckets=BUCKETS)  # fmt: skip
