"""A sender's side of a text: claim what can be called now, put it back, give up lapsed leases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, Integer, Select, Update, bindparam, exists, select, update
from sqlalchemy import case as sql_case

from ledger import tables as t
from ledger.errors import KeyMissing, Tampered
from ledger.school import people
from ledger.store import keyring
from ledger.store.alarms import alarm
from ledger.store.crypto import RowKey
from ledger.store.statements import among, number, one_of, word
from ledger.store.unit_of_work import ROUTINE, URGENT, Ledger, UnitOfWork
from ledger.texts import bundling, settling
from ledger.texts.calls import Claim, Draft, Outcome, Render
from ledger.texts.deliveries import WAITING

# Longer than a provider call takes by the wall clock (10 s), and little more: it is waited for where nobody knows that
# a sender has died.
LEASE = timedelta(seconds=13)
INHERITED_AFTER = timedelta(seconds=3)  # no more than a provider mostly takes; a later one is beside a marked text
_CALLED_WITHIN = timedelta(days=1)  # of being written: a later step replaces an alert long before

d, o = t.deliveries.c, t.obligations.c


def claim(
    ledger: Ledger, limit: int, worst: int, render: Render, *, asks: bool = True, by: UUID | None = None
) -> list[Claim]:
    """Take up to `limit` texts that an idle thread can call now; police first. Empty only when nothing is ready.

    `worst`: the last priority; `asks`: also those that the provider has to be asked about first, which may take long;
    `by`: the sender that takes them.

    A text of an obligation that somebody has meanwhile acknowledged is cancelled here instead of called, one without
    words is failed with an alarm, one of a key that this process has not is left to others for a while; none of them
    keeps the texts behind it waiting. What is about to be said is stored with
    the claim, so that a call whose answer is lost can be looked up by its words.
    """
    while True:
        found, claims = _claim_some(ledger, limit, worst, render, asks, by)
        for made in claims:
            if not made.body:
                _give_up(ledger, made)
        sayable = [made for made in claims if made.body]
        if sayable or not found:
            return sayable


def _claim_some(
    ledger: Ledger, limit: int, worst: int, render: Render, asks: bool, by: UUID | None
) -> tuple[int, list[Claim]]:
    with ledger.begin("claim", URGENT) as uow:
        asked = {"now": uow.now, "worst": worst, "most": limit, "asks": asks, "left": keyring.left(ledger)}
        found = uow.conn.execute(_READY, asked).mappings().all()
        rows = [bundling.speaking(uow.conn, row) for row in found]
        stale = {row["id"] for row in rows if _is_over(row) and _of_no_use(row, uow.now)}
        _finish(uow, stale)
        taken, token = [row for row in rows if row["id"] not in stale], t.new_id()
        return len(rows), [made for row in taken if (made := _take(uow, row, token, render, by))]


def _with_wanted() -> Select[Any]:
    """Texts, locked, each with `wanted`: an alert only while it rings and its person was not written to anew.

    So after an outage each hears of a case once, and not once a step. A bundle: while one of its cases rings.
    """
    newer = t.deliveries.alias()
    n = newer.c
    # Of the person in words that no index answers: it would read all that ever rang them, instead of one obligation.
    replaced: ColumnElement[bool] = exists().where(
        n.obligation_id == d.obligation_id, n.person_id.is_not_distinct_from(d.person_id),
        n.alert, n.step > d.step, n.state != word("cancelled"),
    )  # fmt: skip
    its, member = t.obligations.alias("its").c, t.deliveries.alias("member").c
    # The first one, and not whether there is one: that could be answered by looking through all texts once.
    speaking = select(its.id).where(member.bundle_id == d.id, its.id == member.obligation_id)
    first = speaking.where(one_of(its.state, WAITING)).limit(number(1)).scalar_subquery()
    wanted = (~d.alert) | (one_of(o.state, WAITING) & ~replaced) | ((d.kind == word("bundle")) & first.is_not(None))
    keys = t.cases.c.row_key.label("case_key"), t.people.c.row_key.label("person_key")
    return (
        select(t.deliveries, wanted.label("wanted"), t.cases.c.drill.label("drill"), *keys)
        .outerjoin(t.obligations, o.id == d.obligation_id)
        .outerjoin(t.cases, t.cases.c.id == d.case_id)
        .outerjoin(t.people, t.people.c.id == d.person_id)
        .with_for_update(of=t.deliveries, skip_locked=True)
    )


# Built once: making aliases costs more than asking the database does.
_WANTED = _with_wanted()
_READY = (
    _WANTED.where(d.available_at <= bindparam("now"), d.priority <= bindparam("worst"))
    .where(~among(d.id, "left"))
    .where((d.state != word("unknown")) | bindparam("asks", type_=Boolean))
    .order_by(d.priority, d.available_at, d.id)
    .limit(select(bindparam("most", type_=Integer)).scalar_subquery())  # behind a SELECT, see statements.among
)

_THE_TEXT = select(d.id).where(d.id == bindparam("this")).with_for_update()


def _ending(which: ColumnElement[bool]) -> tuple[Select[Any], Update]:
    """Whether there are such claims, and what ends them; not one in another's hands: a callback may settle it now."""
    such = select(d.id).where(d.state == word("sending"), which)
    ended: dict[str, Any] = {"state": "unknown", "token": None, "available_at": bindparam("look")}
    free = such.with_for_update(skip_locked=True)
    return such.order_by(d.lease_until).limit(number(1)), update(t.deliveries).where(d.id.in_(free)).values(ended)


