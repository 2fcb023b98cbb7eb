"""One transaction: state, events and work rows together, and the only `commit()` in the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Connection, Engine, RowMapping, Select, Table
from sqlalchemy.dialects import postgresql, sqlite

from ledger import events as ev
from ledger import tables as t
from ledger.errors import KeyMissing, NotFound, Tampered
from ledger.store import chain, failpoints, kept, patience
from ledger.store.case import LOCKED, LOCKED_IF_FREE, LOCKED_OF_TEXT, THOSE_FREE, Case
from ledger.store.clock import Clock, DemoClock
from ledger.store.crypto import Keys
from ledger.store.engine import translated
from ledger.store.hands import Committed, Hands
from ledger.store.limits import Limits
from ledger.store.statements import by_id, insert_new, one_or_many
from ledger.store.writer_lock import WriterLock
from ledger.store.writes import Writes

# The door goes first, as a rule: an accepted report is worth more than any step taken for an older one. Who has been
# overtaken often enough has a turn all the same (ledger/store/writer_lock.py).
DOOR, URGENT, ROUTINE = 0, 1, 2
PUBLISH_GRACE = timedelta(seconds=1)  # the committing process publishes at once; after this the sweep may

log = structlog.get_logger()
T = TypeVar("T")


@dataclass
class UnitOfWork:
    """A transaction: the cases that it has locked, what it has read, and what it is to write at its end.

    `label` names it for fail-points and logs; `now` is the same for all that happens in it.
    """

    ledger: Ledger
    conn: Connection
    now: datetime
    label: str
    _events: list[dict[str, Any]] = field(default_factory=list)
    _work: list[dict[str, Any]] = field(default_factory=list)
    _texts: list[dict[str, Any]] = field(default_factory=list)
    _envelopes: list[ev.Envelope] = field(default_factory=list)
    _cases: dict[UUID, Case] = field(default_factory=dict)
    _batch: set[UUID] = field(default_factory=set)  # cases of which each is handled alike, see try_cases
    _asked: dict[Any, dict[UUID, list[Any]]] = field(default_factory=dict)
    _once: dict[Any, Any] = field(default_factory=dict)
    _writes: Writes = field(default_factory=Writes)
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

    def readable(self, case_id: UUID) -> Case | None:
        """The same for one among others; None where it cannot be opened, since they must not wait for it."""
        try:
            return self.case(case_id)
        except (KeyMissing, Tampered):
            log.error("case_unreadable", case=str(case_id))
            return None

    def case_of(self, text: UUID) -> Case | None:
        """The case that a text is about, locked; None where it is about none, or about one that cannot be opened."""
        row = self.conn.execute(LOCKED_OF_TEXT, {"this": text}).mappings().one_or_none()
        if row is None:
            return None
        try:
            if row["id"] not in self._cases:
                self._open(row)
        except (KeyMissing, Tampered):
            log.error("case_unreadable", case=str(row["id"]))
        return self._cases.get(row["id"])

    def try_case(self, case_id: UUID, *, wait: bool = False) -> Case | None:
        """The case, locked, or None while somebody else has it: for steps that come round again anyway."""
        if case_id not in self._cases:
            row = self.conn.execute(LOCKED if wait else LOCKED_IF_FREE, {"this": case_id}).mappings().one_or_none()
            if row is None:
                return None
            self._open(row)
        return self._cases[case_id]

    def locks(self, case_id: UUID) -> bool:
        """Lock the case without opening it, which may be what fails. False while somebody else has it."""
        return self.conn.execute(LOCKED_IF_FREE, {"this": case_id}).first() is not None

    def try_cases(self, case_ids: Sequence[UUID]) -> set[UUID]:
        """Lock those of these cases that nobody else has, without waiting for any; the ids of those it has now.

        They are a batch: what `of_case` reads of one is read of all, since the same is about to be done with each.
        """
        wanted = [case_id for case_id in case_ids if case_id not in self._cases]
        for row in self.conn.execute(THOSE_FREE, {"these": wanted}).mappings() if wanted else ():
            self._open(row)
        self._batch |= self._cases.keys() & set(case_ids)
        return self._cases.keys() & set(case_ids)

    def _open(self, row: RowMapping) -> None:
        key = self.keys.unwrap(row["id"], row["row_key"])
        self.hold(Case(row["id"], row["code"], key, row, row["last_seq"], row["chain_head"]))

    def take_rows(self, statement: Select[Any], case: Case, **more: Any) -> list[RowMapping]:
        """The case's rows by a statement that asks for those of `cases`. Taken once; whoever asks again reads anew."""
        known = self._asked.setdefault((statement, *more.items()), {})
        if case.id not in known:
            self.write_changes()
            ids = self._batch if self.together(case) else {case.id}
            known |= {case_id: [] for case_id in ids}
            for row in self.conn.execute(statement, {"cases": list(ids), **more}).mappings():
                known[row["case_id"]].append(row)
        return known.pop(case.id)

    def together(self, case: Case) -> bool:
        """Whether it is one of a batch."""
        return case.id in self._batch

    def put_rows(self, statement: Select[Any], case: Case, rows: Sequence[Mapping[Any, Any]], **more: Any) -> None:
        """What `take_rows` would find: rows that this transaction has just written, whole."""
        self._asked.setdefault((statement, *more.items()), {})[case.id] = list(rows)

    def once(self, key: Any, read: Callable[[], T]) -> T:
        """What does not change in a transaction, such as who is on duty: read once, however many cases it has."""
        if key not in self._once:
            self._once[key] = read()
        return self._once[key]  # type: ignore[no-any-return]  # what was read under this key

    def of_roster(self, key: Any, read: Callable[[], T]) -> T:
        """What changes with the roster alone, such as a ladder: read only where the roster is another than before."""
        return self.ledger.kept.of(self.once("edition", lambda: kept.edition(self.conn)), key, read)

    def foreseen(self, known: Mapping[Any, Any]) -> None:
        """What `once` need not read any more."""
        self._once |= known

    def in_hand(self, case_id: UUID) -> Case | None:
        return self._cases.get(case_id)

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
        event_id, data = t.new_id(), chain.plain(event.data(drill=case.row["drill"]))
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
        case.head = row["mac"] = self.keys.chain(case.head, chain.entry(row))
        told = event.published or event.consumers  # whether anybody is
        row["publish_after"] = self.now + PUBLISH_GRACE if told and self.ledger.brokered else None
        self._events.append(row)
        for queue in event.consumers:
            self._work.append(
                {"event_id": event_id, "queue": queue, "priority": ev.PRIORITY[queue], "available_at": self.now}
            )
        if told:
            self._envelopes.append(ev.Envelope(event_id, event.type, self.now, case.id, data))
        return event_id

    def change(self, table: Table, row: UUID, values: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Set these columns of one row, now."""
        self.write_changes()
        written = {**(values or {}), **more}
        self.conn.execute(by_id(table), {"this": row, **written})
        if table is t.cases and row in self._cases:  # the last word holds: what was to be written at the end gives way
            case = self._cases[row]
            case.changes = {name: value for name, value in case.changes.items() if name not in written}

    def change_later(self, table: Table, row: UUID, values: Mapping[str, Any]) -> None:
        """The same, but with the next change or look at what may have changed, and with all that is to be written."""
        self._writes.change(table, row, values)

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows to be written then, too."""
        self._writes.insert(table, rows)

    def insert_first(self, table: Table, row: Mapping[str, Any]) -> None:
        """The same for a row that all others depend on: if it is there already, this ends with AlreadyThere."""
        self._writes.insert_first(table, row)

    def write_changes(self) -> None:
        self._writes.send(self.conn)

    def text(self, row: dict[str, Any]) -> None:
        """A row of deliveries, written at the end; one with the same `dedup` may be there already, and stays."""
        self._texts.append(row)

    def unwritten(self, to_index: bytes | None) -> list[dict[str, Any]]:
        """Texts to this number that the database does not know of yet."""
        return [row for row in self._texts if row["to_index"] == to_index]

    def insert_new(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
        """The ids of those rows that were not there before; whatever is unique about them decides."""
        self.write_changes()
        return set(self.conn.scalars(insert_new(table, self.ledger.postgres), one_or_many(rows)))

    def upsert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT of the database's own kind, which knows ON CONFLICT."""
        return postgresql.insert(table) if self.ledger.postgres else sqlite.insert(table)

    def flush(self) -> None:
        """Write all that is gathered, together; texts that a sender of this process can call at once, claimed."""
        if self._events:
            self.insert(t.case_events, self._events)
        if self._work:
            self.insert(t.work, self._work)
        claims = self._claim_texts()
        self._writes.insert(t.deliveries, self._texts, new=True)
        for case in self._cases.values():
            if case.id in self._touched:
                case.changes |= {"last_seq": case.seq, "chain_head": case.head}
            if case.changes:
                self.change_later(t.cases, case.id, case.changes)
            case.changes = {}
        self._events, self._work, self._texts, self._touched = [], [], [], set()
        new = self._writes.send(self.conn)
        # A text that had been written before is somebody else's: only what is new here may be called.
        if known := [it for it in claims if it.id not in new]:
            self.ledger.hands.let_go(known)  # type: ignore[union-attr]  # they have claimed them
            self.claims = [it for it in self.claims if it not in known]

    def _claim_texts(self) -> list[Any]:
        """Those that a sender of this process can call at once are claimed as they are written."""
        hands = self.ledger.hands
        claims = hands.claim(self, self._texts) if hands and self._texts else []
        self.wake_senders |= len(claims) < len(self._texts)
        self.claims += claims
        return claims

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
        self.hands: Hands | None = None
        self.kept = kept.Kept()
        self.left: dict[UUID, tuple[datetime, datetime]] = {}  # rows of keys that it has not: see keyring.leave
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


__all__ = ["DOOR", "ROUTINE", "URGENT", "Case", "Ledger", "UnitOfWork"]
