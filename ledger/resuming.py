"""What was over goes on: a case's first obligation is its owner's again, as far as they had come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping, select

from ledger import tables as t
from ledger.alerting import OWNER_REMIND
from ledger.states import case_outcome, case_state, to_file
from ledger.unit_of_work import Case, UnitOfWork

x = t.transfers.c


def outcomes(uow: UnitOfWork, case: Case) -> list[str | None]:
    """What is recorded for each transfer, in no order; None for one without."""
    return list(uow.conn.scalars(select(x.outcome).where(x.case_id == case.id)))


def resume(uow: UnitOfWork, case: Case, row: RowMapping, recorded: Iterable[str | None]) -> str:
    """The state that the obligation `row` has now; without an owner its ladder goes on now.

    `recorded`: the outcome of each transfer. Where nothing is left to file, nobody is asked for progress.
    """
    recorded = list(recorded)
    values: dict[str, Any] = {"done_at": None, "next_at": uow.now}
    if row["owner_id"] is None:
        state = "alerted" if row["alerted_at"] else "pending"
    elif row["filed_at"] or row["contacted_at"]:
        state = "filed" if row["filed_at"] else "contacted"
        values["next_at"] = None
    else:
        state = "acknowledged"
        hurried = row["kind"] == "police" and to_file(recorded)
        values |= {"acknowledged_at": uow.now, "reminded": False}
        values["next_at"] = uow.now + OWNER_REMIND if hurried else None
    uow.change(t.obligations, row["id"], {**values, "state": state})
    uow.change(t.cases, case.id, state=case_state(state, case_outcome(recorded)))
    return state
