"""A further transfer: whose stop it is, and who is rung for it. See docs/decisions/0027-a-later-stop-rings.md.

`come_in` belongs to the transaction that stores it, where nothing may go wrong that could lose it; `ring` and `tell` to
the work that follows. Until that is done, and where it cannot be, the clock does it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, select

from ledger import tables as t
from ledger.events import POLICE, PRIORITY, CaseReopened, Envelope, OwnerReleased
from ledger.police import acknowledgement
from ledger.police.resuming import resume
from ledger.reporting import reports
from ledger.ringing import alerting, owing
from ledger.school import people
from ledger.states import case_outcome, case_state
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

TRANSFER = "transfer"
REPORTER = "reporter"  # who opened the case again
d = t.deliveries.c


def come_in(uow: UnitOfWork, case: Case, recorded: Iterable[str | None]) -> None:
    """`recorded`: the outcome of each transfer that is listed. A drill that is over stays so."""
    row = alerting.obligation(uow, case, case.first_obligation)
    if row["kind"] != "police" or case.row["closed_at"] is not None:
        return
    if case.row["state"] != "closed":
        resume(uow, case, row, recorded, anew=True)
        return
    uow.append(case, CaseReopened(REPORTER), reports.ANONYMOUS)
    _take_from_its_owner(uow, case, row, uow.now, recorded)


def ring(uow: UnitOfWork, case: Case, event: Envelope) -> bool:
    """Ring whoever is on duty now, where nobody has the case, or somebody who is not. Whether it does, for this one.

    What came in while something was owed already changes nothing.
    """
    row = alerting.obligation(uow, case, case.first_obligation)
    if row["owed_since"] != event.at or row["next_at"] is None:  # or closed meanwhile, by somebody who had seen it
        return False
    if owner := row["owner_id"]:
        if {TRANSFER, *owing.UNLISTED}.isdisjoint(event.data["fields"]) or owner in alerting.on_ladder(uow, case, row):
            return False
        _take_from_its_owner(uow, case, row, event.at, owing.outcomes(owing.stops(uow, case)))
        _tell(uow, case, [owner], event, closed=False)
    alerting.begin(uow, case, row["kind"])
    return True


def tell(uow: UnitOfWork, case: Case, event: Envelope) -> None:
    """That a closed case has opened by itself is told to the office and to who had it, if they are not rung for it."""
    row = alerting.obligation(uow, case, case.first_obligation)
    rung = uow.conn.scalars(
        select(d.person_id).where(d.obligation_id == row["id"], d.alert, d.created_at >= event.at)
    ).all()
    office = people.on_duty(uow.conn, case.row["college_code"], "office", uow.now, uow.zone)
    _, had = acknowledgement.taken_before(uow, case, event.id)
    to = [person for person in (*office, had) if person and person not in (*rung, row["owner_id"])]
    _tell(uow, case, to, event, closed=True)


def _take_from_its_owner(
    uow: UnitOfWork, case: Case, row: RowMapping, at: datetime, recorded: Iterable[str | None]
) -> None:
    values = owing.unowned(row, at)
    uow.change(t.obligations, row["id"], values)
    uow.change(t.cases, case.id, state=case_state(values["state"], case_outcome(recorded)))
    if row["owner_id"]:
        uow.append(case, OwnerReleased(str(row["owner_id"])), "ledger")


def _tell(uow: UnitOfWork, case: Case, to: Iterable[UUID], event: Envelope, *, closed: bool) -> None:
    for person in people.by_id(uow.conn, uow.keys, to):
        deliveries.tell(uow, person, "further", {"code": case.code, "closed": closed}, case=case,
                        dedup=f"{event.id}:{person.id}", priority=PRIORITY[POLICE])  # fmt: skip
