"""One acknowledgement serves every report of the same fraud (疑同) that its owner had been rung for when they answered.

A report that rang them later, or somebody else only, rings on: nobody is given a case that they may not have heard of.
Each case keeps a clock of its own: without progress it is taken from its owner and rings again by itself.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import RowMapping, select

from ledger import linking
from ledger import tables as t
from ledger.acknowledgement import acknowledge
from ledger.alerting import obligation
from ledger.deliveries import HEARD, WAITING
from ledger.unit_of_work import UnitOfWork

d = t.deliveries.c


def serve(uow: UnitOfWork, case_id: UUID) -> None:
    """Give those of these cases that still ring to who has another. To be called before any of them is locked.

    Called after a link was committed and after an acknowledgement was: whichever came last sees the other.
    """
    group = linking.group(uow.conn, case_id)
    if len(group) < 2:
        return
    cases = [uow.case(member) for member in group]  # all in one order: no deadlock
    rows = [(case, obligation(uow, case, case.first_obligation)) for case in cases]
    taken = [row for _, row in rows if row["owner_id"] and row["state"] not in (*WAITING, "done")]
    taken.sort(key=lambda row: row["acknowledged_at"])
    for case, row in rows:
        if row["state"] not in WAITING:
            continue
        owner = next((it["owner_id"] for it in taken if it["kind"] == row["kind"] and _had_heard(uow, row, it)), None)
        if owner:
            acknowledge(uow, case, row["kind"], owner, "linked", "ledger")


def _had_heard(uow: UnitOfWork, ringing: RowMapping, taken: RowMapping) -> bool:
    """Whether the owner's phone had been called for the one when they took the other, and no step has begun since.

    A case that was taken from them for want of progress is on a later step: it is not given back.
    """
    if ringing["entered_at"] is None or ringing["entered_at"] > taken["acknowledged_at"]:
        return False
    called = select(d.id).where(d.obligation_id == ringing["id"], d.person_id == taken["owner_id"], d.alert)
    before = called.where(d.state.in_(HEARD), d.called_at < taken["acknowledged_at"])
    return uow.conn.execute(before.limit(1)).first() is not None
