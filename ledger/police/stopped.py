"""The life of a stop (止付): 48 hours, and once more; then the bank lets the money go. See docs/decisions/0029.

`stop_ends_at` of a transfer is until when it is held; null: nothing is, or nobody knows since when. `stop_look_at` is
when the clock must look at it again: six hours before its end, one hour, and at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, select

from ledger import tables as t
from ledger.states import OUTCOMES
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

STOPPED = "stopped"
LIFE = timedelta(hours=48)
EARLY, LAST = timedelta(hours=6), timedelta(hours=1)  # how long before its end somebody is told
_OVER: Mapping[str, Any] = {"stop_ends_at": None, "stop_renewed": False, "stop_look_at": None}
_LATE = timedelta(minutes=5)  # a text that is called so much after its time still says the hours it was written for
c, o, x = t.cases.c, t.obligations.c, t.transfers.c


@dataclass(frozen=True)
class Stop:
    """One that runs. `position`: of which transfer; `again`: it may be renewed; `owner_id`: whose case it is."""

    code: str
    position: int
    ends_at: datetime
    again: bool
    owner_id: UUID | None


def from_then(since: datetime, now: datetime, *, renewed: bool = False, drill: bool = False) -> dict[str, Any]:
    """Columns of a transfer that was stopped then. Drills are over before anything could be said."""
    ends_at = since + LIFE
    look_at = None if drill or ends_at <= now else ends_at - EARLY
    return {"stop_ends_at": ends_at, "stop_renewed": renewed, "stop_look_at": look_at}


def after(
    transfer: Mapping[Any, Any], outcome: str, since: datetime | None, drill: bool, now: datetime
) -> Mapping[str, Any]:
    """What an outcome makes of a transfer's stop: 已止付 begins it, at `since` if not now, others end it.

    立案 and 110已受理 change nothing: they hold no money. 已止付 once more is no new stop; a time with it corrects that
    of the one that runs.
    """
    if OUTCOMES[outcome].case is None:
        return {}
    if outcome != STOPPED:
        return _OVER
    if transfer["outcome"] != STOPPED:
        return from_then(since or now, now, drill=drill)
    return from_then(since, now, renewed=transfer["stop_renewed"], drill=drill) if since else {}


def until(values: Mapping[str, Any]) -> str | None:
    """As an event says it, where these columns begin a stop."""
    ends_at: datetime | None = values.get("stop_ends_at")
    return ends_at.isoformat() if ends_at else None


def hush(uow: UnitOfWork, case: Case, transfer: UUID, values: Mapping[str, Any]) -> None:
    """A warning that has not gone out yet did not know of these columns. It stays where others' stops run."""
    if "stop_ends_at" not in values:
        return
    others = select(x.id).where(x.case_id == case.id, x.id != transfer, x.stop_look_at.is_not(None))
    if not uow.conn.execute(others.where(x.stop_ends_at > uow.now)).first():
        deliveries.take_back(uow, case, "lapse")


def hours_left(ends_at: datetime, now: datetime) -> int:
    """Whole hours; 0: less than one."""
    return max(0, (ends_at - now + _LATE) // timedelta(hours=1))


def running(
    conn: Connection, theirs: ColumnElement[bool], now: datetime, limit: int, before: datetime | None = None
) -> list[Stop]:
    """Stops of `theirs` that run, the next to end first; `before`: those that end by then."""
    of_police = and_(o.case_id == c.id, o.kind == "police")
    query = (
        select(c.code, x.position, x.stop_ends_at, x.stop_renewed, o.owner_id)
        .select_from(t.transfers.join(t.cases, c.id == x.case_id).join(t.obligations, of_police))
        .where(x.stop_look_at.is_not(None), x.stop_ends_at > now, theirs)
        .order_by(x.stop_ends_at, c.code)
        .limit(limit)
    )
    if before is not None:
        query = query.where(x.stop_ends_at <= before)
    rows = conn.execute(query)
    return [Stop(it.code, it.position, it.stop_ends_at, not it.stop_renewed, it.owner_id) for it in rows]
