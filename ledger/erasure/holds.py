"""Holds: erasure waits while the police or an appeal may need a case (docs/decisions/0035).

The events of the case are all there is of them. 立案 and 已冻结 hold by themselves, until somebody says it is over.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.events import CaseHeld, Event, HoldReleased, OutcomeRecorded
from ledger.store.unit_of_work import Case, UnitOfWork

POLICE, APPEAL, OTHER = REASONS = ("police", "appeal", "other")
_OF_THE_POLICE = ("registered", "frozen")  # 立案; and what they freeze goes back to whoever is known to have lost it
_TYPES = (CaseHeld.type, HoldReleased.type, OutcomeRecorded.type)
e = t.case_events.c


def standing(conn: Connection, case_id: UUID) -> tuple[str, ...]:
    """What it is held for, in the order in which that came up."""
    told = select(e.type, e.data).where(e.case_id == case_id, e.type.in_(_TYPES)).order_by(e.seq)
    held: dict[str, None] = {}
    for row in conn.execute(told):
        if row.type == CaseHeld.type:
            held[row.data["why"]] = None
        elif row.type == HoldReleased.type:
            held.pop(row.data["why"], None)
        elif row.data["outcome"] in _OF_THE_POLICE:
            held[POLICE] = None
    return tuple(held)


def place(uow: UnitOfWork, case: Case, why: str, by: UUID, actor: str) -> bool:
    """False: it was held for that already."""
    return _say(uow, case, CaseHeld(why, str(by)), actor, new=why not in standing(uow.conn, case.id))


def release(uow: UnitOfWork, case: Case, why: str, by: UUID, actor: str) -> bool:
    """False: it was not held for that."""
    return _say(uow, case, HoldReleased(why, str(by)), actor, new=why in standing(uow.conn, case.id))


def _say(uow: UnitOfWork, case: Case, event: Event, actor: str, *, new: bool) -> bool:
    if new:
        uow.append(case, event, actor)
    return new
