"""The psychology centre: asked for the same day, or at once where a student must not be left alone.

Triggers choose actions, never a score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, update

from ledger import alarms, alerting, deliveries, people
from ledger import tables as t
from ledger.errors import NotAllowed, NotFound
from ledger.escalation import IMMEDIATE
from ledger.events import (
    CARE,
    PRIORITY,
    CentreNoted,
    ImmediateEnded,
    ImmediateRaised,
    ReferralAnswered,
    ReferralMade,
)
from ledger.followups import CENTRE_WITHIN
from ledger.unit_of_work import Case, UnitOfWork

REASONS = ("danger", "loans", "asked", "unreachable")
f, o, d = t.follow_ups.c, t.obligations.c, t.deliveries.c


def follow_up(uow: UnitOfWork, case: Case) -> RowMapping:
    """The case's record, locked. The case itself is locked before: `case` proves it."""
    row = uow.conn.execute(select(t.follow_ups).where(f.case_id == case.id).with_for_update()).mappings().one_or_none()
    if row is None:
        raise NotFound
    return row


def change(uow: UnitOfWork, case: Case, **values: Any) -> None:
    uow.conn.execute(update(t.follow_ups).where(f.case_id == case.id).values(values))


def refer(uow: UnitOfWork, case: Case, reason: str, actor: str) -> None:
    """Ask the centre, once while it has not answered. Danger has a way of its own to ring them."""
    row = follow_up(uow, case)
    if row["closed_at"] or (row["referred_at"] and not row["seen_at"]):
        return
    change(uow, case, referred_at=uow.now, seen_at=None, state="referred")
    event = uow.append(case, ReferralMade(reason), actor)
    if case.row["drill"] or reason == "danger":
        return
    for person in people.by_id(uow.conn, uow.keys, people.with_role(uow.conn, "psychologist")):
        deliveries.tell(uow, person, "referral", {"code": case.code}, case=case, dedup=f"{event}:{person.id}",
                        priority=PRIORITY[CARE])  # fmt: skip


def raise_immediate(uow: UnitOfWork, case: Case, actor: str) -> None:
    """立即处置: centre and duty desk are rung until one of them answers; the flag stays until somebody is there."""
    refer(uow, case, "danger", actor)
    change(uow, case, immediate=True)
    if case.row["drill"]:
        return
    again = {"state": "pending", "deadline_at": uow.now + CENTRE_WITHIN, "started_at": uow.now}
    new = {"id": t.new_id(), "case_id": case.id, "kind": IMMEDIATE, "ladder_at": uow.now}
    if not uow.insert_new(t.obligations, [{**new, **again}]):
        mine = update(t.obligations).where(o.case_id == case.id, o.kind == IMMEDIATE, o.state == "done")
        if not uow.conn.execute(mine.values(**again, done_at=None)).rowcount:
            return  # it rings already, or somebody is on the way
    uow.append(case, ImmediateRaised(), actor)
    alerting.ring_anew(uow, case, IMMEDIATE)


def end_immediate(uow: UnitOfWork, case: Case, actor: str) -> None:
    """Somebody is with the student: the flag goes, and nobody is rung any more."""
    if not follow_up(uow, case)["immediate"]:
        return
    change(uow, case, immediate=False)
    mine = update(t.obligations).where(o.case_id == case.id, o.kind == IMMEDIATE)
    uow.conn.execute(mine.values(state="done", next_at=None, done_at=uow.now))
    ids = select(o.id).where(o.case_id == case.id, o.kind == IMMEDIATE)
    waiting = update(t.deliveries).where(d.obligation_id.in_(ids), d.alert, d.state == "pending")
    uow.conn.execute(waiting.values(state="cancelled", available_at=None))
    alarms.clear(uow, case.id, IMMEDIATE)
    uow.append(case, ImmediateEnded(), actor)


def seen(uow: UnitOfWork, case: Case, actor: str) -> None:
    """The centre has seen the student: that is all that others learn."""
    row = follow_up(uow, case)
    if not row["referred_at"] or row["seen_at"] or row["closed_at"]:
        raise NotAllowed("there is no open referral")
    change(uow, case, seen_at=uow.now, state="in_progress")
    uow.append(case, ReferralAnswered(), actor)


def note(uow: UnitOfWork, case: Case, content: Mapping[str, str], user: UUID, actor: str) -> None:
    """A screening or a note, for the centre alone. Nothing written is no note."""
    said = {name: value for name, value in content.items() if value}
    if not said:
        return
    row = {"id": t.new_id(), "follow_up_id": follow_up(uow, case)["id"], "at": uow.now, "user_id": user}
    text = json.dumps(said, ensure_ascii=False)
    sealed = case.key.seal("centre_notes", row["id"], "content", text)
    uow.conn.execute(insert(t.centre_notes).values(**row, content_sealed=sealed))
    uow.append(case, CentreNoted(str(row["id"])), actor)
