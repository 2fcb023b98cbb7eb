"""Taking a report: everything that follows from it starts in the one transaction that stores it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from ledger import codes, fraud, values
from ledger import tables as t
from ledger.errors import Conflict
from ledger.events import ReportReceived
from ledger.reporting import corrections, foreseen
from ledger.reporting.reportin import ReportIn as ReportIn
from ledger.reporting.reportin import TransferIn as TransferIn
from ledger.ringing import doorbell
from ledger.school import people
from ledger.states import first_obligation
from ledger.store.crypto import RowKey, digest
from ledger.store.statements import whole
from ledger.store.unit_of_work import Case, UnitOfWork

# When each obligation counts as late, from the report.
DEADLINES = {
    "police": timedelta(minutes=30),
    "counselor": timedelta(minutes=30),
    "care": timedelta(minutes=30),
    "dissuade": timedelta(minutes=10),
}
# When the clock begins a ladder that nobody has begun (docs/decisions/0041): after any burst that we have seen, and for
# the police before the auditor calls the report late.
NET = {
    "police": timedelta(seconds=25),
    "counselor": timedelta(seconds=60),
    "dissuade": timedelta(seconds=25),
}
ANONYMOUS = "reporter"


@dataclass(frozen=True)
class Accepted:
    """What the reporter gets back."""

    case_id: UUID
    code: str
    token: str
    received_at: datetime
    duplicate: bool


def accept(
    uow: UnitOfWork,
    report: ReportIn,
    submission_key: str | None = None,
    body: str = "",
    received_at: datetime | None = None,
    *,
    ring: bool = False,
    new: bool = False,
) -> Accepted:
    """Store a report, or find the one that this submission key already made.

    `body` is what was sent, as canonical text: for the API the same key with another body raises Conflict; the form
    (`source="form"`) answers the same case and keeps what changed as corrections, and another phone makes a new case.
    `received_at`: when it was taken, if that was before now; deadlines count from then, the ladder from now.
    `ring`: write the texts of its ladder's first step as well. `new`: take it for one that the ledger does not have,
    which saves asking; if it has, the transaction ends with AlreadyThere, and is for the caller to do again without.
    """
    if report.source == "form" and submission_key:
        submission_key = f"{submission_key}:{report.phone}"
    at, case_id = received_at or uow.now, t.new_id()
    if ring:
        _foresee(uow, case_id, report, at)
    case, inserted = _insert_case(uow, case_id, report, submission_key, body, at, new)
    if not inserted:
        return _again(uow, case, report, body)
    transfers = [transfer_row(uow, case, n, item) for n, item in enumerate(report.transfers, 1)]
    if transfers:
        uow.insert(t.transfers, transfers)
    obligations = _obligations(uow, case.id, report.kind, at)
    uow.insert(t.obligations, obligations)
    if ring:
        doorbell.ring_new(uow, case, obligations, transfers)
    return Accepted(case.id, case.code, token(case.key), at, duplicate=False)


def token(key: RowKey) -> str:
    """The status link's secret: derived, so that a replay can give it again and the ledger holds only its digest."""
    return key.token("status")


def _obligations(uow: UnitOfWork, case_id: UUID, kind: str, at: datetime) -> list[dict[str, Any]]:
    return [
        whole(
            t.obligations,
            id=t.new_id(),
            case_id=case_id,
            kind=name,
            state="open" if name == "care" else "pending",
            started_at=at,
            ladder_at=uow.now,
            next_at=uow.now + NET[name] if name in NET else None,
            deadline_at=at + DEADLINES[name],
        )
        for name in (first_obligation(kind), "counselor", "care")
    ]


def _insert_case(
    uow: UnitOfWork, case_id: UUID, report: ReportIn, submission_key: str | None, body: str, at: datetime, new: bool
) -> tuple[Case, bool]:
    report, match = _match(uow, report)
    submitted = digest(submission_key) if submission_key else None
    while True:
        row = _case_row(uow, case_id, report, match, submitted, body, at)
        key = uow.keys.unwrap(row["id"], row["row_key"])
        case = Case(row["id"], row["code"], key, whole(t.cases, **row), 0, b"")
        uow.begin_chain(case, ReportReceived(report.source, report.drill), ANONYMOUS)
        row |= {"last_seq": case.seq, "chain_head": case.head}
        if new:
            uow.insert_first(t.cases, row)
        if new or uow.insert_new(t.cases, [row]):
            uow.hold(case)
            return case, True
        uow.drop(case)
        found = select(t.cases.c.id).where(t.cases.c.submission_hash == submitted)
        earlier = uow.conn.execute(found).scalar_one_or_none() if submitted else None
        if earlier and (known := uow.readable(earlier)):
            return known, False
        if earlier:  # of no use to anybody: what was sent is kept as a report of its own, once
            submitted = digest(f"instead:{earlier}")
        case_id = t.new_id()  # else the code was taken: another one


