"""The ledger as its keeper has it (台账责任人): the own college's records, what each line of it still lacks, and family
and source of the money once a reason was given, which the office reads.

In a list a field is opened only to see whether something stands in it; what stands there is given by `line` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Select, Text, and_, literal_column, or_, select

from ledger import fraud
from ledger import tables as t
from ledger.care.closing import BACKGROUND
from ledger.events import BackgroundRead, BackgroundRecorded
from ledger.export import export_rows
from ledger.export.export_rows import Record, Scope
from ledger.pages import views
from ledger.staff import accounts
from ledger.staff.accounts import User
from ledger.store import anchors
from ledger.store.crypto import Keys, Lenient
from ledger.store.statements import among, number
from ledger.store.unit_of_work import Case, UnitOfWork

SHOWN = 50  # rows of a page
OPEN, CLOSED = PARTS = ("open", "closed")
TEXTS = ("narrative", *BACKGROUND)
COLUMNS = (*TEXTS, "talks")  # what the plan has the ledger say: 案件经过, 家庭情况, 被骗资金来源; 咨询、矫正、疏导
_READ = literal_column(f"'{BackgroundRead.type}'", Text)  # as the index over them has it
c, e, f, k = t.cases.c, t.case_events.c, t.follow_ups.c, t.contacts.c
_TALKED = select(k.follow_up_id).where(among(k.follow_up_id, "records"), k.reached).distinct()


@dataclass(frozen=True)
class KeptRow:
    """One record of the list, of nobody by name. part: one of PARTS; lacks: of COLUMNS, in their order."""

    code: str
    class_name: str
    kind: str
    received_at: datetime
    state: str
    part: str
    overdue: bool
    lacks: tuple[str, ...]
    erased: bool
    unreadable: bool


@dataclass(frozen=True)
class Line:
    """One record opened. `written`: of family and source of the money, when staff wrote it last, by which account."""

    record: Record
    lacks: tuple[str, ...]
    written: Mapping[str, tuple[datetime, str]]

    @property
    def background(self) -> tuple[str, ...]:
        """Which of family and source of the money are read and completed here."""
        return tuple(name for name in BACKGROUND if name not in fraud.unasked(self.record.fraud_type))


@dataclass(frozen=True)
class Reading:
    """Somebody read family and source of the money. reason None: it cannot be read any more."""

    id: UUID
    at: datetime
    who: str
    code: str
    college: str
    reason: str | None


def listed(
    conn: Connection, keys: Keys, user: User, now: datetime, part: str = OPEN, after: RowMapping | None = None
) -> tuple[list[KeptRow], bool]:
    """Open records, then closed ones, of each the newest report first; and whether there are more.

    `after`: the case with which the page before ended, in `part`.
    """
    found: list[RowMapping] = []
    for it in PARTS[PARTS.index(part) :]:
        if len(found) <= SHOWN:
            found += conn.execute(_of_part(user, it, after)).mappings().all()
        after = None
    rows = found[:SHOWN]
    talked = set(conn.scalars(_TALKED, {"records": [row["record"] for row in rows]})) if rows else set()
    return [_row(keys, row, now, talked) for row in rows], len(found) > SHOWN


def _of_part(user: User, part: str, after: RowMapping | None) -> Select[Any]:
    in_part = f.closed_at.is_(None) if part == OPEN else f.closed_at.is_not(None)
    query = (
        select(t.cases, f.id.label("record"), f.state.label("care"), f.closed_at.label("care_closed_at"),
               f.next_due_at, f.seen_at, t.classes.c.name.label("class_name"))
        .join(t.follow_ups, f.case_id == c.id)
        .outerjoin(t.people, t.people.c.id == c.victim_id)
        .outerjoin(t.classes, t.classes.c.code == t.people.c.class_code)
        .where(views.of_keeper(c.college_code, c.drill, user), in_part)
        .order_by(c.received_at.desc(), c.id.desc())
        .limit(number(SHOWN + 1))
    )  # fmt: skip
    if after is None:
        return query
    at = after["received_at"]
    return query.where(and_(c.received_at <= at, or_(c.received_at < at, c.id < after["id"])))


def _row(keys: Keys, row: RowMapping, now: datetime, talked: set[UUID]) -> KeptRow:
    key, closed = export_rows.lenient(keys, row), row["care_closed_at"] is not None
    lacks = _lacks(key, row, talked=row["record"] in talked or row["seen_at"] is not None)
    due = None if closed else row["next_due_at"]
    return KeptRow(
        row["code"], row["class_name"] or "", row["kind"], row["received_at"], row["care"], CLOSED if closed else OPEN,
        bool(due and due <= now), lacks if key.secret else (), not row["row_key"], bool(key.failed),
    )  # fmt: skip


def _lacks(key: Lenient, case: RowMapping, *, talked: bool) -> tuple[str, ...]:
    """What cannot be read is not missing: somebody wrote it. Nor is what nobody is to ask."""
    there = {name for name in TEXTS if key.open("cases", case["id"], name, case[f"{name}_sealed"])}
    there |= {*key.failed, *(("talks",) if talked else ()), *fraud.unasked(case["fraud_type"])}
    return tuple(name for name in COLUMNS if name not in there)


def line(conn: Connection, keys: Keys, user: User, case: RowMapping, now: datetime, *, reasoned: bool) -> Line:
    """A case that `views.find_case` gave to this user; family and source of the money only where it is `reasoned`.

    Raises KeyMissing or Tampered where it cannot be opened any more.
    """
    key = keys.unwrap(case["id"], case["row_key"]).lenient()
    record = export_rows.of_case(conn, keys, Scope(user, reads=False, background=reasoned), case["id"], now)
    talked = any(it.reached for it in record.contacts) or record.referral in ("seen", "waived")
    return Line(record, _lacks(key, case, talked=talked), _written(conn, case["id"]))


def _written(conn: Connection, case_id: UUID) -> dict[str, tuple[datetime, str]]:
    query = select(e.at, e.actor, e.data).where(e.case_id == case_id, e.type == BackgroundRecorded.type)
    rows = conn.execute(query.order_by(e.seq)).all()
    names = accounts.names(conn, {row.actor for row in rows})
    return {name: (row.at, names[row.actor]) for row in rows for name in row.data["fields"]}


def note(uow: UnitOfWork, case: Case, reason: str, actor: str) -> None:
    """Before anything is shown. The reason is sealed with the case; the access log knows that it was read, by whom."""
    uow.append(case, BackgroundRead(), actor, reason)
    anchors.log_reads(uow, actor, "background.read", [f"case:{case.id}"])


def readings(conn: Connection, keys: Keys, before: UUID | None) -> tuple[list[Reading], bool]:
    """For the office: the newest first, and whether there are older ones. `before`: with which the last page ended."""
    query = (
        select(e.id, e.at, e.actor, e.sealed, c.code, c.id.label("case_id"), c.row_key, t.colleges.c.name)
        .join(t.cases, c.id == e.case_id)
        .outerjoin(t.colleges, t.colleges.c.code == c.college_code)
        .where(e.type == _READ)
        .order_by(e.id.desc())
        .limit(number(SHOWN + 1))
    )
    rows = conn.execute(query.where(e.id < before) if before else query).mappings().all()
    names = accounts.names(conn, {row["actor"] for row in rows})
    return [_reading(keys, row, names) for row in rows[:SHOWN]], len(rows) > SHOWN


def _reading(keys: Keys, row: RowMapping, names: Mapping[str, str]) -> Reading:
    key = export_rows.lenient(keys, {"id": row["case_id"], "row_key": row["row_key"]})
    reason = key.open("case_events", row["id"], "sealed", row["sealed"])
    return Reading(row["id"], row["at"], names[row["actor"]], row["code"], row["name"] or "", reason)
