"""The family was told: by whom and when, with the student's consent or without it, and why.

What was written is sealed with its event, and nowhere else: counselor and psychology centre read it on the page; it is
in no list, figure or export. Nothing is taken out again; who was mistaken writes it down once more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.events import FamilyTold
from ledger.ringing import referrals
from ledger.staff import accounts
from ledger.store.crypto import Lenient
from ledger.store.unit_of_work import Case, UnitOfWork

CONSENT = ("yes", "no")
_TYPED = ("by", "at", "consent", "reason")
e = t.case_events.c


@dataclass(frozen=True)
class Told:
    """One telling. `by`: a name that was written, else the account that wrote it down; `consent`: the student's."""

    at: datetime
    by: str
    consent: bool
    reason: str


def lacking(consent: str, reason: str) -> dict[str, str]:
    """Why it cannot be written down yet, by field: against the student's wish it takes a reason."""
    if consent not in CONSENT:
        return {"consent": "empty"}
    return {"reason": "empty"} if consent == "no" and not reason else {}


def record(uow: UnitOfWork, case: Case, typed: Mapping[str, str], at: datetime, page: str, actor: str) -> None:
    """`typed`: by, at, consent, reason as they were written; `at`: what the time means. A page sent twice is one.

    A record that is closed takes it as well: it happened, and has to stand somewhere.
    """
    referrals.follow_up(uow, case)
    said = {name: typed.get(name, "") for name in _TYPED} | {"page": page}
    sealed = ({name: it.get(name, "") for name in said} for it, _ in _kept(uow.conn, case.key.lenient(), case.id))
    if page and said in sealed:
        return
    text = json.dumps({**said, "told_at": at.isoformat()}, ensure_ascii=False)
    uow.append(case, FamilyTold(), actor, text)


def of_case(conn: Connection, key: Lenient, case_id: UUID) -> list[Told]:
    """All of a case, as they were written down."""
    kept = _kept(conn, key, case_id)
    names = accounts.names(conn, {actor for _, actor in kept})
    return [
        Told(datetime.fromisoformat(it["told_at"]), it["by"] or names[actor], it["consent"] == "yes", it["reason"])
        for it, actor in kept
    ]


def _kept(conn: Connection, key: Lenient, case_id: UUID) -> list[tuple[dict[str, str], str]]:
    query = select(e.id, e.actor, e.sealed).where(e.case_id == case_id, e.type == FamilyTold.type).order_by(e.seq)
    rows = conn.execute(query).all()
    opened = [(key.open("case_events", row.id, "sealed", row.sealed), row) for row in rows]
    return [(json.loads(text), row.actor) for text, row in opened if text]
