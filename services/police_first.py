"""In one worker the other queues give way to police work (docs/decisions/0013-police-first.md)."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from ledger.events import CONSUMERS, POLICE
from ledger.store.clock import Clock

HEAD_START_S = 0.025  # from the report on; by then its police text is on its way, where nothing else is to be done
STANDS_BACK_S = 1.0  # at most, for what is then done together: police work that does not end stops nobody
QUIET_S = 0.01  # without police work; then no more of it is just coming


class PoliceFirst:
    """Handlers of all queues would take turns at the interpreter, and at the case that each of them needs first."""

    def __init__(self, clock: Clock, stopping: threading.Event, now: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._stopping, self._now = clock, stopping, now
        self._police_at = -math.inf  # when police work was last in hand, by `now`; inf while it is

    def head_start_s(self, queue: str, event: Mapping[str, Any]) -> float:
        """Seconds that another queue leaves to the police of the same report. In a burst events are older than that
        when they come. A clock that is wrong makes nobody wait longer."""
        if queue == POLICE or POLICE not in CONSUMERS.get(event["type"], ()):
            return 0.0
        age = self._clock.now() - datetime.fromisoformat(event["time"])
        return min(max(0.0, HEAD_START_S - age.total_seconds()), HEAD_START_S)

    @contextmanager
    def turn(self, queue: str, head_start_s: float = 0.0) -> Iterator[None]:
        """Round a handler: one of the police begins at once, any other gives way first."""
        if queue != POLICE:
            self._give_way(head_start_s)
            yield
            return
        self._police_at = math.inf
        try:
            yield
        finally:
            self._police_at = self._now()

    def _give_way(self, head_start_s: float) -> None:
        until = self._now() + STANDS_BACK_S
        self._stopping.wait(head_start_s)
        while self._now() < min(until, self._police_at + QUIET_S) and not self._stopping.is_set():
            self._stopping.wait(QUIET_S / 2)
