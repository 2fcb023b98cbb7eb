"""The end of a follow-up: what the counselor fills in last, and that a second person signs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select, update

from ledger import followups, fraud
from ledger import tables as t
from ledger.care import contacts, declining, waiving
from ledger.errors import NotAllowed
from ledger.events import BackgroundRecorded, ClosingAsked, FollowUpClosed, FollowUpReopened
from ledger.followups import CloseFacts
from ledger.ringing import referrals
from ledger.staff import accounts
from ledger.staff.accounts import User
from ledger.store import alarms
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

BACKGROUND = ("family", "money_source")
DEBT = ("plan", "none")
_AGAIN_WITHIN = timedelta(hours=24)
k, o, d = t.contacts.c, t.obligations.c, t.deliveries.c


def record_background(
    uow: UnitOfWork, case: Case, said: dict[str, str], actor: str, shown: Mapping[str, str] | None = None,
    *, closed_too: bool = False,
) -> list[str]:  # fmt: skip
    """家庭情况 and 被骗资金来源, for the ledger: the newest stands, earlier ones stay with their events.

    What is left empty is taken out of the record; what is not named stays as it is. `shown`: what stood in the boxes
    before, where that is known: a box that was not touched takes away nothing that somebody has written meanwhile.
    What cannot be read is shown as an empty box, and stays while that is left empty. NotAllowed where the record is
    closed, unless `closed_too`: its keeper completes it afterwards.

    Returns what was written by a page older than that the police may question the student, and is not kept: nobody asks
    where the money came from then, nor would anybody see it.
    """
    unasked = fraud.unasked(case.row["fraud_type"])
    dropped = [name for name in said if name in unasked and said[name] != (shown or {}).get(name, "")]
    kept = {name: case.readable(name) or "" for name in BACKGROUND if name in said and name not in unasked}
    left = {name: _left(text, (shown or {}).get(name), said[name]) for name, text in kept.items()}
    changed = {name: text for name, text in left.items() if text != kept[name]}
    (referrals.follow_up if closed_too else referrals.still_open)(uow, case)
    if not changed:
        return dropped
    sealed = {f"{name}_sealed": case.key.seal("cases", case.id, name, text) for name, text in changed.items()}
    uow.change(t.cases, case.id, sealed)
    uow.append(case, BackgroundRecorded(tuple(changed)), actor, "\n".join(changed.values()))
    return dropped


def _left(stored: str, shown: str | None, typed: str) -> str:
    """What a box leaves in the record. Where two have written into it, both stay, for whoever reads them to settle."""
    if typed == shown:
        return stored
    if shown in (None, stored):
        return typed
    return stored if typed in stored else "\n".join(filter(None, (stored, typed)))


def missing(uow: UnitOfWork, case: Case, signer: User | None = None) -> list[str]:
    """What closing still lacks, as keys of followups.MISSING."""
    row = referrals.follow_up(uow, case)
    its = uow.conn.execute(select(k.kind, k.done_at).where(k.follow_up_id == row["id"])).all()
    settled = frozenset(it.kind for it in its if it.done_at)
    second = signer if signer and not accounts.same_person(uow.conn, row["closer_id"], signer) else None
    lacking = followups.may_close(CloseFacts(
        settled=settled, owed=frozenset(it.kind for it in its) - settled, calm=contacts.calm_of(uow, case),
        debt_settled=row["debt"] in DEBT, open_referrals=int(bool(row["referred_at"] and not row["seen_at"])),
        student_told=row["told_at"] is not None, closer=str(row["closer_id"]),
        second_signer=str(second.id) if second else None,
        immediate=row["immediate"] or case.row["unsafe_at"] is not None,
    ))  # fmt: skip
    if declining.SPARED.isdisjoint(lacking):
        return lacking
    waiver = waiving.of_record(uow.conn, case.key.lenient(), case.row, row, uow.zone)
    return [rule for rule in lacking if rule not in declining.SPARED] if waiver.holds else lacking


def ask(uow: UnitOfWork, case: Case, debt: str, told: bool, user: User) -> list[str]:
    """The counselor holds it for complete. Answers what is missing; with nothing missing it waits for the signature."""
    row = referrals.follow_up(uow, case)
    if row["closed_at"] or debt not in ("", *DEBT):
        raise NotAllowed("the record is closed")
    values: dict[str, Any] = {"debt": debt or row["debt"], "closer_id": user.id}
    if told:
        values["told_at"] = row["told_at"] or uow.now
    referrals.change(uow, case, **values)
    lacking = [rule for rule in missing(uow, case) if rule != "second_signer"]
    if not lacking and row["state"] != "review":
        referrals.change(uow, case, state="review")
        uow.append(case, ClosingAsked(values["debt"]), f"user:{user.id}")
    return lacking


def sign(uow: UnitOfWork, case: Case, user: User) -> list[str]:
    """A second person agrees. Answers what is missing since it was asked for; NotAllowed for the one who asked."""
    lacking = missing(uow, case, user)
    if referrals.follow_up(uow, case)["state"] != "review" or "second_signer" in lacking:
        raise NotAllowed("nobody has asked for it, or the same person")
    if not lacking:
        end(uow, case)
        _call_nobody(uow, case)
        uow.append(case, FollowUpClosed(), f"user:{user.id}")
    return lacking


def end(uow: UnitOfWork, case: Case) -> None:
    """The record is over, if there is one: a drill may be over first. Nobody is reminded of its contacts any more."""
    referrals.change(uow, case, state="closed", closed_at=uow.now, **referrals.QUIET)
    its = select(t.follow_ups.c.id).where(t.follow_ups.c.case_id == case.id).scalar_subquery()
    uow.conn.execute(update(t.contacts).where(k.follow_up_id == its).values(remind_at=None))
    _obligation(uow, case, "closed")


def _call_nobody(uow: UnitOfWork, case: Case) -> None:
    """Of whom nobody ever reached the counselor's obligation ends with the record: it would ring on for ever."""
    mine = (o.case_id == case.id, o.kind == "counselor", o.state.in_((*deliveries.WAITING, "acknowledged")))
    unsent = (d.obligation_id.in_(select(o.id).where(*mine)), d.alert, d.state == "pending")
    uow.conn.execute(update(t.deliveries).where(*unsent).values(state="cancelled", available_at=None))
    uow.conn.execute(update(t.obligations).where(*mine).values(state="done", next_at=None, done_at=uow.now))
    alarms.clear(uow, case.id, "counselor")


