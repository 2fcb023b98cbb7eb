"""Texts: written as `pending` in the transaction that decides them; what the provider says of them later.

How a sender takes them up in between is in ledger/texts/claims.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, bindparam, exists, func, or_, select, update

from ledger import states
from ledger import tables as t
from ledger.errors import NotFound
from ledger.events import NOTICE, PRIORITY, ObligationAlerted
from ledger.school.people import Person
from ledger.states import FIRST_DUTIES
from ledger.store import alarms
from ledger.store.statements import among, number, one_of, word
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import waits

NOTICE_LIFE = timedelta(hours=1)  # an answer or a stand-down is of no use after that
# What asks somebody to act, is said once and stays true is worth saying the next day. Reminders are not: by then it may
# have been done, and what is overdue stands on the lists.
TO_ACT = frozenset({"handover", "referral", "amended", "further", "moved_on"})
TO_ACT_LIFE = timedelta(days=1)
WAITING = ("pending", "alerted")  # states of an obligation that still rings
HEARD = ("sending", "unknown", "sent", "undelivered", "delivered")  # may have been read, now or later

d, o = t.deliveries.c, t.obligations.c
# Built once: see statements.
_READY = select(d.id).where(d.available_at <= bindparam("now")).order_by(d.priority, d.available_at).limit(number(1))
_DUTY = (o.kind.label("duty"), o.state.label("duty_state"), o.alerted_at.label("duty_alerted_at"),
         o.next_at.label("duty_next_at"), o.step.label("duty_step"), o.declined.label("duty_declined"))  # fmt: skip
# Read along with what is written anyway: nothing more is asked while all is well.
_REFUSING = exists().where(t.alarms.c.kind == word(alarms.PROVIDER_REFUSES), t.alarms.c.cleared_at.is_(None))
_WITH_DUTY = (
    select(t.deliveries, *_DUTY, _REFUSING.label("refusing"))
    .outerjoin(t.obligations, o.id == d.obligation_id)
    .where(among(d.id, "these"))
)
_LOCKED = _WITH_DUTY.with_for_update(of=t.deliveries)
_FREE = _WITH_DUTY.with_for_update(of=t.deliveries, skip_locked=True)
_UNCALLED = update(t.deliveries).where(d.obligation_id == bindparam("this"), d.alert, d.state == "pending")
_CANCEL = _UNCALLED.values(state="cancelled", available_at=None)


def tell(
    uow: UnitOfWork,
    to: Person | tuple[str, str],
    kind: str,
    facts: Mapping[str, Any],
    *,
    case: Case | None,
    dedup: str,
    priority: int,
    obligation: UUID | None = None,
    step: int | None = None,
    alert: bool = False,
    after: datetime | None = None,
    bundle: UUID | None = None,
    lasts: timedelta | None = None,
) -> UUID | None:
    """Write one text to a person, or to (phone, language), and return its id. The same `dedup` is written once.

    Nothing is written to a person without a phone. Texts of a drill outrank nothing. It waits until `after`, if given,
    and for ever where a `bundle` speaks for it. What is no alert is of no use after `lasts`, if given.
    """
    row_id = t.new_id()
    person = to if isinstance(to, Person) else None
    phone, language = (person.phone, person.language) if person else to  # type: ignore[misc]
    if not phone:
        return None
    key = case.key if case else person.key  # type: ignore[union-attr]  # an answer about no case goes to a person
    uow.text(
        {
            "id": row_id,
            "dedup": dedup,
            "case_id": case.id if case else None,
            "obligation_id": obligation,
            "step": step,
            "person_id": person.id if person else None,
            "kind": kind,
            "facts": dict(facts),
            "language": language,
            "to_sealed": key.seal("deliveries", row_id, "to", phone),
            "to_index": uow.keys.blind("phone", phone),
            "priority": PRIORITY[NOTICE] if case and case.row["drill"] else priority,
            "channel": "sink" if case and case.row["source"] == "drill" else "provider",
            "alert": alert,
            "state": "pending",
            "available_at": None if bundle else after or uow.now,
            "bundle_id": bundle,
            "expires_at": uow.now + (lasts or (TO_ACT_LIFE if kind in TO_ACT else NOTICE_LIFE)),
            "created_at": uow.now,
            **dict.fromkeys(("token", "lease_until", "called_at", "body_sealed")),
        }
    )
    return row_id


def cancel_alerts(uow: UnitOfWork, obligation: UUID) -> None:
    """Nobody need come any more: those of its texts that are not called yet never will be."""
    uow.conn.execute(_CANCEL, {"this": obligation})


def take_back(uow: UnitOfWork, case: Case, kind: str) -> None:
    """What its texts of this kind say is not so any more: those that have not gone out yet never will."""
    unsaid = update(t.deliveries).where(d.case_id == case.id, d.kind == kind, d.available_at.is_not(None))
    unsaid = unsaid.where(one_of(d.state, ("pending", "failed_temporary")))
    uow.conn.execute(unsaid.values(state="cancelled", available_at=None))


def say_no_more(uow: UnitOfWork, case: Case, number: bytes | None) -> None:
    """To a reporter's number (its index) that is no more to be texted: what was not sent yet never is; what a sender
    has in hand is of no use any more, so that it is not sent again."""
    theirs = update(t.deliveries).where(d.case_id == case.id, d.person_id.is_(None), d.to_index == number)
    unsent = theirs.where(d.available_at.is_not(None), one_of(d.state, ("pending", "failed_temporary")))
    uow.conn.execute(unsent.values(state="cancelled", available_at=None, token=None))
    uow.conn.execute(theirs.where(one_of(d.state, ("sending", "unknown"))).values(expires_at=uow.now))


def ready(conn: Connection, now: datetime) -> bool:
    """Whether a sender would find something, without taking a lock."""
    return conn.execute(_READY, {"now": now}).first() is not None


def locked(uow: UnitOfWork, ids: Sequence[UUID], *, wait: bool = True) -> dict[UUID, RowMapping]:
    """Texts, locked, each with its obligation as it is: nobody changes that while its case is locked, as it is here.

    Several are not waited for: their locks would be taken in no order that others keep to.
    """
    uow.write_changes()
    return {row["id"]: row for row in uow.conn.execute(_LOCKED if wait else _FREE, {"these": ids}).mappings()}


def tell_obligation(
    uow: UnitOfWork, case: Case | None, row: RowMapping, state: str, *, taken: bool, exhausted: bool = False
) -> None:
    """The first text that a provider took makes an obligation `alerted`; a failed one has the clock look at it now.

    `row` is one of `locked`. Without `case`, which does not open here, only when to look is told: a clock that can
    open it rings the next person, and one that cannot says so.
    """
    if not row["alert"]:
        return
    values = _alerted(uow, case, row) if case and taken and row["duty_alerted_at"] is None else {}
    ringing, due = values.get("state", row["duty_state"]) in WAITING, row["duty_next_at"]
    hush = uow.now + waits.SILENCE  # no word from the phone by then counts as switched off
    if ringing and state == "sent" and due and due > hush:
        values["next_at"] = hush
    elif ringing and (state in states.DELIVERY_FAILED or (exhausted and state != "sent")):
        values["next_at"] = uow.now
    elif ringing and state == "unknown" and due and row["duty_step"] == row["step"]:
        values["next_at"] = min(due, waits.doubted_until(row) or due)
    if values:
        uow.change_later(t.obligations, row["obligation_id"], values)
    if case and state == "delivered" and str(row["person_id"]) not in (row["duty_declined"] or ()):
        alarms.clear(uow, case.id, row["duty"])  # that nobody was reached is over; who has said no has to say yes


def _alerted(uow: UnitOfWork, case: Case, row: RowMapping) -> dict[str, Any]:
    """An answer may have come before ours was written: then it is acknowledged already, and alerted all the same."""
    rings = row["duty_state"] == "pending"
    uow.append(case, ObligationAlerted(row["duty"], str(row["id"])), "sender")
    if row["duty"] in FIRST_DUTIES and rings:
        case.show("alerted")
    return {"alerted_at": uow.now} | ({"state": "alerted"} if rings else {})


def report(uow: UnitOfWork, delivery_id: UUID | None, sid: str, state: str, error: str | None) -> None:
    """What a provider says of a text, in any order and any number of times. Raises NotFound for one not ours.

    An unknown call and its resend are one text here and two at the provider: of the one whose id we do not hold, only
    that it was read counts.
    """
    if delivery_id is None:
        delivery_id = uow.conn.execute(select(d.id).where(d.sid == sid)).scalars().first()
    case = uow.case_of(delivery_id) if delivery_id else None
    row = locked(uow, [delivery_id]).get(delivery_id) if delivery_id else None
    if row is None:
        raise NotFound
    if erased(row):
        return
    if row["sid"] not in (None, sid) and state != "delivered":
        return
    merged = states.merge(row["state"], state)
    values: dict[str, Any] = {"state": merged, "sid": row["sid"] or sid, "error_code": error or row["error_code"]}
    if merged == state:  # taken, so there is nothing left to send or to ask
        values["available_at"] = None
    if merged in ("sent", "delivered"):
        values["sent_at"] = row["sent_at"] or uow.now
    if merged == "delivered":
        values["delivered_at"] = row["delivered_at"] or uow.now
    uow.change_later(t.deliveries, row["id"], values)
    if merged != row["state"]:
        tell_obligation(uow, case, row, merged, taken=True)
        spread(uow, {**row, **values}, taken=True)


def erased(row: Mapping[Any, Any]) -> bool:
    """A text whose case was erased: with the provider's id of it, number and words could be found there again."""
    return not row["to_sealed"]


