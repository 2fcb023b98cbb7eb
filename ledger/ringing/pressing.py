"""Who has a case and shows no progress is reminded, then others are rung; see docs/decisions/0024 and 0030.

Everything here happens in the clock's transaction with the case locked, as in ledger/ringing/alerting.py.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping

from ledger import escalation
from ledger import tables as t
from ledger.events import PRIORITY, OwnerReleased, OwnerReminded
from ledger.ringing import owing
from ledger.school import people
from ledger.school.people import Person
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries


def press(uow: UnitOfWork, case: Case, row: RowMapping) -> bool:
    """Acknowledged is not done: without progress the owner and the office hear of it, then the owner has it no more.

    Whether that is so now, and others are to be rung.
    """
    owner, since = people.by_id(uow.conn, uow.keys, [row["owner_id"]]), row["owed_since"]
    due = escalation.owner_clock(since, row["reminded"], uow.now)
    if due == "remind":
        facts = {"code": case.code, "minutes": 10, "next_minutes": 5, "owner_id": str(row["owner_id"])}
        facts |= owing.occasion(uow, case, row) | _of_dissuading(row)
        _tell_each(uow, case, owner + _office(uow, case), "progress", facts, row)
        uow.append(case, OwnerReminded(str(row["owner_id"])), "clock")
        values: dict[str, Any] = {"reminded": True, "next_at": since + escalation.MOVE_ON_AFTER}
        uow.change(t.obligations, row["id"], values)
    elif due == "move_on":
        _release(uow, case, row, owner)
    else:
        after = escalation.MOVE_ON_AFTER if row["reminded"] else escalation.REMIND_AFTER
        uow.change(t.obligations, row["id"], next_at=since + after)
    return due == "move_on"


def remind_to_file(uow: UnitOfWork, case: Case, row: RowMapping) -> None:
    """Half an hour is over, the reporter was reached, and no stop is filed: its owner hears of it once.

    Where its owner cannot be told any more the office is.
    """
    facts = {"code": case.code, "minutes": round(owing.FILED_WITHIN.total_seconds() / 60), "unfiled": True}
    to = [it for it in people.by_id(uow.conn, uow.keys, [row["owner_id"]]) if it.phone]
    for person in to or _office(uow, case):
        deliveries.tell(uow, person, "progress", facts, case=case, priority=PRIORITY["police"],
                        dedup=f"{row['id']}:unfiled:{row['next_at'].isoformat()}:{person.id}")  # fmt: skip
    uow.append(case, OwnerReminded(str(row["owner_id"])), "clock")


def _office(uow: UnitOfWork, case: Case) -> list[Person]:
    on_duty = people.on_duty(uow.conn, case.row["college_code"], "office", uow.now, uow.zone)
    return people.by_id(uow.conn, uow.keys, on_duty)


def _of_dissuading(row: RowMapping) -> dict[str, Any]:
    return {"dissuade": True} if row["kind"] == "dissuade" else {}


def _release(uow: UnitOfWork, case: Case, row: RowMapping, owner: list[Person]) -> None:
    uow.append(case, OwnerReleased(str(row["owner_id"])), "clock")
    _tell_each(uow, case, owner, "moved_on", {"code": case.code, "minutes": 15} | _of_dissuading(row), row)
    values = {"state": "alerted", "owner_id": None, "acknowledged_at": None, "reminded": False}
    values["owed_since"] = row["owed_since"] if owing.again(row) else None
    uow.change(t.obligations, row["id"], values)
    case.show("alerted")


def _tell_each(
    uow: UnitOfWork, case: Case, to: list[Person], kind: str, facts: dict[str, Any], row: RowMapping
) -> None:
    for person in {p.id: p for p in to if p.phone}.values():
        dedup = f"{row['id']}:{kind}:{row['owed_since'].isoformat()}:{person.id}"
        deliveries.tell(uow, person, kind, facts, case=case, dedup=dedup, priority=PRIORITY["police"])
