"""Since when a case's owner owes progress with a stop; see docs/decisions/0024.

`owed_since` of the police obligation is what the owner's clock counts from; null: they owe none. The clock runs while
`next_at` is set as well: of a closed case nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select

from ledger import tables as t
from ledger.escalation import REMIND_AFTER
from ledger.unit_of_work import Case, UnitOfWork

NOTHING: Mapping[str, Any] = {"owed_since": None, "next_at": None}
x = t.transfers.c


def since(at: datetime) -> dict[str, Any]:
    """Columns of an obligation whose owner owes progress from then on."""
    return {"owed_since": at, "reminded": False, "next_at": at + REMIND_AFTER}


def stops(uow: UnitOfWork, case: Case) -> Sequence[RowMapping]:
    """(position, outcome, added_at) of each transfer, in order; `added_at` only of one that came after the report."""
    query = select(x.position, x.outcome, x.added_at).where(x.case_id == case.id)
    return uow.conn.execute(query.order_by(x.position)).mappings().all()


def further(uow: UnitOfWork, case: Case, row: RowMapping) -> None:
    """Another transfer has come in. The clock goes on from the first of which nothing was heard.

    Without an owner the ladder rings; of a closed case it is owed once the office has opened it again.
    """
    if row["kind"] != "police" or row["owner_id"] is None or row["owed_since"] is not None:
        return
    closed = {"next_at": None} if case.row["state"] == "closed" else {}
    uow.change(t.obligations, row["id"], since(uow.now) | closed)


def after_progress(row: Mapping[Any, Any], unheard: Iterable[RowMapping]) -> Mapping[str, Any]:
    """Columns of the obligation once there was progress with all but these: the clock goes on for what came in later.

    What was there when the clock began is not asked for one by one.
    """
    first: datetime | None = min((it["added_at"] for it in waiting(row, unheard)), default=None)
    if first is None:
        return NOTHING
    return {} if first == row["owed_since"] else since(first)


def waiting(row: Mapping[Any, Any], all_stops: Iterable[RowMapping]) -> list[RowMapping]:
    """Those that came in since progress is owed, and have no outcome."""
    if row["owed_since"] is None:
        return []
    later = (it for it in all_stops if it["added_at"] and it["added_at"] >= row["owed_since"])
    return [it for it in later if it["outcome"] is None]


def again(row: Mapping[Any, Any]) -> bool:
    """Whether it is owed for what came, or was opened again, after the owner had taken the case."""
    return bool(row["owed_since"] and row["acknowledged_at"] and row["owed_since"] > row["acknowledged_at"])
