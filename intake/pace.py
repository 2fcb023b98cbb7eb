"""Doors take no more reports than are rung for (docs/decisions/0043-no-more-than-is-rung.md)."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from ledger.ringing import unrung
from ledger.store.unit_of_work import UnitOfWork

BEHIND_S = 0.7  # an officer is promised two seconds after each report; what is taken now comes behind what waits
SHARE = 4  # a quarter of what is more than that is waited
LONGEST_S = 0.25  # and never longer: the answer says 已收到 and "call 110"
LOOK_EVERY_S = 0.05
GOOD_FOR_S = 1.0  # then nobody has looked for a while, and who comes does


class Pace:
    """How many reports this process has in hand, and how long one waits before it is taken.

    Only where others are in hand as well: a report alone never waits.
    `behind`: for how long the oldest alert of the police's waits; `now`: seconds that only grow.
    """

    def __init__(
        self,
        behind: Callable[[UnitOfWork], timedelta] = unrung.behind,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._behind, self._now, self._sleep = behind, now, sleep
        self._in_hand, self._late_s, self._looked_at = 0, 0.0, -math.inf
        self._mutex, self._looking = threading.Lock(), threading.Lock()

    @contextmanager
    def one_more(self) -> Iterator[bool]:
        """While it is taken, which begins when its turn has come; whether it is the only one."""
        with self._mutex:
            self._in_hand += 1
            alone = self._in_hand == 1
        try:
            if not alone and (wait_s := self._wait_s()):
                with suppress(OSError):  # as under a faked clock that leaps: no report is kept out for a wait
                    self._sleep(wait_s)
            yield alone
        finally:
            with self._mutex:
                self._in_hand -= 1

    def _wait_s(self) -> float:
        if self._now() > self._looked_at + GOOD_FOR_S:
            return 0.0
        return min(max(0.0, self._late_s - BEHIND_S) / SHARE, LONGEST_S)

    def look(self, uow: UnitOfWork) -> None:
        """In the transaction of a report that others are in hand with, before it writes: it locks nothing yet."""
        if self._now() < self._looked_at + LOOK_EVERY_S or not self._looking.acquire(blocking=False):
            return
        try:
            self._late_s = self._behind(uow).total_seconds()
        except Exception:
            self._late_s = 0.0
            raise
        finally:
            self._looked_at = self._now()
            self._looking.release()
