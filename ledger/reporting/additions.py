"""Stage 2: one answer at a time, saved at once. What was typed is sealed with its event; nothing is overwritten."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, insert, select

from ledger import channels, fraud
from ledger import tables as t
from ledger.events import CaseAmended, DetailsGiven, KindSet
from ledger.reporting import corrections, later, reports
from ledger.reporting.reportin import ReportIn, TransferIn
from ledger.ringing import handover, match_keys, owing
from ledger.school import people
from ledger.store.crypto import Lenient, RowKey
from ledger.store.statements import among
from ledger.store.unit_of_work import Case, UnitOfWork

SHOWN_BACK = timedelta(minutes=15)  # after that an answer is for staff alone
MAX_TRANSFERS = 50  # on the sheet; what is beyond stands below it as it was typed
# Names under which the random key of the sent page, and the transfer that it was about, are kept beside what was typed
_PAGE, _POSITION = "page", "position"
_BEFORE = "before"  # and what the answer replaces in the case, which is kept nowhere else
_PLAIN = ("called_110", "fraud_type")  # columns of which that is so: the report's own is in no event
_NEWEST = ("money_source", *_PLAIN)  # here the newest answer counts; earlier ones stay with their events
# Answers that staff find elsewhere: on the sheet, among the corrections, or (the money's source) not at all.
_ELSEWHERE = ("time", "bank", "transfer", "correct", "money", "how", *channels.OTHERS)
_ON_SHEET = ("who.name", "police.called_at", "police.incident")  # details that have a line of their own there
e = t.case_events.c
ANSWERS = (
    select(e.case_id, e.id, e.at, e.data, e.sealed)
    .where(among(e.case_id, "cases"), e.type == DetailsGiven.type)
    .order_by(e.case_id, e.seq)
)


@dataclass(frozen=True)
class Given:
    """One question's answer. `typed` as it was written, `page` a key of the page it came from: sent twice, kept once.

    `facts` has what it says of the transfer at `position`, `channel` how that went, `another` is a further one; `case`
    has columns of the case that it fills where they are empty, `unread` what was meant for the sheet and could not be
    understood; `written` is all that was typed of a further transfer in one line, choices in words.
    """

    question: str
    typed: Mapping[str, str]
    page: str = ""
    position: int = 1
    facts: Mapping[str, Any] = field(default_factory=dict)
    account_kind: str | None = None
    channel: str | None = None
    another: TransferIn | None = None
    case: Mapping[str, Any] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    written: str = ""


@dataclass(frozen=True)
class Answered:
    """An earlier answer to a question, opened."""

    question: str
    at: datetime
    typed: dict[str, str]
    page: str
    position: int


def save(uow: UnitOfWork, case: Case, given: Given) -> None:
    """Nothing typed is no answer. What an officer will type at the bank also rings whoever has the case."""
    if "fraud_type" in given.case and not fraud.counts(case.row, given.case["fraud_type"]):
        given = replace(given, case={})  # a detail, for the officer to read
    before = of_case(uow.conn, case.key, case.id)
    if not given.typed or (given.page and any(a.page == given.page for a in before)):
        return
    kept: dict[str, Any] = {**given.typed, _PAGE: given.page, _POSITION: str(given.position)}
    said = {name: case.row[name] for name in _PLAIN if name in given.case and case.row[name] is not None}
    if replaced := {name: value for name, value in said.items() if value != given.case[name]}:
        kept[_BEFORE] = replaced
    sealed = json.dumps(kept, ensure_ascii=False)
    uow.append(case, DetailsGiven(given.question), reports.ANONYMOUS, sealed)
    left = _fill_in(uow, case, given)
    if left and given.question not in _ELSEWHERE:
        _detail(uow, case, given.question, left, before)
    if given.question == "who":
        name_the_victim(uow, case, student_no=given.typed.get("student_no"), college=given.typed.get("college"))
    _tell_the_bank_facts(uow, case, given, before)


def of_case(conn: Connection, key: RowKey, case_id: UUID) -> list[Answered]:
    """All answers of a case, oldest first. One that cannot be read counts as not given: it may be given again."""
    return opened(key.lenient(), conn.execute(ANSWERS, {"cases": [case_id]}).mappings())


def opened(key: Lenient, rows: Iterable[RowMapping]) -> list[Answered]:
    """The same, of rows of `ANSWERS` that are of one case."""
    found = []
    for row in rows:
        said = key.open("case_events", row["id"], "sealed", row["sealed"])
        if said is None:
            continue
        typed = json.loads(said)
        typed.pop(_BEFORE, None)
        page, position = typed.pop(_PAGE, ""), int(typed.pop(_POSITION, "1"))
        found.append(Answered(row["data"]["question"], row["at"], typed, page, position))
    return found


def kind_told(conn: Connection, key: RowKey, case: RowMapping, given: Iterable[Answered]) -> bool:
    """Whether the report or an answer (`given`) said which kind of fraud it is; an officer's word alone is neither."""
    if any(it.question == "fraud" for it in given):
        return True
    lenient = key.lenient()
    if "fraud" in json.loads(lenient.open("cases", case["id"], "details", case["details_sealed"]) or "{}"):
        return True
    if case["fraud_type"] is None:
        return False
    query = select(e.id, e.sealed).where(e.case_id == case["id"], e.type == KindSet.type).order_by(e.seq).limit(1)
    first = conn.execute(query).one_or_none()
    if first is None:
        return True
    said = lenient.open("case_events", first.id, "sealed", first.sealed)
    return said is not None and json.loads(said)["before"] is not None


