"""Who sends from a ledger in a file, and whether all who did before are dead: what they held waits for no lease then.

Each who sends shares a lock on a file beside the ledger. The system lets go of it with the process, however that
ends; not while one is only paused, which may still make the call it was stopped before.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

log = structlog.get_logger()
TRIES, BETWEEN_S = 20, 0.05


class Living:
    """Of this ledger. The file beside it stays, and is empty."""

    def __init__(self, ledger: Path) -> None:
        self._ledger, self._held = ledger.resolve(), -1

    def enter(self, now: Callable[[], datetime]) -> datetime | None:
        """Be one of them, until `leave` or the end of the process. The time before which all others died; None where
        somebody lives, or nobody can tell: who makes the file cannot know of those that had none."""
        try:
            made = self._open()
            alone_since = now() if self._lock(fcntl.LOCK_EX) and not made else None
            # In between another may find itself alone as well. We have claimed nothing yet, and go on after it.
            for _ in range(TRIES):
                if self._lock(fcntl.LOCK_SH):
                    return alone_since
                time.sleep(BETWEEN_S)
            log.warning("senders_uncounted", error="one that starts has stopped")
        except OSError as error:  # a full disk: leases do without it
            log.warning("senders_uncounted", error=error.strerror)
        self.leave()
        return None

    def leave(self) -> None:
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def _open(self) -> bool:
        """Whether the file was not there. Whoever may read the ledger may lock it."""
        file, mode = f"{self._ledger}-senders", self._ledger.stat().st_mode & 0o666
        try:
            self._held = os.open(file, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        except FileExistsError:
            self._held = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            return False
        return True

    def _lock(self, how: int) -> bool:
        try:
            fcntl.flock(self._held, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
