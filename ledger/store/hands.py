"""What a transaction leaves to be done by whoever sends and publishes, and the senders as the ledger sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ledger.events import Envelope

if TYPE_CHECKING:
    from ledger.store.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Committed:
    """What a commit left to be done: events for the queues and for others, and whether texts wait for a sender."""

    events: tuple[Envelope, ...]
    texts: bool
    label: str  # of the transaction, see Ledger.begin


class Hands(Protocol):
    """This process's senders, as far as they are free: texts need not wait for a commit and a look to be claimed."""

    @property
    def free(self) -> bool:
        """Whether one of them is; the next moment none may be."""
        ...

    def claim(self, uow: UnitOfWork, texts: Sequence[dict[str, Any]]) -> list[Any]:
        """Mark as claimed those of these new rows that can be called at once; one claim for each, its id the row's."""
        ...

    def call(self, claims: Sequence[Any]) -> None: ...
    def let_go(self, claims: Sequence[Any]) -> None: ...
