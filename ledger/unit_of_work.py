"""One transaction: state, events and work rows together, and the only `commit()` in the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cache
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, Insert, RowMapping, Table, Update, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger import audit, failpoints, patience
from ledger import events as ev
from ledger import tables as t
from ledger.clock import Clock, DemoClock
from ledger.crypto import Keys, RowKey
from ledger.engine import connect, translated
from ledger.errors import NotFound
from ledger.limits import Limits
from ledger.writer_lock import WriterLock

# The door goes first, as a rule: an accepted report is worth more than any step taken for an older one. Who has been
# overtaken often enough has a turn all the same (ledger/writer_lock.py).
DOOR, URGENT, ROUTINE = 0, 1, 2
PUBLISH_GRACE = timedelta(seconds=1)  # the committing process publishes at once; after this the sweep may

# Statements of the way from a report to its texts are built once: to build one takes longer than to run it.
_THE_CASE = select(t.cases).where(t.cases.c.id == bindparam("this"))
_LOCKED = _THE_CASE.with_for_update(key_share=True)
_IF_FREE = _THE_CASE.with_for_update(key_share=True, skip_locked=True)


@cache
def _by_id(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam("this"))


@cache
def _insert(table: Table) -> Insert:
    return insert(table)


@cache
def _insert_new(table: Table, postgres: bool) -> Insert:
    known = postgresql.insert(table) if postgres else sqlite.insert(table)
    return known.on_conflict_do_nothing().returning(table.c.id)


def _one_or_many(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A single row without the driver's way of sending many, which takes a round trip more."""
    return rows[0] if len(rows) == 1 else rows


@dataclass(frozen=True)
class Committed:
    """What a commit left to be done: events for the queues, and whether texts wait for a sender."""

    events: tuple[ev.Envelope, ...]
    texts: bool
    actor: str


@dataclass
class Case:
    """A case locked for this transaction; its events are appended through the unit of work."""

    id: UUID
    code: str
    key: RowKey
    row: RowMapping | dict[str, Any]
    seq: int
    head: bytes
    changes: dict[str, Any] = field(default_factory=dict)  # further columns, written with the chain's head at the end

    def field(self, column: str) -> str | None:
        return self.key.open("cases", self.id, column, self.row[f"{column}_sealed"])

    @property
    def texts_to(self) -> str | None:
        """The reporter's number for texts; None where none is safe: a phone in the fraudster's hands gets none."""
        if self.row["drill"]:
            return None
        return self.field("safe_phone" if self.row["phone_unsafe"] else "phone")

    @property
    def first_obligation(self) -> str:
        """The one that cannot wait: the police's, or to dissuade while the money is still there."""
        return "dissuade" if self.row["kind"] == "in_progress" else "police"


