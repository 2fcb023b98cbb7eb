"""Which keys of the ring the ledger's rows are wrapped with, and wrapping them anew after a rotation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Connection, Select, Table, and_, func, select, type_coerce
from sqlalchemy.types import LargeBinary

from ledger import tables as t
from ledger.errors import KeyMissing, Tampered
from ledger.store.alarms import KEY_MISSING, alarm
from ledger.store.crypto import Keys
from ledger.store.unit_of_work import Ledger, UnitOfWork

log = structlog.get_logger()
TABLES = (t.cases, t.people, t.users, t.inbound)  # each row has a key of its own
BATCH = 200
TRY_AGAIN = timedelta(seconds=10)
FOR_EACH = timedelta(milliseconds=20)  # longer than a pass over them takes, so that it comes to those behind them
_ID = re.compile(rb"[A-Za-z0-9._-]{1,40}")


def missing(conn: Connection, keys: Keys) -> list[str]:
    """Ids of keys that rows need and the ring has not; one a table will do. Destroyed row keys need none."""
    found = set()
    for table in TABLES:
        wrapped = conn.execute(select(table.c.row_key).where(_by_none_of(table, keys.names)).limit(1)).scalar()
        name, colon, _ = bytes(wrapped or b"").partition(b":")
        if colon and _ID.fullmatch(name):  # a single row that was spoiled must not keep the service from starting
            found.add(name.decode())
    return sorted(found)


def leave(uow: UnitOfWork, what: UUID, error: KeyMissing) -> None:
    """Leave a row, by its id, to processes that may have its key, as while keys turn: this one passes it over for
    TRY_AGAIN, longer where there are many. The row itself stays due, since who put it off would put it off for those
    as well, again and again.

    Whoever runs the service has to see it: until a process with that key comes to the row, nobody is rung for it.
    """
    known = uow.ledger.left
    known[what] = uow.now, uow.now + max(TRY_AGAIN, FOR_EACH * len(known))
    log.error("key_missing", key=error.key)
    uow.once(("key missing", error.key), lambda: alarm(uow, f"{KEY_MISSING}:{error.key}", KEY_MISSING, str(error)))


def left(ledger: Ledger) -> list[UUID]:
    """What this process passes over now; no longer either where its clock has jumped."""
    now, known = ledger.clock.now(), ledger.left
    for what, (since, until) in list(known.items()):
        if not since <= now < until:
            known.pop(what, None)
    return list(known)


@dataclass
class Rewrapped:
    """How many rows were wrapped anew, and which ones cannot be opened and stay as they are: (table, id)."""

    rows: int = 0
    spoiled: list[tuple[str, UUID]] = field(default_factory=list)


def rewrap(ledger: Ledger) -> Rewrapped:
    """Wrap every row's key with the first of the ring, a batch at a time; the rows' own keys stay as they are.

    Safe while everything runs, and to begin again. Afterwards the old keys of the ring may go. A row that somebody
    has in hand is waited for last and alone: in a batch all others would be held as long.
    """
    done = Rewrapped()
    for table in TABLES:
        last: UUID | None = None
        while batch := _rewrap_some(ledger, table, _old(ledger, table, last), done, wait=False):
            last = batch[-1]
        for row_id in _left(ledger, table, done):
            _rewrap_some(ledger, table, _old(ledger, table).where(table.c.id == row_id), done, wait=True)
    return done


def _old(ledger: Ledger, table: Table, after: UUID | None = None) -> Select[Any]:
    """The next rows by their ids: each is met once, whether or not it can be opened."""
    query = select(table.c.id, table.c.row_key).where(_by_none_of(table, ledger.keys.names[:1]))
    return (query.where(table.c.id > after) if after else query).order_by(table.c.id).limit(BATCH)


def _left(ledger: Ledger, table: Table, done: Rewrapped) -> list[UUID]:
    """Rows that somebody had in hand when their batch came."""
    query = select(table.c.id).where(_by_none_of(table, ledger.keys.names[:1])).order_by(table.c.id)
    with ledger.read() as conn:
        return [row_id for row_id in conn.scalars(query) if (table.name, row_id) not in done.spoiled]


def _rewrap_some(ledger: Ledger, table: Table, some: Select[Any], done: Rewrapped, *, wait: bool) -> list[UUID]:
    spoiled: list[tuple[str, UUID]] = []
    with ledger.begin("rewrap") as uow:
        rows = uow.conn.execute(some.with_for_update(key_share=True, skip_locked=not wait)).all()
        for row_id, wrapped in rows:
            try:
                key = ledger.keys.unwrap(row_id, bytes(wrapped))
                uow.change_later(table, row_id, {"row_key": ledger.keys.wrap(row_id, key)})
            except (KeyMissing, Tampered):
                spoiled.append((table.name, row_id))
    done.rows += len(rows) - len(spoiled)
    done.spoiled += spoiled
    return [row.id for row in rows]


def _by_none_of(table: Table, names: tuple[str, ...]) -> ColumnElement[bool]:
    """Rows whose key is there and wrapped with none of these."""
    key = table.c.row_key
    beginnings = [f"{name}:".encode() for name in names]
    others = [
        func.substr(key, 1, len(start), type_=LargeBinary) != type_coerce(start, LargeBinary) for start in beginnings
    ]
    return and_(func.length(key) > 0, *others)
