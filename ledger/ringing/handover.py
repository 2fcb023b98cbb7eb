"""Whose a student is: whoever answered for one without a counselor, or to whom they were handed over.

Who gets them by hand is rung anew as long as nobody has reached the student.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, RowMapping, or_, select, update

from ledger import tables as t
from ledger.errors import NotAllowed
from ledger.events import CARE, COUNSELOR, PRIORITY, Envelope, HandedOver, StudentPlaced, TakenOn
from ledger.ringing import alerting, referrals
from ledger.school import people
from ledger.school.people import Person
from ledger.store.crypto import Keys
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

p = t.people.c


def candidates(conn: Connection, keys: Keys, college: str | None, present: UUID | None) -> list[Person]:
    """Who may take a student of this college: the stand-in first, then its counselors and those of the school."""
    stand_in = [found.stand_in for found in people.by_id(conn, keys, [present])]
    ids = conn.scalars(
        select(p.id).where(p.role == "counselor", p.active, or_(p.college_code == college, p.college_code.is_(None)))
    )
    found = people.by_id(conn, keys, [*stand_in, *ids])
    return [person for person in found if person.phone and person.id != present and person.role == "counselor"]


def hand_over(uow: UnitOfWork, case: Case, to: UUID, actor: str) -> None:
    """Raises NotAllowed for somebody who may not have the student, and where the record is closed."""
    referrals.still_open(uow, case)
    present = case.row["counselor_id"]
    if to == present:
        return  # pressed twice
    allowed = candidates(uow.conn, uow.keys, case.row["college_code"], present)
    if to not in [person.id for person in allowed]:
        raise NotAllowed("only a counselor of the college, or one of the whole school")
    _theirs(uow, case, to)
    uow.append(case, HandedOver(str(to)), actor)


def take_on(uow: UnitOfWork, case: Case, counselor: UUID, actor: str) -> None:
    """Whoever answered for a student without a counselor is theirs; a stand-in has their own counselor's student."""
    own = select(p.id).where(p.id == case.row["counselor_id"], p.active, p.phone_index.is_not(None))
    if uow.conn.execute(own).first():  # also where this process cannot open their row
        return
    if any(person.role == "counselor" for person in people.by_id(uow.conn, uow.keys, [counselor])):
        _theirs(uow, case, counselor)
        uow.append(case, TakenOn(str(counselor)), actor)


def place(uow: UnitOfWork, case: Case, counselor: UUID, actor: str) -> None:
    """The student's own counselor has become known: rung like those rung so far, or next where nobody's student it is.

    A counselor who answered keeps the student until they hand them over: both know each other by then.
    """
    row = alerting.obligation(uow, case, "counselor")
    if row["state"] in deliveries.WAITING:
        _theirs(uow, case, counselor)
        uow.append(case, StudentPlaced(str(counselor)), actor)
        if row["step"] >= 0:  # otherwise the ladder has not begun, and finds the counselor itself
            _ring(uow, case, row, counselor)
    elif case.row["counselor_id"] is None:
        _theirs(uow, case, counselor)
        uow.append(case, HandedOver(str(counselor)), actor)


def _ring(uow: UnitOfWork, case: Case, row: RowMapping, counselor: UUID) -> None:
    for person in people.by_id(uow.conn, uow.keys, [counselor]):
        facts = {"code": case.code, "minutes": alerting.CALL_WITHIN_MIN}
        deliveries.tell(uow, person, "counselor", facts, case=case, dedup=f"{row['id']}:named:{person.id}",
                        priority=PRIORITY[COUNSELOR], obligation=row["id"], step=row["step"], alert=True)  # fmt: skip


def _theirs(uow: UnitOfWork, case: Case, counselor: UUID) -> None:
    uow.change(t.cases, case.id, counselor_id=counselor)
    uow.conn.execute(update(t.follow_ups).where(t.follow_ups.c.case_id == case.id).values(counselor_id=counselor))


def ring_the_next(uow: UnitOfWork, event: Envelope) -> None:
    """The new counselor is rung until they answer; who has, or whose student was reached, gets one text."""
    case = uow.case(event.case_id)
    if str(case.row["counselor_id"]) != event.data["to"]:
        return  # handed on since
    row = alerting.obligation(uow, case, "counselor")
    theirs = row["state"] == "acknowledged" and row["owner_id"] == case.row["counselor_id"]
    if not theirs and alerting.ring_anew(uow, case, "counselor"):
        return
    for person in people.by_id(uow.conn, uow.keys, [case.row["counselor_id"]]):
        deliveries.tell(uow, person, "handover", {"code": case.code}, case=case, dedup=f"{event.id}:{person.id}",
                        priority=PRIORITY[CARE])  # fmt: skip
