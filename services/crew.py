"""The threads of a sender's pool: how many are idle, and for which texts."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple
from uuid import UUID

Asked = tuple[UUID, UUID]  # a text, and the token of its claim: it may be claimed again while its look-up lasts

LOOK_UP_EVERY_S = 1.0  # while only threads that are kept for the police are idle


class Turn(NamedTuple):
    """What may be claimed now: up to `limit` texts; `asks`: also those that the provider is to be asked about first."""

    limit: int
    police_only: bool
    asks: bool


class Crew:
    """A quarter of the threads is kept for police texts.

    Half of them at most looks texts up, and of those kept for the police one: a provider whose lists hang must not keep
    a text waiting that nobody has called yet. `now`: seconds that only grow.
    """

    def __init__(self, threads: int, now: Callable[[], float] = time.monotonic) -> None:
        self.threads, self.idle, self.reserved = threads, threads, threads // 4
        self._now, self._mutex = now, threading.Lock()
        self._asking: dict[Asked, bool] = {}  # what is being looked up; whether by a thread kept for the police
        self._asked_at = -math.inf

    def take(self, urgent: int, others: int) -> tuple[int, int]:
        """Threads for so many new texts, the police's first: how many of each can be called at once."""
        with self._mutex:
            first = min(urgent, self.idle)
            then = min(others, max(0, self.idle - first - self.reserved))
            self.idle -= first + then
        return first, then

    def turn(self) -> Turn:
        """The same for texts that wait, whichever they are."""
        with self._mutex:
            police_only = self.idle <= self.reserved
            limit = self.idle if police_only else self.idle - self.reserved
            asks = self._may_ask(police_only)
            if self.reserved and not asks and not police_only and self._may_ask(police_only=True):
                police_only, limit, asks = True, 1, 1
            limit = min(limit, asks) if asks else limit
            self.idle -= limit
        return Turn(limit, police_only, asks > 0)

    def _may_ask(self, police_only: bool) -> int:
        """How many more may look texts up."""
        kept = sum(self._asking.values())
        if not police_only:
            return max(0, max(1, self.threads // 2) - (len(self._asking) - kept))
        if kept or self.idle < 2 or self._now() < self._asked_at + LOOK_UP_EVERY_S:
            return 0
        self._asked_at = self._now()
        return 1

    def ask(self, texts: Iterable[Asked], police_only: bool) -> None:
        """Threads of such a turn begin to look these up."""
        with self._mutex:
            self._asking |= dict.fromkeys(texts, police_only)

    def asked(self, text: Asked) -> None:
        """Also said of a text that needed no look-up."""
        with self._mutex:
            self._asking.pop(text, None)

    def back(self, threads: int) -> None:
        with self._mutex:
            self.idle += threads
