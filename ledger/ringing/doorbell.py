"""The first step of what cannot wait: done by the police handler, and by a door beforehand (docs/decisions/0016)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.ringing import alerting, linking, match_keys
from ledger.store.unit_of_work import Case, UnitOfWork


def ring(uow: UnitOfWork, case: Case) -> None:
    """Look for an earlier report of the same fraud and write the first step's texts; once, whoever comes first."""
    linking.look(uow, case)
    alerting.begin(uow, case, case.first_obligation)


def ring_new(
    uow: UnitOfWork, case: Case, obligations: Sequence[Mapping[str, Any]], transfers: Sequence[Mapping[str, Any]]
) -> None:
    """The same in the transaction that has just written these whole rows, which need not be read again."""
    first = [row for row in obligations if row["kind"] == case.first_obligation]
    uow.know(alerting.OBLIGATION, case, first, duty=case.first_obligation)
    uow.know(match_keys.TRANSFERS, case, transfers)
    ring(uow, case)
