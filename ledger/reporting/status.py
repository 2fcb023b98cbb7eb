"""What the status link shows: codes, states and times; nothing that was typed, nobody's name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, exists, func, or_, select

from ledger import tables as t
from ledger.errors import Expired, NotFound
from ledger.police import asking
from ledger.ringing import match_keys, owing
from ledger.states import FIRST_DUTIES
from ledger.store.crypto import Keys, digest
from ledger.texts.deliveries import WAITING

LIFE = timedelta(days=180)  # beyond the follow-up: its end, or a later day on which a contact of it fell due
_SHOWN = (*FIRST_DUTIES, "counselor")  # beside care; what else rings is the staff's
c, o, f, k, s = t.cases.c, t.obligations.c, t.follow_ups.c, t.contacts.c, t.spooled.c


def _lives() -> ColumnElement[bool]:
    """Whether a case's link still opens, `since` being LIFE ago: 我现在不安全 is behind it, for as long as somebody is
    followed up. Without a record it counts from the report."""
    since = bindparam("since", type_=t.UtcTime)
    contact = exists().where(k.follow_up_id == f.id, k.taken_back_at.is_(None), k.due_at >= since)
    record = or_(f.closed_at.is_(None), f.closed_at >= since, contact)
    return or_(c.received_at >= since, exists().where(f.case_id == c.id, record))


LIVES = _lives()
_GIVEN_WHILE_AWAY = select(s.case_id).where(s.token_hash == bindparam("hashed")).scalar_subquery()
_BY_TOKEN = select(t.cases, LIVES.label("lives")).where(c.token_hash == bindparam("hashed"))
_BY_SPOOLED = select(t.cases, LIVES.label("lives")).where(c.id == _GIVEN_WHILE_AWAY)


def case_by_token(conn: Connection, token: str, now: datetime) -> RowMapping:
    """The case of a status link. Raises NotFound, or Expired half a year after the follow-up is over."""
    asked = {"hashed": digest(token), "since": now - LIFE}
    row = conn.execute(_BY_TOKEN, asked).mappings().one_or_none()
    if row is None:
        row = conn.execute(_BY_SPOOLED, asked).mappings().one_or_none()
    if row is None:
        raise NotFound
    if not row["lives"]:
        raise Expired
    return row


def of_case(conn: Connection, keys: Keys, case: RowMapping, now: datetime) -> dict[str, Any]:
    """State of a case and of its obligations, as `GET /api/v1/reports/<token>` gives it; times are aware."""
    rows = conn.execute(select(t.obligations).where(o.case_id == case["id"])).mappings()
    obligations = {row["kind"]: row for row in rows}
    shown = {kind: _obligation(row, now) for kind, row in obligations.items() if kind in _SHOWN}
    if police := obligations.get("police"):
        shown["police"]["owed_since"] = police["owed_since"] if police["state"] != "done" else None
    shown["care"] = _care(conn, obligations["care"], now)
    head = {"case": case["code"], "state": case["state"], "received_at": case["received_at"]}
    before = conn.scalars(select(s.code).where(s.case_id == case["id"]).distinct().order_by(s.code)).all()
    head |= {"spool_codes": list(before)} if before else {}
    return {**head, "obligations": shown, "asked": list(match_keys.words_of(asking.asked(conn, keys, case)))}


def _obligation(row: RowMapping, now: datetime) -> dict[str, Any]:
    # For a stop that came in later the same time counts anew.
    due = row["deadline_at"] - row["started_at"] + (row["owed_since"] if owing.again(row) else row["started_at"])
    late = due <= now and row["state"] in WAITING
    return {
        "state": row["state"],
        "late": late,
        "alerted_at": row["alerted_at"],
        "acknowledged_at": row["acknowledged_at"],
    }


def _care(conn: Connection, row: RowMapping, now: datetime) -> dict[str, Any]:
    query = (
        select(f.opened_at, func.min(k.due_at, type_=t.UtcTime).label("next_at"))
        .outerjoin(t.contacts, (k.follow_up_id == f.id) & k.done_at.is_(None))
        .where(f.case_id == row["case_id"])
        .group_by(f.opened_at)
    )
    record = conn.execute(query).one_or_none()
    next_at = record.next_at if record else None
    owed_by = next_at if record else row["deadline_at"]  # until there is a record, nobody has been contacted
    return {
        "state": row["state"],
        "late": row["state"] != "closed" and owed_by is not None and owed_by <= now,
        "opened_at": record.opened_at if record else None,
        "next_contact_at": next_at,
    }
