"""Twilio's REST calls, as far as texts need them (twilio.com/docs/messaging/api/message-resource)."""

import asyncio
import random
import re
import time
from email.utils import format_datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.fakes.twilio_double import control
from tests.fakes.twilio_double.listing import page_of
from tests.fakes.twilio_double.records import API_VERSION, Message, Record
from tests.fakes.twilio_double.server import Answer, Request

if TYPE_CHECKING:
    from tests.fakes.twilio_double.double import TwilioDouble

ROUTE = re.compile(rf"/{API_VERSION}/Accounts/(?P<account>\w+)(?P<messages>/Messages(/(?P<sid>\w+))?)?\.json")
E164 = re.compile(r"\+[1-9]\d{6,14}")
ERRORS = {
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21211: "Invalid 'To' Phone Number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21617: "The concatenated message body exceeds the 1600 character limit",
}


def error(status: int, code: int, **headers: str) -> Answer:
    more = f"https://www.twilio.com/docs/errors/{code}"
    message = ERRORS.get(code, "Bad Request")
    return Answer(status, {"code": code, "message": message, "more_info": more, "status": status}, headers)


def struck(kind: str) -> Answer:
    """The answer of a fault that has one."""
    if kind == "429":
        return error(429, 20429, **{"Retry-After": "1"})
    return error(int(kind), int(kind)) if len(kind) == 3 else error(400, int(kind))


class Api:
    def __init__(self, double: "TwilioDouble") -> None:
        self._double = double

    async def answer(self, request: Request) -> Answer | None:
        if request.path.startswith("/_"):
            return await asyncio.to_thread(control.answer, self._double, request)
        route = ROUTE.fullmatch(request.path)
        record = self._arrive(request, route)
        answer = self._refuse(request, route) or await self._strike(request, record)
        if answer is None and record.outcome == "arrived" and route:
            answer = await (self._create if record.kind == "create" else self._find)(request, route, record)
        with self._double.changed:
            if answer:
                refused = answer.status >= 400 and record.outcome == "arrived"
                record.status, record.outcome = answer.status, "refused" if refused else record.outcome
                record.code = answer.payload.get("code") if isinstance(answer.payload, dict) else None
            self._double.changed.notify_all()
        return answer

    def _arrive(self, request: Request, route: re.Match[str] | None) -> Record:
        kind = "other"
        if route:
            kind = "fetch" if route["sid"] else "list" if route["messages"] else "account"
            kind = "create" if kind == "list" and request.method == "POST" else kind
        form = request.form if kind == "create" else request.query
        validity = form.get("ValidityPeriod", "")
        record = Record(
            at=time.monotonic(),
            wall=time.time(),
            kind=kind,
            to=form.get("To"),
            from_=form.get("From") or form.get("MessagingServiceSid"),
            body=form.get("Body"),
            sid=route["sid"] if route else None,
            validity=int(validity) if validity.isdecimal() else None,
            callback=form.get("StatusCallback"),
        )
        with self._double.changed:
            self._double.log.append(record)
            self._double.changed.notify_all()
        return record

    def _refuse(self, request: Request, route: re.Match[str] | None) -> Answer | None:
        """Wrong address, credentials or form; None when the request is in order."""
        if route is None:
            return error(404, 20404)
        if request.login != (self._double.account_sid, self._double.auth_token):
            return error(401, 20003)
        if route["account"] != self._double.account_sid:
            return error(404, 20404)
        if request.method == "GET":
            return None
        return refuse_form(request.form) if route["messages"] and not route["sid"] else error(405, 20004)

    async def _strike(self, request: Request, record: Record) -> Answer | None:
        """A fault that keeps anything from being made. Its record's outcome says so, whether it answers or not."""
        double = self._double
        kind = double.faults.take("before", record.to, "create" if record.kind == "create" else "fetch")
        if kind is None and record.kind == "create" and random.random() < double.fail_rate:
            kind = "503"
        if kind is None:
            return None
        if kind == "hang":
            await self._hold(record)
            record.outcome = "hang" if request.gone() else "arrived"  # a patient client gets its message after all
            return None
        record.outcome = kind
        return None if kind == "drop_before" else struck(kind)

    async def _hold(self, record: Record) -> None:
        with self._double.changed:
            record.outcome = "hanging"
            self._double.changed.notify_all()
        await self._double.server.held()

    async def _create(self, request: Request, route: re.Match[str], record: Record) -> Answer | None:
        double = self._double
        double.inflight += 1
        double.max_inflight = max(double.max_inflight, double.inflight)
        try:
            message = double.make(self._message(request.form))
            record.sid, body = message.sid, message.as_json(double.account_sid)
            if double.service_ms:
                await asyncio.sleep(double.service_ms / 1000)
            kind = double.faults.take("after", message.to)
            double.set_off(message)
            if kind == "hang_after":
                await self._hold(record)
            record.outcome = kind or "made"
            return None if kind == "drop_after" else Answer(201, body)
        finally:
            double.inflight -= 1

    def _message(self, form: dict[str, str]) -> Message:
        double, validity = self._double, form.get("ValidityPeriod", "")
        fate = double.faults.take("fate", form["To"])
        return Message(
            sid=f"SM{uuid4().hex}",
            to=form["To"],
            from_=form.get("From"),
            body=form["Body"],
            direction="outbound-api",
            created=double.now(),
            status="queued",
            service_sid=form.get("MessagingServiceSid"),
            status_callback=form.get("StatusCallback"),
            validity=int(validity) if validity.isdecimal() else None,
            fate=int(fate) if fate else None,
            callbacks=double.faults.take("callbacks", form["To"]),
        )

    async def _find(self, request: Request, route: re.Match[str], record: Record) -> Answer:
        double = self._double
        record.outcome = "found"
        if not route["messages"]:
            return Answer(200, self._account())
        if not route["sid"]:
            return Answer(200, page_of(double.matching(request.query), request.query, double.account_sid))
        message = double.messages.get(route["sid"])
        return Answer(200, message.as_json(double.account_sid)) if message else error(404, 20404)

    def _account(self) -> dict[str, object]:
        sid, date = self._double.account_sid, format_datetime(self._double.now())
        uri = f"/{API_VERSION}/Accounts/{sid}"
        return {
            "auth_token": "",
            "date_created": date,
            "date_updated": date,
            "friendly_name": "Twilio double",
            "owner_account_sid": sid,
            "sid": sid,
            "status": "active",
            "subresource_uris": {"messages": f"{uri}/Messages.json"},
            "type": "Full",
            "uri": f"{uri}.json",
        }


def refuse_form(form: dict[str, str]) -> Answer | None:
    """Twilio's own checks, in its order."""
    if not form.get("To"):
        return error(400, 21604)
    if not form.get("From") and not form.get("MessagingServiceSid"):
        return error(400, 21603)
    if not form.get("Body"):
        return error(400, 21602)
    if len(form["Body"]) > 1600:
        return error(400, 21617)
    return None if E164.fullmatch(form["To"]) else error(400, 21211)
