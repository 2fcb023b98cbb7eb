"""Erasing a case by command: its key, and all that is readable or can be searched for without it.

What counts stays: code, times, states, amounts, college, which account pressed what, and the chain of events, whose
sealed parts nobody can open any more (docs/decisions/0035).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, delete, or_, select, update
from sqlalchemy import case as sql_case

from ledger import states
from ledger import tables as t
from ledger.care import closing
from ledger.erasure import holds
from ledger.errors import KeyMissing, NotAllowed, NotFound, Tampered
from ledger.escalation import IMMEDIATE, UNSAFE
from ledger.events import CaseErased
from ledger.export.exports import MACHINE
from ledger.reporting import corrections, renumbering
from ledger.ringing import owing
from ledger.store import anchors
from ledger.store.case import LOCKED
from ledger.store.crypto import Keys, RowKey
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts.deliveries import WAITING

# Why: words of our own, since they outlive the key. retention: its time is over.
RETENTION = "retention"
REASONS = ("request", RETENTION, "order", "mistake")
# What a case is not erased for, in the order in which somebody should see to it.
BARS = {
    "drill": ("演练里没有任何人的资料", "a drill holds nobody's data"),
    "danger": (
        "学生可能有危险，还没有人记下已有人陪着",
        "a student may be in danger, and nobody has noted that they are safe",
    ),
    "police": ("止付或劝阻还没有办完", "the stop-payment, or to dissuade, is not done"),
    "stop": ("银行还在止付", "a bank still holds the money: the stop runs"),
    "counselor": ("辅导员还没有联系上学生", "the counselor has not reached the student"),
    "follow_up": ("跟进记录还没有结案", "the follow-up record is open"),
    "hold_police": ("公安机关的案件未了", "the case of the police (立案) is open"),
    "hold_appeal": ("申诉未了", "an appeal is open"),
    "hold_other": ("已要求保留", "somebody has asked for it to be kept"),
}
LASTING = ("drill", "hold_police", "hold_appeal", "hold_other")  # also where the key is gone
_NO_STAFF = ("student", "staff")  # roles of those whose texts are not about their work
_NUMBERS = (renumbering.PHONE, renumbering.BEFORE, "safe_phone", "victim_phone")  # corrections that are one
c, o, x, f, e = t.cases.c, t.obligations.c, t.transfers.c, t.follow_ups.c, t.case_events.c
d, i, k, w, a, p = t.deliveries.c, t.inbound.c, t.contacts.c, t.work.c, t.alarms.c, t.people.c


class Barred(NotAllowed):
    """The case must not be erased now. `bars`: keys of BARS."""

    def __init__(self, bars: Sequence[str]) -> None:
        super().__init__("\n".join(f"{zh} · {en}" for zh, en in map(BARS.__getitem__, bars)))
        self.bars = tuple(bars)


def bars(conn: Connection, case: Mapping[Any, Any], now: datetime) -> list[str]:
    """Why this case (its row) must not be erased: keys of BARS, none where it may be."""
    if case["drill"]:
        return ["drill"]
    duties = {it.kind: it.state for it in conn.execute(select(o.kind, o.state).where(o.case_id == case["id"]))}
    undone = {kind for kind, state in duties.items() if state != "done"}
    paid = conn.execute(select(x.outcome, x.stop_ends_at).where(x.case_id == case["id"])).all()
    unfiled = case["state"] != "closed" and states.to_file(it.outcome for it in paid)
    record = conn.execute(select(f.closed_at, f.immediate).where(f.case_id == case["id"])).one_or_none()
    danger = case["unsafe_at"] is not None or bool(record and record.immediate)
    found = {
        "danger": danger or not undone.isdisjoint((UNSAFE, IMMEDIATE)),
        "police": unfiled or not undone.isdisjoint(states.FIRST_DUTIES),
        "stop": any(it.stop_ends_at and it.stop_ends_at > now for it in paid),
        "counselor": duties.get("counselor") in (*WAITING, "acknowledged"),
        "follow_up": record is None or record.closed_at is None,
    }
    return [name for name, true in found.items() if true] + [f"hold_{why}" for why in holds.standing(conn, case["id"])]


def erased_at(conn: Connection, case_id: UUID) -> datetime | None:
    query = select(e.at).where(e.case_id == case_id, e.type == CaseErased.type).order_by(e.seq).limit(1)
    return conn.execute(query).scalar_one_or_none()


def key_is_gone(keys: Keys, case: Mapping[Any, Any]) -> bool:
    """Destroyed or spoiled. Raises KeyMissing where only the ring lacks a key: that can be mended."""
    if not case["row_key"]:
        return True
    try:
        keys.unwrap(case["id"], case["row_key"])
    except Tampered:
        return True
    return False


def in_hand(uow: UnitOfWork, case_id: UUID) -> Case:
    """The case, locked, whether or not it can be opened: nothing of what it sealed is read."""
    row = uow.conn.execute(LOCKED, {"this": case_id}).mappings().one_or_none()
    if row is None:
        raise NotFound
    case = Case(row["id"], row["code"], RowKey(b""), row, row["last_seq"], row["chain_head"])
    uow.hold(case)
    return case


def erase(uow: UnitOfWork, case_id: UUID, reason: str, by: UUID, *, gone: bool = False) -> bool:
    """Erase it in this transaction; False where it was before. `by`: the account that answers for it.

    `gone`: its key is destroyed already, so what is open can only be ended; nobody is told that it was done. Raises
    Barred, or NotAllowed where `gone` is not true.
    """
    case = in_hand(uow, case_id)
    if erased_at(uow.conn, case_id):
        return False
    found = bars(uow.conn, case.row, uow.now)
    if gone and not key_is_gone(uow.keys, case.row):
        raise NotAllowed("its key is there, so what is open has to be done first 密钥还在，须先办完")
    if barred := [bar for bar in found if not gone or bar in LASTING]:
        raise Barred(barred)
    if gone:
        _end(uow, case)
    _forget_texts(uow, case)
    _forget_follow_up(uow, case)
    _forget_report(uow, case)
    uow.append(case, CaseErased(reason, str(by), tuple(found)), MACHINE)
    anchors.log_reads(uow, MACHINE, "case.erase", [f"case:{case.id}"])
    return True


def _end(uow: UnitOfWork, case: Case) -> None:
    """What nobody can do any more is owed by nobody. The event says that it was not done."""
    closing.end(uow, case)
    undone = update(t.obligations).where(o.case_id == case.id, o.kind != "care", o.state != "done")
    uow.conn.execute(undone.values(state="done", done_at=uow.now, **owing.NOTHING))
    uow.conn.execute(update(t.follow_ups).where(f.case_id == case.id).values(immediate=False))
    uow.conn.execute(update(t.transfers).where(x.case_id == case.id).values(stop_look_at=None))
    uow.change(t.cases, case.id, state="closed")


def _empty(table: Table) -> dict[str, Any]:
    """Values of all its sealed columns and blind indexes, also of those that somebody adds later."""
    secret = (column for column in table.c if column.name.endswith(("_sealed", "_index")))
    return {column.name: None if column.nullable else b"" for column in secret}


def _forget_texts(uow: UnitOfWork, case: Case) -> None:
    """Sent, on their way and received; and the work that would write more of them."""
    _forget_strangers(uow, case)
    uow.conn.execute(update(t.inbound).where(i.case_id == case.id).values(body_sealed=None, row_key=b""))
    uncalled = d.state.in_(("pending", "failed_temporary"))
    # What a sender has in hand may reach somebody yet: nobody looks it up any more, or says it again.
    state = sql_case((uncalled, "cancelled"), (d.state == "sending", "unknown"), else_=d.state)
    over: dict[str, Any] = {
        **dict.fromkeys(("sid", "token", "lease_until", "available_at")),
        "settled": True,
        "facts": {},
    }
    uow.conn.execute(
        update(t.deliveries).where(d.case_id == case.id).values(state=state, **over, **_empty(t.deliveries))
    )
    its = select(e.id).where(e.case_id == case.id)
    uow.conn.execute(update(t.work).where(w.event_id.in_(its), w.state != "done").values(state="done", reason=None))
    uow.conn.execute(update(t.alarms).where(a.case_id == case.id, a.cleared_at.is_(None)).values(cleared_at=uow.now))


def _forget_strangers(uow: UnitOfWork, case: Case) -> None:
    """What the reporter's own numbers texted to us. Not where another case of theirs stays."""
    theirs = _numbers(uow, case)
    ours = select(p.phone_index).where(p.phone_index.in_(theirs), p.role.not_in(_NO_STAFF))
    theirs -= set(uow.conn.scalars(ours))
    for number in theirs:
        told = select(d.case_id).where(d.to_index == number, d.person_id.is_(None), d.case_id.is_not(None))
        same = or_(c.phone_index == number, c.victim_phone_index == number, c.id.in_(told))
        if not uow.conn.execute(select(c.id).where(same, c.id != case.id).limit(1)).first():
            gone = {"body_sealed": None, "row_key": b"", "from_index": b""}
            uow.conn.execute(update(t.inbound).where(i.from_index == number).values(gone))


