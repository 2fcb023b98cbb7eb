"""Waiting for the clock of this process to see that there is something to do, as long as it looks."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable

SILENT_S = 2.0


class Lookout:
    """Where the clock's look hangs, on a table that somebody holds or in a ledger that does, everybody looks again for
    itself each few seconds: one duty must not wait for what keeps another from being looked at."""

    def __init__(self) -> None:
        self._looked = time.monotonic()
        self._wakes: defaultdict[str, list[threading.Event]] = defaultdict(list)

    def wake_for(self, name: str, wake: threading.Event) -> None:
        """From now on, when something of this name is due."""
        self._wakes[name].append(wake)

    def tell(self, found: Iterable[str]) -> None:
        """What the clock has just seen."""
        self._looked = time.monotonic()
        for name in found:
            for wake in self._wakes.get(name, ()):
                wake.set()

    def wait(self, wake: threading.Event) -> None:
        """Until it is set, or nobody has looked for a while."""
        while not wake.wait(SILENT_S) and time.monotonic() - self._looked <= SILENT_S:
            pass
