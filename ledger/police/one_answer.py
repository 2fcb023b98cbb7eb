"""One acknowledgement serves every report of the same fraud (疑同) that its owner had been rung for when they answered.

A report that rang them later, or somebody else only, rings on: nobody is given a case that they may not have heard of.
Each case keeps a clock of its own: without progress it is taken from its owner and rings again by itself.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BindParameter, Connection, RowMapping, Select, bindparam, exists, select, union

from ledger import tables as t
from ledger.police.acknowledgement import acknowledge
from ledger.ringing import linking
from ledger.ringing.alerting import obligation
from ledger.store.statements import one_of
from ledger.store.unit_of_work import UnitOfWork
from ledger.texts.deliveries import HEARD, WAITING, of_this_ring

d = t.deliveries.c


def serve(uow: UnitOfWork, case_id: UUID) -> None:
    """Give those of these cases that still ring to who has another. To be called before any of them is locked.

    Called after a link was committed and after an acknowledgement was: whichever came last sees the other, so only
    what this case has to do with the others is looked at, and nothing is locked where nobody is to be given anything.
    A flood of reports of one fraud would otherwise lock and read them all for each of them.
    """
    found = _to_be_served(uow.conn, case_id)
    if not found:
        return
    members = sorted(found | {linking.root(uow.conn, case_id)})  # one order: no deadlock
    cases = [case for member in members if (case := uow.readable(member))]
    rows = [(case, obligation(uow, case, case.first_obligation)) for case in cases]
    taken = [row for _, row in rows if row["owner_id"] and row["state"] not in (*WAITING, "done")]
    taken.sort(key=lambda row: row["acknowledged_at"])
    for case, row in rows:
        if row["state"] not in WAITING:
            continue
        owner = next((it["owner_id"] for it in taken if it["kind"] == row["kind"] and _had_heard(uow, row, it)), None)
        if owner:
            acknowledge(uow, case, row["kind"], owner, "linked", "ledger")


def _to_be_served(conn: Connection, case_id: UUID) -> set[UUID]:
    """Cases that ring beside this one if it is taken, or taken ones beside it if it rings; both ends, unlocked."""
    return {member for row in conn.execute(_PAIRS, {"this": case_id}) for member in row}


def _pairs() -> Select[tuple[UUID, UUID]]:
    this: BindParameter[UUID] = bindparam("this")
    w, k = t.obligations.alias("waiting").c, t.obligations.alias("taken").c
    fraud = linking.members(this)
    mine = (d.obligation_id == w.id, d.person_id == k.owner_id, of_this_ring(w, d))
    heard = exists().where(*mine, d.alert, one_of(d.state, HEARD))
    pair = select(w.case_id, k.case_id).where(
        w.kind == k.kind,
        one_of(w.state, WAITING),
        k.owner_id.is_not(None),
        k.state.not_in((*WAITING, "done")),
        w.entered_at <= k.acknowledged_at,
        heard,
    )
    here = union(
        pair.where(w.case_id == this, k.case_id.in_(fraud)), pair.where(k.case_id == this, w.case_id.in_(fraud))
    ).subquery()
    return select(*here.c)


_PAIRS = _pairs()  # built once: see statements


def _had_heard(uow: UnitOfWork, ringing: RowMapping, taken: RowMapping) -> bool:
    """Whether the owner's phone had been called for the one when they took the other, and no step has begun since.

    A case that was taken from them for want of progress is on a later step: it is not given back.
    """
    if ringing["entered_at"] is None or ringing["entered_at"] > taken["acknowledged_at"]:
        return False
    called = select(d.id).where(d.obligation_id == ringing["id"], d.person_id == taken["owner_id"], d.alert)
    if ringing["owed_since"]:
        called = called.where(d.created_at >= ringing["owed_since"])
    before = called.where(one_of(d.state, HEARD), d.called_at < taken["acknowledged_at"])
    return uow.conn.execute(before.limit(1)).first() is not None
