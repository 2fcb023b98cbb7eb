"""One transaction: state, events and work rows together, and the only `commit()` in the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, Insert, RowMapping, Table, create_engine, event, insert, make_url, select
from sqlalchemy import exc as sql_errors
from sqlalchemy.dialects import postgresql, sqlite

from ledger import audit, failpoints, patience
from ledger import events as ev
from ledger import tables as t
from ledger.clock import Clock, DemoClock
from ledger.crypto import Keys, RowKey
from ledger.errors import LedgerAway, NotFound
from ledger.limits import Limits
from ledger.writer_lock import WriterLock

# The door goes before everything else: an accepted report is worth more than any step taken for an older one.
DOOR, URGENT, ROUTINE = 0, 1, 2
PUBLISH_GRACE = timedelta(seconds=1)  # the committing process publishes at once; after this the sweep may


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
            query = select(t.cases).where(t.cases.c.id == case_id)
            query = query.with_for_update(key_share=True, skip_locked=not wait)
            row = self.conn.execute(query).mappings().one_or_none()
            if row is None:
                return None
            key = self.keys.unwrap(case_id, row["row_key"])
            self.hold(Case(case_id, row["code"], key, row, row["last_seq"], row["chain_head"]))
        return self._cases[case_id]

    def hold(self, case: Case) -> None:
        self._cases[case.id] = case

    def append(self, case: Case, event: ev.Event, actor: str, sealed: str | None = None) -> UUID:
        """Append an event to the case's chain, with one work row for each queue that consumes its type."""
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
        self._touched.add(case.id)
        for queue in event.consumers:
            self._work.append(
                {"event_id": event_id, "queue": queue, "priority": ev.PRIORITY[queue], "available_at": self.now}
            )
        if event.consumers:
            self._envelopes.append(ev.Envelope(event_id, event.type, self.now, case.id, data))
        return event_id

    def text(self, row: dict[str, Any]) -> None:
        self._texts.append(row)
        self.wake_senders = True

    def upsert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT of the database's own kind, which knows ON CONFLICT."""
        return postgresql.insert(table) if self.ledger.postgres else sqlite.insert(table)

    def flush(self) -> None:
        if self._events:
            self.conn.execute(insert(t.case_events), self._events)
        if self._work:
            self.conn.execute(insert(t.work), self._work)
        if self._texts:
            self.conn.execute(self.upsert(t.deliveries).on_conflict_do_nothing(), self._texts)
        for case_id in self._touched:
            case = self._cases[case_id]
            self.conn.execute(
                t.cases.update().where(t.cases.c.id == case_id).values(last_seq=case.seq, chain_head=case.head)
            )
        self._events, self._work, self._texts, self._touched = [], [], [], set()

    def committed(self) -> Committed:
        return Committed(tuple(self._envelopes), self.wake_senders, self.label)


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
        self._lock = None if self.postgres else WriterLock()

    @contextmanager
    def begin(self, label: str, urgency: int = ROUTINE) -> Iterator[UnitOfWork]:
        """A transaction that commits when the block ends well. `label` names it for fail-points and logs.

        Raises LedgerAway when the database is away or locked; then nothing was stored, unless the answer to the
        commit itself was lost: every caller may therefore do the same again.
        """
        with self._lock.held(urgency) if self._lock else nullcontext(), translated():
            with self._connected(urgency) as conn, conn.begin() as transaction:
                uow = UnitOfWork(self, conn, self.clock.now(), label)
                yield uow
                uow.flush()
                failpoints.hit("before-commit", label)
                transaction.commit()
            failpoints.hit("after-commit", label)
        for hook in self.on_commit:
            hook(uow.committed())

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading only."""
        with translated(), self._connected(ROUTINE) as conn:
            yield conn.execution_options(stopline_read=True)

    @contextmanager
    def _connected(self, urgency: int) -> Iterator[Connection]:
        """A connection that is cut when it is held for too long, rolling back and giving back included."""
        seconds = patience.DOOR_S if urgency == DOOR else patience.LONGEST_S
        conn = self.engine.connect()
        raw = conn.connection.driver_connection
        with patience.at_most(seconds, raw) if self.postgres else nullcontext(), conn:
            yield conn


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    # InternalError: a transaction ended by its idle time-out, or a standby that is read-only until it is promoted.
    except (sql_errors.OperationalError, sql_errors.InterfaceError, sql_errors.InternalError,
            sql_errors.TimeoutError) as error:  # fmt: skip
        # The driver's text can hold values; only its kind goes further.
        raise LedgerAway(f"{LedgerAway.__doc__} ({type(error.__cause__ or error).__name__})") from error


def connect(url: str, pool_size: int = 16) -> Engine:
    """An engine for SQLite (WAL, fsync on every commit, writers announce themselves) or PostgreSQL (psycopg 3)."""
    if make_url(url).get_backend_name() == "postgresql":
        # A process that is paused inside a transaction must not hold its locks for ever.
        options = "-c lock_timeout=5000 -c statement_timeout=15000 -c idle_in_transaction_session_timeout=10000"
        arguments = {
            "connect_timeout": 3,
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "options": options,
        }
        engine = create_engine(url, pool_size=pool_size, max_overflow=16, pool_timeout=5, pool_pre_ping=True,
                               connect_args=arguments, hide_parameters=True)  # fmt: skip
        patience.ping_patiently(engine)
        return engine
    engine = create_engine(url, pool_size=pool_size, max_overflow=48, connect_args={"timeout": 5}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # this file begins transactions itself
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(conn: Connection) -> None:
    # A reader that becomes a writer in mid-transaction fails at once under WAL, so writers say so at the beginning.
    reading = conn.get_execution_options().get("stopline_read", False)
    conn.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


__all__ = ["DOOR", "ROUTINE", "URGENT", "Case", "Committed", "Insert", "Ledger", "UnitOfWork", "connect", "translated"]