@dataclass
class UnitOfWork:
    ledger: Ledger
    conn: Connection
    now: datetime
    label: str
    _events: list[dict[str, Any]] = field(default_factory=list)
    _work: list[dict[str, Any]] = field(default_factory=list)
    _texts: list[dict[str, Any]] = field(default_factory=list)
    _envelopes: list[ev.Envelope] = field(default_factory=list)
    _cases: dict[UUID, Case] = field(default_factory=dict)
    _touched: set[UUID] = field(default_factory=set)
    wake_senders: bool = False
    claims: list[Any] = field(default_factory=list)  # see Hands

    @property
    def keys(self) -> Keys:
        return self.ledger.keys

    @property
    def zone(self) -> tzinfo:
        return self.ledger.zone

    def case(self, case_id: UUID) -> Case:
        """The case, locked. Everything that appends to a case locks it first: one order, so no deadlock."""
        found = self.try_case(case_id, wait=True)
        if found is None:
            raise NotFound
        return found

    def try_case(self, case_id: UUID, *, wait: bool = False) -> Case | None:
        """The case, locked, or None while somebody else has it: for steps that come round again anyway."""
        if case_id not in self._cases:
            row = self.conn.execute(_LOCKED if wait else _IF_FREE, {"this": case_id}).mappings().one_or_none()
            if row is None:
                return None
            key = self.keys.unwrap(case_id, row["row_key"])
            self.hold(Case(case_id, row["code"], key, row, row["last_seq"], row["chain_head"]))
        return self._cases[case_id]

    def hold(self, case: Case) -> None:
        self._cases[case.id] = case

    def drop(self, case: Case) -> None:
        """Forget a case that turned out to be no new one, with what was appended to it."""
        events = {row["id"] for row in self._events if row["case_id"] == case.id}
        self._events = [row for row in self._events if row["id"] not in events]
        self._work = [row for row in self._work if row["event_id"] not in events]
        self._envelopes = [it for it in self._envelopes if it.id not in events]

    def append(self, case: Case, event: ev.Event, actor: str, sealed: str | None = None) -> UUID:
        """Append an event to the case's chain, with one work row for each queue that consumes its type."""
        self._touched.add(case.id)
        return self.begin_chain(case, event, actor, sealed)

    def begin_chain(self, case: Case, event: ev.Event, actor: str, sealed: str | None = None) -> UUID:
        """The same for a case that is written with the chain's head in its row: that is not written again."""
        event_id, data = t.new_id(), audit.plain(event.data())
        case.seq += 1
        row = {
            "id": event_id,
            "case_id": case.id,
            "seq": case.seq,
            "type": event.type,
            "at": self.now,
            "actor": actor,
            "data": data,
            "sealed": case.key.seal("case_events", event_id, "sealed", sealed),
        }
        case.head = row["mac"] = self.keys.chain(case.head, audit.entry(row))
        published = self.ledger.brokered and event.consumers
        row["publish_after"] = self.now + PUBLISH_GRACE if published else None
        self._events.append(row)
        for queue in event.consumers:
            self._work.append(
                {"event_id": event_id, "queue": queue, "priority": ev.PRIORITY[queue], "available_at": self.now}
            )
        if event.consumers:
            self._envelopes.append(ev.Envelope(event_id, event.type, self.now, case.id, data))
        return event_id

    def change(self, table: Table, row: UUID, values: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Set these columns of one row."""
        written = {**(values or {}), **more}
        self.conn.execute(_by_id(table), {"this": row, **written})
        if table is t.cases and row in self._cases:  # the last word holds: what was to be written at the end gives way
            case = self._cases[row]
            case.changes = {name: value for name, value in case.changes.items() if name not in written}

    def text(self, row: dict[str, Any]) -> None:
        self._texts.append(row)

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        self.conn.execute(_insert(table), _one_or_many(rows))

    def insert_new(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
        """The ids of those rows that were not there before; whatever is unique about them decides."""
        return set(self.conn.scalars(_insert_new(table, self.ledger.postgres), _one_or_many(rows)))

    def upsert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT of the database's own kind, which knows ON CONFLICT."""
        return postgresql.insert(table) if self.ledger.postgres else sqlite.insert(table)

    def flush(self) -> None:
        if self._events:
            self.insert(t.case_events, self._events)
        if self._work:
            self.insert(t.work, self._work)
        if self._texts:
            self._write_texts()
        for case in self._cases.values():
            if case.id in self._touched:
                case.changes |= {"last_seq": case.seq, "chain_head": case.head}
            if case.changes:
                self.change(t.cases, case.id, case.changes)
            case.changes = {}
        self._events, self._work, self._texts, self._touched = [], [], [], set()

    def _write_texts(self) -> None:
        """Those that a sender of this process can call at once are claimed as they are written."""
        hands = self.ledger.hands
        claims = hands.claim(self, self._texts) if hands else []
        self.wake_senders |= len(claims) < len(self._texts)
        self.claims += claims
        # What had been written before is somebody else's: only what is new here may be called.
        new = self.insert_new(t.deliveries, self._texts)
        if hands and claims:
            hands.let_go([it for it in claims if it.id not in new])
            self.claims = [it for it in self.claims if it.id in new or it not in claims]

    def committed(self) -> Committed:
        return Committed(tuple(self._envelopes), self.wake_senders, self.label)


class Hands(Protocol):
    """This process's senders, as far as they are free: texts need not wait for a commit and a look to be claimed."""

    def claim(self, uow: UnitOfWork, texts: Sequence[dict[str, Any]]) -> list[Any]:
        """Mark as claimed those of these new rows that can be called at once; one claim for each, its id the row's."""
        ...

    def call(self, claims: Sequence[Any]) -> None: ...
    def let_go(self, claims: Sequence[Any]) -> None: ...


class Ledger:
    """The ledger as it is handed to doors and processes: an engine, keys, a clock, and who wants to know of commits."""

    def __init__(
        self, engine: Engine, keys: Keys, clock: Clock, zone: tzinfo, *, brokered: bool, limits: Limits | None = None
    ) -> None:
        self.engine, self.keys, self.clock, self.zone, self.brokered = engine, keys, clock, zone, brokered
        self.limits = limits or Limits()
        self.authenticators = clock.base if isinstance(clock, DemoClock) else clock
        self.postgres = engine.dialect.name == "postgresql"
        self.on_commit: list[Callable[[Committed], None]] = []
        self.hands: Hands | None = None
        self._lock = None if self.postgres else WriterLock()
        self._reading = {"isolation_level": "AUTOCOMMIT"} if self.postgres else {"stopline_read": True}

    @contextmanager
    def begin(self, label: str, urgency: int = ROUTINE) -> Iterator[UnitOfWork]:
        """A transaction that commits when the block ends well. `label` names it for fail-points and logs.

        Raises LedgerAway when the database is away or locked; then nothing was stored, unless the answer to the
        commit itself was lost: every caller may therefore do the same again.
        """
        uow: UnitOfWork | None = None
        try:
            with self._lock.held(urgency) if self._lock else nullcontext(), translated():
                with self._connected(urgency) as conn, conn.begin() as transaction:
                    uow = UnitOfWork(self, conn, self.clock.now(), label)
                    yield uow
                    uow.flush()
                    failpoints.hit("before-commit", label)
                    transaction.commit()
                failpoints.hit("after-commit", label)
        except BaseException:
            if uow and uow.claims and self.hands:
                self.hands.let_go(uow.claims)  # not committed, or nobody knows: nobody is called
            raise
        if uow.claims and self.hands:
            self.hands.call(uow.claims)
        for hook in self.on_commit:
            hook(uow.committed())

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading only: each statement sees what is committed by then, which needs no transaction."""
        with translated(), self._connected(ROUTINE) as conn:
            yield conn.execution_options(**self._reading)

    @contextmanager
    def _connected(self, urgency: int) -> Iterator[Connection]:
        """A connection that is cut when it is held for too long, rolling back and giving back included."""
        seconds = patience.DOOR_S if urgency == DOOR else patience.LONGEST_S
        conn = self.engine.connect()
        raw = conn.connection.driver_connection
        with patience.at_most(seconds, raw) if self.postgres else nullcontext(), conn:
            yield conn


__all__ = ["DOOR", "ROUTINE", "URGENT", "Case", "Committed", "Insert", "Ledger", "UnitOfWork", "connect", "translated"]