_LAPSED, _HELD = _ending(d.lease_until <= bindparam("now")), _ending(among(d.sender_id, "dead"))


def _is_over(row: Mapping[Any, Any]) -> bool:
    """Whether nothing more is to be learnt of it. One that may have been sent is asked about, until it is given up."""
    return row["state"] != "unknown" or bool(row["settled"])


def _of_no_use(row: Mapping[Any, Any], now: datetime) -> bool:
    """Not to be sent any more."""
    return not row["wanted"] or (not row["alert"] and row["expires_at"] <= now)


def _finish(uow: UnitOfWork, ids: set[UUID]) -> None:
    if ids:
        state = sql_case((d.state == "pending", "cancelled"), else_=d.state)
        # Not lost: whoever it was for has a newer one, or nobody is waited for any more.
        over = {"state": state, "available_at": None, "settled": False}
        uow.conn.execute(update(t.deliveries).where(d.id.in_(ids)).values(over))


def _take(uow: UnitOfWork, row: Mapping[Any, Any], token: UUID, render: Render, by: UUID | None) -> Claim | None:
    """None for one that has to wait for a process with its key."""
    values: dict[str, Any] = {"state": "sending", "token": token, "sender_id": by, "available_at": None}
    in_doubt_since = row["called_at"] if row["state"] == "unknown" else None  # a call that was refused reached nobody
    values |= {"lease_until": uow.now + LEASE, "called_at": in_doubt_since or uow.now, "facts": row["facts"]}
    try:
        key = _key_of(uow, row)
        draft = _draft(uow, row, key)
        said = key.open("deliveries", row["id"], "body", row["body_sealed"]) if row["state"] == "unknown" else None
        body = said or render(draft) or ""
        values["body_sealed"] = key.seal("deliveries", row["id"], "body", body)
    except (Tampered, KeyMissing) as error:  # one unreadable row must not keep the others from being sent
        if isinstance(error, KeyMissing) and error.key:
            keyring.leave(uow, row["id"], error)
            return None
        draft, body = Draft(row["kind"], {}, row["language"], "", bool(row["drill"]), False, False), ""
    uow.change_later(t.deliveries, row["id"], values)
    return Claim(row["id"], row["case_id"], token, row["state"], row["attempt"], row["priority"], draft, body,
                 row["channel"], row["created_at"], row["expires_at"])  # fmt: skip


def take_new(uow: UnitOfWork, row: dict[str, Any], render: Render, by: UUID | None = None) -> Claim | None:
    """Claim a text in the transaction that writes it, whose case is locked there; None for one without words."""
    key, token = uow.case(row["case_id"]).key, t.new_id()
    draft = _draft(uow, {**row, "drill": uow.case(row["case_id"]).row["drill"], "attempt": 1}, key)
    body = render(draft)
    if not body:
        return None
    now = uow.ledger.clock.now()  # the transaction may be older than an answer for which nobody was called
    row |= {"state": "sending", "token": token, "sender_id": by, "available_at": None, "lease_until": now + LEASE,
            "called_at": now, "body_sealed": key.seal("deliveries", row["id"], "body", body)}  # fmt: skip
    return Claim(row["id"], row["case_id"], token, "pending", 1, row["priority"], draft, body, row["channel"],
                 row["created_at"], row["expires_at"])  # fmt: skip


def _key_of(uow: UnitOfWork, row: Mapping[Any, Any]) -> RowKey:
    """The key that a text is sealed with: its case's, or its person's where it is about no case."""
    if row["case_id"]:
        return uow.keys.unwrap(row["case_id"], row["case_key"])
    return uow.keys.unwrap(row["person_id"], row["person_key"])


