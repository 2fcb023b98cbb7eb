"""What the follow-up pages show: filtered by who asks, field by field."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, RowMapping, Select, exists, func, or_, select, union

from ledger import followups, fraud, values
from ledger import tables as t
from ledger.care import contacts, family, waiving
from ledger.care.closing import BACKGROUND
from ledger.care.contacts import Entry
from ledger.escalation import UNSAFE
from ledger.pages.views import all_of
from ledger.reporting import corrections, renumbering
from ledger.ringing import match_keys, referrals
from ledger.school import people
from ledger.staff import accounts
from ledger.staff.accounts import User
from ledger.states import first_obligation
from ledger.store.crypto import Keys, RowKey
from ledger.store.statements import among, number, word
from ledger.texts.deliveries import WAITING

log = structlog.get_logger()
PRESSING, SHOWN = 100, 50  # rows of a list at most: of those in danger, and of the others
COUNTED = 1000  # how far the others are counted
WEEK = timedelta(days=7)
HEALTH = ("counselor", "psychologist")  # who reads what a student said; the office sees that a contact took place
c, o, f, k, n = t.cases.c, t.obligations.c, t.follow_ups.c, t.contacts.c, t.centre_notes.c


@dataclass(frozen=True)
class FollowUpRow:
    """A follow-up with its next owed contact (none: `contact` is empty); the student is named to who may call them."""

    code: str
    state: str
    immediate: bool
    drill: bool
    student: str
    phone: people.StudentsPhone
    grade: str
    opened_at: datetime
    contact: str
    mode: str
    due_at: datetime | None
    unsafe: bool  # said so, and nobody has been with them yet
    college: str
    counselor: str

    @property
    def at_once(self) -> bool:
        return self.immediate or self.unsafe

    def to_sign(self, now: datetime) -> bool:
        """Whether it waits for a second person. A contact that is overdue comes before."""
        return self.state == "review" and (self.due_at is None or self.due_at > now)


@dataclass(frozen=True)
class FollowUps:
    """Open follow-ups: those in danger, those who say they are, then by when the next contact is due.

    `signing` wait for a second person and owe no contact by now, `done` owe none at all and wait for somebody to ask
    for closing; of both those that are open longest come first. `others`: how many are in none of these lists, as far
    as counted; they are due after a week, or the lists are full.
    """

    immediate: list[FollowUpRow]
    overdue: list[FollowUpRow]
    today: list[FollowUpRow]
    week: list[FollowUpRow]
    signing: list[FollowUpRow]
    done: list[FollowUpRow]
    others: int

    @property
    def rows(self) -> list[FollowUpRow]:
        return [*self.immediate, *self.overdue, *self.today, *self.week, *self.signing, *self.done]


@dataclass(frozen=True)
class ContactRow:
    """One contact of the record; `entry` and `note` are None for those who may not read them.

    `kind`: to them one on a day is `dated`, without what falls due then.
    """

    kind: str
    mode: str
    due_at: datetime
    done_at: datetime | None
    reached: bool | None
    entry: Entry | None
    note: str | None
    taken_back: bool = False


def follow_ups(conn: Connection, keys: Keys, user: User, now: datetime, midnight: datetime) -> FollowUps:
    """`midnight` is the end of the school's day. One row for each record, the contact that is due first."""
    theirs = _open_of(user)
    listed = _rows(conn, keys, _facts(conn, _to_list(conn, theirs, now)), reads=user.role in HEALTH)
    counted = theirs.limit(len(listed) + COUNTED).subquery()
    shown = sorted((row for row in listed if not row.at_once), key=lambda row: row.opened_at)
    by_date = sorted(((row, row.due_at) for row in shown if row.due_at and not row.to_sign(now)), key=lambda it: it[1])
    return FollowUps(
        sorted((row for row in listed if row.at_once), key=lambda row: (not row.immediate, row.due_at or now)),
        [row for row, due in by_date if due <= now],
        [row for row, due in by_date if now < due <= midnight],
        [row for row, due in by_date if due > max(now, midnight)],
        [row for row in shown if row.to_sign(now)],
        [row for row in shown if row.due_at is None and row.state != "review"],
        max(0, conn.execute(select(func.count()).select_from(counted)).scalar_one() - len(listed)),
    )


