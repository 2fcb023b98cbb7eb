"""People who report, over HTTP only: each insists with one key until somebody tells them what became of it."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import urllib3

from tests.faults.history import History
from tests.world import another_fraud, body

CLIENTS = 12
PATIENCE = urllib3.Timeout(connect=2, read=5)  # seconds; then the client asks again with the same key
AGAIN_S = 0.4
IN_THE_AIR, LONGEST_WAIT_S = 20, 30.0
STUDENTS = ("2026010101", "2026010203", "2026020104", "2026020205")  # of both colleges: two officers share the load
BY_FORM, INVALID, REPLAYED = 0.2, 0.05, 0.1
PROBE_YUAN = "77700"  # the loss that people sleep through when their phone shows it
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Attempt:
    """One thing to send, the same at each try. `valid` False: it has to be refused, and nothing of it stored."""

    key: str
    door: str
    phone: str
    content: bytes
    type: str
    valid: bool = True

    @property
    def path(self) -> str:
        return "/report" if self.door == "form" else "/api/v1/reports"

    @property
    def headers(self) -> dict[str, str]:
        """Everybody comes from elsewhere: no connection outlives its report, so that each door gets its share."""
        return {"Content-Type": self.type, "Connection": "close"} | (
            {"Idempotency-Key": self.key} if self.door == "api" else {}
        )


def attempt(n: int, tag: str, now: datetime) -> Attempt:
    """The nth of a run, the same at each run with that tag but for the time."""
    chance, key, fraud = random.Random(f"{tag}:{n}"), f"{tag}-{n:06}", another_fraud()
    when = (now - timedelta(minutes=5)).isoformat()
    invalid, by_form = chance.random() < INVALID, chance.random() < BY_FORM
    if by_form:
        fields = {"channel": "bank", "amount": "38600.00", "when": when, "payee_name": "某人", "for_whom": "self"}
        form = fields | fraud | {"submission_key": key} | ({"amount": ""} if invalid else {})
        return Attempt(key, "form", fraud["phone"], urlencode(form).encode(), FORM, not invalid)
    said = json.dumps(body(student_no=chance.choice(STUDENTS), when=when, **fraud), ensure_ascii=False)
    if not invalid:
        return Attempt(key, "api", fraud["phone"], said.encode(), JSON)
    spoilt, kind = chance.choice([(said[:-3], JSON), (said.replace('"amount"', '"sum"'), JSON), (said, "text/plain")])
    return Attempt(key, "api", fraud["phone"], spoilt.encode(), kind, valid=False)


class Door:
    """The way in, and the notes of whoever goes through it."""

    def __init__(self, address: str, history: History) -> None:
        self._address, self._history = address, history
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE, maxsize=CLIENTS * 2)

    def close(self) -> None:
        self._http.clear()

    def send(self, it: Attempt, what: str = "report") -> str | None:
        """One try. The status link's token, "" for a refusal, None where nobody knows."""
        about = {"key": it.key, "door": it.door, "valid": it.valid, "phone": it.phone}
        self._history.add("invoke", what, **about)
        try:
            said = self._http.request("POST", self._address + it.path, body=it.content, headers=it.headers,
                                      redirect=False)  # fmt: skip
            status, token, code, again = said.status, *_read(it, said)
        except (urllib3.exceptions.HTTPError, OSError, ValueError, KeyError) as error:
            self._history.add("info", what, key=it.key, error=type(error).__name__)
            return None
        if token:
            self._history.add("ok", what, key=it.key, status=status, token=token, case=code, duplicate=again)
            return token
        known = 400 <= status < 500
        said_too = {} if status < 500 else {"says_110": b"110" in said.data}
        self._history.add("fail" if known else "info", what, key=it.key, status=status, **said_too)
        return "" if known else None

    def look(self, key: str, token: str) -> bool:
        """What the status link says of a report in the end; whether it said anything."""
        try:
            said = self._http.request("GET", f"{self._address}/api/v1/reports/{token}")
            answer = json.loads(said.data) if said.status == 200 else None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self._history.add("info", "status", key=key, error=type(error).__name__)
            return False
        self._history.add("ok" if answer else "fail", "status", key=key, status=said.status, answer=answer)
        return said.status < 500