def reopen_for_one_unsafe(uow: UnitOfWork, case: Case) -> None:
    """Somebody who is rung for a student has to find the record on their list, and to write into it."""
    row = uow.conn.execute(select(t.follow_ups.c.state).where(t.follow_ups.c.case_id == case.id)).one_or_none()
    if row and row.state == "closed" and case.row["unsafe_at"]:  # nobody has been with them since
        reopen(uow, case, "ledger")


def raise_immediate(uow: UnitOfWork, case: Case, actor: str) -> None:
    """Whoever hears that a life is in danger has people rung: a record that was closed goes on, for the same reason."""
    reopen_if_closed(uow, case, actor)
    referrals.raise_immediate(uow, case, actor)


def reopen_if_closed(uow: UnitOfWork, case: Case, actor: str) -> None:
    """What was heard cannot wait, and may have been written on a page that was open when somebody signed. No drill."""
    if referrals.follow_up(uow, case)["closed_at"] and not case.row["drill"]:
        reopen(uow, case, actor)


def reopen(uow: UnitOfWork, case: Case, actor: str) -> None:
    """It goes on, with a contact due within a day."""
    row = referrals.follow_up(uow, case)
    if row["state"] != "closed" or case.row["drill"]:
        raise NotAllowed("the record is open")
    referrals.change(uow, case, state="in_progress", closed_at=None, told_at=None, closer_id=None)
    count = len(uow.conn.scalars(select(k.id).where(k.follow_up_id == row["id"])).all())
    plan = followups.agreed(count, uow.now + _AGAIN_WITHIN)
    uow.conn.execute(insert(t.contacts).values(
        id=t.new_id(), follow_up_id=row["id"], kind=plan.kind, mode=plan.mode, due_at=plan.due_at,
        remind_at=followups.reminder_at(plan, 0)))  # fmt: skip
    contacts.note_next(uow, row["id"])
    _obligation(uow, case, "in_progress")
    uow.append(case, FollowUpReopened(), actor)


def _obligation(uow: UnitOfWork, case: Case, state: str) -> None:
    mine = update(t.obligations).where(o.case_id == case.id, o.kind == "care")
    uow.conn.execute(mine.values(state=state, done_at=uow.now if state == "closed" else None))
