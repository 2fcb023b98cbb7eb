"""The follow-up record in the ledger: opened with its dated contacts, reminded from the clock until it is closed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select

from ledger import followups
from ledger import tables as t
from ledger.events import PRIORITY, FollowUpOpened
from ledger.followups import ContactPlan
from ledger.school import rungs
from ledger.store.statements import among
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries, reminders

_TEXT_NAME = {  # contact → how its text calls it
    "call_30m": "30min", "face_24h": "24h", "h48": "48h", "h72": "72h",
    "d7": "7d", "d14": "14d", "d30": "30d", "d90": "90d",
}  # fmt: skip
f, k = t.follow_ups.c, t.contacts.c
_OPENED = select(f.case_id).where(among(f.case_id, "cases"))


def open_follow_up(uow: UnitOfWork, case: Case) -> None:
    """Open the record once, with the contacts due from the report on. The case is ours, so nobody else does it."""
    if uow.take_rows(_OPENED, case) or case.row["closed_at"]:  # a drill may be over by now
        return
    opened_at = case.row["received_at"]
    plans, drill = followups.contacts_due(opened_at), case.row["drill"]
    row = {"id": t.new_id(), "case_id": case.id, "state": "first_contact", "counselor_id": case.row["counselor_id"],
           "opened_at": opened_at, "next_due_at": min(plan.due_at for plan in plans),
           "unreached_since": None if drill else opened_at,
           "referral_look_at": None if drill else opened_at + followups.UNREACHED_FOR}  # fmt: skip
    uow.insert(t.follow_ups, [row])
    planned = [
        {"follow_up_id": row["id"], "kind": plan.kind, "mode": plan.mode, "due_at": plan.due_at,
         "remind_at": None if drill else followups.reminder_at(plan, 0)}
        for plan in plans
    ]  # fmt: skip
    uow.insert(t.contacts, planned)
    uow.append(case, FollowUpOpened(len(plans)), "care")


def remind(uow: UnitOfWork, contact_id: UUID) -> None:
    """What the clock does when a contact's `remind_at` has come: the counselor, then the next in line, is told."""
    case_id = uow.conn.execute(
        select(f.case_id).join(t.contacts, k.follow_up_id == f.id).where(k.id == contact_id)
    ).scalar_one()
    case = uow.case(case_id)
    its = select(t.contacts, f.closed_at).join(t.follow_ups, k.follow_up_id == f.id).where(k.id == contact_id)
    row = uow.conn.execute(its.with_for_update(of=t.contacts)).mappings().one()
    if row["remind_at"] is None or row["remind_at"] > uow.now:
        return
    plan = ContactPlan(row["kind"], row["mode"], row["due_at"])
    due = followups.reminder(plan, row["reminders"], uow.now)
    values: dict[str, Any] = {"remind_at": None}
    if due and not row["closed_at"]:
        _tell(uow, case, row, due)
        values = {"reminders": due.number, "remind_at": followups.reminder_at(plan, due.number)}
    uow.change(t.contacts, contact_id, values)


def _tell(uow: UnitOfWork, case: Case, row: RowMapping, due: followups.Reminder) -> None:
    overdue = uow.now > row["due_at"]
    facts: dict[str, Any] = {"code": case.code, "contact": _TEXT_NAME.get(row["kind"], "agreed"), "overdue": overdue}
    facts["minutes"] = int((uow.now - case.row["received_at"]).total_seconds() // 60)
    kind = "counselor_reminder" if row["kind"] == followups.CADENCE[0].kind else "follow_up"
    earlier = reminders.read_before(uow, case, "counselor") if kind == "counselor_reminder" else {}
    called = rungs.called(uow.conn, uow.keys, due.targets, case.row, uow.now, uow.zone, uow.of_roster)
    for person in called:
        deliveries.tell(uow, person, kind, {**facts, "nth": earlier.get(person.id, 0) + 1}, case=case,
                        dedup=f"{_asked(row)}:{due.number}:{person.id}", priority=PRIORITY["counselor"])  # fmt: skip


def _asked(row: RowMapping) -> str:
    """What one text asks for. Those on one day are one: a carrier rejects the third text with the same words. One that
    was moved is asked for anew."""
    dated = row["kind"].startswith(followups.DATED)
    return f"{row['follow_up_id']}:{row['due_at']:%Y%m%d}" if dated else str(row["id"])
