"""The centre is asked whether a student who declines or cannot be reached is to be left in peace, and says so.

Its word then stands for two calm contacts, until anything is heard of the student (docs/decisions/0028).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from ledger import tables as t
from ledger.care import contacts, declining
from ledger.care.declining import History, Talk
from ledger.events import (
    ContactRecorded,
    ContactWaived,
    FeltUnsafe,
    FollowUpReopened,
    ImmediateRaised,
    ReferralMade,
)
from ledger.ringing import referrals
from ledger.staff import accounts
from ledger.staff.accounts import User
from ledger.store.crypto import Lenient
from ledger.store.unit_of_work import Case, UnitOfWork

_TYPES = (ContactRecorded, ReferralMade, ContactWaived, ImmediateRaised, FeltUnsafe, FollowUpReopened)
e, k = t.case_events.c, t.contacts.c


@dataclass(frozen=True)
class Waiver:
    """How it stands with one record.

    `bars`: why the centre cannot be asked, or its word does not count. `asked`: it has the question. `said_at`: its
    answer to the latest referral was to leave the student in peace; `stands`: and nothing was heard of them since.
    """

    bars: tuple[str, ...]
    concerned: bool
    tried: int
    asked: bool
    said_at: datetime | None
    stands: bool
    asker: UUID | None

    @property
    def holds(self) -> bool:
        return self.stands and not self.bars


def of_record(conn: Connection, key: Lenient, case: Any, record: RowMapping, zone: tzinfo) -> Waiver:
    """`case`: its row; `record`: that of its follow-up."""
    events = _told(conn, case["id"])
    waiting = record["referred_at"] is not None and record["seen_at"] is None
    question = next((it for it in reversed(events) if it.type == ReferralMade.type), None)
    reason = question.data["reason"] if question else ""
    word = next((it.at for it in reversed(events) if it.type == ContactWaived.type), None)
    history = _history(conn, key, case, record, events, asking=waiting and reason not in referrals.OF_CONTACTS)
    return Waiver(
        bars=tuple(declining.bars(history, zone)),
        concerned=declining.concerned(history, zone),
        tried=declining.tried(history, zone),
        asked=waiting and reason == referrals.DECLINED,
        said_at=word if word is not None and word == record["seen_at"] else None,
        stands=_stands(events),
        asker=UUID(question.actor[5:]) if question and question.actor.startswith("user:") else None,
    )


def stands(conn: Connection, case_id: UUID) -> bool:
    """Whether the centre has said that the student is to be left in peace, and nothing was heard of them since."""
    return _stands(_told(conn, case_id))


def _told(conn: Connection, case_id: UUID) -> Sequence[Any]:
    types = [it.type for it in _TYPES]
    told = select(e.type, e.at, e.data, e.actor).where(e.case_id == case_id, e.type.in_(types)).order_by(e.seq)
    return conn.execute(told).all()


def _stands(events: Sequence[Any]) -> bool:
    """A try without an answer tells nothing new of the student; all else does."""
    new = [it.type for it in events if it.type != ContactRecorded.type or it.data["reached"]]
    return bool(new) and new[-1] == ContactWaived.type


def _history(
    conn: Connection, key: Lenient, case: Any, record: RowMapping, events: Sequence[Any], *, asking: bool
) -> History:
    talked = [it for it in events if it.type == ContactRecorded.type]
    heard = {it.data["contact"]: it.at for it in talked if it.data["reached"]}  # the last of each kind
    rows = conn.execute(select(t.contacts).where(k.follow_up_id == record["id"])).mappings().all()
    read = [_talk(key, row, heard) for row in rows]
    return History(
        talks=tuple(talk for talk, _ in read),
        tries=tuple(it.at for it in talked if not it.data["reached"]),
        unsafe=tuple(it.at for it in events if it.type == FeltUnsafe.type),
        danger=any(danger for _, danger in read) or any(it.type == ImmediateRaised.type for it in events),
        at_once=record["immediate"] or case["unsafe_at"] is not None,
        asking=asking,
    )


def _talk(key: Lenient, row: RowMapping, heard: dict[str, datetime]) -> tuple[Talk, bool]:
    """And whether it was about dying. `done_at` is when the student was heard in it first, the event when last."""
    failed = len(key.failed)
    entry = contacts.read_entry(key, row)
    at = heard.get(row["kind"], row["done_at"]) if row["done_at"] and row["reached"] is not False else None
    danger = entry.in_danger
    distress = at is not None and (danger or bool(entry.signs) or len(key.failed) > failed)
    calm = at is not None and entry.calm
    return Talk(row["kind"], row["due_at"], at, entry.declined and at is not None, calm, distress), danger


def ask(uow: UnitOfWork, case: Case, actor: str) -> list[str]:
    """The counselor asks the centre, once while it has not answered. Answers why it cannot be asked yet."""
    it = of_record(uow.conn, case.key.lenient(), case.row, referrals.still_open(uow, case), uow.zone)
    if not (it.bars or it.asked or it.stands):
        referrals.refer(uow, case, referrals.DECLINED, actor)
    return list(it.bars)


def waive(uow: UnitOfWork, case: Case, user: User) -> list[str]:
    """The centre's word, which answers the referral. Answers why it cannot be taken; what was typed beside it stays."""
    record = referrals.follow_up(uow, case)
    it = of_record(uow.conn, case.key.lenient(), case.row, record, uow.zone)
    if it.stands:  # said by two of them, it is so all the same
        return []
    if record["closed_at"] or not it.asked:
        return ["asked"]
    if it.asker and accounts.same_person(uow.conn, it.asker, user):
        return ["same_person"]
    if not it.bars:
        referrals.answer(uow, case)
        uow.append(case, ContactWaived(), f"user:{user.id}")
    return list(it.bars)
