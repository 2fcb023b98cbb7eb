"""What an auditor asks: is there an accepted report whose obligations nobody has begun, or a step that is overdue?

It compares what was promised with what was done, and looks at none of the machinery in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, exists, func, select

from ledger import tables as t
from ledger.escalation import IMMEDIATE
from ledger.states import FIRST_DUTIES
from ledger.texts.deliveries import WAITING

BEGUN_WITHIN = timedelta(seconds=30)  # a text taken by a provider, a record open
STEP_WITHIN = timedelta(seconds=60)  # a step or a piece of work that waits for longer has no clock
LOOKS_BACK = timedelta(days=2)  # for follow-ups: beyond that every report has been looked at often enough
c, o, f, w = t.cases.c, t.obligations.c, t.follow_ups.c, t.work.c


@dataclass(frozen=True)
class Audit:
    """`oldest_s`: age of the oldest report that is not settled, 0 for none; `late`: what is wrong, a line each.

    `counts`: how many of each are late, for pages that say it in words of their own: reports · steps · work.
    """

    unsettled: int
    oldest_s: float
    late: tuple[str, ...]
    counts: Mapping[str, int]


def audit(conn: Connection, now: datetime) -> Audit:
    """Drills are left out: nobody has to come running for one."""
    received = _unsettled(conn, now)
    oldest = min(received, default=None)
    late, counts = [], {}
    if oldest and now - oldest > BEGUN_WITHIN:
        age = int((now - oldest).total_seconds())
        overdue = sum(now - at > BEGUN_WITHIN for at in received)
        counts["reports"] = overdue
        late.append(f"{overdue} reports without their first texts or their follow-up record, the oldest for {age} s")
    watched = o.state.in_(WAITING) | o.owed_since.is_not(None) | (o.kind == IMMEDIATE)
    steps = _count(conn, o.next_at <= now - STEP_WITHIN, watched)
    if steps:
        counts["steps"] = steps
        late.append(f"{steps} obligations whose next step is over {STEP_WITHIN.seconds} s late; does a clock run?")
    open_work = select(func.count()).where(w.state == "open", w.available_at <= now - STEP_WITHIN)
    if work := conn.execute(open_work).scalar_one():
        counts["work"] = work
        late.append(f"{work} pieces of work open for over {STEP_WITHIN.seconds} s")
    return Audit(len(received), (now - oldest).total_seconds() if oldest else 0.0, tuple(late), counts)


def _unsettled(conn: Connection, now: datetime) -> list[datetime]:
    """When those reports were received whose alerts have not gone out, or whose record is not open."""
    real = (~c.drill, c.closed_at.is_(None))
    unrung = select(c.id, c.received_at).join(t.obligations, o.case_id == c.id)
    unrung = unrung.where(o.alerted_at.is_(None), o.state == "pending", o.kind.in_(_FIRST), *real)
    recent = c.received_at > now - LOOKS_BACK
    unopened = select(c.id, c.received_at).where(recent, ~exists().where(f.case_id == c.id), *real)
    found = {row.id: row.received_at for query in (unrung, unopened) for row in conn.execute(query)}
    return list(found.values())


_FIRST = (*FIRST_DUTIES, "counselor")


def _count(conn: Connection, *conditions: ColumnElement[bool]) -> int:
    joined = t.obligations.join(t.cases, c.id == o.case_id)
    query = select(func.count()).select_from(joined).where(~c.drill, c.closed_at.is_(None), *conditions)
    return conn.execute(query).scalar_one()