def told(given: Iterable[Answered], question: str, name: str) -> list[tuple[datetime, str]]:
    """What was ever written in one box of a question and when, oldest first."""
    return [(it.at, it.typed[name]) for it in given if it.question == question and it.typed.get(name)]


def joined(given: Iterable[Answered | Given], question: str, position: int) -> dict[str, str]:
    """All that was ever written in each box of a question about this transfer, each line once: nobody types the cards
    of yesterday again to add one more."""
    found: dict[str, dict[str, None]] = {}
    for it in given:
        if (it.question, it.position) == (question, position):
            for name, value in it.typed.items():
                found.setdefault(name, {}).update(dict.fromkeys(line.strip() for line in value.splitlines()))
    return {name: "\n".join(line for line in lines if line) for name, lines in found.items()}


def for_staff(key: RowKey, case: RowMapping) -> list[tuple[str, str]]:
    """(`question.field`, as it was written) for officers and the security office: no family, no source of the money.

    What has a line of its own on the sheet stands there.
    """
    details = json.loads(key.open("cases", case["id"], "details", case["details_sealed"]) or "{}")
    said = [(f"{question}.{name}", value) for question, typed in details.items() for name, value in typed.items()]
    return [(label, value) for label, value in said if label not in _ON_SHEET]


def _fill_in(uow: UnitOfWork, case: Case, given: Given) -> dict[str, str]:
    """Empty columns of the case are filled; answers the column does not hold are left over, as details."""
    current = uow.conn.execute(select(t.cases).where(t.cases.c.id == case.id)).mappings().one()
    filled: dict[str, Any] = {}
    left = dict(given.typed)
    for name, value in given.case.items():
        sealed = f"{name}_sealed"
        always = name in _NEWEST
        if sealed in current and (always or current[sealed] is None):
            filled[sealed] = case.key.seal("cases", case.id, name, value)
        elif sealed not in current and (always or current[name] is None):
            filled[name] = value
        else:
            continue
        left.pop(name, None)
    if filled:
        uow.change(t.cases, case.id, filled)
    return left


def _detail(uow: UnitOfWork, case: Case, question: str, typed: Mapping[str, str], before: list[Answered]) -> None:
    """Where those kept so far cannot be read any more, they are made anew from the answers that they came from."""
    stored, key = select(t.cases.c.details_sealed).where(t.cases.c.id == case.id), case.key.lenient()
    kept = json.loads(key.open("cases", case.id, "details", uow.conn.execute(stored).scalar_one()) or "{}")
    if key.failed:
        kept = {a.question: a.typed for a in before if a.question not in _ELSEWHERE}
    details = {**kept, question: dict(typed)}
    sealed = case.key.seal("cases", case.id, "details", json.dumps(details, ensure_ascii=False))
    uow.change(t.cases, case.id, details_sealed=sealed)


