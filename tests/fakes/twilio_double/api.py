"""Twilio's REST calls, as far as texts and calls need them (message-resource and call-resource of its documents)."""

import asyncio
import random
import re
import time
from email.utils import format_datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.fakes.twilio_double import control
from tests.fakes.twilio_double.listing import page_of
from tests.fakes.twilio_double.records import API_VERSION, Call, Message, Record
from tests.fakes.twilio_double.server import Answer, Request

if TYPE_CHECKING:
    from tests.fakes.twilio_double.double import TwilioDouble

ROUTE = re.compile(rf"/{API_VERSION}/Accounts/(?P<account>\w+)(?P<what>/(Messages|Calls)(/(?P<sid>\w+))?)?\.json")
MAKING = ("create", "call")  # kinds of requests that make a text or a call
E164 = re.compile(r"\+[1-9]\d{6,14}")
ERRORS = {
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    21201: "No 'To' number specified",
    21205: "Url parameter is required.",
    21211: "Invalid 'To' Phone Number",
    21213: "'From' phone number is required.",
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
    if kind.startswith("429"):
        return error(429, 20429, **{"Retry-After": kind.partition("_for_")[2].removesuffix("_s") or "1"})
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
            answer = await (self._create if record.kind in MAKING else self._find)(request, route, record)
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
            kind = "fetch" if route["sid"] else "list" if route["what"] else "account"
            if kind == "list" and request.method == "POST":
                kind = "call" if about_calls(route) else "create"
        form = request.form if kind in MAKING else request.query
        validity = form.get("ValidityPeriod", "")
        record = Record(
            at=time.monotonic(),
            wall=time.time(),
            kind=kind,
            to=form.get("To"),
            from_=form.get("From") or form.get("MessagingServiceSid"),
            body=form.get("Body") or form.get("Twiml"),
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
        if not route["what"] or route["sid"]:
            return error(405, 20004)
        return refuse_call(request.form) if about_calls(route) else refuse_form(request.form)

    async def _strike(self, request: Request, record: Record) -> Answer | None:
        """A fault that keeps anything from being made. Its record's outcome says so, whether it answers or not."""
        double = self._double
        kind = double.faults.take("before", record.to, record.kind if record.kind in MAKING else "fetch")
        if kind is None and record.kind in MAKING and random.random() < double.fail_rate:
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
            message = double.make(self._message(request.form)) if record.kind == "create" else None
            call = None if message else double.ring(self._call(request.form))
            made = message or call
            assert made
            record.sid, body = made.sid, made.as_json(double.account_sid)
            if double.service_ms:
                await asyncio.sleep(double.service_ms / 1000)
            kind = double.faults.take("after", made.to, record.kind)
            if message:
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

    def _call(self, form: dict[str, str]) -> Call:
        return Call(
            sid=f"CA{uuid4().hex}",
            to=form["To"],
            from_=form["From"],
            twiml=form["Twiml"],
            created=self._double.now(),
            status_callback=form.get("StatusCallback"),
        )

    async def _find(self, request: Request, route: re.Match[str], record: Record) -> Answer:
        double = self._double
        record.outcome = "found"
        if not route["what"]:
            return Answer(200, self._account())
        if about_calls(route):
            return self._find_calls(request, route["sid"])
        if not route["sid"]:
            return Answer(200, page_of(double.matching(request.query), request.query, double.account_sid))
        message = double.messages.get(route["sid"])
        return Answer(200, message.as_json(double.account_sid)) if message else error(404, 20404)

    def _find_calls(self, request: Request, sid: str | None) -> Answer:
        double = self._double
        calls = [call.as_json(double.account_sid) for call in double.calls_to(request.query.get("To"))]
        if not sid:
            return Answer(200, {"calls": calls[::-1], "page": 0, "page_size": 50, "next_page_uri": None})
        found = next((call for call in calls if call["sid"] == sid), None)
        return Answer(200, found) if found else error(404, 20404)

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


def about_calls(route: re.Match[str]) -> bool:
    return bool(route["what"]) and route["what"].startswith("/Calls")


def refuse_call(form: dict[str, str]) -> Answer | None:
    for name, code in (("To", 21201), ("From", 21213), ("Twiml", 21205)):
        if not form.get(name):
            return error(400, code)
    return None if E164.fullmatch(form["To"]) else error(400, 21211)


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
