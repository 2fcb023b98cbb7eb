"""What the provider tells us: the fate of texts, and texts that people sent. Any order, any number of times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import UUID

import structlog
from flask import Blueprint, Response, request

from intake.doors import Door, problem
from ledger.errors import NotFound, NotYet
from ledger.police import replies
from ledger.store.unit_of_work import URGENT
from ledger.texts import deliveries

log = structlog.get_logger()
_SID, _CODE = re.compile(r"[!-~]{1,64}"), re.compile(r"[!-~]{1,32}")
_NO_ANSWER = '<?xml version="1.0" encoding="UTF-8"?><Response/>'  # answers are texts of their own, kept in the ledger


def blueprint(door: Door) -> Blueprint:
    bp = Blueprint("callbacks", __name__, url_prefix="/webhooks/twilio")

    def signed_form() -> Mapping[str, str] | None:
        """The form, if its signature holds over our public address as the provider was given it."""
        query = request.query_string.decode("latin-1")  # as it came: the signature covers the address letter for letter
        url = f"{door.public_url}{request.path}?{query}" if query else door.public_url + request.path
        signature = request.headers.get("X-Twilio-Signature")
        return request.form if door.provider.verify(url, request.form, signature) else None

    @bp.post("/status")
    def status() -> Response:
        form = signed_form()
        if form is None:
            return _unsigned()
        try:
            said = door.provider.parse_status(form)
            delivery = _delivery(request.args["delivery"]) if "delivery" in request.args else None
            _storable(said.sid, said.error_code or "0")
        except ValueError as error:
            return problem(400, "Unreadable callback", str(error))
        try:
            with door.ledger.begin("status", URGENT) as uow:
                deliveries.report(uow, delivery, said.sid, said.state, said.error_code)
        except NotFound:
            return _not_ours(said.sid)
        return Response(status=204)

    @bp.post("/voice")
    def voice() -> Response:
        """The fate of a call, or the key that was pressed in it: whoever pressed has also heard it."""
        form = signed_form()
        if form is None:
            return _unsigned()
        try:
            said, delivery = door.provider.parse_call(form), _delivery(request.args.get("delivery", ""))
            _storable(said.sid)
        except ValueError as error:
            return problem(400, "Unreadable callback", str(error))
        outcome, language = "nothing", "zh"
        try:
            with door.ledger.begin("voice", URGENT) as uow:
                deliveries.report(uow, delivery, said.sid, said.state, None)
                if said.taken:
                    outcome, language = replies.pressed(uow, delivery)
        except NotFound:
            return _not_ours(said.sid)
        if not said.pressed:
            return Response(status=204)
        log.info("key_pressed", sid=said.sid, outcome=outcome)
        return Response(door.provider.answer_call(outcome, language), mimetype="text/xml")

    @bp.post("/message")
    def message() -> Response:
        form = signed_form()
        if form is None:
            return _unsigned()
        try:
            text = door.provider.parse_message(form)
            _storable(text.sid)
        except ValueError as error:
            return problem(400, "Unreadable callback", str(error))
        try:
            with door.ledger.begin("reply", URGENT) as uow:
                outcome = replies.take(uow, text.sid, text.sender, text.body)
        except NotYet as later:
            log.warning("reply_too_early", sid=text.sid)
            return problem(503, "Not yet", str(later))
        log.info("reply_taken", sid=text.sid, outcome=outcome)
        return Response(_NO_ANSWER, mimetype="text/xml")

    return bp


def _delivery(typed: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError:
        raise ValueError("`delivery` is no id of a text of ours") from None


def _storable(sid: str, error_code: str = "0") -> None:
    if not _SID.fullmatch(sid) or not _CODE.fullmatch(error_code):
        raise ValueError("no message id or error code of a provider")


def _not_ours(sid: str) -> Response:
    log.warning("callback_for_unknown_text", sid=sid)
    return problem(404, "Not found", "No text of ours has this id.")


def _unsigned() -> Response:
    return problem(403, "Not signed", "The signature is missing or does not fit.")