def _draft(uow: UnitOfWork, row: Mapping[Any, Any], key: RowKey) -> Draft:
    facts = dict(row["facts"])
    if "owner_id" in facts:  # a colleague's name is not kept in the clear
        owner_id = facts.pop("owner_id")
        owner = people.by_id(uow.conn, uow.keys, [UUID(owner_id) if owner_id else None])
        facts["owner"] = owner[0].called if owner else ""
    if "reopening" in facts:  # nor is a code that opens something
        facts["digits"] = key.digits(f"reopening:{facts.pop('reopening')}")
    to = key.open("deliveries", row["id"], "to", row["to_sealed"]) or ""
    drill, sink = bool(row["drill"]), row["channel"] == "sink"
    return Draft(row["kind"], facts, row["language"], to, drill, sink, row["attempt"] > 1)


def _give_up(ledger: Ledger, claim: Claim) -> None:
    """No words could be found for it: it reaches nobody, the next person is due, and somebody has to know."""
    settling.settle(ledger, Outcome(claim, "failed_permanent", error="wording"))
    with ledger.begin("unsayable", URGENT) as uow:
        alarm(uow, f"wording:{claim.id}", "text_without_words", f"{claim.draft.kind}: no words for it", claim.case_id)


def put_back(ledger: Ledger, some: Sequence[Claim]) -> None:
    """Claims by `take_new`, none of which was called: pending again, if they were committed at all.

    Each has a token of its own. Those by `claim` share one, and may be of texts that were sent before.
    """
    with ledger.begin("put-back", URGENT) as uow:
        mine = update(t.deliveries).where(d.token.in_([claim.token for claim in some]), d.state == "sending")
        unclaimed = dict.fromkeys(("token", "lease_until", "called_at", "body_sealed"))
        uow.conn.execute(mine.values(state="pending", available_at=uow.now, **unclaimed))


def again(ledger: Ledger, claim: Claim, body: str) -> bool:
    """Before the one resend of an unknown text: note its words. False: no longer ours, or of no use any more."""
    with ledger.begin("resend", URGENT) as uow:
        uow.conn.execute(_THE_TEXT, {"this": claim.id})  # if the clock has it in hand, then to see what it has written
        query = _WANTED.where(d.id == claim.id, d.token == claim.token, d.state == "sending")
        row = uow.conn.execute(query).mappings().one_or_none()
        if row is None:
            return False
        mine = update(t.deliveries).where(d.id == claim.id)
        if _of_no_use(row, uow.now):
            uow.conn.execute(mine.values(state="unknown", settled=False, available_at=None))
            return False
        sealed = _key_of(uow, row).seal("deliveries", claim.id, "body", body)
        # The look-up took its time: the call that follows has a whole lease of its own.
        uow.conn.execute(mine.values(body_sealed=sealed, attempt=2, lease_until=uow.now + LEASE))
        return True


def beside(ledger: Ledger, claim: Claim) -> tuple[frozenset[str], int]:
    """Of other calls to the same phone that may have been made since: the provider's ids, and how many may have reached
    it without one that we know; a call that was made again may have done so the first time."""
    phone, since = ledger.keys.blind("phone", claim.draft.to), claim.created_at
    calls = select(d.sid, d.state, d.attempt).where(d.to_index == phone, d.created_at >= since - _CALLED_WITHIN)
    others = calls.where(d.kind == word("call"), d.id != claim.id, d.lease_until >= since - LEASE)
    with ledger.read() as conn:
        rows = conn.execute(others).all()
    doubtful = sum(row.attempt > 1 or (not row.sid and row.state in ("sending", "unknown")) for row in rows)
    return frozenset(row.sid for row in rows if row.sid), doubtful


def lapse(ledger: Ledger) -> int:
    """Leases that ran out: the call may have reached the provider, so each is `unknown` and will be looked up."""
    now = ledger.clock.now()
    return _end(ledger, _LAPSED, {"now": now}, now, ROUTINE)


def inherit(ledger: Ledger, dead: Sequence[UUID]) -> int:
    """What these senders held, as if its leases had run out; looked up when the provider lists what it was asked for
    last."""
    return _end(ledger, _HELD, {"dead": dead}, ledger.clock.now() + INHERITED_AFTER, URGENT)


def _end(ledger: Ledger, such: tuple[Select[Any], Update], of: Mapping[str, Any], look: datetime, urgency: int) -> int:
    """Claims that nobody acts on any more; to be looked up at `look`."""
    there, ending = such
    with ledger.read() as conn:
        if conn.execute(there, of).first() is None:
            return 0
    with ledger.begin("lapse", urgency) as uow:
        done = uow.conn.execute(ending, {**of, "look": look})
        uow.wake_senders = done.rowcount > 0
        return done.rowcount
