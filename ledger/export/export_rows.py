"""The records of an export, some hundred at a time: filtered by who asks, field by field.

Each batch takes as many statements as any other, on a connection of its own: a file of years is no long transaction.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Uuid, and_, exists, func, literal, or_, select

from ledger import fraud
from ledger import tables as t
from ledger.care.closing import BACKGROUND
from ledger.errors import KeyMissing, Tampered
from ledger.events import ContactWaived
from ledger.export.exports import Span
from ledger.pages import care_views
from ledger.pages.care_views import HEALTH, ContactRow
from ledger.pages.views import all_of
from ledger.police import acknowledgement
from ledger.reporting import additions
from ledger.staff.accounts import User
from ledger.states import FIRST_DUTIES
from ledger.store.crypto import Keys, Lenient
from ledger.store.statements import among, number, one_of
from ledger.store.unit_of_work import Ledger

log = structlog.get_logger()
T = TypeVar("T")
BATCH = 300
GIVE_WAY_S = 0.0001
_FROM_THE_FIRST = literal(UUID(int=0), Uuid)  # a period is of the time of reports, not of ids
c, o, f, k, x, p = t.cases.c, t.obligations.c, t.follow_ups.c, t.contacts.c, t.transfers.c, t.people.c
e = t.case_events.c
_earlier = t.cases.alias("earlier")
_STUDENTS = (
    select(p.id, p.row_key, p.name_sealed, p.student_no_sealed, t.classes.c.name.label("class_name"))
    .outerjoin(t.classes, t.classes.c.code == p.class_code)
    .where(among(p.id, "ids"))  # also those who have left: what happened while they were here stays theirs
)
_SUMS = (
    select(x.case_id, x.currency, func.sum(x.amount_fen).label("fen"))
    .where(among(x.case_id, "ids"))
    .group_by(x.case_id, x.currency)
    .order_by(x.case_id, x.currency)
)
_POLICE = select(o.case_id, o.state, acknowledgement.first_taken().label("acknowledged_at"), o.filed_at).where(
    among(o.case_id, "ids"), one_of(o.kind, FIRST_DUTIES)
)
# The answer to a referral has its time.
_WAIVED = exists().where(e.case_id == c.id, e.type == ContactWaived.type, e.at == f.seen_at)
_CONTACTS = select(t.contacts).where(among(k.follow_up_id, "ids")).order_by(k.due_at)


@dataclass(frozen=True)
class Scope:
    """Whose records (None: everybody's). May be read: `reads`, what was said; `background`, family and money."""

    user: User | None
    reads: bool
    background: bool


WHOLE = Scope(None, reads=True, background=True)


def scope_of(user: User) -> Scope:
    return Scope(user, reads=user.role in HEALTH, background=user.role in (*HEALTH, "keeper"))


@dataclass(frozen=True)
class Record:
    """One line of the ledger; what the scope does not let be read is empty. `sums`: currency → fen.

    Minutes are whole ones from the report; None: not yet. `erased`, `unreadable`: why fields may be empty. `presumed`:
    whose it is was found by phone alone. `same_as`: the code of an earlier report, perhaps of the same fraud. `apart`:
    the police may question who it is about; what happened and where money came from is in no file then.
    """

    id: UUID
    code: str
    kind: str
    received_at: datetime
    college: str
    class_name: str
    student: str
    student_no: str
    fraud_type: str
    sums: Mapping[str, int]
    police: str
    to_take_min: int | None
    to_file_min: int | None
    narrative: str
    family: str
    money_source: str
    contacts: Sequence[ContactRow]
    referral: str  # none: empty · asked · seen · waived: the record was, and the student is left in peace
    care: str
    next_due_at: datetime | None
    overdue: bool
    presumed: bool
    same_as: str
    withdrawn: bool
    erased: bool
    unreadable: bool
    apart: bool


def gently(those: Iterable[T]) -> Iterator[T]:
    """One by one, giving way after each: a door of this process may be ringing somebody.

    Of threads one runs at a time, and one that only computes keeps the others waiting for 5 ms at each of their steps.
    """
    for it in those:
        yield it
        time.sleep(GIVE_WAY_S)


def count(conn: Connection, scope: Scope, span: Span) -> int:
    return conn.execute(select(func.count()).select_from(t.cases).where(*_theirs(scope, span))).scalar_one()


def batches(ledger: Ledger, scope: Scope, span: Span) -> Iterator[list[Record]]:
    """All of them in the order in which they were reported, each as it stands when its batch is read."""
    query = page = _listed(scope, span)
    while True:
        with ledger.read() as conn:
            rows = conn.execute(page).mappings().all()
            made = _records(conn, ledger.keys, scope, rows, ledger.clock.now())
        if made:
            yield made
        if len(rows) < BATCH:
            return
        page = query.where(_beyond(rows[-1]))


def _theirs(scope: Scope, span: Span) -> list[ColumnElement[bool]]:
    """Drills are no cases of anybody's."""
    wanted = [~c.drill, c.received_at <= span.until]
    if span.since:
        wanted.append(c.received_at >= span.since)
    theirs = all_of(scope.user, _FROM_THE_FIRST) if scope.user else None
    return wanted if theirs is None else [*wanted, c.id.in_(select(theirs.cte("theirs")))]


_LINES = (
    select(t.cases, f.id.label("record"), f.state.label("care"), f.referred_at, f.seen_at, f.next_due_at,
           f.closed_at.label("care_closed_at"), _WAIVED.label("waived"), t.colleges.c.name.label("college"),
           _earlier.c.code.label("same_as"))
    .outerjoin(t.follow_ups, f.case_id == c.id)
    .outerjoin(_earlier, _earlier.c.id == c.linked_to)
    .outerjoin(t.colleges, t.colleges.c.code == c.college_code)
)  # fmt: skip


def _listed(scope: Scope, span: Span) -> Select[Any]:
    return _LINES.where(*_theirs(scope, span)).order_by(c.received_at, c.id).limit(number(BATCH))


def of_case(conn: Connection, keys: Keys, scope: Scope, case_id: UUID, now: datetime) -> Record:
    """The line of one case, which `views.find_case` gave to this user."""
    return _records(conn, keys, scope, conn.execute(_LINES.where(c.id == case_id)).mappings().all(), now)[0]


def _beyond(last: RowMapping) -> ColumnElement[bool]:
    at, same = last["received_at"], and_(c.received_at == last["received_at"], c.id > last["id"])
    return and_(c.received_at >= at, or_(c.received_at > at, same))


def _records(
    conn: Connection, keys: Keys, scope: Scope, rows: Sequence[RowMapping], now: datetime
) -> list[Record]:  # fmt: skip
    if not rows:
        return []
    cases = {"ids": [row["id"] for row in rows]}
    students = conn.execute(_STUDENTS, {"ids": [row["victim_id"] for row in rows if row["victim_id"]]}).mappings()
    known = {student["id"]: student for student in students}
    sums: dict[UUID, dict[str, int]] = {}
    for case_id, currency, fen in conn.execute(_SUMS, cases):
        sums.setdefault(case_id, {})[currency] = int(fen)
    police = {it["case_id"]: it for it in conn.execute(_POLICE, cases).mappings()}
    contacts: dict[UUID, list[RowMapping]] = {}
    for it in conn.execute(_CONTACTS, {"ids": [row["record"] for row in rows if row["record"]]}).mappings():
        contacts.setdefault(it["follow_up_id"], []).append(it)
    # On behalf of somebody whom the roster does not know, the only name is the one that the reporter gave.
    unnamed = [row["id"] for row in rows if row["for_whom"] != "self" and row["victim_id"] is None]
    answers: dict[UUID, list[RowMapping]] = {}
    for it in conn.execute(additions.ANSWERS, {"cases": unnamed}).mappings():
        answers.setdefault(it["case_id"], []).append(it)
    return [
        _record(keys, scope, row, known.get(row["victim_id"]), sums.get(row["id"], {}), police.get(row["id"]),
                contacts.get(row["record"], []), answers.get(row["id"], []), now)
        for row in gently(rows)
    ]  # fmt: skip


def lenient(keys: Keys, row: Mapping[Any, Any]) -> Lenient:
    """Of a row with its `id` and `row_key`: one spoiled field or row must not keep a school from its ledger."""
    try:
        return keys.unwrap(row["id"], row["row_key"]).lenient() if row["row_key"] else Lenient(b"")
    except (KeyMissing, Tampered):
        return Lenient(b"", ["row_key"])


def _record(
    keys: Keys, scope: Scope, row: RowMapping, student: RowMapping | None, sums: Mapping[str, int],
    police: RowMapping | None, contacts: Sequence[RowMapping], answers: Sequence[RowMapping], now: datetime,
) -> Record:  # fmt: skip
    key = lenient(keys, row)
    unasked = fraud.unasked(row["fraud_type"])

    def opened(column: str) -> str:
        return "" if column in unasked else key.open("cases", row["id"], column, row[f"{column}_sealed"]) or ""

    name, student_no, spoiled = _named(keys, student)
    family, money_source = (opened(name) if scope.background else "" for name in BACKGROUND)
    due = None if row["care_closed_at"] else row["next_due_at"]
    own = row["for_whom"] == "self"  # on behalf of somebody, what was typed of the reporter is not the student's
    named = next((said for _, said in additions.told(additions.opened(key, answers), "who", "name")), "")
    made = Record(
        row["id"], row["code"], row["kind"], row["received_at"], row["college"] or "",
        (student["class_name"] if student else "") or "",
        name or (opened("name") if own else named), student_no or (opened("student_no") if own else ""),
        row["fraud_type"] or "", sums,
        police["state"] if police else "", _minutes(row, police, "acknowledged_at"), _minutes(row, police, "filed_at"),
        opened("narrative"), family, money_source,
        [care_views.contact_row(key, it, reads=scope.reads) for it in contacts],
        _referral(row), row["care"] or "", due,
        bool(due and due <= now), row["match_grade"] == "phone", row["same_as"] or "",
        row["withdrawal_at"] is not None, not row["row_key"], bool(spoiled or key.failed),
        fraud.questioned(row["fraud_type"]),
    )  # fmt: skip
    if made.unreadable:
        log.error("record_unreadable", case=str(row["id"]), fields=sorted({*spoiled, *key.failed}))
    return made


def _referral(row: RowMapping) -> str:
    if not row["referred_at"]:
        return ""
    return "waived" if row["waived"] else "seen" if row["seen_at"] else "asked"


def _named(keys: Keys, student: RowMapping | None) -> tuple[str, str, list[str]]:
    """Name and number as the roster knows them, and what of it could not be read."""
    if student is None:
        return "", "", []
    key = lenient(keys, student)
    found = [key.open("people", student["id"], it, student[f"{it}_sealed"]) or "" for it in ("name", "student_no")]
    return found[0], found[1], key.failed


def _minutes(case: RowMapping, police: RowMapping | None, what: str) -> int | None:
    at = police[what] if police else None
    return max(0, int((at - case["received_at"]).total_seconds()) // 60) if at else None
