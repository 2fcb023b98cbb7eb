"""A contact with the student, entered on one screen. Counselors give psychological first aid: Look, Listen, Link."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, func, insert, not_, select, update

from ledger import followups
from ledger import tables as t
from ledger.errors import NotFound
from ledger.events import ContactRecorded
from ledger.police import acknowledgement, progress
from ledger.ringing import referrals, unsafety
from ledger.store import alarms
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

OUTCOMES = ("yes", "no", "declined")  # declined: the student was heard and wants no more contacts
MODES = ("call", "face", "any")
TICKS = ("look", "listen", "link")
SIGNS = ("sleep", "meals", "tears", "alone", "blame")
NEEDS = ("food", "fees", "company", "police", "centre", "parents")
DANGER = ("no", "yes", "refused")  # of dying: not spoken of, spoken of or planned, would not say
f, k, o = t.follow_ups.c, t.contacts.c, t.obligations.c


@dataclass(frozen=True)
class Entry:
    """What was seen and heard; every part may be left out. `danger` is one of DANGER or empty (not asked)."""

    mode: str = ""
    ticks: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    danger: str = ""
    loans: bool = False
    declined: bool = False

    @property
    def calm(self) -> bool:
        """Nobody is calm who was not asked."""
        return self.danger == "no" and not self.signs and not self.declined

    @property
    def in_danger(self) -> bool:
        """Whoever will not say is as one who says yes."""
        return self.danger in ("yes", "refused")


@dataclass(frozen=True)
class Said:
    """One press of the button. `next_at` (UTC) is what was agreed beyond the cadence.

    `page`: a random key of the page that was sent, so that a contact of its own is written once. `unsafe`: since when
    the student was not safe as that page had it (see `unsafety.settle`).
    """

    outcome: str
    entry: Entry = field(default_factory=Entry)
    note: str = ""
    next_at: datetime | None = None
    page: str = ""
    unsafe: str | None = None


def read_entry(case_key: Any, row: RowMapping) -> Entry:
    """The entry of a contact's row, opened; an empty one where there is none."""
    kept: dict[str, Any] = json.loads(case_key.open("contacts", row["id"], "entry", row["entry_sealed"]) or "{}")
    lists = {name: tuple(value) for name, value in kept.items() if isinstance(value, list)}
    return Entry(**(kept | lists))


def record(uow: UnitOfWork, case: Case, kind: str, said: Said, actor: str, person: UUID | None = None) -> None:
    """A contact took place or was tried. Reaching the student settles the counselor's obligation.

    One that is too early for what is due is kept as an extra one, unless the student wants no more of them; so is one
    where none is owed (`followups.BEYOND`), whatever came of it.
    """
    row = _meant(uow, case, kind, said)
    heard = said.outcome != "no"
    tried = not row["done_at"] and not followups.too_early(row["kind"], row["due_at"], uow.now)
    values: dict[str, Any] = {}
    if heard or not row["done_at"]:  # that nobody answers once more takes nothing away from what was heard
        entry = json.dumps(asdict(said.entry), ensure_ascii=False)
        values = {"reached": heard, "entry_sealed": case.key.seal("contacts", row["id"], "entry", entry)}
    if said.note:  # the newest stands in the record, every one in the chain
        values["note_sealed"] = case.key.seal("contacts", row["id"], "note", said.note)
    if heard or row["kind"].startswith(followups.EXTRA):  # nobody owes an extra one
        values |= {"done_at": row["done_at"] or uow.now, "remind_at": None}
    if values:
        uow.change(t.contacts, row["id"], values)
    uow.append(case, ContactRecorded(row["kind"], heard), actor, said.note or None)
    if heard:
        _settle(uow, case, person, actor, said.unsafe)
    _agree(uow, row, said)
    note_next(uow, row["follow_up_id"])
    _act(uow, case, said.entry, actor)
    _state(uow, case, heard=heard, tried=tried)


def _meant(uow: UnitOfWork, case: Case, kind: str, said: Said) -> RowMapping:
    """The contact that this is, locked, of a record that is still open."""
    if kind == followups.BEYOND:
        return _extra(uow, referrals.still_open(uow, case)["id"], said)
    query = select(t.contacts).join(t.follow_ups, f.id == k.follow_up_id).where(f.case_id == case.id, k.kind == kind)
    row = uow.conn.execute(query.with_for_update(of=t.contacts)).mappings().one_or_none()
    if row is None:
        raise NotFound
    referrals.still_open(uow, case)
    if row["taken_back_at"]:  # on an old page; what was said in it is not lost
        return _extra(uow, row["follow_up_id"], said)
    if said.outcome == "yes" and not row["done_at"] and followups.too_early(kind, row["due_at"], uow.now):
        return _extra(uow, row["follow_up_id"], said)
    return row


