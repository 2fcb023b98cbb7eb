"""The first step of what cannot wait: done by the police handler, and by a door beforehand (docs/decisions/0016)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import AlreadyThere, where
from ledger.ringing import alerting, linking, match_keys
from ledger.store.unit_of_work import Case, UnitOfWork

log = structlog.get_logger()


def ring(uow: UnitOfWork, case: Case, *, again: bool = False) -> None:
    """Look for an earlier report of the same fraud and write the first step's texts; once, whoever comes first.

    `again`: this was tried before and failed.
    """
    if root := _earlier(uow, case, again=again):
        linking.link(uow, case, root)
    alerting.begin(uow, case, case.first_obligation)


def _earlier(uow: UnitOfWork, case: Case, *, again: bool) -> UUID | None:
    """None as well where it cannot be looked for: the alert goes without it, and shares the fate of none but itself.

    An error of the database's ends the transaction, so the first time that is for the caller to do again; the second
    time only this part of it. While all is well a savepoint is two statements for nothing.
    """
    if again:
        uow.write_changes()  # not to be undone with it
    try:
        with uow.conn.begin_nested() if again else nullcontext():
            return linking.look(uow, case)
    except AlreadyThere:
        raise
    except Exception as error:
        if isinstance(error, SQLAlchemyError) and (not again or uow.conn.invalidated):
            raise
        log.error("earlier_report_not_looked_for", case=str(case.id), reason=where(error))
        return None


def ring_new(
    uow: UnitOfWork, case: Case, obligations: Sequence[Mapping[str, Any]], transfers: Sequence[Mapping[str, Any]]
) -> None:
    """The same in the transaction that has just written these whole rows, which need not be read again."""
    first = [row for row in obligations if row["kind"] == case.first_obligation]
    uow.put_rows(alerting.OBLIGATION, case, first, duty=case.first_obligation)
    uow.put_rows(match_keys.TRANSFERS, case, transfers)
    ring(uow, case)
