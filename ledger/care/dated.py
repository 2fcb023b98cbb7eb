"""A contact on a day that something falls due: added, moved, taken back by the counselor. See docs/decisions/0034.

It is a contact like those of the cadence: reminded of, overdue, in the lists, settled by a talk.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import RowMapping, insert, select

from ledger import followups
from ledger import tables as t
from ledger.care import contacts
from ledger.errors import NotAllowed, NotFound
from ledger.events import ContactMoved, ContactPlanned, ContactTakenBack
from ledger.followups import DATED, ContactPlan
from ledger.ringing import referrals
from ledger.store.unit_of_work import Case, UnitOfWork

FURTHEST = timedelta(days=731)  # two years
MOST = 50  # in one record, with those that are over
k = t.contacts.c


def first_day(now: datetime, zone: tzinfo) -> date:
    """The first day that still can be written down: after its evening today is past."""
    today = now.astimezone(zone).date()
    return today if followups.by_evening(today, zone) > now else today + timedelta(days=1)


def last_day(now: datetime, zone: tzinfo) -> date:
    return now.astimezone(zone).date() + FURTHEST


def due(day: date | None, now: datetime, zone: tzinfo) -> tuple[datetime | None, str]:
    """When a contact of this day is due (UTC), or None and what is wrong with it: date · past · far."""
    if day is None:
        return None, "date"
    problem = "far" if day > last_day(now, zone) else "past" if day < first_day(now, zone) else ""
    return (None, problem) if problem else (followups.by_evening(day, zone), "")


def add(uow: UnitOfWork, case: Case, purpose: str, due_at: datetime, actor: str) -> list[str]:
    """One more, of followups.PURPOSES. The same for the same day is there already; `many`: there is no room."""
    record = referrals.still_open(uow, case)
    its = _dated(uow, record)
    if _another(its, purpose, due_at):
        return []
    if len(its) >= MOST:
        return ["many"]
    plan = followups.on_a_day(purpose, len(its) + 1, due_at)
    new = {"id": t.new_id(), "follow_up_id": record["id"], "kind": plan.kind, "mode": plan.mode}
    uow.conn.execute(insert(t.contacts).values(**new, **_owed(uow, case, plan)))
    contacts.note_next(uow, record["id"])
    uow.append(case, ContactPlanned(plan.kind, due_at.isoformat()), actor)
    return []


def move(uow: UnitOfWork, case: Case, kind: str, due_at: datetime, actor: str) -> list[str]:
    """To another day, and whoever was reminded of it is so anew. `there`: that day has one for the same already.

    One that is overdue was missed and stays so, taken back: what is agreed on then is another one.
    """
    record, row = _owed_one(uow, case, kind, or_taken_back=True)
    there = _another(_dated(uow, record), followups.purpose(kind), due_at)
    if there and (row["taken_back_at"] or row["due_at"] == due_at):
        return []  # it has been moved, as by a button pressed twice
    if row["taken_back_at"]:
        raise NotAllowed("it is over")
    if there:
        return ["there"]
    if row["due_at"] < uow.now:
        problems = add(uow, case, followups.purpose(kind), due_at, actor)
        if not problems:
            take_back(uow, case, kind, actor)
        return problems
    uow.change(t.contacts, row["id"], _owed(uow, case, ContactPlan(kind, row["mode"], due_at)))
    contacts.note_next(uow, record["id"])
    uow.append(case, ContactMoved(kind, due_at.isoformat()), actor)
    return []


def take_back(uow: UnitOfWork, case: Case, kind: str, actor: str) -> None:
    """Nobody owes it any more. It stays in the record as what it is: not as a talk, nor as one that was tried."""
    record, row = _owed_one(uow, case, kind, or_taken_back=True)
    if row["taken_back_at"]:
        return
    over = {"taken_back_at": uow.now, "done_at": uow.now, "reached": False, "remind_at": None}
    uow.change(t.contacts, row["id"], over)
    contacts.note_next(uow, record["id"])
    uow.append(case, ContactTakenBack(kind), actor)


def _dated(uow: UnitOfWork, record: RowMapping) -> list[RowMapping]:
    its = (k.follow_up_id == record["id"], k.kind.startswith(DATED, autoescape=True))
    return list(uow.conn.execute(select(t.contacts).where(*its)).mappings())


def _another(its: list[RowMapping], purpose: str, due_at: datetime) -> bool:
    """Whether one for the same is owed that day."""
    same = (followups.purpose(it["kind"]) == purpose and it["due_at"] == due_at for it in its if not it["done_at"])
    return any(same)


def _owed_one(uow: UnitOfWork, case: Case, kind: str, *, or_taken_back: bool = False) -> tuple[RowMapping, RowMapping]:
    """The record, still open, and this contact of it; NotAllowed where the student was heard in it."""
    record = referrals.still_open(uow, case)
    row = next((it for it in _dated(uow, record) if it["kind"] == kind), None)
    if row is None:
        raise NotFound
    if row["done_at"] and not (or_taken_back and row["taken_back_at"]):
        raise NotAllowed("it is over")
    return record, row


def _owed(uow: UnitOfWork, case: Case, plan: ContactPlan) -> dict[str, Any]:
    """When it is due, and who is reminded of it next; of a drill's nobody is."""
    passed = followups.passed(plan, uow.now)
    remind_at = None if case.row["drill"] else followups.reminder_at(plan, passed)
    return {"due_at": plan.due_at, "reminders": passed, "remind_at": remind_at}
