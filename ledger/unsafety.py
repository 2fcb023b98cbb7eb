"""「我现在不安全」: counselor and duty desk are rung at once, and every two minutes until a contact is recorded.

An obligation of its own kind, on the ladder of the others; an answer by reply does not end it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from ledger import alarms, alerting, escalation
from ledger import tables as t
from ledger.events import FeltUnsafe
from ledger.unit_of_work import Case, UnitOfWork

KIND = escalation.UNSAFE
_CALL_WITHIN = timedelta(minutes=2)
o, d = t.obligations.c, t.deliveries.c


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


def settle(uow: UnitOfWork, case: Case) -> None:
    """A contact with the student is recorded: nobody is rung any more."""
    mine = (o.case_id == case.id, o.kind == KIND)
    ended = update(t.obligations).where(*mine, o.state != "done")
    if not uow.conn.execute(ended.values(state="done", next_at=None, done_at=uow.now)).rowcount:
        return
    waiting = d.obligation_id.in_(select(o.id).where(*mine))
    uow.conn.execute(
        update(t.deliveries).where(waiting, d.alert, d.state == "pending").values(state="cancelled", available_at=None)
    )
    uow.change(t.cases, case.id, unsafe_at=None)
    alarms.clear(uow, case.id, KIND)
