"""Which ladder is climbed: the college's own, else the school's, else the built-in one, as it is at that hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, bindparam, or_, select

from ledger import escalation
from ledger import tables as t
from ledger.escalation import Ladder
from ledger.store.unit_of_work import Case, UnitOfWork

r = t.ladders.c
_LADDERS = (
    select(t.ladders)
    .where(r.obligation == bindparam("duty"), or_(r.college_code == bindparam("college"), r.college_code == "*"))
    .order_by(r.step)
)


def of(uow: UnitOfWork, case: Case, row: RowMapping) -> Ladder:
    """The one that this obligation's `row` climbs.

    The hour of the report decides for the whole ladder: a rung must not change its number on the way up.
    """
    which = row["kind"], case.row["college_code"]
    ladder = uow.of_roster(("ladder", *which), lambda: configured(uow.conn, *which))
    return at(ladder, row["kind"], case.row["received_at"], uow.zone)


def configured(conn: Connection, kind: str, college: str | None) -> Ladder:
    """For this obligation at any hour."""
    return from_rows(conn.execute(_LADDERS, {"duty": kind, "college": college or "*"}).all(), kind, college)


def from_rows(rows: Sequence[Row[Any]], kind: str, college: str | None) -> Ladder:
    """The same from rows of this obligation that are there already, in the order of their steps."""
    own = [row for row in rows if row.college_code == college] or [row for row in rows if row.college_code == "*"]
    if not own:
        return escalation.DEFAULTS[kind]
    return escalation.ladder_of((row.after_s, tuple(row.targets)) for row in own)


def at(ladder: Ladder, kind: str, moment: datetime, zone: tzinfo) -> Ladder:
    """As it is climbed for a report of that moment."""
    return escalation.for_hour(ladder, moment.astimezone(zone).time()) if kind == "counselor" else ladder