def spread(uow: UnitOfWork, bundle: Mapping[Any, Any], *, taken: bool, exhausted: bool = False) -> None:
    """What became of a bundle became of every alert that it spoke for. Nothing for any other text.

    The bundle's row is locked, then its cases in one order; nobody waits for a bundle's row while holding a case.
    """
    if bundle["kind"] != "bundle":
        return
    ids = [UUID(member) for member in bundle["facts"].get("members", ())]
    case_ids = uow.conn.scalars(select(d.case_id).where(d.id.in_(ids)).distinct().order_by(d.case_id)).all()
    cases = {case_id: uow.readable(case_id) for case_id in case_ids}
    for member in sorted(ids):  # one after another: two of them may be of one obligation
        row = locked(uow, [member])[member]
        merged = states.merge(row["state"], bundle["state"])
        same = {name: bundle[name] for name in ("called_at", "sent_at", "delivered_at", "error_code")}
        uow.change(t.deliveries, row["id"], same | {"state": merged, "settled": exhausted})
        tell_obligation(uow, cases[row["case_id"]], row, merged, taken=taken, exhausted=exhausted)


def unheard(conn: Connection, now: datetime, limit: int = 50) -> list[RowMapping]:
    """(id, sid) of alerts taken by the provider a while ago whose obligation still rings: callbacks can be lost.

    Asked in time for an answer before silence counts as "phone off"; the latest first, so that old ones hide none.
    """
    query = (
        select(d.id, d.sid)
        .join(t.obligations, o.id == d.obligation_id)
        .where(d.state == "sent", d.alert, d.channel == "provider", d.sid.is_not(None))
        .where(d.sent_at <= now - waits.SILENCE / 2)
        .where(one_of(o.state, WAITING), o.next_at.is_not(None))
        .order_by(d.sent_at.desc())
        .limit(limit)
    )
    return list(conn.execute(query).mappings())


