"""Contacts that fell due and were kept in time (跟进按时), by day and college: counted once, two hours after the day.

What was counted stays as it is, whatever becomes of the case: so a year's figures read a row for each day and college,
and no contact. Nobody owes a contact that was taken back, or whose record was closed, before it fell due. Those of a
student whom the police may question are counted apart with their case, so not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, insert, or_, select
from sqlalchemy import case as sql_case

from ledger import followups
from ledger import tables as t
from ledger.pages.views import apart, own_college
from ledger.school.schoolrows import DEFAULT
from ledger.staff.accounts import User
from ledger.store.unit_of_work import Ledger, UnitOfWork

SETTLED = timedelta(hours=2)  # what was held up, in the spool or a parked row, may still come
COUNTED = DEFAULT  # in place of a college: that the day was counted, also where nothing fell due
c, f, k, y = t.cases.c, t.follow_ups.c, t.contacts.c, t.contact_days.c

_LAST = select(func.max(y.day))
_FIRST = select(func.min(k.due_at, type_=t.UtcTime)).where(k.due_at >= bindparam("since"))


@dataclass(frozen=True)
class Kept:
    """Of the `due` contacts as many were `kept` in time."""

    due: int = 0
    kept: int = 0


def count_one(ledger: Ledger) -> bool:
    """Count the next day that is over since SETTLED, from this year's first contact on; whether there was one."""
    today = (ledger.clock.now() - SETTLED).astimezone(ledger.zone).date()
    with ledger.read() as conn:
        day = _next(conn, today, ledger.zone)
    if day is None or day >= today:
        return False
    with ledger.begin("contact-day") as uow:
        _count(uow, day)
    return True


def _next(conn: Connection, today: date, zone: tzinfo) -> date | None:
    if (before := last(conn)) is not None:
        return before + timedelta(days=1)
    first: datetime | None = conn.execute(_FIRST, {"since": _begins(date(today.year, 1, 1), zone)}).scalar_one()
    return first.astimezone(zone).date() if first else None


def _begins(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _count(uow: UnitOfWork, day: date) -> None:
    """Of two clocks that count the same day the second waits for the first, and adds nothing."""
    counted = {"day": day, "college_code": COUNTED, "due": 0, "kept": 0}
    mine = uow.upsert(t.contact_days).values(counted).on_conflict_do_nothing().returning(y.day)
    if uow.conn.execute(mine).first() is None:
        return
    found = uow.conn.execute(_of(_begins(day, uow.zone), _begins(day + timedelta(days=1), uow.zone))).all()
    rows = [{"day": day, "college_code": row.college or "", "due": row.due, "kept": row.kept} for row in found]
    if rows:
        uow.conn.execute(insert(t.contact_days), rows)


def _of(since: datetime, until: datetime) -> Any:
    kept = _in_time()
    return (
        select(c.college_code.label("college"), func.count().label("due"),
               func.count(sql_case((kept, 1))).label("kept"))
        .select_from(t.contacts)
        .join(t.follow_ups, f.id == k.follow_up_id)
        .join(t.cases, c.id == f.case_id)
        .where(k.due_at >= since, k.due_at < until, ~c.drill, ~apart(),
               ~k.kind.startswith(followups.EXTRA, autoescape=True),
               or_(k.taken_back_at.is_(None), k.taken_back_at > k.due_at),
               or_(kept, f.closed_at.is_(None), f.closed_at > k.due_at))
        .group_by(c.college_code)
    )  # fmt: skip


def _in_time() -> ColumnElement[bool]:
    return and_(k.done_at.is_not(None), k.done_at <= k.due_at, k.taken_back_at.is_(None))


def of_year(conn: Connection, user: User, first: date) -> dict[str | None, Kept]:
    """Since that day, by college as far as this user may see it; None: those of which it is not known."""
    query = (
        select(y.college_code, func.sum(y.due).label("due"), func.sum(y.kept).label("kept"))
        .where(y.day >= first, y.due > 0, own_college(y.college_code, user))
        .group_by(y.college_code)
    )
    return {row.college_code or None: Kept(int(row.due), int(row.kept)) for row in conn.execute(query)}


def is_behind(counted_to: date | None, now: datetime, zone: tzinfo) -> bool:
    """Whether the last day that was counted is older than two days, while one a day should be."""
    return counted_to is not None and counted_to < now.astimezone(zone).date() - timedelta(days=2)


def last(conn: Connection) -> date | None:
    """The last day that was counted; None before the first."""
    found: date | None = conn.execute(_LAST).scalar_one()
    return found