def _extra(uow: UnitOfWork, follow_up: UUID, said: Said) -> RowMapping:
    """A contact beyond the plan, which goes on as it was. The same page sent once more is the same contact."""
    its = k.follow_up_id == follow_up
    kind = followups.EXTRA + (said.page or str(uow.conn.execute(select(func.count()).where(its)).scalar_one()))
    same = select(t.contacts).where(its, k.kind == kind)
    if not uow.conn.execute(same).first():
        mode = said.entry.mode or "any"
        new = {"id": t.new_id(), "follow_up_id": follow_up, "kind": kind, "mode": mode, "due_at": uow.now}
        uow.conn.execute(insert(t.contacts).values(new))
    return uow.conn.execute(same).mappings().one()


def note_next(uow: UnitOfWork, follow_up: UUID) -> None:
    """The record names when its next contact is due: lists of many are made from that."""
    uow.write_changes()
    owed = select(func.min(k.due_at, type_=t.UtcTime)).where(k.follow_up_id == follow_up, k.done_at.is_(None))
    uow.change(t.follow_ups, follow_up, next_due_at=uow.conn.execute(owed).scalar_one())


def _settle(uow: UnitOfWork, case: Case, person: UUID | None, actor: str, unsafe: str | None) -> None:
    """Whoever reached the student has them; others who were rung hear that they need not call."""
    counselor = select(o.id).where(o.case_id == case.id, o.kind == "counselor")
    if person and uow.conn.execute(counselor).first():  # none while the money is still here
        acknowledgement.acknowledge(uow, case, "counselor", person, "page", actor)
    if person and case.first_obligation == "dissuade":  # whoever reached them has talked to them of it
        acknowledgement.acknowledge(uow, case, "dissuade", person, "page", actor)
    alarms.clear(uow, case.id, "counselor")
    progress.student_reached(uow, case, actor)
    unsafety.settle(uow, case, unsafe)
    mine = update(t.obligations).where(o.case_id == case.id)
    uow.conn.execute(
        mine.where(o.kind == "counselor", o.state.in_((*deliveries.WAITING, "acknowledged"))).values(
            state="contacted", contacted_at=uow.now, next_at=None
        )
    )
    uow.conn.execute(mine.where(o.kind == "care", o.state == "open").values(state="in_progress"))


def _agree(uow: UnitOfWork, row: RowMapping, said: Said) -> None:
    """A date agreed beyond the cadence is a contact of its own, once however often the page is sent."""
    if said.next_at is None:
        return
    mine = select(func.count()).where(k.follow_up_id == row["follow_up_id"])
    same = (k.due_at == said.next_at, k.done_at.is_(None), not_(k.kind.startswith(followups.DATED, autoescape=True)))
    if uow.conn.execute(mine.where(*same)).scalar_one():
        return
    plan = followups.agreed(uow.conn.execute(mine).scalar_one(), said.next_at)
    remind_at = followups.reminder_at(plan, 0)
    uow.conn.execute(insert(t.contacts).values(
        id=t.new_id(), follow_up_id=row["follow_up_id"], kind=plan.kind, mode=plan.mode, due_at=plan.due_at,
        remind_at=remind_at))  # fmt: skip


def _act(uow: UnitOfWork, case: Case, entry: Entry, actor: str) -> None:
    if entry.in_danger:
        referrals.raise_immediate(uow, case, actor)
    elif entry.loans:
        referrals.refer(uow, case, "loans", actor)
    elif "centre" in entry.needs:
        referrals.refer(uow, case, "asked", actor)


def calm_of(uow: UnitOfWork, case: Case) -> tuple[bool, ...]:
    """Of each contact that reached the student, oldest first. One that cannot be read is not calm."""
    query = (
        select(t.contacts)
        .join(t.follow_ups, f.id == k.follow_up_id)
        .where(f.case_id == case.id, k.done_at.is_not(None), k.reached.is_not(False))
    )
    key, rows = case.key.lenient(), uow.conn.execute(query.order_by(k.done_at, k.due_at)).mappings()
    entries = [read_entry(key, row) for row in rows]
    return tuple(entry.calm for entry in entries if not entry.declined)


def _state(uow: UnitOfWork, case: Case, *, heard: bool, tried: bool) -> None:
    row = referrals.follow_up(uow, case)
    calm = calm_of(uow, case)
    # Who wants no more contacts was reached all the same: nobody is to look for them as for one out of reach.
    before = "in_progress" if heard and row["state"] == "first_contact" else row["state"]
    state = followups.state_now(before, bool(row["referred_at"] and not row["seen_at"]), calm)
    since = followups.after_contact(row, heard=heard, tried=tried and not case.row["drill"], now=uow.now)
    referrals.change(uow, case, state=state, **since)
