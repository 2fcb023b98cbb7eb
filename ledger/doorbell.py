"""The first step of what cannot wait: done by the police handler, and by a door beforehand (docs/decisions/0016)."""

from __future__ import annotations

from ledger import alerting, linking
from ledger.unit_of_work import Case, UnitOfWork


def ring(uow: UnitOfWork, case: Case) -> None:
    """Look for an earlier report of the same fraud and write the first step's texts; once, whoever comes first."""
    linking.look(uow, case)
    alerting.begin(uow, case, case.first_obligation)
