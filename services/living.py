"""Who sends, and who of them has died: what the dead held waits for no lease.

Each sender has a file that it keeps locked. The system lets go of it with the process, however that ends, and not while
one is only paused, which may still make the call it was stopped before. So a file that nobody holds is a dead one's,
as long as it is the very file that was locked.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path
from uuid import UUID, uuid4

import structlog

log = structlog.get_logger()
_BOOT = Path("/proc/sys/kernel/random/boot_id")  # another after each start of a machine; the same in its containers


class Living:
    """Of the senders that share `folder`. None of its files is needed: without them, leases do."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._me: UUID | None = None
        self._held: dict[UUID, int] = {}  # descriptors of the files that this process has locked

    def enter(self) -> UUID | None:
        """Be one of them until `leave`, or the end of the process. Its name; None where no file can be made."""
        me = uuid4()
        making = self._folder / f".{me}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._held[me] = os.open(making, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._held[me], fcntl.LOCK_EX)
            mark = _mark(self._held[me])
            if os.write(self._held[me], mark) < len(mark):
                raise OSError(ENOSPC, "no space left")
            making.rename(self._folder / str(me))  # so that nobody sees one that is not held
        except OSError as error:  # a full disk, or no right to write there
            log.warning("senders_uncounted", error=error.strerror)
            with suppress(OSError):
                making.unlink(missing_ok=True)
            if me in self._held:
                os.close(self._held.pop(me))
            return None
        self._me = me
        return me

    def dead(self) -> list[UUID]:
        """Who has died. Their files are this process's now, until `bury` or its end: each has one heir."""
        with suppress(OSError):
            for file in self._folder.glob("[!.]*"):
                with suppress(OSError, ValueError):  # another's, whom we may not touch, or no sender's
                    self._take(UUID(file.name), file)
        return [name for name in self._held if name != self._me]

    def bury(self, dead: Iterable[UUID]) -> None:
        """Nothing more is wanted of these files."""
        for name in dead:
            with suppress(OSError):
                (self._folder / str(name)).unlink()
            os.close(self._held.pop(name))

    def leave(self) -> None:
        """As if this process had ended. Its file stays, for the next one to see whether something was left open."""
        self._me = None
        while self._held:
            os.close(self._held.popitem()[1])

    def _take(self, name: UUID, file: Path) -> None:
        if name in self._held:
            return
        held = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            buried = not os.fstat(held).st_nlink  # by another heir, between our two lines
            known = os.read(held, 100) == _mark(held)
        except OSError:
            os.close(held)
            raise
        self._held[name] = held
        if buried or not known:
            self.bury([name])


def _mark(file: int) -> bytes:
    """Of which file and which start of the machine a lock tells. Nobody holds a copy of it, and over another mount, or
    on another machine, one may not see who does: there nothing is known of the sender."""
    it = os.fstat(file)
    start = _BOOT.read_text() if _BOOT.exists() else os.uname().nodename  # macOS has no such file
    return f"{start} {it.st_dev} {it.st_ino}".encode()
