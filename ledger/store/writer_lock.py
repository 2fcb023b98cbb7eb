"""SQLite takes one writer at a time and lets the others poll: with 40 of them some starve into "database is locked".

One lock a process, handed over in order of urgency and then of arrival, gives every writer its turn. The urgent
overtake, but only so many: a clock that waited for a routine turn once stood for twenty seconds behind doors and
callbacks that kept coming, and the steps that it had to take meanwhile were as late.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

OVERTAKEN_BY = (0, 16, 64)  # by urgency: how many later arrivals at most may go first


class WriterLock:
    """Held by one thread of the process at a time."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: list[tuple[int, int, threading.Event]] = []
        self._arrival = itertools.count()
        self._taken = False

    @contextmanager
    def held(self, urgency: int) -> Iterator[None]:
        """Wait for the turn; `urgency` is one of DOOR, URGENT, ROUTINE, and the lowest goes first."""
        turn = threading.Event()
        with self._mutex:
            if self._taken:
                arrival = next(self._arrival)
                heapq.heappush(self._waiting, (arrival + OVERTAKEN_BY[urgency], arrival, turn))
            else:
                self._taken = True
                turn.set()
        turn.wait()
        try:
            yield
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        with self._mutex:
            if self._waiting:
                heapq.heappop(self._waiting)[2].set()
            else:
                self._taken = False
