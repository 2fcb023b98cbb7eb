"""The double itself: messages, their progress, replies from phones, and what a test may ask or wait for."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self, TypeVar
from uuid import uuid4

from tests.fakes.twilio_double.api import Api
from tests.fakes.twilio_double.courier import Courier, Post, http_post
from tests.fakes.twilio_double.faults import Faults
from tests.fakes.twilio_double.listing import matches
from tests.fakes.twilio_double.records import API_VERSION, Call, Callback, Message, Record
from tests.fakes.twilio_double.server import Server

T = TypeVar("T")


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(eq=False)
class TwilioDouble:
    """Runs from its making to `close()`. Its state may be read at any time, from any thread.

    mode "auto": every message goes on to sent and delivered by itself; "manual": only when a test says so.
    `now` dates the messages: hand in the test's clock where the code under test compares dates with its own.
    `post` carries callbacks; a test without a web server can hand in a function over Flask's test client.
    `callback_base` replaces scheme and host of callbacks after signing, where the public address is not reachable.
    """

    port: int = 0
    host: str = "127.0.0.1"
    account_sid: str = "AC" + "0" * 32
    auth_token: str = "token-of-the-double"
    number: str = "+15005550006"
    mode: str = "auto"
    message_webhook: str | None = None
    callback_base: str | None = None
    now: Callable[[], datetime] = wall_clock
    post: Post | None = None

    def __post_init__(self) -> None:
        self.changed = threading.Condition()  # re-entrant: predicates may use everything below
        self.faults = Faults(self.changed)
        self.service_ms = self.fail_rate = 0.0
        self.inflight = self.max_inflight = 0
        self._forget()
        self._courier = Courier(self.auth_token, self.post or http_post(self.callback_base), self.changed)
        self.server = Server(self.host, self.port, Api(self).answer)
        self.base_url = f"http://{self.host}:{self.server.port}"

    @classmethod
    def start(cls, port: int = 0, **options: Any) -> Self:
        return cls(port, **options)

    def close(self) -> None:
        self.server.close()
        self._courier.close()

    def reset(self, service_ms: float = 0.0, fail_rate: float = 0.0) -> None:
        """Forget everything; then answer after `service_ms`, and that share of creations with 503."""
        self.release()
        with self.changed:
            self.faults.clear()
            self.service_ms, self.fail_rate, self.max_inflight = service_ms, fail_rate, self.inflight
            self._forget()
            self._courier.calls.clear()
            self.changed.notify_all()

    def _forget(self) -> None:
        self.log: list[Record] = []
        self.messages: dict[str, Message] = {}
        self.calls: list[Call] = []
        self._by_number: defaultdict[str, list[Message]] = defaultdict(list)

    # What happened

    @property
    def callbacks(self) -> list[Callback]:
        """Every webhook called so far, answered or not."""
        return self._courier.calls

    @property
    def creations(self) -> list[Record]:
        """Requests to send a text, in the order of their arrival."""
        return [record for record in self.log if record.kind == "create"]

    @property
    def hanging(self) -> int:
        return sum(record.outcome == "hanging" for record in self.log)

    def to(self, number: str) -> list[Message]:
        """Messages to this number, oldest first, whatever became of them."""
        with self.changed:
            return list(self._by_number[number])

    def outbound(self) -> list[Message]:
        with self.changed:
            return [message for message in self.messages.values() if message.outbound]

    def matching(self, query: Mapping[str, str]) -> list[Message]:
        """Messages that a list request asks for, newest first."""
        with self.changed:
            found = self.to(query["To"]) if "To" in query else list(self.messages.values())
        return [message for message in reversed(found) if matches(message, query)]

    def wait_for(self, predicate: Callable[[], T | None], timeout: float = 10.0) -> T:
        """Wait until the predicate is true, and return its value; it is asked whenever something has changed."""
        with self.changed:
            value = self.changed.wait_for(predicate, timeout)
            if not value:
                raise AssertionError(f"not reached within {timeout} s; last of the log: {self.log[-5:]}")
            return value

    def settle(self, timeout: float = 10.0) -> None:
        """Wait until no callback is under way."""
        self.wait_for(lambda: self._courier.idle, timeout)

    # What happens to a message

    def make(self, message: Message) -> Message:
        with self.changed:
            self.messages[message.sid] = message
            self._by_number[message.to].append(message)
            self.changed.notify_all()
        return message

    def set_off(self, message: Message) -> None:
        """Let the network have it: called once the answer is on its way. A fate needs no test to push it."""
        if message.fate:
            self._courier.submit(message.sid, lambda: self.undeliver(message.sid, message.fate or 0))
        elif self.mode == "auto":
            self._courier.submit(message.sid, lambda: self.deliver(message.sid))

    def sent(self, sid: str) -> list[int]:
        return self._progress(sid, "sent")

    def deliver(self, sid: str, *, at_once: bool = False) -> list[int]:
        """On the phone. Calls back for each new state, here and now; returns the statuses of those calls.

        `at_once`: the news that it was sent does not come before the news that it is there.
        """
        return self._progress(sid, *(("delivered",) if at_once else ("sent", "delivered")))

    def undeliver(self, sid: str, error_code: int = 30003) -> list[int]:
        return self._progress(sid, "sent", "undelivered", error_code=error_code)

    def fail(self, sid: str, error_code: int = 30005) -> list[int]:
        return self._progress(sid, "failed", error_code=error_code)

    def _progress(self, sid: str, *states: str, error_code: int | None = None) -> list[int]:
        with self.changed:
            message = self.messages.get(sid)
            if message is None:
                return []  # forgotten by a reset meanwhile
            news = [state for state in states if not (state == "sent" and message.sent)]
            message.status, message.error_code = states[-1], error_code
            message.sent = message.sent or self.now()
            self.changed.notify_all()
        if message.callbacks == "callbacks_reversed":
            news.reverse()
        times = {"callbacks_lost": 0, "callbacks_twice": 2}.get(message.callbacks or "", 1)
        return [self._call_back(message, state) for state in news for _ in range(times) if message.status_callback]

    def _call_back(self, message: Message, state: str) -> int:
        form = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "From": message.from_ or self.number,
            "MessageSid": message.sid,
            "MessageStatus": state,
            "SmsSid": message.sid,
            "SmsStatus": state,
            "To": message.to,
        }
        if message.error_code and state in ("undelivered", "failed"):
            form["ErrorCode"] = str(message.error_code)
        return self._courier.call(message.status_callback or "", form)

    # What happens to a call: nothing by itself, a test picks up

    def ring(self, call: Call) -> Call:
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()
        return call

    def calls_to(self, number: str | None) -> list[Call]:
        """Calls to this number, or to any, oldest first."""
        with self.changed:
            return [call for call in self.calls if number in (None, call.to)]

    def press(self, call: Call, digit: str) -> int:
        """Somebody picked up, listened and pressed a key; what the webhook answered."""
        return self.tell_of_call(call, "in-progress", call.key_goes_to, Digits=digit)

    def end(self, call: Call, status: str) -> int:
        """completed · busy · no-answer · canceled · failed; what the webhook answered."""
        return self.tell_of_call(call, status, call.status_callback or "")

    def tell_of_call(self, call: Call, status: str, url: str, **more: str) -> int:
        call.status = status
        form = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "CallSid": call.sid,
            "CallStatus": status,
            "Direction": "outbound-api",
            "From": call.from_,
            "To": call.to,
        }
        return self._courier.call(url, form | more)

    # What a phone does

    def reply(self, from_phone: str, body: str, to: str | None = None) -> int:
        """A text from a phone to `to` (else to whoever texted it last); the status the webhook answered, 0 for none."""
        texts = [text.from_ for text in self.to(from_phone) if text.outbound and text.from_]
        to = to or (texts[-1] if texts else self.number)
        sid = f"SM{uuid4().hex}"
        self.make(Message(sid, to, from_phone, body, "inbound", self.now(), "received", sent=self.now()))
        return self.call_webhook(sid)

    def call_webhook(self, sid: str) -> int:
        """Hand an inbound message to the configured webhook, again if it has been before: Twilio may repeat itself."""
        message = self.messages[sid]
        if self.message_webhook is None:
            return 0
        form = {
            "AccountSid": self.account_sid,
            "ApiVersion": API_VERSION,
            "Body": message.body,
            "From": message.from_ or "",
            "MessageSid": sid,
            "NumMedia": "0",
            "NumSegments": str(message.segments),
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": message.to,
        }
        return self._courier.call(self.message_webhook, form)

    def release(self) -> None:
        """Let every held answer go."""
        self.server.release()
