"""Texts on their way: written as `pending` in the transaction that decides them, called later by a sender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy import case as sql_case

from ledger import states
from ledger import tables as t
from ledger.crypto import Keys, RowKey
from ledger.errors import NotFound
from ledger.events import ObligationAlerted
from ledger.people import Person
from ledger.unit_of_work import URGENT, Case, Ledger, UnitOfWork

LEASE = timedelta(seconds=30)  # longer than a provider call can take by the wall clock
NOTICE_LIFE = timedelta(hours=1)  # an answer or a stand-down is of no use after that
ASK_AFTER = timedelta(seconds=2)  # a provider lists a new message a moment later
RETRY_MAX_S = 5.0
SILENCE = timedelta(seconds=60)  # no delivery receipt by then counts as "phone off"
WAITING = ("pending", "alerted")  # states of an obligation that still rings
_TRIES_BEFORE_NEXT = 3  # refusals for now, before they count as "this person cannot be reached"

d = t.deliveries.c


@dataclass(frozen=True)
class Draft:
    """What has to be put into words: a message kind and its facts, for one phone."""

    kind: str
    facts: dict[str, Any]
    language: str
    to: str
    drill: bool
    resend: bool


@dataclass(frozen=True)
class Claim:
    """One text that this process may call now. `was`: the state it was found in; `unknown` is looked up first."""

    id: UUID
    case_id: UUID | None
    token: UUID
    was: str
    attempt: int
    priority: int
    draft: Draft
    body: str
    channel: str
    created_at: datetime


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
) -> None:
    """Write one text to a person, or to (phone, language). The same `dedup` is written once."""
    row_id = t.new_id()
    person = to if isinstance(to, Person) else None
    phone, language = (person.phone, person.language) if person else to  # type: ignore[misc]
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
            "priority": priority,
            "channel": "sink" if case and case.row["source"] == "drill" else "provider",
            "alert": alert,
            "state": "pending",
            "available_at": uow.now,
            "expires_at": uow.now + NOTICE_LIFE,
            "created_at": uow.now,
        }
    )


def ready(conn: Connection, now: datetime) -> bool:
    """Whether a sender would find something, without taking a lock."""
    return conn.execute(select(d.id).where(d.available_at <= now).limit(1)).first() is not None


def claim(ledger: Ledger, limit: int, worst_priority: int, render: Callable[[Draft], str | None]) -> list[Claim]:
    """Take up to `limit` texts that an idle thread can call now; police first. Drops what came too late.

    A text of an obligation that somebody has meanwhile acknowledged is cancelled here instead of called. What is
    about to be said is stored with the claim, so that a call whose answer is lost can be looked up by its words.
    """
    with ledger.begin("claim", URGENT) as uow:
        rows = _ready_rows(uow, limit, worst_priority)
        stale = [row for row in rows if _out_of_use(row, uow.now)]
        _finish(uow, [row["id"] for row in stale])
        taken, token = [row for row in rows if row not in stale], t.new_id()
        keys = _keys_of(uow.conn, uow.keys, taken)
        claims = [_claimed(keys[row["id"]], row, token, render) for row in taken]
        for row, made in zip(taken, claims, strict=True):
            _store_claim(uow, row, made, keys[made.id])
        return [made for made in claims if made.body]


def _ready_rows(uow: UnitOfWork, limit: int, worst_priority: int) -> list[RowMapping]:
    o = t.obligations.c
    query = (
        select(t.deliveries, ((~d.alert) | o.state.in_(WAITING)).label("wanted"))
        .outerjoin(t.obligations, o.id == d.obligation_id)
        .where(d.available_at <= uow.now, d.priority <= worst_priority)
        .order_by(d.priority, d.available_at)
        .limit(limit)
        .with_for_update(of=t.deliveries, skip_locked=True)
    )
    return list(uow.conn.execute(query).mappings())


def _store_claim(uow: UnitOfWork, row: RowMapping, made: Claim, key: RowKey) -> None:
    values: dict[str, Any] = {"state": "failed_permanent", "error_code": "wording", "available_at": None}
    if made.body:
        values = {"state": "sending", "token": made.token, "lease_until": uow.now + LEASE, "available_at": None}
        values["called_at"] = row["called_at"] or uow.now
        values["body_sealed"] = key.seal("deliveries", made.id, "body", made.body)
    uow.conn.execute(update(t.deliveries).where(d.id == made.id).values(values))


def _out_of_use(row: RowMapping, now: datetime) -> bool:
    late = not row["alert"] and row["expires_at"] <= now
    # One that may have been sent is looked up all the same: its true state is part of the record.
    return row["state"] != "unknown" and (late or not row["wanted"])


def _finish(uow: UnitOfWork, ids: list[UUID]) -> None:
    if ids:
        state = sql_case((d.state == "pending", "cancelled"), else_=d.state)
        uow.conn.execute(update(t.deliveries).where(d.id.in_(ids)).values(state=state, available_at=None))


def _keys_of(conn: Connection, keys: Keys, rows: list[RowMapping]) -> dict[UUID, RowKey]:
    """The key that each text is sealed with: its case's, or its person's where it is about no case."""
    wrapped: dict[UUID, bytes] = {}
    for table, column in ((t.cases, "case_id"), (t.people, "person_id")):
        ids = {row[column] for row in rows if row[column] and (column == "case_id" or not row["case_id"])}
        if ids:
            wrapped.update(conn.execute(select(table.c.id, table.c.row_key).where(table.c.id.in_(ids))).all())
    owner = {row["id"]: row["case_id"] or row["person_id"] for row in rows}
    return {row_id: keys.unwrap(at, wrapped[at]) for row_id, at in owner.items()}


def _claimed(key: RowKey, row: RowMapping, token: UUID, render: Callable[[Draft], str | None]) -> Claim:
    to = key.open("deliveries", row["id"], "to", row["to_sealed"]) or ""
    draft = Draft(row["kind"], row["facts"], row["language"], to, row["channel"] == "sink", row["attempt"] > 1)
    said = key.open("deliveries", row["id"], "body", row["body_sealed"])
    body = said if said and row["state"] == "unknown" else render(draft)
    return Claim(row["id"], row["case_id"], token, row["state"], row["attempt"], row["priority"], draft, body or "",
                 row["channel"], row["created_at"])  # fmt: skip


def again(ledger: Ledger, claim: Claim, body: str) -> bool:
    """Before the one resend of an unknown text: note its words. False: the claim is no longer ours."""
    with ledger.begin("resend", URGENT) as uow:
        key = _keys_of(uow.conn, uow.keys, [_row(uow, claim.id)])[claim.id]
        done = uow.conn.execute(
            update(t.deliveries)
            .where(d.id == claim.id, d.token == claim.token, d.state == "sending")
            .values(body_sealed=key.seal("deliveries", claim.id, "body", body), attempt=2)
        )
        return done.rowcount == 1


def settle(
    ledger: Ledger,
    claim: Claim,
    state: str,
    *,
    sid: str | None = None,
    error: str | None = None,
    retry_after_s: float | None = None,
    exhausted: bool = False,
) -> None:
    """Write what a call came to. Merged by rank, since the provider's callback may have been faster."""
    with ledger.begin("settle", URGENT) as uow:
        case = uow.case(claim.case_id) if claim.case_id else None
        row = _row(uow, claim.id)
        merged = states.merge(row["state"], state)
        lapsed = row["token"] != claim.token
        values: dict[str, Any] = {"state": merged, "tries": row["tries"] + 1, "settled": exhausted}
        values["sid"], values["error_code"] = sid or row["sid"], error or row["error_code"]
        if merged in ("sent", "delivered"):
            values |= {"sent_at": row["sent_at"] or uow.now, "available_at": None}
        elif not lapsed:
            values["available_at"] = _next_try(uow.now, merged, row["tries"], retry_after_s, exhausted)
        uow.conn.execute(update(t.deliveries).where(d.id == claim.id).values(values))
        _tell_obligation(uow, case, row, merged, exhausted)


