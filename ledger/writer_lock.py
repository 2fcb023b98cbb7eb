"""SQLite takes one writer at a time and lets the others poll: with 40 of them some starve into "database is locked".

One lock a process, handed over in order of urgency and then of arrival, gives every writer its turn.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class WriterLock:
    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: list[tuple[int, int, threading.Event]] = []
        self._arrival = itertools.count()
        self._taken = False

    @contextmanager
    def held(self, urgency: int) -> Iterator[None]:
        """Wait for the turn; the lowest urgency number goes first."""
        turn = threading.Event()
        with self._mutex:
            if self._taken:
                heapq.heappush(self._waiting, (urgency, next(self._arrival), turn))
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
