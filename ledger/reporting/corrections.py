"""The form sent again with the same key and phone: what is new is filled in, what differs stands beside the old.

What counts is what was said last: who corrects a value and then sets it back has said it a third time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from ledger import tables as t
from ledger import values
from ledger.events import CaseAmended
from ledger.reporting.reportin import ReportIn, TransferIn
from ledger.ringing.owing import UNLISTED
from ledger.store.crypto import RowKey
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

SEALED = ("payee_account", "payee_name", "payee_bank", "payer_bank", "payer_account_tail", "serial")
_OF = re.compile(r"(\d{1,5})\.(.+)", re.DOTALL)  # `2.amount`: of the second transfer; of the first, nothing is said
x = t.transfers.c


def keep(uow: UnitOfWork, case: Case, report: ReportIn, position: int = 1) -> None:
    """Nothing said before is overwritten; every difference is in one sealed event, and whoever has to know is told.

    `position`: which transfer of the case the report's first one is about. No amount (0), or an empty `for_whom`: that
    was not asked this time.
    """
    query = select(t.transfers).where(x.case_id == case.id, x.position == position)
    stored = uow.conn.execute(query).mappings().one_or_none()
    typed = report.transfers[0] if report.transfers else None
    earlier = [it for it in of_case(uow.conn, case.key.lenient(), case.id) if it.field not in UNLISTED]
    said = {it.field: it.value for it in earlier if it.position == position}
    changes = _of_case(case, report, said)
    if stored is not None and typed is not None:
        new = _of_transfer(case, stored, typed, said, uow.zone)
        _fill_in(uow, case, stored, typed, new)
        changes |= new
    _fill_in_case(uow, case, report)
    if changes:
        uow.append(case, CaseAmended(tuple(sorted(changes))), "reporter", sealed(changes, position))


def sealed(changes: dict[str, str], position: int) -> str:
    """What the event holds: each new value under its field, of a further transfer with its number before it."""
    about = f"{position}." if position > 1 else ""
    return json.dumps({about + field: value for field, value in changes.items()}, ensure_ascii=False)


@dataclass(frozen=True)
class Correction:
    """A value that was sent later and differs from the one kept: not confirmed by phone. `field` as in the form.

    `position`: the transfer that it is about, if it is about one.
    """

    at: datetime
    field: str
    value: str
    position: int = 1


def of_case(conn: Connection, key: RowKey, case_id: UUID) -> list[Correction]:
    """All corrections of a case, oldest first; those that filled an empty field are among them."""
    e = t.case_events.c
    query = select(e.id, e.at, e.sealed).where(e.case_id == case_id, e.type == CaseAmended.type).order_by(e.seq)
    found = []
    for row in conn.execute(query):
        changes = json.loads(key.open("case_events", row.id, "sealed", row.sealed) or "{}")
        found += [_correction(row.at, name, value) for name, value in changes.items()]
    return found


def _correction(at: datetime, name: str, value: str) -> Correction:
    of = _OF.fullmatch(name)
    return Correction(at, of[2], value, int(of[1])) if of else Correction(at, name, value)


def _of_transfer(
    case: Case, stored: RowMapping, typed: TransferIn, said: Mapping[str, str], zone: tzinfo
) -> dict[str, str]:
    changes: dict[str, str] = {}
    amount = values.yuan(typed.amount_fen)
    if typed.amount_fen and amount != said.get("amount", values.yuan(stored["amount_fen"])):
        changes["amount"] = amount
    if typed.when:
        time = _said_of(typed.when.bucket, typed.when.at, zone)
        if time != said.get("time", _said_of(stored["when_bucket"], stored["happened_at"], zone)):
            changes["time"] = time
    key = case.key.lenient()  # what is there and cannot be read differs from whatever is sent
    for name in SEALED:
        new, old = getattr(typed, name), key.open("transfers", stored["id"], name, stored[f"{name}_sealed"])
        if new and (old is None or new != said.get(name, old)):
            changes[name] = new
    return changes


def _said_of(bucket: str | None, at: datetime | None, zone: tzinfo) -> str:
    """A time as people will read it, to the bank as well: in the school's own."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else str(bucket)


def _of_case(case: Case, report: ReportIn, said: Mapping[str, str]) -> dict[str, str]:
    known = json.loads(case.readable("unread") or "{}") | said
    # What is said of a transfer is compared above: 不知道 in the box of an account corrects none.
    changes = {name: text for name, text in report.unread.items() if name not in SEALED and known.get(name) != text}
    if report.phone_unsafe and not case.row["phone_unsafe"]:
        changes["phone_unsafe"] = "yes"
    for name in ("safe_phone", "victim_phone"):
        new, old = getattr(report, name), case.readable(name)
        if new and (old is None or new != said.get(name, old)):
            changes[name] = new
    if report.for_whom and report.for_whom != said.get("for_whom", case.row["for_whom"]):
        changes["for_whom"] = report.for_whom
    return changes


def _fill_in(uow: UnitOfWork, case: Case, stored: RowMapping, typed: TransferIn, new: dict[str, str]) -> None:
    """What the first report left out goes into its place, or what was there and cannot be read any more, so that the
    sheet shows one match key less missing."""
    key = case.key.lenient()
    filled: dict[str, Any] = {
        f"{name}_sealed": case.key.seal("transfers", stored["id"], name, new[name])
        for name in SEALED
        if name in new and key.open("transfers", stored["id"], name, stored[f"{name}_sealed"]) is None
    }
    if "payee_account_sealed" in filled:
        account = values.parse_account(new["payee_account"])
        filled["payee_account_index"] = uow.keys.blind("account", account.text if account else None)
    if typed.when and typed.when.at and stored["happened_at"] is None:
        filled["happened_at"] = typed.when.at
    if filled:
        uow.change(t.transfers, stored["id"], filled)


def _fill_in_case(uow: UnitOfWork, case: Case, report: ReportIn) -> None:
    """A phone that turns out to be in the fraudster's hands gets no text from now on, nor what waits for it already."""
    filled: dict[str, Any] = {}
    if report.phone_unsafe and not case.row["phone_unsafe"]:
        filled["phone_unsafe"] = True
        deliveries.say_no_more(uow, case, case.row["phone_index"])
    if report.safe_phone and case.row["safe_phone_sealed"] is None:
        filled["safe_phone_sealed"] = case.key.seal("cases", case.id, "safe_phone", report.safe_phone)
    if report.victim_phone and case.row["victim_phone_sealed"] is None:
        filled["victim_phone_sealed"] = case.key.seal("cases", case.id, "victim_phone", report.victim_phone)
        filled["victim_phone_index"] = uow.keys.blind("phone", report.victim_phone)
    if filled:
        uow.change(t.cases, case.id, filled)
