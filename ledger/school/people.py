"""Who somebody is, who looks after them, and who is on duty now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, RowMapping, Select, bindparam, or_, select

from ledger import tables as t
from ledger.errors import KeyMissing, Tampered
from ledger.store.crypto import Keys, RowKey
from ledger.store.kept import Known, read_anew
from ledger.store.statements import among, number, one_of

log = structlog.get_logger()
T = TypeVar("T")
DEFAULT = "*"  # the compulsory row for everybody whom the roster does not know

# Built once: see statements.
p, u = t.people.c, t.duties.c
BY_ID = select(t.people).where(among(p.id, "wanted"), p.active)
_STUDENTS = (
    select(p.id, p.college_code, t.classes.c.counselor_id)
    .outerjoin(t.classes, t.classes.c.code == p.class_code)
    .where(p.active, one_of(p.role, ("student", "staff")))
    .limit(number(2))
)
_HAVING = select(t.people).where(p.phone_index == bindparam("index"), p.active)
_CLASS = (
    select(t.classes.c.college_code, t.classes.c.counselor_id)
    .where(or_(t.classes.c.code == bindparam("said"), t.classes.c.name == bindparam("said")))
    .limit(number(1))
)
_COLLEGE = (
    select(t.colleges.c.code)
    .where(or_(t.colleges.c.code == bindparam("said"), t.colleges.c.name == bindparam("said")))
    .limit(number(1))
)
# By the grade of the match; one that comes first holds.
STUDENTS = {
    "student_no": _STUDENTS.where(p.student_no_index == bindparam("index")),
    "phone": _STUDENTS.where(p.phone_index == bindparam("index")),
}
_DUTIES = (
    select(t.people, u.days, u.start, u.end, u.college_code.label("for_college"))
    .join(t.duties, u.person_id == p.id)
    .where(u.role == bindparam("duty"), or_(u.college_code == bindparam("college"), u.college_code == DEFAULT))
    .order_by(p.key)
)


@dataclass(frozen=True)
class Person:
    """Somebody on the roster, opened. `phone` is E.164 or None; `called` is how others see them (欧阳警官)."""

    id: UUID
    role: str
    name: str
    called: str
    phone: str | None
    language: str
    college: str | None
    stand_in: UUID | None
    key: RowKey


@dataclass(frozen=True)
class Match:
    """Whom a report was matched to. grade: none · phone (推测, until confirmed by voice) · student_no."""

    victim: UUID | None = None
    grade: str = "none"
    college: str | None = None
    counselor: UUID | None = None


def opened(keys: Keys, row: RowMapping) -> Person:
    """Raises KeyMissing or Tampered for a row that does not open; see `readable`."""
    key = keys.unwrap(row["id"], row["row_key"])

    def text(column: str) -> str | None:
        return key.open("people", row["id"], column, row[f"{column}_sealed"])

    name = text("name") or ""
    return Person(
        row["id"],
        row["role"],
        name,
        text("called") or name,
        text("phone"),
        row["language"],
        row["college_code"],
        row["stand_in_id"],
        key,
    )


class StudentsPhone(NamedTuple):
    """caution: controlled (perhaps by the fraudster) · safe (given instead of such a one) · empty."""

    number: str = ""
    caution: str = ""

    def __bool__(self) -> bool:
        return bool(self.number)


def students_phone(key: RowKey, case: RowMapping, student: Person | None) -> StudentsPhone:
    """Whom to call: a safe number of their own, the student as the roster knows them, else as the report has them.

    "My phone may be controlled" is said of the one in the student's hands, which the roster may have as well; that the
    number was put right since takes none of it back.
    """

    def opened(name: str) -> str | None:
        return key.open("cases", case["id"], name, case[f"{name}_sealed"])

    known = student.phone if student else None
    if case["for_whom"] == "other":  # whose phone is not safe is the reporter then
        return StudentsPhone(known or opened("victim_phone") or "")
    reported = opened("phone")
    if case["phone_unsafe"] and (safe := opened("safe_phone")):
        return StudentsPhone(safe, "safe")
    return StudentsPhone(known or reported or "", "controlled" if case["phone_unsafe"] else "")


def phone_listed(keys: Keys, case: RowMapping, student: Person | None) -> StudentsPhone:
    """The same for a list of cases: empty where it cannot be opened, so that the others are shown all the same."""
    try:
        return students_phone(keys.unwrap(case["id"], case["row_key"]), case, student)
    except (KeyMissing, Tampered):
        log.error("case_unreadable", case=str(case["id"]))
        return StudentsPhone()


def by_id(
    conn: Connection, keys: Keys, ids: Iterable[UUID | None], read: Mapping[UUID, RowMapping] | None = None
) -> list[Person]:
    """Active people in the order of `ids`, each once; `read`: rows that need not be read any more.

    One whose row cannot be opened is left out, and said: whoever comes after them has to be rung all the same.
    """
    wanted, rows = list(dict.fromkeys(i for i in ids if i is not None)), dict(read or {})
    if more := [i for i in wanted if i not in rows]:
        rows |= {row["id"]: row for row in conn.execute(BY_ID, {"wanted": more}).mappings()}
    return readable(keys, (rows[i] for i in wanted if i in rows and rows[i]["active"]))


def readable(keys: Keys, rows: Iterable[RowMapping]) -> list[Person]:
    """Those whose row can be opened; the others are said in the log."""
    found: list[Person] = []
    for row in rows:
        try:
            found.append(opened(keys, row))
        except (KeyMissing, Tampered) as error:
            log.error("person_unreadable", person=str(row["id"]), error=type(error).__name__)
    return found


def wrong_key(conn: Connection, keys: Keys, sample: int = 5) -> str | None:
    """The setting that the ledger's people were not written with, as far as a few of them can tell.

    One that opens is enough: a single spoiled row must not keep the service from starting.
    """
    query = select(t.people).where(t.people.c.phone_index.is_not(None)).limit(sample)
    rows = conn.execute(query).mappings().all()
    known = [(row, person.phone) for row in rows for person in readable(keys, [row])]
    if rows and not known:
        return "STOPLINE_DATA_KEYS"
    fits = not known or any(keys.blind("phone", phone) == row["phone_index"] for row, phone in known)
    return None if fits else "STOPLINE_INDEX_KEY"


def by_phone(conn: Connection, keys: Keys, phone: str) -> list[Person]:
    """Everybody active with this number."""
    return readable(keys, conn.execute(_HAVING, {"index": keys.blind("phone", phone)}).mappings())


def match(
    conn: Connection, keys: Keys, phone: str | None, student_no: str | None, otherwise: Match, once: Known = read_anew
) -> Match:
    """The student a report is about: by number, else (推测) by a phone that exactly one student has.

    For one whom the roster does not know, `otherwise`: what the reporter said of class and college.
    """
    indexes = {"student_no": keys.blind("student_no", student_no), "phone": keys.blind("phone", phone)}
    for grade, query in STUDENTS.items():
        index = indexes[grade]
        rows = once((grade, index), partial(_students, conn, query, index)) if index else []
        if len(rows) == 1:
            return Match(rows[0].id, grade, rows[0].college_code, rows[0].counselor_id)
    return otherwise


def _students(conn: Connection, query: Select[Any], index: bytes) -> Sequence[Row[Any]]:
    return conn.execute(query, {"index": index}).all()


def class_named(conn: Connection, said: str | None) -> Match | None:
    """Whose students those of a class are, by its code or its name; None for one that is not on the roster."""
    row = conn.execute(_CLASS, {"said": said}).one_or_none() if said else None
    return Match(college=row.college_code, counselor=row.counselor_id) if row else None


def college(conn: Connection, said: str | None) -> str | None:
    """The code of a college that was named by its code or its name; None for one that is not on the roster."""
    return conn.execute(_COLLEGE, {"said": said}).scalar_one_or_none() if said else None


def colleges(conn: Connection) -> dict[str, str]:
    """Code → name, by their codes."""
    rows = conn.execute(select(t.colleges.c.code, t.colleges.c.name).order_by(t.colleges.c.code))
    return {row.code: row.name for row in rows}


def covers(days: str, start: str, end: str, local: datetime) -> bool:
    """Whether a shift holds now. days: "1-5" or "6,7" (1 = Monday); an end at or before the start passes midnight."""
    clock = local.strftime("%H:%M")
    if start < end:
        return start <= clock < end and _on_day(days, local.isoweekday())
    yesterday = (local.isoweekday() - 2) % 7 + 1
    return (clock >= start and _on_day(days, local.isoweekday())) or (clock < end and _on_day(days, yesterday))


def _on_day(days: str, day: int) -> bool:
    """Days that cannot be read are all of them: somebody is rung in vain rather than nobody at all."""
    try:
        spans = [part.strip().partition("-") for part in days.split(",")]
        return any(int(first) <= day <= int(last or first) for first, _, last in spans)
    except ValueError:
        log.error("shift_unreadable")
        return True


def on_duty(conn: Connection, college: str | None, role: str, now: datetime, zone: tzinfo) -> list[UUID]:
    """Who has this duty now: the college's own people, else those of the `*` row."""
    return list(present(duties(conn, college, role), college, now.astimezone(zone)))


def duties(conn: Connection, college: str | None, role: str) -> Sequence[RowMapping]:
    """Whoever has this duty at some time, for the college or by the `*` row."""
    return conn.execute(_DUTIES, {"duty": role, "college": college or DEFAULT}).mappings().all()


def present(duties: Iterable[RowMapping], college: str | None, local: datetime) -> dict[UUID, RowMapping]:
    """Those of these rows who have the duty now, by their id."""
    held = dict[str, list[RowMapping]]()
    for row in duties:
        if covers(row["days"], row["start"], row["end"], local):
            held.setdefault(row["for_college"], []).append(row)
    return {row["id"]: row for row in theirs(held, college)}


def theirs(present: Mapping[str, Sequence[T]], college: str | None) -> Sequence[T]:
    """Of those who have a duty now, by college: the college's own people, else those of the `*` row."""
    return present.get(college or DEFAULT) or present.get(DEFAULT, ())


def with_role(conn: Connection, role: str) -> list[UUID]:
    """Everybody active who is this on the roster, whether on duty or not."""
    c = t.people.c
    return list(conn.scalars(select(c.id).where(c.role == role, c.active).order_by(c.key)))
