"""The duty page's list: cases that still need the police, filtered by who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from ledger import tables as t
from ledger import values
from ledger.pages.views import visible
from ledger.police import stopped
from ledger.police.stopped import Stop
from ledger.ringing import owing
from ledger.school import people
from ledger.staff.accounts import User
from ledger.states import FIRST_DUTIES
from ledger.store.crypto import Keys
from ledger.texts.deliveries import WAITING

c, o, x = t.cases.c, t.obligations.c, t.transfers.c


@dataclass(frozen=True)
class DutyRow:
    """A line of the duty page. Minutes count from the transfer's time where it is known, else from the report.

    kind: transferred · in_progress (还没转: 劝阻); `linked`: the code of an earlier case that may be the same; `owed`:
    since when its owner owes progress with what came after they had taken it.
    """

    code: str
    kind: str
    case_state: str
    state: str
    drill: bool
    received_at: datetime
    alerted_at: datetime | None
    happened_at: datetime | None
    amount: str
    transfers: int
    owner: str
    late: bool
    linked: str | None
    unsafe: bool
    withdrawal: bool
    grade: str  # none · phone (推测) · student_no
    owed: datetime | None
    unfiled: bool  # the reporter was reached, and half an hour after the report no stop is filed; never of a drill


@dataclass(frozen=True)
class DutyList:
    rows: list[DutyRow]
    more: int  # beyond those listed


def duty_list(conn: Connection, keys: Keys, user: User, now: datetime, limit: int = 50) -> DutyList:
    """Cases that wait for somebody first, those of known students before others, oldest first; then those in hand."""
    linked = t.cases.alias()
    mine = (visible(user), o.kind.in_(FIRST_DUTIES), c.closed_at.is_(None), o.state != "done")
    joined = t.cases.join(t.obligations, o.case_id == c.id)
    query = (
        select(t.cases, c.state.label("case_state"), o.state.label("duty_state"), o.alerted_at, o.owner_id,
               o.acknowledged_at, o.owed_since, o.deadline_at, linked.c.code.label("linked"), _yuan().label("fen"),
               _of_transfers(func.count()).label("transfers"), _first_time().label("happened_at"),
               owing.unfiled_since().label("unfiled"))
        .select_from(joined.outerjoin(linked, linked.c.id == c.linked_to))
        .where(*mine)
        .order_by(o.state.not_in(WAITING), c.match_grade == "none", c.received_at)
        .limit(limit)
    )  # fmt: skip
    rows = conn.execute(query).mappings().all()
    total = conn.execute(select(func.count()).select_from(joined).where(*mine)).scalar_one()
    owners = {p.id: p.called for p in people.by_id(conn, keys, [row["owner_id"] for row in rows])}
    return DutyList([_row(row, owners.get(row["owner_id"], ""), now) for row in rows], total - len(rows))


def stops(conn: Connection, keys: Keys, user: User, now: datetime, limit: int = 50) -> list[tuple[Stop, str]]:
    """Those that run, also of cases that are done, each with how its owner is called; the next to end first."""
    found = stopped.running(conn, visible(user), now, limit)
    owners = {p.id: p.called for p in people.by_id(conn, keys, [it.owner_id for it in found])}
    return [(it, owners.get(it.owner_id, "") if it.owner_id else "") for it in found]


def _row(row: Any, owner: str, now: datetime) -> DutyRow:
    return DutyRow(
        code=row["code"],
        kind=row["kind"],
        case_state=row["case_state"],
        state=row["duty_state"],
        drill=row["drill"],
        received_at=row["received_at"],
        alerted_at=row["alerted_at"],
        happened_at=row["happened_at"],
        amount=values.yuan(row["fen"] or 0),
        transfers=row["transfers"] or 0,
        owner=owner,
        late=row["duty_state"] in WAITING and row["deadline_at"] <= now,
        linked=row["linked"],
        unsafe=row["unsafe_at"] is not None,
        withdrawal=row["withdrawal_at"] is not None,
        grade=row["match_grade"],
        owed=row["owed_since"] if owing.again(row) else None,
        unfiled=bool(row["unfiled"] and row["unfiled"] + owing.FILED_WITHIN <= now and not row["drill"]),
    )


def _of_transfers(what: Any) -> Any:
    return select(what).select_from(t.transfers).where(x.case_id == c.id).correlate(t.cases).scalar_subquery()


def _yuan() -> Any:
    """Fen in yuan; other currencies are not added up with it."""
    return (
        select(func.sum(x.amount_fen))
        .where(x.case_id == c.id, x.currency == "CNY")
        .correlate(t.cases)
        .scalar_subquery()
    )


def _first_time() -> Any:
    return _of_transfers(func.min(x.happened_at, type_=t.UtcTime))
