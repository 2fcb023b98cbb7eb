"""The psychology centre: asked for the same day, or at once where a student must not be left alone.

Triggers choose actions, never a score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, Table, and_, insert, or_, select, update

from ledger import followups
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
from ledger.ringing import alerting
from ledger.school import people
from ledger.store import alarms
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

SCREENED = "screening"
DECLINED = "declined"  # whether the student is to be left in peace: no question of the same day
UNREACHABLE = "unreachable"
OF_CONTACTS = (UNREACHABLE, DECLINED)  # the centre's word that they are left in peace answers these alone
TEXT = "referral"  # the kind of all that is texted about one
# Columns of a record of which nobody is asked anything, and nobody is looked for.
QUIET: Mapping[str, Any] = dict.fromkeys(("same_day_since", "unreached_since", "referral_look_at"))
_AGAIN = timedelta(minutes=10)  # the same words once more within them are the same note
f, o, e = t.follow_ups.c, t.obligations.c, t.case_events.c


def follow_up(uow: UnitOfWork, case: Case) -> RowMapping:
    """The case's record, locked. The case itself is locked before: `case` proves it."""
    row = uow.conn.execute(select(t.follow_ups).where(f.case_id == case.id).with_for_update()).mappings().one_or_none()
    if row is None:
        raise NotFound
    return row


def still_open(uow: UnitOfWork, case: Case) -> RowMapping:
    """The same; NotAllowed where it is closed: whoever has an old page before them must hear that nothing was done."""
    row = follow_up(uow, case)
    if row["closed_at"]:
        raise NotAllowed("the record is closed; it can be opened again")
    return row


def change(uow: UnitOfWork, case: Case, **values: Any) -> None:
    uow.conn.execute(update(t.follow_ups).where(f.case_id == case.id).values(values))


def refer(uow: UnitOfWork, case: Case, reason: str, actor: str) -> None:
    """Ask the centre, for the same day once while it has not answered. Danger has a way of its own to ring them.

    That a student declines is no question of the same day: each is asked beside the other. Both questions of contacts
    give way to whatever is heard of the student; a talk that is owed keeps its time.
    """
    row, values = still_open(uow, case), {"referred_at": uow.now, "seen_at": None, "state": "referred"}
    last = _last(uow, case) if row["same_day_since"] and reason != DECLINED else ""
    if last:
        if last not in OF_CONTACTS:
            return
        values = {"state": "referred"}
    elif reason != DECLINED:
        values |= {"same_day_since": uow.now, "referral_look_at": _remind_at(uow, case)}
    change(uow, case, **values)
    event = uow.append(case, ReferralMade(reason), actor)
    if case.row["drill"] or reason == "danger" or last == UNREACHABLE:  # they have had these words
        return
    for person in people.by_id(uow.conn, uow.keys, people.with_role(uow.conn, "psychologist")):
        facts = {"code": case.code, "today": reason != DECLINED}
        deliveries.tell(uow, person, TEXT, facts, case=case, dedup=f"{event}:{person.id}",
                        priority=PRIORITY[CARE])  # fmt: skip


def _last(uow: UnitOfWork, case: Case) -> str:
    """What the centre was asked last. Asked in this very transaction, it is not asked again."""
    query = select(e.data).where(e.case_id == case.id, e.type == ReferralMade.type).order_by(e.seq.desc()).limit(1)
    asked = uow.conn.execute(query).scalar_one_or_none()
    return str(asked["reason"]) if asked else "asked"


def _remind_at(uow: UnitOfWork, case: Case) -> datetime | None:
    return None if case.row["drill"] else uow.now + followups.CENTRE_AGAIN


