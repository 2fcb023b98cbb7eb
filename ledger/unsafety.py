"""「我现在不安全」: counselor and duty desk are rung at once, and every two minutes until a contact is recorded.

An obligation of its own kind, on the ladder of the others; an answer by reply does not end it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from ledger import alarms, escalation
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
    if not uow.insert_new(t.obligations, [row]):
        step = uow.conn.execute(select(o.step).where(o.case_id == case.id, o.kind == KIND)).scalar_one()
        # The schedule is set so that the next step is due now: steps are never used twice.
        ladder_at = uow.now - (step + 1) * timedelta(seconds=escalation.DEFAULTS[KIND].repeat_s)
        again = update(t.obligations).where(o.case_id == case.id, o.kind == KIND, o.state == "done")
        if not uow.conn.execute(again.values(**now, ladder_at=ladder_at, done_at=None)).rowcount:
            return False
    uow.change(t.cases, case.id, unsafe_at=uow.now)
    uow.append(case, FeltUnsafe(), actor)
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
