"""Which reminder a text is to the person who gets it: the N of 第N次提醒.

A counselor hears of one student from two sides, the ladder of their obligation and the first call of the follow-up. To
whoever reads them they are one row of reminders, so they bear one row of numbers: no two of them are the same.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from ledger import followups
from ledger import tables as t
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

_OF_FIRST_CALL = {"counselor": "counselor_reminder"}  # obligation → the text of the follow-up's that asks for the same

d, o = t.deliveries.c, t.obligations.c


def read_before(
    uow: UnitOfWork, case: Case, kind: str, replacing: UUID | None = None, since: datetime | None = None
) -> dict[UUID, int]:
    """Person → the highest number that they have read of this obligation (`since` then), or may still read.

    Those that were refused do not count as a reminder. Nor do those of an obligation that wait, when an alert of it is
    written that is to go in their place (`replacing`).
    """
    query = select(d.person_id, d.facts, d.state, d.obligation_id, d.available_at)
    query = query.outerjoin(t.obligations, o.id == d.obligation_id)
    of_ladder = (o.kind == kind) & d.alert & (d.kind != "call")  # whatever they are called: the spool has its own
    query = query.where(d.case_id == case.id, of_ladder | (d.kind == _OF_FIRST_CALL.get(kind)))
    if since:
        query = query.where(d.created_at >= since)
    numbers: dict[UUID, int] = {}
    for row in uow.conn.execute(query):
        waits = row.available_at is not None and (replacing is None or row.obligation_id != replacing)
        if row.person_id and (waits or row.state in deliveries.HEARD):
            said = row.facts.get("nth")
            numbers[row.person_id] = max(numbers.get(row.person_id, 0), said if isinstance(said, int) else 1)
    return numbers


def possible(uow: UnitOfWork, case: Case, kind: str) -> bool:
    """Whether anybody may have been reminded yet: a ladder that begins late, after an outage, is not always the first.

    In time it is, and costs no statement.
    """
    first = followups.reminder_at(followups.contacts_due(case.row["received_at"])[0], 0)
    return kind in _OF_FIRST_CALL and first is not None and uow.now >= first