def _numbers(uow: UnitOfWork, case: Case) -> set[bytes]:
    """Indexes of the reporter's and the victim's; of a safe one, and of one put right since, there is no column."""
    try:
        key = uow.keys.unwrap(case.id, case.row["row_key"]).lenient()
    except (KeyMissing, Tampered):
        key = RowKey(b"").lenient()
    said = [it.value for it in corrections.of_case(uow.conn, key, case.id) if it.field in _NUMBERS]
    safe = key.open("cases", case.id, "safe_phone", case.row["safe_phone_sealed"])
    to_them = uow.conn.scalars(select(d.to_index).where(d.case_id == case.id, d.person_id.is_(None)))
    of_columns = (case.row["phone_index"], case.row["victim_phone_index"])
    found = (*of_columns, *to_them, *(uow.keys.blind("phone", it) for it in (safe, *said)))
    return {index for index in found if index}


def _forget_follow_up(uow: UnitOfWork, case: Case) -> None:
    its = select(f.id).where(f.case_id == case.id).scalar_subquery()
    uow.conn.execute(update(t.contacts).where(k.follow_up_id == its).values(_empty(t.contacts)))
    for table in (t.screenings, t.screening_consents, t.centre_notes):
        uow.conn.execute(delete(table).where(table.c.follow_up_id == its))
    uow.conn.execute(update(t.follow_ups).where(f.case_id == case.id).values(debt=None))


def _forget_report(uow: UnitOfWork, case: Case) -> None:
    """The key goes with all else. A link that somebody kept finds nothing: what it was is no secret's digest now."""
    for table in (t.uploads, t.reopenings):
        uow.conn.execute(delete(table).where(table.c.case_id == case.id))
    uow.conn.execute(update(t.transfers).where(x.case_id == case.id).values(_empty(t.transfers)))
    for spooled in uow.conn.scalars(select(t.spooled.c.id).where(t.spooled.c.case_id == case.id)).all():
        uow.change(t.spooled, spooled, token_hash=secrets.token_bytes(32))  # its row stays: it must not enter again
    nobody_s = dict.fromkeys(("victim_id", "linked_to", "submission_hash", "body_hash", "asked", "voice"))
    nobody_s |= dict.fromkeys(("unsafe_at", "withdrawal_at"))
    uow.change(t.cases, case.id, {
        **_empty(t.cases), **nobody_s, "flags": [], "token_hash": secrets.token_bytes(32), "row_key": b"",
    })  # fmt: skip
