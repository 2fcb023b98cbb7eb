"""People who answer: most officers take a case soon after its text has come, by replying with its code.

The double is in manual mode, and these phones send the receipts: for every alert that nobody answers at once, for
few of the others. Where somebody answers, a receipt changes nothing, and two callbacks a text would be half the load.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.fakes.twilio_double import Message, TwilioDouble
from tests.faults import texts
from tests.faults.history import History
from tests.faults.load import PROBE_YUAN

AWAKE = {"police": 0.92, "counselor": 0.15}  # the share of alerts that is answered
LONGEST_S, AGAIN_S, LOOK_S = 2.5, 2.0, 0.1
RECEIPTS, TWO_RECEIPTS = 0.2, 0.2  # of texts that need none; of receipts, those that say `sent` first


class People:
    """Watches every phone. Who slept through an alert answers when `wake` is called."""

    def __init__(self, double: TwilioDouble, history: History, seed: str) -> None:
        self._double, self._history, self._seed = double, history, seed
        self._stop, self._mutex = threading.Event(), threading.Lock()
        self._due: list[tuple[float, int, str, str, str]] = []
        self._order, self._seen = itertools.count(), 0
        self._known: set[tuple[str, str]] = set()
        self._rung: Counter[str] = Counter()  # cases by kind
        self._asleep: list[tuple[str, str, str]] = []
        self._awake = True
        self._hands = ThreadPoolExecutor(4, thread_name_prefix="people")
        self._thread = threading.Thread(target=self._run, name="people", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def alerted(self) -> int:
        """How many cases have rung both an officer and a counselor; in an outage each under a code of its own."""
        return min(self._rung["police"], self._rung["counselor"])

    def wake(self) -> None:
        """Everybody who has slept so far answers now."""
        with self._mutex:
            sleepers, self._asleep = self._asleep, []
        for kind, number, code in sleepers:
            self._plan(0.0, kind, number, code)

    def busy(self) -> bool:
        with self._mutex:
            return bool(self._due)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._hands.shutdown(wait=True)

    def sleep_through(self) -> None:
        """From now on nobody answers."""
        self._awake = False

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            self._read_phones()
            self._answer_what_is_due()

    def _read_phones(self) -> None:
        with self._double.changed:
            new = list(itertools.islice(self._double.messages.values(), self._seen, None))
            self._seen += len(new)
        for message in new:
            if message.outbound and not self._answers(message):
                self._deliver(message)

    def _answers(self, message: Message) -> bool:
        """Whether this text needs no receipt: somebody answers it, or it asks for no answer, with few exceptions."""
        chance = random.Random(message.sid)
        text = texts.read(message.body)
        if text is None or text.kind not in AWAKE:
            return chance.random() > RECEIPTS
        known = (text.kind, text.code) in self._known
        self._known.add((text.kind, text.code))
        self._rung[text.kind] += not known
        probe = f"{PROBE_YUAN}元" in message.body
        if known or probe or not self._awake or chance.random() > AWAKE[text.kind]:
            if text.kind == "police" and self._awake and not known:
                with self._mutex:
                    self._asleep.append((text.kind, message.to, text.code))
            return False
        self._plan(chance.uniform(0.0, LONGEST_S), text.kind, message.to, text.code)
        return True

    def _deliver(self, message: Message) -> None:
        at_once = random.Random(message.sid).random() > TWO_RECEIPTS
        self._double._courier.submit(message.sid, lambda: self._double.deliver(message.sid, at_once=at_once))

    def _plan(self, after_s: float, kind: str, number: str, code: str) -> None:
        with self._mutex:
            heapq.heappush(self._due, (time.monotonic() + after_s, next(self._order), kind, number, code))

    def _answer_what_is_due(self) -> None:
        while True:
            with self._mutex:
                if not self._due or self._due[0][0] > time.monotonic():
                    return
                _, _, kind, number, code = heapq.heappop(self._due)
            self._hands.submit(self._reply, kind, number, code)

    def _reply(self, kind: str, number: str, code: str) -> None:
        about = {"kind": kind, "number": number, "case": code}
        self._history.add("invoke", "reply", **about)
        status = self._double.reply(number, code)
        self._history.add("ok" if 200 <= status < 300 else "info", "reply", status=status, **about)
        if not 200 <= status < 300 and not self._stop.is_set():
            self._plan(AGAIN_S, kind, number, code)  # the text that was not heard is sent again, as people do
