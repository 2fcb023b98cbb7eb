"""The one clock. Everything that needs the time is handed one; nothing else reads the wall clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, timezone-aware."""
        ...


class SteadyClock:
    """A reference time taken once in a while, plus the monotonic clock since.

    A jump of the machine's wall clock therefore moves nothing. `reference` asks the database (PostgreSQL), so that
    machines agree, or the wall clock once at start (SQLite). `refresh()` takes a new reference; it is called from a
    thread of its own so that `now()` never waits.
    """

    def __init__(self, reference: Callable[[], datetime], floor: datetime | None = None) -> None:
        self._reference = reference
        self._known = (max(reference(), floor) if floor else reference()), time.monotonic()

    def refresh(self) -> None:
        before = time.monotonic()
        fresh = self._reference()
        after = time.monotonic()
        self._known = fresh, (before + after) / 2  # as one: whoever reads meanwhile must not mix two references

    def now(self) -> datetime:
        start, at = self._known
        return start + timedelta(seconds=time.monotonic() - at)


def wall() -> datetime:
    return datetime.now(UTC)


class FileClock:
    """A clock for tests across processes: FILE holds the seconds by which time runs ahead (may be empty).

    The file is read at every call, so a test that writes a new number moves every process at once.
    """

    def __init__(self, file: Path, base: Clock) -> None:
        self._file, self._base = file, base

    def now(self) -> datetime:
        return self._base.now() + ahead(self._file)


def ahead(file: Path) -> timedelta:
    """By how much a FILE of `FileClock` has time run ahead."""
    text = file.read_text().strip() if file.exists() else ""
    return timedelta(seconds=float(text or 0))


class DemoClock:
    """The simulator's clock: runs ahead of `base` as far as its viewer wishes, and remembers in FILE by how much.

    Authenticators on people's phones do not run ahead with it: codes for signing in are judged by `base`.
    """

    def __init__(self, file: Path, base: Clock) -> None:
        self._file, self.base, self.ahead = file, base, ahead(file)

    def now(self) -> datetime:
        return self.base.now() + self.ahead

    def advance(self, seconds: int) -> None:
        self.ahead += timedelta(seconds=seconds)
        self._file.write_text(str(self.ahead.total_seconds()))


class ManualClock:
    """A clock that stands still until it is advanced."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
