"""What came in after the alert: the first text goes at once, and what follows within a minute in one more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import select, update

from ledger import tables as t
from ledger.events import POLICE, PRIORITY
from ledger.school.people import Person
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

QUIET = timedelta(seconds=60)
UNSAFE = "unsafe"
_AT_ONCE = frozenset({UNSAFE})  # a person in danger waits for nothing
d = t.deliveries.c


def tell(uow: UnitOfWork, case: Case, person: Person, added: Iterable[str], event: object) -> None:
    """`added`: words of notifier.messages.Amended; `event`: the id of the one that brought them."""
    fields = list(dict.fromkeys(added))
    query = select(d.id, d.state, d.facts, d.created_at, d.available_at).where(
        d.case_id == case.id, d.person_id == person.id, d.kind == "amended"
    )
    told = uow.conn.execute(query.order_by(d.created_at)).all()
    recent = [row for row in told if row.created_at > uow.now - QUIET]
    waiting = next((row for row in recent if row.state == "pending" and row.available_at), None)
    if waiting and _AT_ONCE.isdisjoint(fields):
        facts = {**waiting.facts, "added": list(dict.fromkeys([*waiting.facts["added"], *fields]))}
        mine = update(t.deliveries).where(d.id == waiting.id, d.state == "pending", d.available_at.is_not(None))
        if uow.conn.execute(mine.values(facts=facts)).rowcount:  # not taken up by a sender meanwhile
            return
    after = recent[-1].created_at + QUIET if recent and _AT_ONCE.isdisjoint(fields) else None
    facts = {"code": case.code, "added": fields, "nth": len(told) + 1}
    deliveries.tell(uow, person, "amended", facts, case=case,
                    dedup=f"{event}:{person.id}", priority=PRIORITY[POLICE], after=after)  # fmt: skip