def _open_of(user: User) -> Select[tuple[UUID]]:
    """Cases with an open record that this user may read."""
    g = t.follow_ups.alias().c
    first = select(g.case_id).where(g.closed_at.is_(None)).order_by(g.case_id).limit(number(1)).scalar_subquery()
    theirs, open_ = all_of(user, first), select(f.case_id).where(f.closed_at.is_(None))
    return open_ if theirs is None else open_.where(f.case_id.in_(select(theirs.cte("theirs"))))


def _to_list(conn: Connection, theirs: Select[tuple[UUID]], now: datetime) -> list[UUID]:
    """Cases of those in danger, of those who say they are, of records to be signed or that owe nothing, and of those
    with a contact due within a week.

    One statement, so one moment; each part goes by an index over just such records, and is as long as it is shown:
    how many others are open makes no difference.
    """
    parts = (
        theirs.where(f.immediate).order_by(f.next_due_at).limit(number(PRESSING)),
        theirs.where(f.case_id.in_(_unsafe())).order_by(f.next_due_at).limit(number(PRESSING)),
        theirs.where(or_(f.state == word("review"), f.next_due_at.is_(None)))
        .order_by(f.opened_at)
        .limit(number(SHOWN)),
        theirs.where(f.next_due_at <= now + WEEK).order_by(f.next_due_at).limit(number(SHOWN)),
    )
    return list(conn.scalars(union(*(select(part.subquery()) for part in parts))))


def _unsafe() -> Select[tuple[UUID]]:
    """Cases whose student said so, and nobody has been with them yet."""
    q = t.obligations.alias().c  # the queries around it join the same table
    return select(q.case_id).where(q.kind == word(UNSAFE), q.next_at.is_not(None))


def _facts(conn: Connection, cases: list[UUID]) -> Sequence[RowMapping]:
    """In no order."""
    asks = exists().where(o.case_id == c.id, o.kind == UNSAFE, o.next_at.is_not(None))
    owed = (k.follow_up_id == f.id) & (k.due_at == f.next_due_at) & k.done_at.is_(None)
    query = (
        select(t.cases, f.state.label("care_state"), f.immediate, asks.label("unsafe"), f.opened_at,
               k.kind.label("contact"), k.mode, f.next_due_at.label("due_at"), t.colleges.c.name.label("college"))
        .join(t.follow_ups, f.case_id == c.id)
        .outerjoin(t.contacts, owed)
        .outerjoin(t.colleges, t.colleges.c.code == c.college_code)
        .where(among(c.id, "cases"), f.closed_at.is_(None))
    )  # fmt: skip
    # Two of one evening are one row of the list.
    return list({row["id"]: row for row in conn.execute(query, {"cases": cases}).mappings()}.values())


def _rows(conn: Connection, keys: Keys, rows: Sequence[RowMapping], *, reads: bool) -> list[FollowUpRow]:
    whose = [row[name] for row in rows for name in ("victim_id", "counselor_id")]
    known = {p.id: p for p in people.by_id(conn, keys, whose)}
    made = []
    for row in rows:
        student, counselor = known.get(row["victim_id"]), known.get(row["counselor_id"])
        number = people.phone_listed(keys, row, student)
        made.append(FollowUpRow(
            row["code"], row["care_state"], row["immediate"], row["drill"], student.name if student else "", number,
            row["match_grade"], row["opened_at"], _called(row["contact"] or "", reads=reads), row["mode"] or "",
            row["due_at"], row["unsafe"], row["college"] or "", counselor.called if counselor else "",
        ))  # fmt: skip
    return made


def _called(kind: str, *, reads: bool) -> str:
    """What falls due on a day is of the student's money, too."""
    return kind if reads or not kind.startswith(followups.DATED) else followups.DATED.strip("_")


