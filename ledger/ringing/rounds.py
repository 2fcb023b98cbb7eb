"""What has become of the texts of an obligation's present round of its ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import RowMapping, bindparam, select

from ledger import escalation
from ledger import tables as t
from ledger.store.statements import number
from ledger.store.unit_of_work import UnitOfWork
from ledger.texts import waits

d = t.deliveries.c
_WRITTEN = select(d.id).where(d.obligation_id == bindparam("this"), d.alert).limit(number(1))
_NOT_REACHED = escalation.GONE - escalation.HAVE_HAD_IT | {"cancelled"}


@dataclass(frozen=True)
class Round:
    """Texts up to the present `step` of a ladder of `many` rungs, each with what it is to escalation; also those of the
    steps just before the round that reached nobody."""

    step: int
    many: int
    texts: Sequence[tuple[RowMapping, str]]

    @cached_property
    def present(self) -> list[tuple[RowMapping, str]]:
        return [(text, state) for text, state in self.texts if text["step"] == self.step]

    @cached_property
    def sent(self) -> list[str]:
        """The states of the present step."""
        return [state for _, state in self.present]

    @cached_property
    def lost(self) -> frozenset[int]:
        """Steps with a text that nobody tries any more."""
        return frozenset(text["step"] for text, state in self.texts if state == escalation.LOST)

    @cached_property
    def doubt(self) -> bool:
        """Whether somebody may have heard, though nobody can say so, or cannot come."""
        return any(waits.in_doubt(text, state) for text, state in self.texts)

    @property
    def declined(self) -> bool:
        return any(state == escalation.DECLINED for _, state in self.texts)

    @property
    def reached(self) -> bool:
        """Whether the present step counts as one that reached somebody."""
        return self.step < 0 or self.doubt or any(state not in _NOT_REACHED for state in self.sent)

    def in_vain(self, barren: int, *, over: bool) -> bool:
        """Whether nobody is known to have been reached in it, and its last step is over.

        `barren`: steps in a row that reached nobody, with the present one; `over`: whether escalation says so. Phones
        that are off are found out later than that, and some confirm after they were given up.
        """
        last = (self.step + 1) % self.many == 0
        if self.doubt:
            gone = last and all(state in escalation.GONE for state in self.sent)
            return gone and not self._heard("sent", "delivered")
        return (over or (last and barren >= self.many)) and not self._heard("delivered")

    def give_up_waiting(self, uow: UnitOfWork) -> None:
        """Keep of texts of the present step that they are in doubt by the time alone, also while they are looked up.

        The case is locked, so nobody settles them; and no later step has replaced them.
        """
        for text, state in self.present:
            if state == escalation.UNANSWERED and not text["settled"]:
                uow.change_later(t.deliveries, text["id"], {"settled": True})

    def over_at(self, now: datetime) -> list[datetime]:
        """When texts of the present step will have waited for too long for a receipt, or to be asked about."""
        return [at for text, _ in self.present if (at := waits.over_at(text)) and at > now]

    def _heard(self, *states: str) -> bool:
        return any(state in states for text, state in self.texts if text["step"] > self.step - self.many)


def of(uow: UnitOfWork, row: RowMapping, many: int) -> Round:
    """The present round of an obligation's `row`; two rounds are read at most."""
    step = row["step"]
    first = min(step - min(row["barren"], 2 * many), step - step % many)
    query = select(t.deliveries).where(d.obligation_id == row["id"], d.step.between(first, step), d.alert)
    texts = uow.conn.execute(query).mappings()
    return Round(step, many, [(text, waits.as_alert(text, uow.now, row["declined"])) for text in texts])


def known_before(uow: UnitOfWork, row: RowMapping) -> bool:
    """Whether something became of the spool's texts before their step began; nobody will say so again."""
    if row["entered_at"] is not None:
        return False
    told = row["alerted_at"] is not None or (row["next_at"] is not None and row["next_at"] <= uow.now)
    return told and uow.conn.execute(_WRITTEN, {"this": row["id"]}).first() is not None
