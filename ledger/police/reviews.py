"""The traceback review (倒查): which step of a case could have been quicker. Asked after the emergency, never before.

It reads the case's own steps, and nothing of care or family. What was found is an event of the case, sealed with its
key: several reviews stand one under the other, and none is overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, Text, and_, func, literal_column, or_, select

from ledger import states
from ledger import tables as t
from ledger.errors import NotAllowed
from ledger.escalation import IMMEDIATE, UNSAFE
from ledger.events import CaseAcknowledged, CaseReviewed, OutcomeRecorded, ProgressRecorded
from ledger.police.progress import PROGRESS
from ledger.staff import accounts
from ledger.states import FIRST_DUTIES
from ledger.store.crypto import RowKey
from ledger.store.statements import one_of
from ledger.store.unit_of_work import Case, UnitOfWork

# Each in its order with the step before it that is known: that is how long it took.
STEPS = ("transferred", "reported", "alerted", "acknowledged", "contacted", "filed", "outcome")
LONGEST = 2000  # characters of a review
_DECIDED = tuple(name for name in states.ENDINGS if name != states.REFUSED)  # one refused is to be filed anew
_REFUSALS = tuple(name for name, it in states.OUTCOMES.items() if it.case == states.REFUSED)
_REVIEWED = literal_column(f"'{CaseReviewed.type}'", Text)  # as the index over reviews has it
c, d, e, o, x = t.cases.c, t.deliveries.c, t.case_events.c, t.obligations.c, t.transfers.c


@dataclass(frozen=True)
class Step:
    """name: one of STEPS. minutes: whole ones since the last step before it that is known; None where either is not."""

    name: str
    at: datetime | None
    minutes: int | None


@dataclass(frozen=True)
class Review:
    """step: what could have been quicker, one of STEPS but the first. text None: it cannot be read any more."""

    at: datetime
    who: str
    step: str
    text: str | None


def is_over() -> ColumnElement[bool]:
    """Of a row of cases: closed, or decided with nothing left to file; nobody is in danger; no drill."""
    refused = _some(t.transfers, x.case_id == c.id, one_of(x.outcome, _REFUSALS))
    danger = _some(t.obligations, o.case_id == c.id, one_of(o.kind, (UNSAFE, IMMEDIATE)), o.done_at.is_(None))
    ended = or_(one_of(c.state, ("closed",)), and_(one_of(c.state, _DECIDED), ~refused))
    return and_(ended, ~c.drill, c.unsafe_at.is_(None), ~danger)


def is_reviewed() -> ColumnElement[bool]:
    return _some(t.case_events, e.case_id == c.id, e.type == _REVIEWED)


def _some(table: Table, *its: ColumnElement[bool]) -> ColumnElement[bool]:
    """Counted: for EXISTS PostgreSQL reads all rows there ever were once, rather than each case's by an index."""
    return select(func.count()).select_from(table).where(*its).correlate(t.cases).scalar_subquery() > 0


def over(conn: Connection, case_id: UUID) -> bool:
    return conn.execute(select(c.id).where(c.id == case_id, is_over())).first() is not None


def add(uow: UnitOfWork, case: Case, step: str, text: str, actor: str) -> None:
    """NotAllowed before the case is over. The same from the same person once more, as a page sent twice, is one."""
    if step not in STEPS[1:] or not text or not over(uow.conn, case.id):
        raise NotAllowed("the emergency is not over")
    mine = (it for it in _events(uow.conn, case.id) if it["actor"] == actor and it["data"]["step"] == step)
    if text not in [_text(case.key.lenient(), it) for it in mine]:
        uow.append(case, CaseReviewed(step), actor, sealed=text)


def of_case(conn: Connection, key: RowKey, case_id: UUID) -> list[Review]:
    """Oldest first."""
    rows, lenient = _events(conn, case_id), key.lenient()
    named = accounts.names(conn, [row["actor"] for row in rows])
    return [Review(row["at"], named[row["actor"]], row["data"]["step"], _text(lenient, row)) for row in rows]


def _events(conn: Connection, case_id: UUID) -> list[RowMapping]:
    query = select(t.case_events).where(e.case_id == case_id, e.type == _REVIEWED).order_by(e.seq)
    return list(conn.execute(query).mappings())


def _text(key: RowKey, row: RowMapping) -> str | None:
    return key.open("case_events", row["id"], "sealed", row["sealed"])


def _moments(conn: Connection, case_id: UUID) -> dict[str, datetime]:
    """When each step was taken first, where it was: from transfers, texts and the case's events."""
    happened = select(func.min(x.happened_at, type_=t.UtcTime)).where(x.case_id == case_id)
    texts = select(func.min(d.sent_at, type_=t.UtcTime)).join(t.obligations, o.id == d.obligation_id)
    texts = texts.where(d.case_id == case_id, d.alert, one_of(o.kind, FIRST_DUTIES))
    found = {"transferred": conn.execute(happened).scalar_one(), "alerted": conn.execute(texts).scalar_one()}
    taken = select(e.type, e.at, e.data).where(e.case_id == case_id, e.type.in_(_TAKEN)).order_by(e.seq)
    for row in conn.execute(taken):
        found.setdefault(_TAKEN[row.type](row.data), row.at)
    return {name: at for name, at in found.items() if at and name in STEPS}


# Event → the step that it is; what decides nothing, such as 立案, is none.
_TAKEN: dict[str, Callable[[dict[str, Any]], str]] = {
    CaseAcknowledged.type: lambda _: "acknowledged",
    ProgressRecorded.type: lambda data: PROGRESS.get(data["progress"], ""),
    OutcomeRecorded.type: lambda data: "outcome" if states.OUTCOMES[data["outcome"]].case else "",
}


def steps(conn: Connection, case: RowMapping) -> list[Step]:
    """What is not known has no time. One that came before its predecessor took no time."""
    return list(_timed({"reported": case["received_at"], **_moments(conn, case["id"])}))


def _timed(moments: dict[str, datetime]) -> Iterator[Step]:
    before: datetime | None = None
    for name in STEPS:
        at = moments.get(name)
        yield Step(name, at, max(0, int((at - before).total_seconds()) // 60) if at and before else None)
        before = max(filter(None, (at, before)), default=None)
