"""The status page on another device: case code, the reporter's own phone, and six digits texted to it.

The digits are derived from the case's key and never stored; of the rows only a keyed digest is kept. Nobody learns
from an answer whether a code or a phone exists.
"""

from __future__ import annotations

import hmac
import unicodedata
from datetime import timedelta
from uuid import UUID

from sqlalchemy import RowMapping, func, insert, select

from ledger import codes
from ledger import tables as t
from ledger.events import NOTICE, PRIORITY, Reopened, ReopeningAsked
from ledger.reporting import reports, status
from ledger.store import naming
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

HOLDS = timedelta(minutes=10)
TRIES = 5
TEXTS, PER = 3, timedelta(hours=1)
c, r = t.cases.c, t.reopenings.c


def ask(uow: UnitOfWork, code: str, phone: str | None) -> None:
    """Text six digits to the reporter's own number, or their safe one, if code and phone fit."""
    case = _fitting(uow, code, phone)
    to = case.texts_to if case else None
    if case is None or to is None:
        return
    recent = select(func.count()).where(r.case_id == case.id, r.expires_at > uow.now - PER + HOLDS)
    if uow.conn.execute(recent).scalar_one() >= TEXTS:
        return
    row_id = t.new_id()
    uow.conn.execute(insert(t.reopenings).values(id=row_id, case_id=case.id, tries=0, expires_at=uow.now + HOLDS,
                                                 code_hash=_kept(uow, row_id, _digits(case, row_id))))  # fmt: skip
    facts = {"code": case.code, "reopening": str(row_id), "minutes": int(HOLDS.total_seconds()) // 60}
    deliveries.tell(uow, (to, case.row["language"]), "reopening", facts, case=case,
                    dedup=f"{row_id}:reopening", priority=PRIORITY[NOTICE], lasts=HOLDS)  # fmt: skip
    uow.append(case, ReopeningAsked(), reports.ANONYMOUS)


def reopen(uow: UnitOfWork, code: str, phone: str | None, typed: str) -> str | None:
    """The status link's token for the newest digits; they open once, and five wrong ones spoil them."""
    case = _fitting(uow, code, phone)
    row = _newest(uow, case) if case else None
    if case is None or row is None:
        return None
    plain = "".join(char for char in unicodedata.normalize("NFKC", typed) if char.isascii() and char.isdigit())
    right = hmac.compare_digest(row["code_hash"], _kept(uow, row["id"], plain))
    tries = TRIES if right else row["tries"] + 1
    uow.change(t.reopenings, row["id"], tries=tries)
    if not right:
        return None
    uow.append(case, Reopened(), reports.ANONYMOUS)
    return reports.token(case.key)


def _fitting(uow: UnitOfWork, code: str, phone: str | None) -> Case | None:
    """The case, locked, whose code and reporter's phone these are, while its status link lives and it can be opened."""
    if not phone or not codes.looks_like_code(code):
        return None
    query = select(c.id).where(
        naming.named(codes.fold(code)), c.phone_index == uow.keys.blind("phone", phone), status.LIVES
    )
    living = {"since": uow.now - status.LIFE}
    found = uow.conn.scalars(query.order_by(c.received_at.desc()).limit(1), living).one_or_none()
    return uow.readable(found) if found else None


def _newest(uow: UnitOfWork, case: Case) -> RowMapping | None:
    query = select(t.reopenings).where(r.case_id == case.id).order_by(r.expires_at.desc(), r.id.desc()).limit(1)
    row = uow.conn.execute(query).mappings().one_or_none()
    return row if row and row["expires_at"] > uow.now and row["tries"] < TRIES else None


def _digits(case: Case, row_id: UUID) -> str:
    return case.key.digits(f"reopening:{row_id}")


def _kept(uow: UnitOfWork, row_id: UUID, digits: str) -> bytes:
    return uow.keys.blind("reopening", f"{row_id}:{digits}") or b""
