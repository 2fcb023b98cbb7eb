"""What a college's leader sees of its cases: code, class, amount, state and timeliness; nobody's name, no facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select

from ledger import tables as t
from ledger import values
from ledger.pages import views
from ledger.police import acknowledgement, reviews
from ledger.staff.accounts import OF_A_COLLEGE, User
from ledger.states import FIRST_DUTIES

SHOWN, YEAR = timedelta(days=30), timedelta(days=365)
LISTED = 100  # cases, of however many there are
c, o, x, f = t.cases.c, t.obligations.c, t.transfers.c, t.follow_ups.c


@dataclass(frozen=True)
class CollegeRow:
    """One case. kind: transferred · in_progress (nothing was sent).

    Minutes are whole ones: from the transfer to the report, from the report to an officer's taking it.
    """

    code: str
    kind: str
    class_name: str
    amount: str
    state: str
    received_at: datetime
    to_report_min: int | None
    to_take_min: int | None
    overdue: bool
    over: bool  # so that it can be reviewed
    reviewed: bool
    apart: bool  # who it is about may be questioned: counted apart, and no loss
    erased: bool


def cases(conn: Connection, user: User, now: datetime) -> list[CollegeRow]:
    """The last 30 days' cases, newest first: the leader's own college, the security office's all. Never drills."""
    return _listed(conn, user, now, (c.received_at > now - SHOWN,), c.received_at.desc())


def unreviewed(conn: Connection, user: User, now: datetime) -> list[CollegeRow]:
    """Those of a year that are over and have no review (倒查), oldest first, as far as this user may see them.

    None that was erased: nobody can read it any more, nor write of it.
    """
    which = c.received_at > now - YEAR, c.row_key != b"", reviews.is_over(), ~reviews.is_reviewed()
    return _listed(conn, user, now, which, c.received_at)


def _listed(
    conn: Connection, user: User, now: datetime, which: Sequence[ColumnElement[bool]], order: ColumnElement[Any]
) -> list[CollegeRow]:
    yuan = x.case_id == c.id, x.currency == "CNY"  # other currencies are not added up with it
    total = select(func.sum(x.amount_fen)).where(*yuan).correlate(t.cases).scalar_subquery()
    first = select(func.min(x.happened_at, type_=t.UtcTime)).where(x.case_id == c.id).correlate(t.cases)
    taken = select(func.min(acknowledgement.first_taken(), type_=t.UtcTime)).where(
        o.case_id == c.id, o.kind.in_(FIRST_DUTIES)
    )
    owed = exists().where(f.case_id == c.id, f.closed_at.is_(None), f.next_due_at <= now)
    query = (
        select(c.code, c.kind, t.classes.c.name, c.state, c.received_at, total.label("fen"),
               first.scalar_subquery().label("happened_at"),
               taken.correlate(t.cases).scalar_subquery().label("taken_at"), owed.label("overdue"),
               reviews.is_over().label("over"), reviews.is_reviewed().label("reviewed"),
               views.apart(user).label("apart"), (c.row_key == b"").label("erased"))
        .outerjoin(t.people, t.people.c.id == c.victim_id)
        .outerjoin(t.classes, t.classes.c.code == t.people.c.class_code)
        .where(views.own_college(c.college_code, user), ~c.drill, *which)
        .order_by(order)
        .limit(LISTED)
    )  # fmt: skip
    return [
        CollegeRow(row.code, row.kind, row.name or "", values.yuan(row.fen or 0), row.state, row.received_at,
                   _minutes(row.happened_at, row.received_at), _minutes(row.received_at, row.taken_at),
                   bool(row.overdue), bool(row.over), bool(row.reviewed), bool(row.apart), bool(row.erased))
        for row in conn.execute(query)
    ]  # fmt: skip


def name(conn: Connection, user: User) -> str | None:
    """The college's name; empty for those who see all of them, None for who should have one and has none."""
    if user.role not in OF_A_COLLEGE:
        return ""
    if not user.college:
        return None
    found: Any = conn.execute(select(t.colleges.c.name).where(t.colleges.c.code == user.college)).scalar_one_or_none()
    return str(found or user.college)


def _minutes(since: datetime | None, until: datetime | None) -> int | None:
    return max(0, int((until - since).total_seconds()) // 60) if since and until else None
