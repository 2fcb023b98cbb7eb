"""Threads that have something to write at the same time: one of them writes it for all who wait by then.

Nobody waits for others to come: alone, a thread writes at once. So there is company only where there is a queue.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
MOST = 16


@dataclass
class _Waiting(Generic[T]):
    it: T
    turn: threading.Event = field(default_factory=threading.Event)
    written: bool | None = None  # None: not tried yet


class Together(Generic[T]):
    """`write` writes some and returns those that it wrote; the others, and all when it fails, are written alone."""

    def __init__(self, write: Callable[[Sequence[T]], Collection[T]]) -> None:
        self._write = write
        self._mutex = threading.Lock()
        self._waiting: list[_Waiting[T]] = []
        self._busy = False  # whether somebody writes

    def written(self, it: T) -> bool:
        """Whether this was written. If not, it is for the caller to write it alone."""
        mine = _Waiting(it)
        with self._mutex:
            self._waiting.append(mine)
            waits, self._busy = self._busy, True
        if waits:
            mine.turn.wait()
        if mine.written is None:  # not written by somebody else, so it is our turn to write
            self._lead(mine)
        return bool(mine.written)

    def _lead(self, mine: _Waiting[T]) -> None:
        """`mine` is the first of those who wait."""
        with self._mutex:
            some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        written: Collection[T] = ()
        try:
            written = self._write([one.it for one in some])
        finally:
            for one in some:
                one.written = one.it in written
            self._hand_over()
            for one in some:
                one.turn.set()

    def _hand_over(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting[0].turn.set()
            else:
                self._busy = False
