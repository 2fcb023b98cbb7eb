"""What the service does about each event. The table at the foot says it all; a handler only writes to the ledger."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from ledger import tables as t
from ledger.care import closing, opening
from ledger.escalation import IMMEDIATE
from ledger.events import (
    CARE,
    COUNSELOR,
    NOTICE,
    POLICE,
    PRIORITY,
    CaseAcknowledged,
    CaseAmended,
    CaseLinked,
    CaseReopened,
    CounselorAcknowledged,
    DrillEnded,
    Envelope,
    FeltUnsafe,
    HandedOver,
    ImmediateAcknowledged,
    ReportConverted,
    ReportReceived,
)
from ledger.police import acknowledgement, one_answer
from ledger.reporting import later, renumbering
from ledger.ringing import alerting, doorbell, handover, linking, owing, unsafety
from ledger.school import people
from ledger.school.people import Person
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.store.work import Handlers
from ledger.texts import amendments, deliveries

d, o = t.deliveries.c, t.obligations.c


def alert_police(uow: UnitOfWork, event: Envelope) -> None:
    doorbell.ring(uow, uow.case(event.case_id), again=event.tries > 0)


def note_link(uow: UnitOfWork, event: Envelope) -> None:
    one_answer.serve(uow, event.case_id)
    linking.note(uow, UUID(event.data["earlier"]), event.case_id)


def alert_counselor(uow: UnitOfWork, event: Envelope) -> None:
    alerting.begin(uow, uow.case(event.case_id), "counselor")


def reach_the_unsafe(uow: UnitOfWork, event: Envelope) -> None:
    """Whoever is to go there is rung; who has the case hears of it, unless it is them."""
    case = uow.case(event.case_id)
    alerting.look(uow, case, unsafety.KIND)
    closing.reopen_for_one_unsafe(uow, case)
    uow.flush()  # those who have just been rung
    going = {person.id for person in _rung(uow, case, unsafety.KIND, event.at)}
    for person in _who_has(uow, case):
        if person.id not in going:
            amendments.tell(uow, case, person, [amendments.UNSAFE], event.id)


def open_follow_up(uow: UnitOfWork, event: Envelope) -> None:
    opening.open_follow_up(uow, uow.case(event.case_id))


def confirm_to_reporter(uow: UnitOfWork, event: Envelope) -> None:
    """One text with the code to the reporter's own number; none where the phone may be in the fraudster's hands."""
    case = uow.case(event.case_id)
    if phone := case.texts_to:
        facts = {"code": case.code, "paid": case.row["kind"] != "in_progress"}
        deliveries.tell(uow, (phone, case.row["language"]), "student", facts, case=case,
                        dedup=f"{event.id}:reporter", priority=PRIORITY[NOTICE])  # fmt: skip


def tell_who_has_the_case(uow: UnitOfWork, event: Envelope) -> None:
    one_answer.serve(uow, event.case_id)
    case = uow.case(event.case_id)
    acknowledgement.tell_all(uow, case, case.first_obligation, event.id, event.data["via"])


def tell_who_has_the_student(uow: UnitOfWork, event: Envelope) -> None:
    acknowledgement.tell_all(uow, uow.case(event.case_id), "counselor", event.id, event.data["via"])


def tell_who_goes_there(uow: UnitOfWork, event: Envelope) -> None:
    acknowledgement.tell_all(uow, uow.case(event.case_id), IMMEDIATE, event.id, event.data["via"])


def tell_of_amendment(uow: UnitOfWork, event: Envelope) -> None:
    """What came in later reaches the owner in one text, or everybody rung so far; a stop may ring others."""
    case = uow.case(event.case_id)
    if later.ring(uow, case, event):
        return
    fields = [_match_key(field) for field in event.data["fields"]]
    told = {person.id: person for person in _who_has(uow, case)}
    if renumbering.PHONE in fields:
        told |= {person.id: person for person in _who_calls(uow, case, event)}
        if not case.row["phone_unsafe"] and case.row["closed_at"] is None:
            confirm_to_reporter(uow, event)  # the first text went to somebody else
    for person in told.values():
        amendments.tell(uow, case, person, fields, event.id)


def tell_of_reopening(uow: UnitOfWork, event: Envelope) -> None:
    if event.data["by"] == later.REPORTER:
        later.tell(uow, uow.case(event.case_id), event)


def tell_end_of_drill(uow: UnitOfWork, event: Envelope) -> None:
    case = uow.case(event.case_id)
    for person in _rung(uow, case):
        deliveries.tell(uow, person, "drill_end", {"code": case.code}, case=case, dedup=f"{event.id}:{person.id}",
                        priority=PRIORITY[NOTICE])  # fmt: skip


def _match_key(field: str) -> str:
    return {"payee_account": "account", "payee_name": "name", owing.BEYOND: later.TRANSFER}.get(field, field)


def _who_has(uow: UnitOfWork, case: Case) -> list[Person]:
    """The owner, or whoever was rung while there is none."""
    row = alerting.obligation(uow, case, case.first_obligation)
    rung = _rung(uow, case, row["kind"], row["owed_since"]) if row["owner_id"] is None else []
    return rung or people.by_id(uow.conn, uow.keys, [row["owner_id"]])


def _who_calls(uow: UnitOfWork, case: Case, event: Envelope) -> list[Person]:
    """The counselor, and whoever answered for them; not one who is rung by this very change, and knows no other."""
    new = {person.id for person in _rung(uow, case, "counselor", event.at)}
    owner = alerting.obligation(uow, case, "counselor")["owner_id"]
    return [it for it in people.by_id(uow.conn, uow.keys, [owner, case.row["counselor_id"]]) if it.id not in new]


def _rung(uow: UnitOfWork, case: Case, kind: str | None = None, since: datetime | None = None) -> list[Person]:
    heard = d.state.in_(("pending", *deliveries.HEARD))
    query = select(d.person_id).join(t.obligations, o.id == d.obligation_id)
    query = query.where(d.case_id == case.id, d.alert, heard)
    if kind:
        query = query.where(o.kind == kind)
    if since:
        query = query.where(d.created_at >= since)
    return people.by_id(uow.conn, uow.keys, uow.conn.scalars(query.distinct()))


HANDLERS: Handlers = {
    (POLICE, ReportReceived.type): alert_police,
    (COUNSELOR, ReportReceived.type): alert_counselor,
    (POLICE, ReportConverted.type): alert_police,
    (COUNSELOR, FeltUnsafe.type): reach_the_unsafe,
    (CARE, ReportReceived.type): open_follow_up,
    (NOTICE, ReportReceived.type): confirm_to_reporter,
    (NOTICE, CaseAcknowledged.type): tell_who_has_the_case,
    (NOTICE, CounselorAcknowledged.type): tell_who_has_the_student,
    (NOTICE, CaseLinked.type): note_link,
    (NOTICE, ImmediateAcknowledged.type): tell_who_goes_there,
    (CARE, HandedOver.type): handover.ring_the_next,
    (POLICE, CaseAmended.type): tell_of_amendment,
    (NOTICE, CaseReopened.type): tell_of_reopening,
    (NOTICE, DrillEnded.type): tell_end_of_drill,
}