def _read(it: Attempt, said: urllib3.BaseHTTPResponse) -> tuple[str, str | None, bool | None]:
    """Token, case code and whether it was known already, as far as that door says so."""
    if it.door == "form":
        link = said.headers.get("Location", "") if said.status == 303 else ""
        return link.rpartition("/")[2], None, None
    if said.status not in (200, 201):
        return "", None, None
    answer: dict[str, Any] = json.loads(said.data)
    return answer["status_url"].rpartition("/")[2], answer["case"], answer["duplicate"]


class Load:
    """At least `total` reports, at most `rate` a second, from several clients, until it is told that it is enough.

    What could not be offered while the doors were shut is not made up for, and while IN_THE_AIR reports still wait
    for their alerts no new ones come: a run is there to break things, and not to find out how much the machine can
    carry. `alerted` says how many have been alerted.
    """

    def __init__(
        self, door: Door, total: int, rate: float, tag: str, ahead: float, alerted: Callable[[], int] | None = None
    ) -> None:
        self._door, self._total, self._rate, self._tag, self._ahead = door, total, rate, tag, ahead
        self._alerted = alerted or (lambda: len(self.tokens))
        self._numbers = itertools.count()
        self._enough, self._give_up = threading.Event(), threading.Event()
        self._lock, self._next_at = threading.Lock(), time.monotonic()
        self.tokens: dict[str, str] = {}  # key → token, of what was accepted
        self._threads = [threading.Thread(target=self._run, name=f"client-{n}", daemon=True) for n in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new reports beyond the total."""
        self._enough.set()

    def finish(self, patience_s: float) -> None:
        """Wait for the total, and until each has been told the truth, at most this long."""
        self._enough.set()
        deadline = time.monotonic() + patience_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._give_up.set()
        for thread in self._threads:
            thread.join(20)

    def report(self, name: str, **changes: Any) -> str | None:
        """One more valid report, by the caller's own thread."""
        return self._insist(attempt_valid(name, self._now(), **changes))

    def probe(self, name: str) -> str | None:
        """One that nobody answers."""
        return self.report(name, amount=f"{PROBE_YUAN}.00")

    def _now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def _run(self) -> None:
        while not self._give_up.is_set():
            n = next(self._numbers)
            if n >= self._total and self._enough.is_set():
                return
            if self._give_up.wait(self._turn()):
                return
            self._await_alerts()
            it = attempt(n, self._tag, self._now())
            if self._insist(it) and random.Random(f"{it.key}:replay").random() < REPLAYED:
                self._insist(it, "replay")

    def _turn(self) -> float:
        """Seconds until it is this one's turn."""
        with self._lock:
            at = max(self._next_at, time.monotonic())
            self._next_at = at + 1 / self._rate
        return max(0.0, at - time.monotonic())

    def _await_alerts(self) -> None:
        """For a while: a report that is lost must not stop the run."""
        until = time.monotonic() + LONGEST_WAIT_S
        while len(self.tokens) - self._alerted() > IN_THE_AIR and time.monotonic() < until:
            if self._give_up.wait(0.1):
                return

    def _insist(self, it: Attempt, what: str = "report") -> str | None:
        while (token := self._door.send(it, what)) is None:
            if self._give_up.wait(AGAIN_S):
                return None
        if token:
            with self._lock:
                self.tokens[it.key] = token
        return token


def attempt_valid(name: str, now: datetime, **changes: Any) -> Attempt:
    """One by the API that has to be accepted."""
    fraud, when = another_fraud(), (now - timedelta(minutes=5)).isoformat()
    said = json.dumps(body(student_no=STUDENTS[0], when=when, **fraud, **changes), ensure_ascii=False)
    return Attempt(name, "api", fraud["phone"], said.encode(), JSON)
