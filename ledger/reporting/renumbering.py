"""The reporter's own phone, put right from the status link. See docs/decisions/0034.

Whoever holds the link may be somebody else: nothing is taken from anybody, a safe number stays what it is, and officer
and counselor are told, who have both numbers before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, update

from ledger import tables as t
from ledger.events import CaseAmended
from ledger.reporting import additions, corrections, reports
from ledger.reporting.corrections import Correction
from ledger.store.crypto import RowKey
from ledger.store.statements import one_of
from ledger.store.unit_of_work import Case, UnitOfWork

PHONE, BEFORE = "phone", "phone_before"  # the correction's fields
MOST = 3  # in one case: each new number gets a text, and a link must not text the whole town
d = t.deliveries.c


def correct(uow: UnitOfWork, case: Case, phone: str) -> bool:
    """`phone` (E.164) is the reporter's from now on; sent twice it is so once. False where there were too many."""
    before = case.readable("phone")
    if phone == before:
        return True
    if len(_changes(uow.conn, case.key, case.id)) >= MOST:
        return False
    was, now = case.row["phone_index"], uow.keys.blind("phone", phone)
    uow.change(t.cases, case.id, phone_sealed=case.key.seal("cases", case.id, "phone", phone), phone_index=now)
    _say_no_more(uow, case, was)
    kept = corrections.sealed({PHONE: phone, BEFORE: before or ""}, 1)
    uow.append(case, CaseAmended((PHONE,)), reports.ANONYMOUS, kept)
    if case.row["for_whom"] == "self":
        additions.name_the_victim(uow, case, phone=phone)
    return True


def _say_no_more(uow: UnitOfWork, case: Case, number: bytes | None) -> None:
    """What was not sent to it yet never is; what a sender has in hand is of no use any more: it is not sent again."""
    theirs = update(t.deliveries).where(d.case_id == case.id, d.person_id.is_(None), d.to_index == number)
    unsent = theirs.where(d.available_at.is_not(None), one_of(d.state, ("pending", "failed_temporary")))
    uow.conn.execute(unsent.values(state="cancelled", available_at=None, token=None))
    uow.conn.execute(theirs.where(one_of(d.state, ("sending", "unknown"))).values(expires_at=uow.now))


def former(later: Sequence[Correction], phone: str | None) -> list[str]:
    """Numbers that were the reporter's before, the last one first; `phone` is the one of now."""
    found = dict.fromkeys(it.value for it in reversed(later) if it.field == BEFORE and it.value not in ("", phone))
    return list(found)


def corrected(conn: Connection, key: RowKey, case_id: UUID) -> bool:
    """Whether it was put right at least once."""
    return bool(_changes(conn, key, case_id))


def _changes(conn: Connection, key: RowKey, case_id: UUID) -> list[Correction]:
    return [it for it in corrections.of_case(conn, key.lenient(), case_id) if it.field == PHONE]
