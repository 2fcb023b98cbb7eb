"""No transaction hangs for ever in a PostgreSQL that neither answers nor goes away.

PostgreSQL's own time-outs end a statement. They reach no commit (one that waits for a lost standby waits without end),
no server that is stopped, no answer that is lost on its way. So one thread cuts the connections of those that have
taken too long, and whoever waits there is told that the ledger is away: nobody knows what was stored, and the same may
be asked again.
"""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Engine

log = structlog.get_logger()
PING_S, DOOR_S, LONGEST_S = 3.0, 8.0, 60.0  # a connection's sign of life; somebody waits at a page; anything else
LOOK_S = 1.0
FRESH_S = 1.5  # what was alive so lately is not asked for a sign of life again: whoever looks each second never is

_lock = threading.Lock()
_numbers = itertools.count()
_held: dict[int, tuple[float, Any]] = {}  # number → until when, and the psycopg connection
_alive: WeakKeyDictionary[Any, float] = WeakKeyDictionary()  # connection → when it last did what it was asked to
_watcher: threading.Thread | None = None
# A process that is split off while the watcher has the lock would wait for it for ever.
os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


@contextmanager
def at_most(seconds: float, connection: Any) -> Iterator[None]:
    """Cut this psycopg connection when the block takes longer; what it does there then fails."""
    number = next(_numbers)
    with _lock:
        _held[number] = (time.monotonic() + seconds, connection)
        _watch()
    try:
        yield
        _alive[connection] = time.monotonic()
    finally:
        with _lock:
            _held.pop(number, None)


def ping_patiently(engine: Engine) -> None:
    """The pool asks each connection for a sign of life before it hands it out, and there is no time-out for that.

    Not of one that has just given one: it would be a round trip more for each transaction.
    """
    ping = engine.dialect.do_ping

    def patient(connection: Any) -> bool:
        if time.monotonic() - _alive.get(connection, 0.0) < FRESH_S and not connection.closed:
            return True
        with at_most(PING_S, connection):
            return ping(connection)

    engine.dialect.do_ping = patient  # type: ignore[assignment, method-assign]  # SQLAlchemy has no hook for it


def _watch() -> None:
    """One thread for the whole process, from the first transaction on; also after a fork, which none survives."""
    global _watcher
    if _watcher is None or not _watcher.is_alive():
        _watcher = threading.Thread(target=_look_on, name="ledger-patience", daemon=True)
        _watcher.start()


def _look_on() -> None:
    while True:
        time.sleep(LOOK_S)
        now = time.monotonic()
        with _lock:
            late = [number for number, (until, _) in _held.items() if until < now]
            for number in late:
                _cut(_held.pop(number)[1])


def _cut(connection: Any) -> None:
    log.error("ledger_connection_cut")
    # It may have ended by itself just now, however that shows.
    with suppress(Exception), socket.socket(fileno=os.dup(connection.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)
