"""What was over goes on: a case's first obligation is its owner's again, as far as they had come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import RowMapping

from ledger import tables as t
from ledger.ringing import owing
from ledger.states import REFUSED, case_outcome, case_state, endings, to_file
from ledger.store.unit_of_work import Case, UnitOfWork


def resume(uow: UnitOfWork, case: Case, row: RowMapping, recorded: Iterable[str | None], *, anew: bool = False) -> str:
    """The state that the obligation `row` has now; without an owner its ladder goes on now.

    `recorded`: the outcome of each transfer. Where nothing is left to file, and nothing came in (`anew`), nobody is
    asked for progress. A clock that runs already goes on.
    """
    recorded = list(recorded)
    state: str = row["state"]
    values: dict[str, Any] = {}
    if state == "done":
        state = _as_far_as_before(row)
        values = {"done_at": None, "next_at": uow.now}
    if row["owner_id"] is not None and (row["state"] == "done" or row["owed_since"] is None):
        values |= owing.since(uow.now) if anew or _owed(case, row, state, recorded) else owing.NOTHING
    uow.change(t.obligations, row["id"], {**values, "state": state})
    uow.change(t.cases, case.id, state=case_state(state, case_outcome(recorded)))
    return state


def _as_far_as_before(row: RowMapping) -> str:
    if row["owner_id"] is None:
        return "alerted" if row["alerted_at"] else "pending"
    return "filed" if row["filed_at"] else "contacted" if row["contacted_at"] else "acknowledged"


def _owed(case: Case, row: RowMapping, state: str, recorded: list[str | None]) -> bool:
    """Whether a stop is to be filed of which nothing was heard since it came in, or since it was refused.

    To dissuade is owed in the same way: of it nothing was heard until the student was reached.
    """
    if not to_file(recorded):
        return False
    # It was closed while the bank's answer was waited for, and that goes on.
    waited = case.row["state"] == "closed" and state != "acknowledged" and row["owed_since"] is None
    return not waited or REFUSED in endings(recorded)
