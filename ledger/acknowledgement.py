"""One owner: whoever's acknowledgement commits first has the case, everybody else is told who that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Uuid, bindparam, func, or_, select
from sqlalchemy import case as sql_case

from ledger import alarms, deliveries, handover, owing, people, stopped, unsafety
from ledger import tables as t
from ledger.alerting import obligation
from ledger.errors import NotAllowed
from ledger.escalation import IMMEDIATE, UNSAFE
from ledger.events import (
    PRIORITY,
    CaseAcknowledged,
    CounselorAcknowledged,
    ImmediateAcknowledged,
    OutcomeRecorded,
    ProgressRecorded,
)
from ledger.people import Person
from ledger.resuming import resume
from ledger.statements import one_of
from ledger.states import OUTCOMES, can_move, case_outcome, case_state
from ledger.unit_of_work import Case, UnitOfWork

o, d, e = t.obligations.c, t.deliveries.c, t.case_events.c
POLICE_DUTIES = ("police", "dissuade")
_ANSWERS = {IMMEDIATE: ImmediateAcknowledged}
# Built once: see statements.
_RUNG = select(d.person_id).where(
    d.obligation_id == bindparam("duty"),
    d.alert,
    one_of(d.state, deliveries.HEARD),
    or_(d.created_at > bindparam("since", type_=t.UtcTime), d.person_id == bindparam("had", type_=Uuid)),
)
_TAKEN_BEFORE = (
    select(e.at, e.data)
    .where(e.case_id == bindparam("this"), e.type == CaseAcknowledged.type, e.id < bindparam("event"))
    .order_by(e.seq.desc())
    .limit(1)
)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
PROGRESS = {"contacted": "contacted", "filed": "filed", "accepted_110": "filed"}  # what it makes of the obligation


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
        return Owner(person, uow.now, won=False)  # it rings on until a contact is recorded
    police = kind in POLICE_DUTIES
    values = {
        "state": "acknowledged",
        "owner_id": person,
        "acknowledged_at": uow.now,
        **(owing.since(uow.now) if police else owing.NOTHING),
    }
    uow.change(t.obligations, row["id"], values)
    deliveries.cancel_alerts(uow, row["id"])
    alarms.clear(uow, case.id, kind)
    if police:
        case.show("acknowledged")
    event = CaseAcknowledged if police else _ANSWERS.get(kind, CounselorAcknowledged)
    uow.append(case, event(str(person), via), actor)
    if kind == "counselor":
        handover.take_on(uow, case, person, actor)
    return Owner(person, uow.now, won=True)


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
    since, had = taken_before(uow, case, event_id) if row["kind"] in POLICE_DUTIES else (_NEVER, None)
    rung = uow.conn.scalars(_RUNG, {"duty": row["id"], "since": since, "had": had})
    for person in people.by_id(uow.conn, uow.keys, [i for i in rung if i != row["owner_id"]]):
        stand_down(
            uow, case, person, Owner(row["owner_id"], row["acknowledged_at"], won=False), f"{event_id}:{person.id}"
        )


def taken_before(uow: UnitOfWork, case: Case, event: UUID) -> tuple[datetime, UUID | None]:
    """When the case was taken last before this event, and by whom; nobody where nobody did."""
    row = uow.conn.execute(_TAKEN_BEFORE, {"this": case.id, "event": event}).one_or_none()
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
    facts = {"code": case.code, "at": at.isoformat(), "minutes": 10}
    deliveries.tell(uow, person, text, facts, case=case, dedup=f"{text}:{dedup}", priority=PRIORITY["police"])


def record_progress(
    uow: UnitOfWork, case: Case, progress: str, person: UUID | None, actor: str, seen: int | None = None
) -> None:
    """The owner reached the reporter, filed the stop, or learnt that 110 has it. `person` None: the security office.

    `seen`: how many transfers they knew of, if not all; what came in while their page was open is owed still.
    """
    row, stops = owned(uow, case, person), owing.stops(uow, case)
    recorded = [it["outcome"] for it in stops]
    named, old, state = case_outcome(recorded), row["state"], PROGRESS[progress]
    if old == "done" and named is None:  # by a ledger that did not open it again for a further transfer
        old = resume(uow, case, row, recorded)
    # What is done may be opened again by the office alone: a button pressed late must not take an outcome away.
    if old != "done":
        values = dict(owing.after_progress(row, [it for it in stops if seen is not None and it["position"] > seen]))
        if can_move(row["kind"], old, state):
            at = f"{state}_at"
            values |= {"state": state, at: row[at] or uow.now}  # another officer may have come so far before
            uow.change(t.cases, case.id, state=case_state(state, named))
        if values:
            uow.change(t.obligations, row["id"], values)
        if progress == "contacted" and (due := owing.file_by(uow, row["id"], drill=case.row["drill"])):
            uow.change(t.obligations, row["id"], next_at=due)
    if progress == "contacted" and person is None:
        unsafety.settle(uow, case)
    uow.append(case, ProgressRecorded(progress), actor)


def student_reached(uow: UnitOfWork, case: Case, actor: str) -> None:
    """By whoever follows them up: progress with a dissuasion that somebody has. A counselor has no duty page."""
    if case.first_obligation != "dissuade":
        return
    row = obligation(uow, case, "dissuade")
    if row["state"] == "acknowledged":
        record_progress(uow, case, "contacted", row["owner_id"], actor)


def record_outcome(
    uow: UnitOfWork,
    case: Case,
    position: int,
    outcome: str,
    amount_fen: int | None,
    person: UUID | None,
    actor: str,
    number: str = "",
    since: datetime | None = None,
) -> str:
    """What became of one transfer; when every transfer has an outcome, the police obligation is done.

    立案 and 110已受理 decide nothing: they leave the outcome that the transfer has, and its amount. So does the same
    outcome once more without an amount. `since`: when it was stopped, if not now. Returns what the
    transfer lacks then: amount · number, or nothing.
    """
    row, c = owned(uow, case, person), t.transfers.c
    found = select(t.transfers).where(c.case_id == case.id, c.position == position)
    transfer = uow.conn.execute(found).mappings().one_or_none()
    if transfer is None or outcome not in OUTCOMES:
        raise NotAllowed(f"no transfer {position} or no outcome {outcome!r}")
    values: dict[str, Any] = {"outcome_at": uow.now}
    again = outcome == transfer["outcome"] and amount_fen is None
    if not again and (OUTCOMES[outcome].case or not transfer["outcome"]):
        values |= {"outcome": outcome, "outcome_fen": amount_fen}
    values |= stopped.after(transfer, outcome, since, case.row["drill"], uow.now)
    if number:
        values["outcome_number_sealed"] = case.key.seal("transfers", transfer["id"], "outcome_number", number)
    uow.change(t.transfers, transfer["id"], values)
    stopped.hush(uow, case, transfer["id"], values)
    recorded_as = OutcomeRecorded(position, outcome, amount_fen, stopped.until(values))
    uow.append(case, recorded_as, actor, sealed=number or None)
    stops = owing.stops(uow, case)
    recorded = [it["outcome"] for it in stops]
    named = case_outcome(recorded)
    if row["state"] == "done" and named is None:  # as in record_progress
        resume(uow, case, row, recorded)
    elif named:
        uow.change(t.obligations, row["id"], {"state": "done", "done_at": uow.now, **owing.NOTHING})
        uow.change(t.cases, case.id, state=case_state("done", named))
    else:
        # Another outcome of what had one is no progress with those that have none: their owner is still reminded.
        if not case_outcome([transfer["outcome"]]):
            # Of those that were there when the clock began, one that is being dealt with counts for all.
            others = owing.waiting(row, [it for it in stops if it["position"] != position])
            progress = owing.after_progress(row, others)
            uow.change(t.obligations, row["id"], {"state": row["state"], **progress})
        uow.change(t.cases, case.id, state=case_state(row["state"], None))
    return _lacks({**transfer, **values}, outcome)


def _lacks(transfer: Mapping[Any, Any], said: str) -> str:
    """What belongs to the outcome that was said just now, then to the one that the transfer has."""
    lacking = {"amount": transfer["outcome_fen"] is None, "number": transfer["outcome_number_sealed"] is None}
    needed = (OUTCOMES[outcome].needs for outcome in (said, transfer["outcome"]))
    return next((needs for needs in needed if needs and lacking[needs]), "")


def owned(uow: UnitOfWork, case: Case, person: UUID | None, *, closed: bool = False) -> RowMapping:
    """The first obligation, for its owner or the office (`person` None). NotAllowed for others, and once closed, unless
    it may be (`closed`)."""
    row = obligation(uow, case, case.first_obligation)
    if case.row["state"] == "closed" and not closed:
        raise NotAllowed("the case is closed")
    if row["owner_id"] is None or (person is not None and row["owner_id"] != person):
        raise NotAllowed("the case has to be acknowledged first, and only its owner or the office may do this")
    return row
