"""kill -9 of the whole service at moments of chance, again and again, while people report: nothing accepted is lost."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

from tests.processes import Installation, is_about

KILLS = 15
FIRST_ALERTS = {"officer": "紧急止付", "counselor": "30分钟内致电", "student": "已收到"}
GIVEN_UP = (
    "SELECT c.code, d.kind FROM deliveries d JOIN cases c ON c.id = d.case_id "
    "WHERE d.state = 'unknown' AND d.settled AND d.attempt = 2"
)


class Reporter(threading.Thread):
    """Reports without pause, each with a key of its own, and insists until it is told that it was accepted."""

    def __init__(self, on: Installation) -> None:
        super().__init__(name="reporter")
        self._on, self._enough = on, threading.Event()
        self.accepted: list[str] = []

    def run(self) -> None:
        while not self._enough.is_set():
            key, when = f"sudden-{len(self.accepted)}", self._on.now().isoformat()
            while not (answer := self._on.report(key, when=when)).taken:
                self._enough.wait(0.02)
            self.accepted.append(answer.code)
            self._enough.wait(0.05)

    def finish(self) -> None:
        self._enough.set()
        self.join()


def test_no_accepted_report_is_lost_to_fifteen_kills(embedded: Installation) -> None:
    chance = random.Random(20261124)
    reporter = Reporter(embedded)
    embedded.start("up")
    reporter.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.0, 0.6))
        embedded.kill("up")
        embedded.start("up")
    reporter.finish()
    embedded.lapse_leases()
    embedded.await_settled(60, may_give_up=True)
    assert len(reporter.accepted) == len(set(reporter.accepted)) >= KILLS
    assert embedded.rows("SELECT count(*) FROM cases") == [(len(reporter.accepted),)]
    for role, words in FIRST_ALERTS.items():
        said = [text.body for text in embedded.double.to(embedded.phones[role].number) if words in text.body]
        made = Counter(code for code in reporter.accepted for body in said if is_about(code, body))
        # Killed while it was called and again while it was called anew: nobody knows, and the next person was rung.
        doubtful = {code for code, kind in embedded.rows(GIVEN_UP) if kind == role}
        wrong = {code: made[code] for code in reporter.accepted if made[code] != (0 if code in doubtful else 1)}
        assert not wrong, f"{role}: {wrong}"
