"""Fresh databases for a long run: files of SQLite, or a private PostgreSQL that lives as long as the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.private_services import PostgreSQL
from tests.world import sqlite_url


@contextmanager
def databases(postgresql: bool) -> Iterator[Callable[[Path], str]]:
    """A function that gives the address of an empty one for each folder."""
    if not postgresql:
        yield sqlite_url
        return
    server = PostgreSQL()
    try:
        server.start()
        yield lambda _folder: server.new_database()
    finally:
        server.close()