def _next_try(now: datetime, state: str, tries: int, retry_after_s: float | None, exhausted: bool) -> datetime | None:
    if state == "failed_temporary":
        return now + timedelta(seconds=max(min(2.0**tries, RETRY_MAX_S), min(retry_after_s or 0, 30)))
    return now + ASK_AFTER if state == "unknown" and not exhausted else None


def _tell_obligation(uow: UnitOfWork, case: Case | None, row: RowMapping, state: str, exhausted: bool) -> None:
    """The first text taken makes an obligation `alerted`; a failed one has the clock look at it now."""
    if case is None or not row["alert"]:
        return
    o = t.obligations.c
    mine = update(t.obligations).where(o.id == row["obligation_id"])
    if state in ("sent", "delivered"):
        if state == "sent":  # no word from the phone by then counts as switched off
            hush = uow.now + SILENCE
            uow.conn.execute(mine.where(o.state.in_(WAITING), o.next_at > hush).values(next_at=hush))
        # An answer may have come before ours was written: then it is acknowledged already, and alerted all the same.
        ringing = sql_case((o.state == "pending", "alerted"), else_=o.state)
        first = uow.conn.execute(mine.where(o.alerted_at.is_(None)).values(state=ringing, alerted_at=uow.now))
        if first.rowcount:
            now_is = uow.conn.execute(select(o.kind, o.state).where(o.id == row["obligation_id"])).one()
            uow.append(case, ObligationAlerted(now_is.kind, str(row["id"])), "sender")
            if now_is.kind != "counselor" and now_is.state == "alerted":
                uow.conn.execute(update(t.cases).where(t.cases.c.id == case.id).values(state="alerted"))
    elif state in states.DELIVERY_FAILED or exhausted:
        uow.conn.execute(mine.where(o.state.in_(WAITING)).values(next_at=uow.now))


