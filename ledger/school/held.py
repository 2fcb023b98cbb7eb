"""The roster that the ledger holds, as a school file says it: to look at, to change, and to import again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.errors import KeyMissing, Tampered
from ledger.school import people
from ledger.school.schoolrows import BadRoster, ClassRow, CollegeRow, DutyRow, Fault, LadderRow, PersonRow, School
from ledger.store.crypto import Keys

p, u, r = t.people.c, t.duties.c, t.ladders.c


def school(conn: Connection, keys: Keys) -> School:
    """Importing it changes nothing. Raises BadRoster for people who cannot be read: without them they would leave."""
    rows = conn.execute(select(t.people).order_by(p.key)).mappings().all()
    named = {row["id"]: row["key"] for row in rows}
    persons, faults = [], []
    for row in rows:
        if not row["active"]:
            continue
        try:
            persons.append(_person(keys, row, named))
        except (KeyMissing, Tampered):
            faults.append(Fault("people", 0, row["key"], "cannot be read", "无法读取"))
    if faults:
        raise BadRoster(faults)
    staying = {person.key for person in persons}
    return School(
        tuple(CollegeRow(it.code, it.name) for it in conn.execute(select(t.colleges).order_by(t.colleges.c.code))),
        tuple(ClassRow(it.code, it.name, it.college_code, named.get(it.counselor_id, ""))
              for it in conn.execute(select(t.classes).order_by(t.classes.c.code))),
        tuple(persons),
        tuple(DutyRow(it.college_code, it.role, named[it.person_id], it.days, it.start, it.end)
              for it in conn.execute(select(t.duties).order_by(u.college_code, u.role, u.days, u.start))
              if named[it.person_id] in staying),
        tuple(LadderRow(it.obligation, it.college_code, it.step, it.after_s, tuple(it.targets))
              for it in conn.execute(select(t.ladders).order_by(r.obligation, r.college_code, r.step))),
    )  # fmt: skip


def _person(keys: Keys, row: Any, named: dict[UUID, str]) -> PersonRow:
    it = people.opened(keys, row)
    number = it.key.open("people", it.id, "student_no", row["student_no_sealed"])
    return PersonRow(
        row["key"], it.name, it.role, it.phone or "", it.college or "", row["class_code"] or "", number or "",
        named.get(it.stand_in, "") if it.stand_in else "", it.language, it.called,
    )  # fmt: skip