def raise_immediate(uow: UnitOfWork, case: Case, actor: str) -> None:
    """立即处置: centre and desk are rung until one of them answers, and anew until somebody is there (decision 44).

    Meanwhile nobody is reminded of the referral.
    """
    refer(uow, case, "danger", actor)
    change(uow, case, immediate=True, referral_look_at=None)
    deliveries.take_back(uow, case, TEXT)
    if case.row["drill"]:
        return
    again = {"state": "pending", "deadline_at": uow.now + CENTRE_WITHIN, "started_at": uow.now}
    new = {"id": t.new_id(), "case_id": case.id, "kind": IMMEDIATE, "ladder_at": uow.now}
    if not uow.insert_new(t.obligations, [{**new, **again}]):
        mine = update(t.obligations).where(o.case_id == case.id, o.kind == IMMEDIATE)
        # An answer of an earlier release has no end.
        mine = mine.where(or_(o.state == "done", and_(o.state == "acknowledged", o.next_at.is_(None))))
        if not uow.conn.execute(mine.values(**again, done_at=None)).rowcount:
            return  # it rings already, or somebody is on the way
    uow.append(case, ImmediateRaised(), actor)
    alerting.ring_anew(uow, case, IMMEDIATE)


def raised_at(conn: Connection, case_id: UUID) -> str:
    """When the danger was raised that there is or was last, ISO 8601; empty of a drill."""
    at = conn.execute(select(o.started_at).where(o.case_id == case_id, o.kind == IMMEDIATE)).scalar_one_or_none()
    return at.isoformat() if at else ""


def end_immediate(uow: UnitOfWork, case: Case, actor: str, raised: str = "") -> bool:
    """Somebody is with the student: the flag goes, and nobody is rung any more.

    `raised`: the `raised_at` of which they were told, if known. False: that one is over, and this one goes on.
    """
    row = follow_up(uow, case)
    if not row["immediate"]:
        return True
    if raised not in ("", raised_at(uow.conn, case.id)):
        return False
    # Who was with them need not be of the centre: a referral is as open as before.
    waits = {"referral_look_at": _remind_at(uow, case)} if row["same_day_since"] else {}
    change(uow, case, immediate=False, **waits)
    mine = update(t.obligations).where(o.case_id == case.id, o.kind == IMMEDIATE).returning(o.id)
    for ended in uow.conn.scalars(mine.values(state="done", next_at=None, done_at=uow.now)).all():
        deliveries.cancel_alerts(uow, ended)
    alarms.clear(uow, case.id, IMMEDIATE)
    uow.append(case, ImmediateEnded(), actor)
    return True


def seen(uow: UnitOfWork, case: Case, actor: str) -> None:
    """The centre has seen the student: that is all that others learn. Said by two of them, it is so all the same."""
    row = follow_up(uow, case)
    if row["seen_at"]:
        return
    if not row["referred_at"] or row["closed_at"]:
        raise NotAllowed("there is no open referral")
    answer(uow, case)
    uow.append(case, ReferralAnswered(), actor)


def answer(uow: UnitOfWork, case: Case) -> None:
    """The centre has answered whatever it was asked, and knows how the student is."""
    change(uow, case, seen_at=uow.now, state="in_progress", **QUIET)
    deliveries.take_back(uow, case, TEXT)


def note(uow: UnitOfWork, case: Case, content: Mapping[str, str], user: UUID, actor: str) -> None:
    """A note, for the centre alone. Nothing written is no note, and one that is sent twice is one."""
    said = {name: value for name, value in content.items() if value}
    record, text = follow_up(uow, case)["id"], json.dumps(said, ensure_ascii=False)
    if not said or text == just_written(uow, case, t.centre_notes, record, user):
        return
    row = {"id": t.new_id(), "follow_up_id": record, "at": uow.now, "user_id": user}
    sealed = case.key.seal("centre_notes", row["id"], "content", text)
    uow.conn.execute(insert(t.centre_notes).values(**row, content_sealed=sealed))
    uow.append(case, CentreNoted(str(row["id"])), actor)


def just_written(uow: UnitOfWork, case: Case, table: Table, record: UUID, user: UUID) -> str | None:
    """What this user wrote last, if that was of late: the button is pressed twice, or the page is sent again.

    Not what they wrote before it: an answer that was corrected may be set back. `table`: of the centre's, with a
    column `content_sealed`.
    """
    n = table.c
    query = select(n.id, n.content_sealed).where(n.follow_up_id == record, n.user_id == user, n.at > uow.now - _AGAIN)
    row = uow.conn.execute(query.order_by(n.at.desc(), n.id.desc()).limit(1)).one_or_none()
    return case.key.lenient().open(table.name, row.id, "content", row.content_sealed) if row else None