def rung_since(conn: Connection) -> datetime | None:
    """When the first of those phones rang that may still be answered through the provider; None where none does.

    An answer may have come while nobody here could take it, however long ago that was.
    """
    began = func.coalesce(o.owed_since, o.started_at)
    its = and_(d.obligation_id == o.id, of_this_ring(o, d))
    joined = t.obligations.join(t.cases, t.cases.c.id == o.case_id).outerjoin(t.deliveries, its)
    query = select(func.count(), func.min(d.called_at, type_=t.UtcTime), func.min(began, type_=t.UtcTime))
    ringing = (t.cases.c.source != "drill", o.next_at.is_not(None), one_of(o.state, WAITING))
    found, called, started = conn.execute(query.select_from(joined).where(*ringing)).one()
    return (called or started) if found else None


def of_this_ring(duty: Any, text: Any) -> ColumnElement[bool]:
    """Of an obligation that rings (by its columns): a text that was written for what it rings for now."""
    return or_(duty.owed_since.is_(None), text.created_at >= duty.owed_since)


def rung_code(conn: Connection, delivery_id: UUID) -> str | None:
    """The case code of an alert; None for any other text."""
    query = select(t.cases.c.code).join(t.deliveries, d.case_id == t.cases.c.id).where(d.id == delivery_id, d.alert)
    return conn.execute(query).scalar_one_or_none()
