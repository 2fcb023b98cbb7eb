"""What the roster says, kept in this process for as long as it says so (docs/decisions/0025).

The database gives the roster a new edition with whatever changes people, duties or ladders, whoever changes it. So a
transaction asks for the edition, most often along with something else, and reads the roster only where it is another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from ledger import tables as t

T = TypeVar("T")
# What is known under a key, or read: UnitOfWork.once, UnitOfWork.of_roster.
Known = Callable[[Hashable, Callable[[], Any]], Any]
EDITION = select(t.roster.c.edition)


def read_anew(_key: Hashable, read: Callable[[], T]) -> T:
    """Where nothing is known."""
    return read()


def edition(conn: Connection) -> str | None:
    found: str | None = conn.execute(EDITION).scalar_one_or_none()
    return found


class Kept:
    """Of one edition at a time; shared by the threads of a process."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._edition: str | None = None
        self._known: dict[Hashable, Any] = {}

    def of(self, edition: str | None, key: Hashable, read: Callable[[], T]) -> T:
        """What is known under this key, or what `read` finds, which is asked after the edition was.

        So what is kept is never older than its edition. It may be newer, where the roster changed in between; then
        nobody asks for that edition any more. Of a roster without one (its row was lost in a restore) nothing is kept.
        """
        if edition is None:
            return read()
        with self._mutex:
            if edition != self._edition:
                self._edition, self._known = edition, {}
            known = self._known
        if key not in known:
            known[key] = read()
        return known[key]  # type: ignore[no-any-return]  # what was read under this key
