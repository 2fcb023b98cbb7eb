"""One owner: whoever's acknowledgement commits first has the case, everybody else is told who that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, bindparam, func, or_, select
from sqlalchemy import case as sql_case

from ledger import escalation
from ledger import tables as t
from ledger.escalation import ANSWER_HOLDS, IMMEDIATE, UNSAFE
from ledger.events import (
    PRIORITY,
    CaseAcknowledged,
    CounselorAcknowledged,
    ImmediateAcknowledged,
)
from ledger.ringing import handover, owing
from ledger.ringing.alerting import obligation
from ledger.school import people
from ledger.school.people import Person
from ledger.states import FIRST_DUTIES
from ledger.store import alarms
from ledger.store.statements import one_of
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

o, d, e = t.obligations.c, t.deliveries.c, t.case_events.c
# Built once: see statements.
_RUNG = select(d.person_id).where(
    d.obligation_id == bindparam("duty"),
    d.alert,
    one_of(d.state, deliveries.HEARD),
    or_(d.created_at > bindparam("since", type_=t.UtcTime), d.person_id == bindparam("had", type_=Uuid)),
)
_TAKEN_BEFORE = (
    select(e.at, e.data)
    .where(e.case_id == bindparam("this"), e.type == bindparam("type"), e.id < bindparam("event"))
    .order_by(e.seq.desc())
    .limit(1)
)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Owner:
    """Who has an obligation since when; `won`: by this very call.

    Both None: it is over, and nobody had acknowledged it (a drill that ended, a student reached without more ado).
    """

    person: UUID | None
    at: datetime | None
    won: bool


def acknowledge(uow: UnitOfWork, case: Case, kind: str, person: UUID, via: str, actor: str) -> Owner:
    """Take an obligation for `person`, or learn who has it. Texts not yet called are cancelled in the same commit."""
    row = obligation(uow, case, kind)
    if row["state"] not in deliveries.WAITING:
        return Owner(row["owner_id"], row["acknowledged_at"], won=False)
    if kind == UNSAFE:
        alarms.clear(uow, case.id, kind)
        if left := row["declined"]:  # who can after all
            uow.change(t.obligations, row["id"], declined={it: left[it] for it in left if it != str(person)})
        return Owner(person, uow.now, won=False)  # it rings on until a contact is recorded
    police = kind in FIRST_DUTIES
    values = {
        "state": "acknowledged",
        "owner_id": person,
        "acknowledged_at": uow.now,
        "declined": None,
        **(owing.since(uow.now) if police else owing.NOTHING),
        # Who answered is on the way. Whether somebody is with the student, somebody else has to say.
        **({"next_at": uow.now + ANSWER_HOLDS} if kind == IMMEDIATE else {}),
    }
    uow.change(t.obligations, row["id"], values)
    deliveries.cancel_alerts(uow, row["id"])
    alarms.clear(uow, case.id, kind)
    if police:
        case.show("acknowledged")
    uow.append(case, event_of(kind)(str(person), via), actor)
    if kind == "counselor":
        handover.take_on(uow, case, person, actor)
    return Owner(person, uow.now, won=True)


def event_of(kind: str) -> type[CaseAcknowledged | CounselorAcknowledged | ImmediateAcknowledged]:
    """What an obligation's acknowledgement is to others."""
    if kind == IMMEDIATE:
        return ImmediateAcknowledged
    return CaseAcknowledged if kind in FIRST_DUTIES else CounselorAcknowledged


def tell_all(uow: UnitOfWork, case: Case, kind: str, event_id: UUID, via: str) -> None:
    """After an acknowledgement: the owner hears that it is theirs, everybody else rung that it is not."""
    row = obligation(uow, case, kind)
    if row["owner_id"] is None:
        return  # meanwhile released again
    owner = people.by_id(uow.conn, uow.keys, [row["owner_id"]])
    for person in owner if via != "page" else []:
        # Two obligations that one reply took are answered in one text.
        moment = f"{case.id}:{row['acknowledged_at'].isoformat()}:{person.id}"
        answer_owner(uow, case, kind, person, row["acknowledged_at"], moment)
    # Who was rung before somebody took it has heard so then, but for who had it.
    since, had = taken_before(uow, case, event_id, kind)
    rung = uow.conn.scalars(_RUNG, {"duty": row["id"], "since": since, "had": had})
    for person in people.by_id(uow.conn, uow.keys, [i for i in rung if i != row["owner_id"]]):
        stand_down(
            uow, case, person, Owner(row["owner_id"], row["acknowledged_at"], won=False), f"{event_id}:{person.id}"
        )


def taken_before(uow: UnitOfWork, case: Case, event: UUID, kind: str = "police") -> tuple[datetime, UUID | None]:
    """When the obligation was taken last before this event, and by whom; nobody where nobody did."""
    asked = {"this": case.id, "event": event, "type": event_of(kind).type}
    row = uow.conn.execute(_TAKEN_BEFORE, asked).one_or_none()
    return (row.at, UUID(row.data["owner"])) if row else (_NEVER, None)


def first_taken() -> ColumnElement[Any]:
    """Of a row of obligations: when somebody took it first. It may have been another's since, and be nobody's now.

    Events are read of those few alone that have gone on to a further step, without which nobody else can have it.
    """
    first = select(func.min(e.at, type_=t.UtcTime)).where(e.case_id == o.case_id, e.type == CaseAcknowledged.type)
    first = first.where(e.at >= o.started_at).correlate(t.obligations)
    again = func.coalesce(first.scalar_subquery(), o.acknowledged_at, type_=t.UtcTime)
    return sql_case((o.step > 0, again), else_=o.acknowledged_at)


def stand_down(uow: UnitOfWork, case: Case, person: Person, owner: Owner, dedup: str) -> None:
    """Tell somebody that it is not theirs. The owner's name is put in when the text is sent, and stored nowhere."""
    facts = {
        "code": case.code,
        "owner_id": str(owner.person) if owner.person else None,
        "at": owner.at.isoformat() if owner.at else None,
    }
    deliveries.tell(uow, person, "stand_down", facts, case=case, dedup=dedup, priority=PRIORITY["notice"])


def answer_owner(uow: UnitOfWork, case: Case, kind: str, person: Person, at: datetime, dedup: str) -> None:
    text = "acknowledged" if kind == "police" else "counselor_ack"  # to dissuade is to call, as a counselor does
    facts: dict[str, Any] = {"code": case.code, "at": at.isoformat(), "minutes": 10}
    if kind == IMMEDIATE:  # of more than the others, so that none of them speaks for it
        facts["holds"] = max(1, escalation.minutes_between(uow.now, at + ANSWER_HOLDS))
        dedup += f":{kind}"
    deliveries.tell(uow, person, text, facts, case=case, dedup=f"{text}:{dedup}", priority=PRIORITY["police"])
