"""Whom a report would ring, step by step, at any moment: told from a roster that was read once.

The number of statements does not depend on colleges, people or moments. Which targets mean whom is said in
ledger/school/rungs.py and which ladder is climbed in ledger/ringing/ladders.py, for reports and for this alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, RowMapping, exists, select, true

from ledger import tables as t
from ledger.escalation import Ladder
from ledger.ringing import ladders
from ledger.school import people, rungs, shifts
from ledger.school.people import Person
from ledger.school.shifts import Held, Shift
from ledger.store.crypto import Keys
from ledger.store.statements import among, one_of, word

KINDS = ("police", "counselor")  # what a report of money that is gone begins, and a drill
ALL_KINDS = (*KINDS, "dissuade")  # and, instead of the police's, a report of money that is still there
STAFF = UUID(int=0)  # stands for any member of staff as the victim
p, r, k = t.people.c, t.ladders.c, t.classes.c
_staff = select(exists().where(p.role == word("staff"), p.active).label("some")).subquery()
_COLLEGES = (  # at least one row, also where there is no college
    select(_staff.c.some, t.colleges.c.code, t.colleges.c.name)
    .select_from(_staff.outerjoin(t.colleges, true()))
    .order_by(t.colleges.c.code)
)
_LADDERS = select(t.ladders).where(one_of(r.obligation, ALL_KINDS)).order_by(r.step)
_CLASSES = select(k.name, k.college_code, k.counselor_id).order_by(k.code)
_NAMED = select(t.people).where(among(p.id, "wanted"))


@dataclass(frozen=True)
class Lineup:
    """`names`: colleges by code, then `*` with an empty name. `rows`: whoever a shift, a class or a stand-in names.

    `known` are those of them who can be opened, whether or not they are still on the roster. Students are not read,
    and of `staff` (the role) only whether there are any.
    """

    names: dict[str, str]
    shifts: list[Shift]
    ladders: dict[tuple[str, str], Ladder]
    classes: Sequence[Row[*tuple[Any, ...]]]
    rows: Mapping[UUID, RowMapping]
    known: Mapping[UUID, Person]
    psychologists: Sequence[UUID]
    zone: tzinfo
    staff: bool

    def reachable(self, person: UUID | None) -> Person | None:
        """Somebody whom a text can go to: on the roster still, readable, with a phone."""
        found = self.known.get(person) if person else None
        return found if found and found.phone and self.rows[found.id]["active"] else None

    def at(self, moment: datetime) -> Standing:
        return Standing(self, moment, shifts.at(self.shifts, moment.astimezone(self.zone)))


@dataclass(frozen=True)
class Standing:
    """The roster at one moment; a `rungs.Lookup`."""

    lineup: Lineup
    moment: datetime
    held: Held

    def steps(self, kind: str, college: str, victim: UUID | None = None) -> Iterator[tuple[int, list[Person]]]:
        """(seconds after the report, whom it would ring then) of each step, as for a student of no known class.

        One whose class is known has a counselor of their own, who is rung before whoever is on duty. `victim`: STAFF.
        """
        ladder = ladders.at(self.lineup.ladders[kind, college], kind, self.moment, self.lineup.zone)
        return ((rung.after_s, self.called(rung.targets, college, victim)) for rung in ladder.rungs)

    def called(self, targets: Sequence[str], college: str, victim: UUID | None = None) -> list[Person]:
        code = None if college == people.DEFAULT else college
        case = {"college_code": code, "counselor_id": None, "victim_id": victim}
        ids = dict.fromkeys(rungs.meant(targets, case, self))
        return [person for person in map(self.lineup.reachable, ids) if person]

    def on_duty(self, college: str | None, role: str) -> Iterable[UUID]:
        return self.held.of(college, role)

    def stand_in_of(self, person: UUID | None) -> Iterable[UUID]:
        found = self.lineup.reachable(person)
        return [found.stand_in] if found and found.stand_in else []

    def centre(self) -> Iterable[UUID]:
        return self.lineup.psychologists

    def has_phone(self, person: UUID) -> bool:
        return self.lineup.reachable(person) is not None

    def is_staff(self, person: UUID) -> bool:
        return person == STAFF


def read(conn: Connection, keys: Keys, zone: tzinfo) -> Lineup:
    colleges = conn.execute(_COLLEGES).all()
    names = {row.code: row.name for row in colleges if row.code} | {people.DEFAULT: ""}
    ladders, duties, classes = _ladders(conn, names), shifts.read(conn), conn.execute(_CLASSES).all()
    asks_centre = any("centre" in rung.targets for ladder in ladders.values() for rung in ladder.rungs)
    centre = people.with_role(conn, "psychologist") if asks_centre else []
    rows = _rows(conn, [*(it.person for it in duties), *(it.counselor_id for it in classes), *centre])
    rows |= _rows(conn, [row["stand_in_id"] for row in rows.values()])
    known = {person.id: person for person in people.readable(keys, rows.values())}
    return Lineup(names, duties, ladders, classes, rows, known, centre, zone, bool(colleges[0].some))


def duty_lines(conn: Connection, keys: Keys, now: datetime, zone: tzinfo) -> tuple[list[str], list[str]]:
    """(who would be called now for each college and for `*`, what is missing); by roster names, without phones."""
    lines, faults = [], []
    roster = read(conn, keys, zone)
    standing = roster.at(now)
    for college in roster.names:
        for kind in KINDS:
            called = [step for _, step in standing.steps(kind, college)]
            steps = " → ".join("+".join(person.called for person in step) or "(nobody)" for step in called)
            lines.append(f"{college} {kind}: {steps}")
            if not any(called):
                faults.append(f"roster: nobody would be called for {college} {kind} now")
            elif not called[0]:
                faults.append(f"roster: the first step of {college} {kind} is empty now")
    return lines, faults


def _ladders(conn: Connection, colleges: Iterable[str]) -> dict[tuple[str, str], Ladder]:
    rows = conn.execute(_LADDERS).all()
    of_kind = {kind: [row for row in rows if row.obligation == kind] for kind in ALL_KINDS}
    return {(kind, it): ladders.from_rows(of_kind[kind], kind, it) for kind in ALL_KINDS for it in colleges}


def _rows(conn: Connection, ids: Iterable[UUID | None]) -> dict[UUID, RowMapping]:
    wanted = list({person for person in ids if person})
    return {row["id"]: row for row in conn.execute(_NAMED, {"wanted": wanted}).mappings()}
