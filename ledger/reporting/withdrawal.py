"""Withdrawing is a request: it is noted beside the case, alerts go on, and only officer or office closes it."""

from __future__ import annotations

from ledger import tables as t
from ledger.events import WithdrawalRequested
from ledger.store.unit_of_work import Case, UnitOfWork


def request(uow: UnitOfWork, case: Case, actor: str) -> None:
    """Note the wish, once."""
    if case.row["withdrawal_at"] is None:
        uow.change(t.cases, case.id, withdrawal_at=uow.now)
        uow.append(case, WithdrawalRequested(), actor)
