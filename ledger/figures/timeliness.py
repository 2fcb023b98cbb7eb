"""Reports made here this year, by college: how many, how soon they came and were taken. Never drills; they rank nobody.

Who may be questioned by the police is no victim: to the office such reports are in none of these numbers but one of
their own. To a leader they are reports as any other (views.apart).

One statement reads the reports of the year, and of the last 30 days, by an index, another the follow-ups that are open.
Contacts of the year are counted day by day, see contactdays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, and_, extract, func, or_, select
from sqlalchemy import case as sql_case

from ledger import tables as t
from ledger.figures import contactdays
from ledger.figures.contactdays import Kept
from ledger.pages.views import apart, own_college
from ledger.police import acknowledgement, reviews
from ledger.staff.accounts import User
from ledger.states import FIRST_DUTIES
from ledger.store.statements import one_of

RECENT = timedelta(days=30)
SOON = timedelta(minutes=10)  # within which a report should be taken
c, o, x, f = t.cases.c, t.obligations.c, t.transfers.c, t.follow_ups.c


@dataclass(frozen=True)
class Reports:
    """`year` reports this year; `recent` in the last 30 days, in January some of last year. All others are this year's.

    to_report_min: whole minutes from transfer to report, the median of the `timed` ones. Of the `due`, which are taken
    or older than ten minutes, `soon` were taken within ten. Of the `over` ones `reviewed` have a review (倒查). Of the
    `open` follow-ups, of any year, `on_time` owe no contact. Of the contacts that fell `contacts_due` this year,
    until the last day that was counted, `contacts_kept` were in time. Beside all these, `apart` reports this year are
    of who may be questioned (fraud.APART); a leader is told of none.
    """

    year: int = 0
    recent: int = 0
    to_report_min: int | None = None
    timed: int = 0
    soon: int = 0
    due: int = 0
    reviewed: int = 0
    over: int = 0
    on_time: int = 0
    open: int = 0
    contacts_kept: int = 0
    contacts_due: int = 0
    apart: int = 0


def reports(
    conn: Connection, user: User, now: datetime, new_year: datetime, zone: tzinfo
) -> tuple[dict[str | None, Reports], Reports]:
    """Of each college that has any, and of all that this user may see together."""
    found = {row.college_code: row for row in conn.execute(_by_college(_placed(_each(user, now, new_year)), now))}
    owed = {row.college_code: row for row in conn.execute(_open_follow_ups(user, now))}
    kept = contactdays.of_year(conn, user, new_year.astimezone(zone).date())
    codes = found.keys() | owed.keys() | kept.keys()
    each = {code: _reports(found.get(code), owed.get(code), kept.get(code, Kept())) for code in codes}
    medians = [row.median_of_all for row in found.values() if row.median_of_all is not None]
    return each, _together(each.values(), _minutes(medians[0]) if medians else None)


def _each(user: User, now: datetime, new_year: datetime) -> Subquery:
    """A row for each report of the year or of the last 30 days."""
    happened = select(func.min(x.happened_at, type_=t.UtcTime)).where(x.case_id == c.id).correlate(t.cases)
    first = o.case_id == c.id, one_of(o.kind, FIRST_DUTIES)
    taken = select(func.min(acknowledgement.first_taken(), type_=t.UtcTime)).where(*first).correlate(t.cases)
    counts = ~apart(user)
    of_year = and_(c.received_at >= new_year, counts)
    of_its_own = and_(c.received_at >= new_year, apart(user)).label("of_its_own")
    seconds = _seconds(happened.scalar_subquery(), c.received_at)
    return (
        select(c.college_code, c.received_at, of_year.label("of_year"), of_its_own, counts.label("counts"),
               taken.scalar_subquery().label("taken_at"),
               sql_case((of_year, seconds)).label("seconds"),
               reviews.is_over().label("over"), reviews.is_reviewed().label("reviewed"))
        .where(own_college(c.college_code, user), ~c.drill, c.received_at >= min(new_year, now - RECENT))
        .subquery()
    )  # fmt: skip


def _placed(each: Subquery) -> Subquery:
    """The same with its place by how soon it came, in its college and among all; the middle one is the median."""

    def place(**within: Any) -> ColumnElement[Any]:
        return func.row_number().over(order_by=each.c.seconds.asc().nulls_last(), **within)

    timed = func.count(each.c.seconds)
    return select(
        *each.c,
        place(partition_by=each.c.college_code).label("place"),
        timed.over(partition_by=each.c.college_code).label("timed"),
        place().label("place_of_all"),
        timed.over().label("timed_of_all"),
    ).subquery()


def _by_college(each: Subquery, now: datetime) -> Any:
    row = each.c
    soon = and_(row.taken_at.is_not(None), _seconds(row.received_at, row.taken_at) <= SOON.seconds)
    due = or_(row.taken_at.is_not(None), row.received_at <= now - SOON)
    return select(
        row.college_code,
        _count(row.of_year).label("year"),
        _count(and_(row.received_at > now - RECENT, row.counts)).label("recent"),
        _count(row.of_its_own).label("apart"),
        func.max(sql_case((row.place == (row.timed + 1) // 2, row.seconds))).label("median"),
        func.max(sql_case((row.place_of_all == (row.timed_of_all + 1) // 2, row.seconds))).label("median_of_all"),
        func.count(row.seconds).label("timed"),
        _count(and_(row.of_year, soon)).label("soon"),
        _count(and_(row.of_year, due)).label("due"),
        _count(and_(row.of_year, row.over, row.reviewed)).label("reviewed"),
        _count(and_(row.of_year, row.over)).label("over"),
    ).group_by(row.college_code)


def _open_follow_ups(user: User, now: datetime) -> Any:
    return (
        select(c.college_code, func.count().label("open"), _count(f.next_due_at <= now).label("late"))
        .join(t.follow_ups, f.case_id == c.id)
        .where(own_college(c.college_code, user), ~c.drill, f.closed_at.is_(None), ~apart(user))
        .group_by(c.college_code)
    )


def _reports(row: Any, owed: Any, kept: Kept) -> Reports:
    made = Reports(contacts_kept=kept.kept, contacts_due=kept.due)
    if owed:
        made = replace(made, on_time=owed.open - owed.late, open=owed.open)
    if row is None:
        return made
    return replace(made, year=row.year, recent=row.recent, to_report_min=_minutes(row.median), timed=row.timed,
                   soon=row.soon, due=row.due, reviewed=row.reviewed, over=row.over, apart=row.apart)  # fmt: skip


def _together(each: Iterable[Reports], to_report_min: int | None) -> Reports:
    """All counts added up; a median is not."""
    counts = [astuple(replace(it, to_report_min=0)) for it in each]
    return replace(Reports(*(sum(column) for column in zip(*counts, strict=True))), to_report_min=to_report_min)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(sql_case((condition, 1)))


def _seconds(since: Any, until: Any) -> ColumnElement[Any]:
    return extract("epoch", until) - extract("epoch", since)


def _minutes(seconds: Any) -> int | None:
    return None if seconds is None else max(0, int(seconds) // 60)
