"""One tree of errors; the docstring of each is its message, so a caller may show it as it stands."""

from __future__ import annotations

import traceback
from pathlib import Path

_FRAMES = 30  # of each error, those nearest to it


class StoplineError(Exception):
    """Something went wrong."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or (type(self).__doc__ or "").strip())


class LedgerAway(StoplineError):
    """The ledger cannot be reached or is locked; nothing was stored. Try again with the same key."""


class LedgerNotReady(StoplineError):
    """The ledger's tables are not at this program's revision; run `stopline db upgrade`."""


class KeyMissing(StoplineError):
    """A key that the ledger was written with is not in STOPLINE_DATA_KEYS."""

    def __init__(self, detail: str = "", key: str = "") -> None:
        """`key`: its id, which a process with another ring may know; none where a row names none any more."""
        super().__init__(detail)
        self.key = key


class Tampered(StoplineError):
    """A sealed value or a chained event is not what was written."""


class NotFound(StoplineError):
    """There is no such case."""


class NotYet(StoplineError):
    """A report with this code may have been taken that has not come into the ledger yet."""


class Expired(StoplineError):
    """The link has expired."""


class Conflict(StoplineError):
    """The same key was used before for another report."""


class AlreadyThere(StoplineError):
    """Something like it is in the ledger already; nothing was stored."""


class TooMany(StoplineError):
    """Too many tries from one address; wait."""

    def __init__(self, wait_s: int) -> None:
        super().__init__()
        self.wait_s = wait_s


class NotAllowed(StoplineError):
    """This person may not do that."""


class PeopleExist(StoplineError):
    """The ledger already holds people; the made-up school is only for an empty one."""


def where(error: Exception) -> str:
    """What went wrong and where. Not what a foreign error says: its words may hold what somebody typed."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {_place(frame)}{_said(error)}"[:300]


def trace(error: BaseException) -> list[str]:
    """The same of an error and of each that led to it, the last first, with the whole way there: for a log line."""
    found: dict[int, str] = {}
    at: BaseException | None = error
    while at is not None and id(at) not in found:
        frames = traceback.extract_tb(at.__traceback__)[-_FRAMES:]
        way = " > ".join(f"{_place(frame)} {frame.name}" for frame in frames)
        found[id(at)] = f"{type(at).__name__} at {way}{_said(at)}"
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return list(found.values())


def _place(frame: traceback.FrameSummary) -> str:
    file = "/".join(Path(frame.filename).parts[-2:])  # two rooms may have a file of the same name
    return f"{file}:{frame.lineno}"


def _said(error: BaseException) -> str:
    return f": {error}" if isinstance(error, StoplineError) else ""