def _foresee(uow: UnitOfWork, case_id: UUID, report: ReportIn, at: datetime) -> None:
    phone, student_no = uow.keys.blind("phone", _of_victim(report)), uow.keys.blind("student_no", report.student_no)
    paid = [(index, it.amount_fen) for it in report.transfers if (index := _account_index(uow, it))]
    foreseen.ask(uow, case_id, at, phone=phone, student_no=student_no, paid=paid, drill=report.drill)


def _match(uow: UnitOfWork, report: ReportIn) -> tuple[ReportIn, people.Match]:
    """On behalf of somebody, the reporter's own phone is never matched to a student.

    A class or college that nobody knows is kept as it was written, sealed: it may be anything.
    """
    college, class_ = people.college(uow.conn, report.college), people.class_named(uow.conn, report.class_named)
    said = (("college", report.college, college), ("class", report.class_named, class_))
    unread = {name: typed for name, typed, known in said if typed and not known}
    place = class_ or people.Match(college=college)
    match = people.match(uow.conn, uow.keys, _of_victim(report), report.student_no, place, uow.once)
    return (replace(report, unread=report.unread | unread) if unread else report), match


def _of_victim(report: ReportIn) -> str | None:
    return report.phone if report.for_whom == "self" else report.victim_phone


def _case_row(
    uow: UnitOfWork,
    case_id: UUID,
    report: ReportIn,
    match: people.Match,
    submitted: bytes | None,
    body: str,
    at: datetime,
) -> dict[str, Any]:
    key, wrapped = uow.keys.new_row_key(case_id)
    code = codes.new_code("drill" if report.drill else "case")
    sealed = {
        f"{column}_sealed": key.seal("cases", case_id, column, text)
        for column, text in {
            "phone": report.phone,
            "safe_phone": report.safe_phone,
            "victim_phone": report.victim_phone,
            "name": report.name,
            "student_no": report.student_no,
            "narrative": report.narrative,
            "unread": json.dumps(report.unread, ensure_ascii=False) if report.unread else None,
        }.items()
    }
    row = {
        "id": case_id,
        "code": code,
        "code_fold": codes.fold(code),
        "kind": report.kind,
        "drill": report.drill,
        "state": "received",
        "source": report.source,
        "language": report.language,
        "received_at": at,
        "college_code": match.college,
        "victim_id": match.victim,
        "counselor_id": match.counselor,
        "match_grade": match.grade,
        "for_whom": report.for_whom,
        "phone_index": uow.keys.blind("phone", report.phone),
        "phone_unsafe": report.phone_unsafe,
        "victim_phone_index": uow.keys.blind("phone", report.victim_phone),
        "fraud_type": report.fraud_type,
        "called_110": report.called_110,
        "flags": sorted(report.unread),
        "submission_hash": submitted,
        "body_hash": digest(body),
        "token_hash": digest(token(key)),
        "row_key": wrapped,
        **sealed,
    }
    if not fraud.counts(row, report.fraud_type):  # for the officer to read, who sets it
        said = json.dumps({"fraud": {"fraud_type": report.fraud_type}})
        row |= {"fraud_type": None, "details_sealed": key.seal("cases", case_id, "details", said)}
    return row


def transfer_row(uow: UnitOfWork, case: Case, position: int, item: TransferIn) -> dict[str, Any]:
    """A whole row of transfers; `position` counts from 1."""
    row_id = t.new_id()
    return {
        **whole(t.transfers),
        "id": row_id,
        "case_id": case.id,
        "position": position,
        "amount_fen": item.amount_fen,
        "currency": item.currency,
        "channel": item.channel,
        "when_bucket": item.when.bucket if item.when else None,
        "happened_at": item.when.at if item.when else None,
        "payee_account_index": _account_index(uow, item),
        **{
            f"{name}_sealed": case.key.seal("transfers", row_id, name, getattr(item, name) or None)
            for name in corrections.SEALED
        },
    }


def _account_index(uow: UnitOfWork, item: TransferIn) -> bytes | None:
    account = values.parse_account(item.payee_account or "")
    return uow.keys.blind("account", account.text if account else None)


def _again(uow: UnitOfWork, case: Case, report: ReportIn, body: str) -> Accepted:
    """The same key again: the same case. What a re-sent form changed is kept beside the old as a correction."""
    changed = case.row["body_hash"] != digest(body)
    if changed and report.source != "form":
        raise Conflict
    if changed:
        corrections.keep(uow, case, report)
        uow.change(t.cases, case.id, body_hash=digest(body))
    return Accepted(case.id, case.code, token(case.key), case.row["received_at"], duplicate=True)
