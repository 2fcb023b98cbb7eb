"""Reports over HTTP, one after another or in a burst, and when their texts reached the provider's double.

All times in milliseconds, from the moment before a report is written to its socket.
"""

from __future__ import annotations

import http.client
import itertools
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.sides import COUNSELOR, OTHERS, POLICE, Address

CLIENTS = 16
LONGEST_WAIT_S = 60.0
GAP_S = 0.005  # between two reports that nothing else loads; caches are warm, and the last one is not all done
REST_S = 0.1  # between two that meet a service at rest, as a real one does
CODES = re.compile(r"[0-9A-Z]{5,7}")
_known: set[str] = set()  # codes of every report so far: nobody answers, so later runs meet reminders of earlier ones
_runs = itertools.count(int(time.time()) % 10**5 * 100)


@dataclass(frozen=True)
class Measured:
    """What one measurement gave; `posts`, `police` and `counselor` hold a number for each report."""

    accepted: int
    refused: int
    posts: list[float]
    police: list[float]
    counselor: list[float]
    per_second: float
    last_police_s: float  # from the first report
    doubled: int

    def figures(self) -> dict[str, float]:
        return {
            "post p50": at(self.posts, 50),
            "post p99": at(self.posts, 99),
            "accepted/s": self.per_second,
            "police p50": at(self.police, 50),
            "police p99": at(self.police, 99),
            "counselor p50": at(self.counselor, 50),
            "last police s": self.last_police_s,
        }


def at(values: list[float], percent: int) -> float:
    """The percentile, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


class Run:
    """One measurement of one side. Everybody reports another fraud, so nothing is linked; no student gets a text."""

    def __init__(self, to: Address, double: str) -> None:
        self._to, self._double = to, double
        self._run = next(_runs)
        self._began: dict[int, float] = {}
        self._took: dict[int, float] = {}
        self._cases: dict[str, int] = {}  # code → number
        self._refused = 0
        self._mutex = threading.Lock()

    @property
    def sent(self) -> list[float]:
        """When each report was sent, in milliseconds of the monotonic clock."""
        return [at * 1000 for at in self._began.values()]

    @property
    def took(self) -> list[float]:
        """Milliseconds to each answer."""
        return list(self._took.values())

    def unloaded(self, reports: int, gap_s: float = GAP_S) -> Measured:
        """One report at a time: the next comes a moment after the last one's texts are there."""
        self._ask("POST", "/reset")
        began, client = time.monotonic(), self._client()
        for n in range(reports):
            self._report(client, n)
            self._await_texts(2 * len(self._cases))
            time.sleep(gap_s)
        return self._judged(time.monotonic() - began)

    def paced(self, reports: int, every_s: float, service_ms: float) -> list[float]:
        """One report after another, whatever texts are still on their way; milliseconds to each police text."""
        self._ask("POST", f"/reset?service_ms={service_ms}")
        client = self._client()
        for n in range(reports):
            self._report(client, n)
            time.sleep(every_s)
        deadline = time.monotonic() + LONGEST_WAIT_S
        while len(police := self._first_texts()[0][POLICE]) < len(self._cases) and time.monotonic() < deadline:
            time.sleep(every_s)
        if self._refused or len(police) < reports:
            raise RuntimeError(f"{self._refused} refused, {reports - len(police)} without a police text")
        return [(came - self._began[n]) * 1000 for n, came in police.items()]

    def burst(self, reports: int, service_ms: float) -> Measured:
        """As fast as CLIENTS can; each keeps its connection."""
        self._ask("POST", f"/reset?service_ms={service_ms}")
        per_s = self.rush(reports)
        self._await_all()
        return self._judged(reports / per_s)

    def rush(self, reports: int) -> float:
        """As fast as CLIENTS can, whatever becomes of the texts; how many a second were answered."""
        numbers = iter(range(reports))
        threads = [threading.Thread(target=self._hurry, args=(numbers, door)) for door in range(CLIENTS)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._refused:
            raise RuntimeError(f"{self._refused} refused")
        return reports / (time.monotonic() - began)

    def _hurry(self, numbers: Iterator[int], door: int) -> None:
        client = self._client(door)
        while True:
            with self._mutex:
                n = next(numbers, None)
            if n is None:
                return
            self._report(client, n)

    def _client(self, door: int = 0) -> http.client.HTTPConnection:
        parts = urlsplit(self._to.urls[door % len(self._to.urls)])
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def _report(self, client: http.client.HTTPConnection, n: int) -> None:
        body = json.dumps(a_report(self._run * 10_000 + n)).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"bench-{self._run}-{n}"}
        began = time.monotonic()
        client.request("POST", "/api/v1/reports", body, headers)
        answer = client.getresponse()
        said = answer.read()
        took = time.monotonic() - began
        with self._mutex:
            if answer.status != 201:
                self._refused += 1
                return
            self._began[n], self._took[n] = began, took * 1000
            self._cases[code := json.loads(said)["case"]] = n
            _known.add(code)

    def _await_all(self) -> None:
        """Until each report has its texts: among those that come are reminders of earlier runs."""
        missing, came = 2 * len(self._cases), 0
        while missing:
            came = self._await_texts(came + missing)
            missing = 2 * len(self._cases) - sum(map(len, self._first_texts()[0].values()))

    def _await_texts(self, count: int) -> int:
        came: int = self._ask("GET", f"/await?n={count}")["n"]
        if came < count:
            raise RuntimeError(f"{came} texts came of {count}")
        return came

    def _ask(self, method: str, path: str):  # type: ignore[no-untyped-def]  # whatever the double says as JSON
        parts = urlsplit(self._double)
        client = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=90)
        client.request(method, path)
        answer = json.loads(client.getresponse().read())
        client.close()
        return answer

    def _judged(self, seconds: float) -> Measured:
        first, doubled = self._first_texts()
        late = {kind: [(came - self._began[n]) * 1000 for n, came in some.items()] for kind, some in first.items()}
        if any(len(some) != len(self._cases) for some in first.values()):
            raise RuntimeError("a report without its texts")
        last = max(first[POLICE].values()) - min(self._began.values())
        return Measured(len(self._cases), self._refused, list(self._took.values()), late[POLICE], late[COUNSELOR],
                        len(self._cases) / seconds, last, doubled)  # fmt: skip

    def _first_texts(self) -> tuple[dict[str, dict[int, float]], int]:
        """When each report's texts came first, and how many came once more."""
        first: dict[str, dict[int, float]] = {POLICE: {}, COUNSELOR: {}}
        doubled = 0
        for came, to, body in self._ask("GET", "/texts"):
            codes = [code for code in CODES.findall(body) if code in _known]
            n, kind = next((self._cases[code] for code in codes if code in self._cases), None), self._to.who.get(to)
            if (codes and n is None) or kind == OTHERS:
                continue
            if n is None or kind is None:
                raise RuntimeError(f"a text that nobody expected: {to} {body}")
            doubled += n in first[kind]
            first[kind].setdefault(n, came)
        return first, doubled


def a_report(n: int) -> dict[str, object]:
    """The nth, unlike any other. The phone is said to be in the fraudster's hands: no text goes to it."""
    transfer = {"amount": f"{1000 + n % 9000}.00", "currency": "CNY", "channel": "bank",
                "when": "2026-11-24T14:32:00+08:00", "payee_account": f"6217{n:012d}", "payee_name": "某人",
                "payee_bank": "某银行"}  # fmt: skip
    return {"reporter": {"phone": f"+8613{n % 10**9:09d}", "phone_unsafe": True}, "transfers": [transfer]}
