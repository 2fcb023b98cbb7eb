"""The reporter's own phone, put right from the status link. See docs/decisions/0034.

Whoever holds the link may be somebody else: nothing is taken from anybody, a safe number stays what it is, and officer
and counselor are told, who have both numbers before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from ledger import tables as t
from ledger.events import CaseAmended
from ledger.reporting import additions, corrections, reports
from ledger.reporting.corrections import Correction
from ledger.store.crypto import RowKey
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

PHONE, BEFORE = "phone", "phone_before"  # the correction's fields
MOST = 3  # in one case: each new number gets a text, and a link must not text the whole town


def correct(uow: UnitOfWork, case: Case, phone: str) -> bool:
    """`phone` (E.164) is the reporter's from now on; sent twice it is so once. False where there were too many."""
    before = case.readable("phone")
    if phone == before:
        return True
    if len(_changes(uow.conn, case.key, case.id)) >= MOST:
        return False
    was, now = case.row["phone_index"], uow.keys.blind("phone", phone)
    uow.change(t.cases, case.id, phone_sealed=case.key.seal("cases", case.id, "phone", phone), phone_index=now)
    deliveries.say_no_more(uow, case, was)
    kept = corrections.sealed({PHONE: phone, BEFORE: before or ""}, 1)
    uow.append(case, CaseAmended((PHONE,)), reports.ANONYMOUS, kept)
    if case.row["for_whom"] == "self":
        additions.name_the_victim(uow, case, phone=phone)
    return True


def former(later: Sequence[Correction], phone: str | None) -> list[str]:
    """Numbers that were the reporter's before, the last one first; `phone` is the one of now."""
    found = dict.fromkeys(it.value for it in reversed(later) if it.field == BEFORE and it.value not in ("", phone))
    return list(found)


def corrected(conn: Connection, key: RowKey, case_id: UUID) -> bool:
    """Whether it was put right at least once."""
    return bool(_changes(conn, key, case_id))


def _changes(conn: Connection, key: RowKey, case_id: UUID) -> list[Correction]:
    return [it for it in corrections.of_case(conn, key.lenient(), case_id) if it.field == PHONE]
