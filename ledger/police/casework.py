"""What an officer does with a case that is theirs: asks the student, notes the call, says what kind of fraud it is,
closes it, reopens it."""

from __future__ import annotations

import json
from uuid import UUID

from sqlalchemy import select

from ledger import tables as t
from ledger.errors import NotAllowed
from ledger.events import CaseClosed, CaseReopened, KindSet, VoiceRecorded
from ledger.police import acknowledgement
from ledger.police.acknowledgement import Owner
from ledger.police.progress import owned, record_progress
from ledger.police.resuming import resume
from ledger.ringing import owing
from ledger.ringing.alerting import obligation
from ledger.school import people
from ledger.store import alarms
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

VOICES = ("called", "unreached")  # 已电话核实 · 未接通，先行报送
d = t.deliveries.c


def record_voice(
    uow: UnitOfWork, case: Case, voice: str, person: UUID | None, actor: str, seen: int | None = None,
    unsafe: str | None = None,
) -> None:  # fmt: skip
    """Confirmed by phone, which is progress (`seen`, `unsafe`: as there), or not reached and filed ahead."""
    owned(uow, case, person)
    uow.change(t.cases, case.id, voice=voice)
    uow.append(case, VoiceRecorded(voice), actor)
    if voice == "called":
        record_progress(uow, case, "contacted", person, actor, seen, unsafe)


def set_kind(uow: UnitOfWork, case: Case, kind: str, person: UUID | None, actor: str) -> None:
    """One of fraud.KINDS, also once the case is closed: that a card was lent is often found out later.

    By the owner, or by the office (`person` None), also of what nobody has taken. The newest word holds, be it this or
    the reporter's (`fraud.counts`). What was said before is sealed with the event.
    """
    if person:
        owned(uow, case, person, closed=True)
    if case.row["drill"]:
        raise NotAllowed("a drill is no fraud")
    if kind != case.row["fraud_type"]:
        uow.change(t.cases, case.id, fraud_type=kind)
        uow.append(case, KindSet(), actor, json.dumps({"kind": kind, "before": case.row["fraud_type"]}))


def close(uow: UnitOfWork, case: Case, person: UUID | None, actor: str, seen: int | None = None) -> bool:
    """After a call: by the owner, or by the office (`person` None), which may also close what nobody has taken.

    False where a transfer came in that their page did not have (`seen`: how many it had): it is to be looked at first.
    """
    row = owned(uow, case, person) if person else obligation(uow, case, case.first_obligation)
    if case.row["state"] == "closed" or case.row["drill"]:
        raise NotAllowed("the case is closed, or it is a drill, which ends by itself")
    if seen is not None and len(owing.stops(uow, case)) > seen:
        return False
    deliveries.cancel_alerts(uow, row["id"])
    alarms.clear(uow, case.id, row["kind"])
    uow.change(t.obligations, row["id"], state="done", next_at=None, done_at=uow.now)
    uow.change(t.cases, case.id, state="closed")
    event = uow.append(case, CaseClosed(), actor)
    if row["owner_id"] is None:  # whoever was rung need not come any more
        heard = select(d.person_id).where(d.obligation_id == row["id"], d.alert, d.state.in_(deliveries.HEARD))
        if row["owed_since"]:  # those of an earlier stop have long been told
            heard = heard.where(d.created_at >= row["owed_since"])
        for told in people.by_id(uow.conn, uow.keys, uow.conn.scalars(heard)):
            acknowledgement.stand_down(uow, case, told, Owner(None, None, won=False), f"{event}:{told.id}")
    return True


def reopen(uow: UnitOfWork, case: Case, actor: str) -> None:
    """By the office. Its owner has it again, as far as they had come; without one its ladder goes on now."""
    if case.row["state"] != "closed" or case.row["closed_at"] is not None:
        raise NotAllowed("the case is not closed, or it was a drill")
    row = obligation(uow, case, case.first_obligation)
    stops = owing.stops(uow, case)
    resume(uow, case, row, owing.outcomes(stops), anew=bool(owing.unheard(uow, case, stops)))
    uow.append(case, CaseReopened("office"), actor)