def name_the_victim(
    uow: UnitOfWork, case: Case, *, phone: str | None = None, student_no: str | None = None, college: str | None = None
) -> None:
    """Somebody whom the report could not place is placed now, and their own counselor is told."""
    if case.row["victim_id"] is not None:
        return
    known = people.college(uow.conn, college) or case.row["college_code"]
    otherwise = people.Match(college=known, counselor=case.row["counselor_id"])
    found = people.match(uow.conn, uow.keys, phone, student_no, otherwise)
    if found.victim is None and found.college == case.row["college_code"]:
        return
    named: dict[str, Any] = {"college_code": found.college}
    if found.victim:
        named |= {"victim_id": found.victim, "match_grade": found.grade}
    uow.change(t.cases, case.id, named)
    if found.counselor and found.counselor != case.row["counselor_id"]:
        handover.place(uow, case, found.counselor, reports.ANONYMOUS)


def _tell_the_bank_facts(uow: UnitOfWork, case: Case, given: Given, before: list[Answered]) -> None:
    rows = match_keys.transfers(uow.conn, case.id)
    row = next((row for row in rows if row["position"] == given.position), None)
    position = row["position"] if row else 1
    if given.another is not None:
        position = len(rows) + 1
        if position <= MAX_TRANSFERS:
            added = reports.transfer_row(uow, case, position, given.another)
            uow.conn.execute(
                insert(t.transfers).values({**added, "added_at": uow.now, "account_kind": given.account_kind})
            )
            uow.append(case, CaseAmended((later.TRANSFER,)), reports.ANONYMOUS)
            later.come_in(uow, case, [*(row["outcome"] for row in rows), None])
        else:
            position += _beyond(uow, case)
            given = replace(given, unread={**given.unread, owing.BEYOND: given.written})
    elif row:
        _say_of(uow, case, row, "account_kind", given.account_kind)
        _say_of(uow, case, row, "channel", given.channel)
        if _has_details(given, before):  # what others can stop, if they are told at once
            uow.append(case, CaseAmended((given.question,)), reports.ANONYMOUS)
    if given.unread or (given.facts and row):
        corrections.keep(uow, case, _as_report(given, row), position)
    if not owing.UNLISTED.isdisjoint(given.unread):  # sent all the same, and somebody has to ask
        later.come_in(uow, case, [row["outcome"] for row in rows])


def _has_details(given: Given, before: list[Answered]) -> bool:
    """Whether it says more of cash or cards than was said before."""
    of = (given.question, given.position)
    old, new = joined(before, *of), joined([*before, given], *of)
    return any(old.get(name) != new.get(name) for name in channels.DETAILS.get(given.question, ()))


def _beyond(uow: UnitOfWork, case: Case) -> int:
    """How many are kept already that the sheet does not list."""
    kept = corrections.of_case(uow.conn, case.key.lenient(), case.id)
    return sum(it.field == owing.BEYOND for it in kept)


def _say_of(uow: UnitOfWork, case: Case, row: RowMapping, name: str, value: str | None) -> None:
    """One column of a transfer. 其他 is said more exactly by the newest answer, as it says what can be done."""
    if not value:
        return
    if row[name] is None or (name == "channel" and row[name] in channels.NOT_SAID and row[name] != value):
        uow.change(t.transfers, row["id"], {name: value})
    kept = corrections.of_case(uow.conn, case.key.lenient(), case.id)
    said = [it.value for it in kept if (it.field, it.position) == (name, row["position"])]
    if value != (said[-1] if said else row[name]):
        sealed = corrections.sealed({name: value}, row["position"])
        uow.append(case, CaseAmended((name,)), reports.ANONYMOUS, sealed)


def _as_report(given: Given, row: RowMapping | None) -> ReportIn:
    """As if the form had come again with these boxes alone filled in: of all others nothing was said anew."""
    said = ReportIn(phone="", for_whom="", unread=dict(given.unread))
    if row is None or not given.facts:
        return said
    return replace(said, transfers=(TransferIn(**{"amount_fen": 0, **given.facts}),))