def record(conn: Connection, keys: Keys, user: User, case: RowMapping, now: datetime, zone: tzinfo) -> dict[str, Any]:
    """One follow-up, of a case that `views.find_case` gave to this user.

    `early`: a talk with the student now would be an extra contact, and not yet the next one. `waived`: the centre's
    last answer was that nobody need press the student; `declining` says how it stands, to those who read what was said.
    `questioned`: the police may question the student, so what happened and where money came from is not shown here.
    """
    key = keys.unwrap(case["id"], case["row_key"]).lenient()
    row = conn.execute(select(t.follow_ups).where(f.case_id == case["id"])).mappings().one_or_none()
    student = people.by_id(conn, keys, [case["victim_id"]])
    counselor = people.by_id(conn, keys, [case["counselor_id"]])
    listed = _contacts(conn, key, user, row) if row else []
    owed = [it for it in listed if it.done_at is None]
    reads = user.role in HEALTH
    told = {name: key.open("cases", case["id"], name, case[f"{name}_sealed"]) or ""
            for name in ("narrative", *(BACKGROUND if reads else ()))
            if name not in fraud.unasked(case["fraud_type"])}  # fmt: skip
    waiver = waiving.of_record(conn, key.lenient(), case, row, zone) if row else None
    details = json.loads(key.open("cases", case["id"], "details", case["details_sealed"]) or "{}")
    made = {
        "case": case,
        "row": row,
        "student": student[0].name if student else "",
        "phone": people.students_phone(key, case, student[0] if student else None),
        "renumbered": _renumbered(conn, key, case),
        "counselor": counselor[0].called if counselor else "",
        "obligations": _obligations(conn, keys, case),
        "transfers": [(values.yuan(it["amount_fen"]), it["currency"], it["channel"], it["happened_at"],
                       it["when_bucket"]) for it in match_keys.transfers(conn, case["id"])],
        "questioned": fraud.questioned(case["fraud_type"]),
        "narrative": told.get("narrative", ""),
        "contact": details.get("contact", {}) if reads else {},
        "pressed": details.get("pressed", {}) if reads else {},
        "contacts": listed,
        "next": owed[0] if owed else None,
        "early": bool(owed) and followups.too_early(owed[0].kind, owed[0].due_at, now),
        "background": {name: told[name] for name in BACKGROUND if name in told} if reads else None,
        "family_told": family.of_case(conn, key, case["id"]) if reads else [],
        "signs": row is not None and row["state"] == "review"
                 and not accounts.same_person(conn, row["closer_id"], user),
        "notes": _centre_notes(conn, key, row) if row and user.role == "psychologist" else None,
        "raised": referrals.raised_at(conn, case["id"]) if row and row["immediate"] else "",
        "waived": waiver is not None and waiver.said_at is not None,
        "declining": waiver if reads else None,
    }  # fmt: skip
    if key.failed:
        log.error("record_unreadable", case=str(case["id"]), fields=sorted(set(key.failed)))
    return {**made, "unreadable": bool(key.failed)}


def _renumbered(conn: Connection, key: RowKey, case: RowMapping) -> tuple[str, list[str]] | None:
    """The number that whoever holds the link gave as their own, and those before; None while there was no other."""
    if case["for_whom"] == "other":
        return None
    phone = key.open("cases", case["id"], "phone", case["phone_sealed"])
    former = renumbering.former(corrections.of_case(conn, key, case["id"]), phone)
    return (phone, former) if phone and former else None


def _contacts(conn: Connection, key: RowKey, user: User, row: RowMapping) -> list[ContactRow]:
    found = conn.execute(select(t.contacts).where(k.follow_up_id == row["id"]).order_by(k.due_at)).mappings()
    return [contact_row(key, it, reads=user.role in HEALTH) for it in found]


def contact_row(key: RowKey, it: RowMapping, *, reads: bool) -> ContactRow:
    """`reads`: whether what the student said may be."""
    return ContactRow(
        _called(it["kind"], reads=reads), it["mode"], it["due_at"], it["done_at"], it["reached"],
        contacts.read_entry(key, it) if reads and it["entry_sealed"] is not None else None,
        key.open("contacts", it["id"], "note", it["note_sealed"]) if reads else None,
        it["taken_back_at"] is not None,
    )  # fmt: skip


def _obligations(conn: Connection, keys: Keys, case: RowMapping) -> list[dict[str, Any]]:
    """The three side by side: the police's (or to dissuade), the counselor's, the care."""
    rows = {row["kind"]: row for row in conn.execute(select(t.obligations).where(o.case_id == case["id"])).mappings()}
    owners = {p.id: p.called for p in people.by_id(conn, keys, [row["owner_id"] for row in rows.values()])}
    return [
        {**rows[kind], "waits": rows[kind]["state"] in WAITING, "owner": owners.get(rows[kind]["owner_id"], "")}
        for kind in (first_obligation(case["kind"]), "counselor", "care")
        if kind in rows
    ]


def _centre_notes(conn: Connection, key: RowKey, row: RowMapping) -> list[tuple[datetime, dict[str, str]]]:
    found = conn.execute(select(t.centre_notes).where(n.follow_up_id == row["id"]).order_by(n.id.desc())).mappings()
    return [(it["at"], json.loads(key.open("centre_notes", it["id"], "content", it["content_sealed"]) or "{}"))
            for it in found]  # fmt: skip
