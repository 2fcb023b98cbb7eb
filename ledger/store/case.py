"""A case while a transaction has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import RowMapping, bindparam, select

from ledger import tables as t
from ledger.states import ENDINGS, first_obligation
from ledger.store.crypto import RowKey
from ledger.store.statements import among

log = structlog.get_logger()

# How a case is locked. Built once: to build a statement takes longer than to run it.
_THE_CASE = select(t.cases).where(t.cases.c.id == bindparam("this"))
LOCKED = _THE_CASE.with_for_update(key_share=True)
LOCKED_OF_TEXT = (
    select(t.cases)
    .where(
        t.cases.c.id == select(t.deliveries.c.case_id).where(t.deliveries.c.id == bindparam("this")).scalar_subquery()
    )
    .with_for_update(key_share=True)
)
LOCKED_IF_FREE = _THE_CASE.with_for_update(key_share=True, skip_locked=True)
THOSE_FREE = select(t.cases).where(among(t.cases.c.id, "these")).with_for_update(key_share=True, skip_locked=True)


@dataclass
class Case:
    """A case locked for this transaction; its events are appended through the unit of work."""

    id: UUID
    code: str
    key: RowKey
    row: RowMapping | dict[str, Any]
    seq: int
    head: bytes
    changes: dict[str, Any] = field(default_factory=dict)  # further columns, written with the chain's head at the end

    def readable(self, column: str) -> str | None:
        """A sealed column, by its name without `_sealed`. None also where it does not open: that is said in the log."""
        key = self.key.lenient()
        text = key.open("cases", self.id, column, self.row[f"{column}_sealed"])
        if key.failed:
            log.error("field_unreadable", case=str(self.id), column=column)
        return text

    @property
    def texts_to(self) -> str | None:
        """The reporter's number for texts; None where none is safe (not one in the fraudster's hands) or readable."""
        if self.row["drill"]:
            return None
        return self.readable("safe_phone" if self.row["phone_unsafe"] else "phone")

    @property
    def first_obligation(self) -> str:
        return first_obligation(self.row["kind"])

    def show(self, state: str) -> None:
        """What it has come to by its first obligation; once all transfers have outcomes, theirs is what it shows."""
        if self.row["state"] not in ENDINGS:
            self.changes["state"] = state
