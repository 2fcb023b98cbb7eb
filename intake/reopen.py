"""The status page on another device: code and phone, then the six digits that were texted."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from intake import language
from intake.doors import Door
from ledger import values
from ledger.reporting import reopening
from ledger.staff import attempts
from ledger.store.unit_of_work import DOOR


def blueprint(door: Door) -> Blueprint:
    bp = Blueprint("reopen", __name__, url_prefix="/reopen")
    language.install(bp, door)

    def typed() -> tuple[str, str]:
        return request.form.get("code", "").strip()[:20], values.clean_text(request.form.get("phone", ""), 40)

    @bp.get("")
    def start() -> str:
        return render_template("intake/reopen.html", code="", phone="", asked=False, wrong=False)

    @bp.post("")
    def ask() -> str:
        """The same words, whoever asks: a text has gone out if code and phone fit."""
        code, phone = typed()
        attempts.check(door.ledger, attempts.REOPEN, request.remote_addr)
        with door.ledger.begin("reopen", DOOR) as uow:
            attempts.count(uow, attempts.REOPEN, request.remote_addr)
            reopening.ask(uow, code, values.parse_phone(phone))
        return render_template("intake/reopen.html", code=code, phone=phone, asked=True, wrong=False)

    @bp.post("/check")
    def check() -> Response | tuple[str, int]:
        code, phone = typed()
        attempts.check(door.ledger, attempts.REOPEN, request.remote_addr)
        with door.ledger.begin("reopen", DOOR) as uow:
            attempts.count(uow, attempts.REOPEN, request.remote_addr)
            token = reopening.reopen(uow, code, values.parse_phone(phone), request.form.get("digits", "")[:20])
        if token is None:
            return render_template("intake/reopen.html", code=code, phone=phone, asked=True, wrong=True), 422
        return redirect(url_for("intake.status_page", token=token), 303)

    return bp
