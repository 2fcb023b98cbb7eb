"""Before a stop ends somebody is told, and an officer may have it begin once more (再止付)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select

from ledger import tables as t
from ledger.errors import NotAllowed
from ledger.events import CARE, PRIORITY, StopEnding, StopRenewed
from ledger.police import stopped
from ledger.police.progress import owned
from ledger.police.stopped import LAST, STOPPED
from ledger.ringing import alerting, ladders
from ledger.school import people, rungs
from ledger.school.people import Person
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

TOGETHER = timedelta(minutes=15)  # stops of a case that end so close to each other are one text
NOBODY_FOR = timedelta(minutes=10)  # then it is looked again whether somebody can be told
x = t.transfers.c


def look(uow: UnitOfWork, case: Case) -> None:
    """What the clock does when the time of some stop of this case has come. One that is over is told to nobody."""
    query = select(t.transfers).where(x.case_id == case.id, x.stop_look_at.is_not(None)).order_by(x.stop_ends_at)
    rows = uow.conn.execute(query).mappings().all()
    waits: dict[tuple[bool, bool], list[RowMapping]] = {}
    for row in rows:
        left = row["stop_ends_at"] - uow.now
        if left <= timedelta():
            uow.change(t.transfers, row["id"], stop_look_at=None)
        elif row["stop_look_at"] <= uow.now + TOGETHER and row["stop_look_at"] < row["stop_ends_at"]:
            # Of the two warnings the one whose time it is: what a dead clock left out is not made up for.
            waits.setdefault((row["stop_renewed"], left <= LAST + TOGETHER), []).append(row)
    for (_, last), stops in waits.items():
        if any(row["stop_look_at"] <= uow.now for row in stops):
            _warn(uow, case, stops, last=last)


def _warn(uow: UnitOfWork, case: Case, stops: Sequence[RowMapping], *, last: bool) -> None:
    """In one text, of the first that ends. Where nobody can be told, somebody may be when the shift has changed."""
    first, to = stops[0], _whom(uow, case, last=last)
    ends_at: datetime = first["stop_ends_at"]
    facts = {"code": case.code, "at": ends_at.isoformat(), "hours_left": stopped.hours_left(ends_at, uow.now)}
    facts |= {"again": 0 if first["stop_renewed"] else 1, "transfers": len(stops)} | _which(uow, case, stops)
    step, true_for = ("last", ends_at) if last else ("early", ends_at - LAST)
    for person in to:
        # Behind every alert of somebody whose money can still be stopped, before all that can wait for a day.
        deliveries.tell(uow, person, "lapse", facts, case=case, priority=PRIORITY[CARE], lasts=true_for - uow.now,
                        dedup=f"{first['id']}:lapse:{ends_at.isoformat()}:{step}:{person.id}")  # fmt: skip
    if to:
        of = tuple(row["position"] for row in stops)
        uow.append(case, StopEnding(of, ends_at.isoformat(), len(to)), "clock")
    for row in stops:
        told_at = row["stop_ends_at"] - (timedelta() if last else LAST)
        uow.change(t.transfers, row["id"], stop_look_at=told_at if to else min(uow.now + NOBODY_FOR, told_at))


def _which(uow: UnitOfWork, case: Case, stops: Sequence[RowMapping]) -> dict[str, Any]:
    several = len(uow.conn.execute(select(x.id).where(x.case_id == case.id).limit(2)).all()) > 1
    return {"transfer": stops[0]["position"]} if several and len(stops) == 1 else {}


def _whom(uow: UnitOfWork, case: Case, *, last: bool) -> list[Person]:
    """The owner; where they are not the one on duty now, who is too. In the last hour the office as well."""
    owner_id = alerting.obligation(uow, case, case.first_obligation)["owner_id"]
    owner = [person for person in people.by_id(uow.conn, uow.keys, [owner_id]) if person.phone]
    ladder = ladders.configured(uow.conn, "police", case.row["college_code"])
    on_duty = next((found for rung in ladder.rungs if (found := _called(uow, case, rung.targets))), [])
    on_watch = bool(owner) and owner[0].id in {person.id for person in on_duty}
    to = owner if on_watch else owner + on_duty
    if last:
        to = to + (_called(uow, case, ("office",)) or _called(uow, case, ("desk",)))
    return list({person.id: person for person in to}.values())


def _called(uow: UnitOfWork, case: Case, targets: Sequence[str]) -> list[Person]:
    return rungs.called(uow.conn, uow.keys, targets, case.row, uow.now, uow.zone, uow.of_roster)


def renew(uow: UnitOfWork, case: Case, position: int, since: datetime | None, person: UUID | None, actor: str) -> bool:
    """Stopped once more, at `since` if not now: another 48 hours. False where it was before: twice is all there is.

    `person` None: the security office. Also of a closed case: it changes nothing but until when the money is held.
    """
    owned(uow, case, person, closed=True)
    query = select(t.transfers).where(x.case_id == case.id, x.position == position)
    row = uow.conn.execute(query).mappings().one_or_none()
    if row is None or row["outcome"] != STOPPED:
        raise NotAllowed(f"transfer {position} is not stopped")
    if row["stop_renewed"]:
        return False
    values = stopped.from_then(since or uow.now, uow.now, renewed=True, drill=case.row["drill"])
    uow.change(t.transfers, row["id"], values)
    stopped.hush(uow, case, row["id"], values)
    uow.append(case, StopRenewed(position, values["stop_ends_at"].isoformat()), actor)
    return True
