"""「我现在不安全」: counselor and duty desk are rung at once, and every two minutes until a contact is recorded.

An obligation of its own kind, on the ladder of the others; an answer by reply does not end it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from ledger import escalation
from ledger import tables as t
from ledger.events import FeltUnsafe
from ledger.ringing import alerting
from ledger.store import alarms
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

KIND = escalation.UNSAFE
_CALL_WITHIN = timedelta(minutes=2)
o = t.obligations.c


def ask_for_help(uow: UnitOfWork, case: Case, actor: str) -> bool:
    """Start ringing, or learn that it rings already. Nobody has to come running for a drill."""
    if case.row["drill"]:
        return False
    now = {"state": "pending", "next_at": uow.now, "deadline_at": uow.now + _CALL_WITHIN}
    row = {"id": t.new_id(), "case_id": case.id, "kind": KIND, "started_at": uow.now, "ladder_at": uow.now, **now}
    first = bool(uow.insert_new(t.obligations, [row]))
    if not first:
        again = update(t.obligations).where(o.case_id == case.id, o.kind == KIND, o.state == "done")
        if not uow.conn.execute(again.values(**now, done_at=None)).rowcount:
            return False
    uow.change(t.cases, case.id, unsafe_at=uow.now)
    uow.append(case, FeltUnsafe(), actor)
    if not first:  # the clock would go on from the old step, by the old times
        alerting.ring_anew(uow, case, KIND)
    return True


def settle(uow: UnitOfWork, case: Case, told: str | None = None) -> None:
    """A contact with the student is recorded: nobody is rung any more.

    `told`: the `unsafe_at` that the page of who recorded it showed (ISO 8601, empty: none), if known. A call for help
    that came since was not meant, and rings on.
    """
    if told is not None and told != (case.row["unsafe_at"].isoformat() if case.row["unsafe_at"] else ""):
        return
    mine = update(t.obligations).where(o.case_id == case.id, o.kind == KIND, o.state != "done").returning(o.id)
    ended = uow.conn.execute(mine.values(state="done", next_at=None, done_at=uow.now)).scalar_one_or_none()
    if ended is None:
        return
    deliveries.cancel_alerts(uow, ended)
    uow.change(t.cases, case.id, unsafe_at=None)
    alarms.clear(uow, case.id, KIND)
