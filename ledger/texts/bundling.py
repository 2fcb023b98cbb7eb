"""One text for several alerts to one person: in a flood of reports from unknown numbers, and past a number's budget.

A bundled alert keeps its own row but never goes out itself: `bundle_id` names the text that speaks for it, and what
becomes of that text is written to both (`deliveries.spread`). So escalation, replies and pages see no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, literal, select, tuple_

from ledger import tables as t
from ledger.events import POLICE, PRIORITY
from ledger.school.people import Person
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

LONGEST_WAIT = timedelta(seconds=20)  # a bundle is promised to be out 30 s after its first alert at the latest
CODES = 5  # as many as one segment holds: notifier.messages.BUNDLE_CODES, compared in a test
DAY = timedelta(days=1)

c, d, o = t.cases.c, t.deliveries.c, t.obligations.c


def flooded(uow: UnitOfWork, case: Case) -> bool:
    """Whether this report from an unknown number came on top of a burst of them.

    A property of the report, not of the moment: every rung of its ladder is told in the same way.
    """
    limit, row = uow.ledger.limits.burst, case.row
    if limit is None or row["match_grade"] != "none" or row["drill"]:
        return False
    before = (
        select(literal(1))
        .where(c.match_grade == "none", ~c.drill, c.received_at > row["received_at"] - limit.within)
        .where(tuple_(c.received_at, c.id) < tuple_(row["received_at"], case.id))
        .limit(limit.reports)
    )
    return uow.conn.execute(select(func.count()).select_from(before.subquery())).scalar_one() >= limit.reports


def spent(uow: UnitOfWork, phone: str) -> bool:
    """Whether a number has had as many single texts within a day as it may get."""
    if uow.ledger.limits.per_number is None:
        return False
    index = uow.keys.blind("phone", phone)
    ours = [row for row in uow.unwritten(index) if row["bundle_id"] is None and row["kind"] != "call"]
    single = (
        select(literal(1))
        .where(d.to_index == index, d.created_at > uow.now - DAY, d.state != "cancelled")
        .where(d.bundle_id.is_(None), d.channel == "provider", d.kind != "call")
        .limit(most := uow.ledger.limits.per_number(phone))
    )
    had: int = uow.conn.execute(select(func.count()).select_from(single.subquery())).scalar_one()
    return bool(had + sum(row["channel"] == "provider" for row in ours) >= most)


def place(uow: UnitOfWork, person: Person, unverified: bool, dissuade: bool) -> UUID | None:
    """The person's next bundle with room for one more alert: one that no sender has taken up, or a new one.

    None for a person without a phone. A full one goes out at once.
    """
    sort = {"unverified": unverified} | ({"dissuade": True} if dissuade else {})
    uow.flush()  # the bundle may be one of this transaction's own
    open_ones = (
        select(d.id, d.facts)
        .where(d.person_id == person.id, d.kind == "bundle", d.state == "pending", d.language == person.language)
        .where(d.to_index == uow.keys.blind("phone", person.phone or ""), d.attempt == 1, d.tries == 0)
        .with_for_update(skip_locked=True)
    )
    for row in uow.conn.execute(open_ones).all():
        inside = uow.conn.execute(select(func.count()).where(d.bundle_id == row.id)).scalar_one()
        if row.facts != sort or inside >= CODES:
            continue
        if inside + 1 == CODES:
            uow.change(t.deliveries, row.id, available_at=uow.now)
        return UUID(str(row.id))
    return deliveries.tell(
        uow, person, "bundle", sort, case=None, dedup=f"bundle:{t.new_id()}",
        priority=PRIORITY[POLICE], alert=True, after=uow.now + LONGEST_WAIT,
    )  # fmt: skip


def speaking(conn: Connection, row: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A text as a sender is to say it: a bundle names what still rings now; it is unwanted where nothing does any more.

    One that may have been sent has said what it says. `members` are the ids of the alerts behind the codes.
    """
    if row["kind"] != "bundle" or row["state"] == "unknown":
        return row
    query = (
        select(c.code, d.id, d.facts)
        .join(t.obligations, o.id == d.obligation_id)
        .join(t.cases, c.id == d.case_id)
        .where(d.bundle_id == row["id"], o.state.in_(deliveries.WAITING))
        .order_by(c.received_at, c.id)
    )
    found = conn.execute(query).all()
    said: dict[str, Any] = {
        "codes": list(dict.fromkeys(it.code for it in found)),
        "members": [str(it.id) for it in found],
    }
    said["nth"] = max((it.facts.get("nth", 1) for it in found), default=1)  # no two texts of the same codes are alike
    return {**row, "facts": {**row["facts"], **said}, "wanted": bool(found)}