def report(uow: UnitOfWork, delivery_id: UUID | None, sid: str, state: str, error: str | None) -> None:
    """What a provider says of a text, in any order and any number of times. Raises NotFound for one not ours."""
    found = (d.id == delivery_id) if delivery_id else (d.sid == sid)
    head = uow.conn.execute(select(d.case_id, d.sid).where(found)).first()
    if head is None or (head.sid is not None and head.sid != sid):
        raise NotFound
    case = uow.case(head.case_id) if head.case_id else None
    row = uow.conn.execute(select(t.deliveries).where(found).with_for_update()).mappings().one()
    merged = states.merge(row["state"], state)
    values: dict[str, Any] = {"state": merged, "sid": sid, "error_code": error or row["error_code"]}
    if merged in ("sent", "delivered"):
        values |= {"sent_at": row["sent_at"] or uow.now, "available_at": None}
    if merged == "delivered":
        values["delivered_at"] = row["delivered_at"] or uow.now
    if merged in ("undelivered", "failed_permanent"):
        values["available_at"] = None
    uow.conn.execute(update(t.deliveries).where(d.id == row["id"]).values(values))
    if merged != row["state"]:
        _tell_obligation(uow, case, row, merged, exhausted=False)


def lapse(ledger: Ledger) -> int:
    """Leases that ran out: the call may have reached the provider, so each is `unknown` and will be looked up."""
    with ledger.begin("lapse") as uow:
        done = uow.conn.execute(
            update(t.deliveries)
            .where(d.state == "sending", d.lease_until <= uow.now)
            .values(state="unknown", available_at=uow.now, token=None)
        )
        uow.wake_senders = done.rowcount > 0
        return done.rowcount


def as_alert(row: RowMapping, now: datetime) -> str:
    """A text's state as escalation counts it: refused for now is not yet failed; unheard of for 60 s is phone off."""
    if row["state"] == "failed_temporary" and row["tries"] < _TRIES_BEFORE_NEXT:
        return "pending"
    if row["state"] == "unknown" and row["settled"]:
        return "unknown_settled"
    if row["state"] == "sent" and row["sent_at"] and now - row["sent_at"] >= SILENCE:
        return "undelivered"
    return str(row["state"])


def _row(uow: UnitOfWork, delivery_id: UUID) -> RowMapping:
    return uow.conn.execute(select(t.deliveries).where(d.id == delivery_id).with_for_update()).mappings().one()


def unheard(conn: Connection, now: datetime, limit: int = 50) -> list[RowMapping]:
    """(id, sid) of alerts taken by the provider over 60 s ago whose obligation still rings: callbacks can be lost."""
    query = (
        select(d.id, d.sid)
        .join(t.obligations, t.obligations.c.id == d.obligation_id)
        .where(d.state == "sent", d.alert, d.sid.is_not(None), d.sent_at <= now - SILENCE)
        .where(t.obligations.c.state.in_(WAITING), t.obligations.c.next_at.is_not(None))
        .limit(limit)
    )
    return list(conn.execute(query).mappings())


def ringing(conn: Connection) -> bool:
    """Whether any obligation waits for somebody to answer."""
    o = t.obligations.c
    return conn.execute(select(o.id).where(o.next_at.is_not(None), o.state.in_(WAITING)).limit(1)).first() is not None


def rung_code(conn: Connection, delivery_id: UUID) -> str | None:
    """The case code of an alert; None for any other text."""
    query = select(t.cases.c.code).join(t.deliveries, d.case_id == t.cases.c.id).where(d.id == delivery_id, d.alert)
    return conn.execute(query).scalar_one_or_none()
