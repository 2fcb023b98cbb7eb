"""Duty shifts as the roster has them, read once: who has which duty at any moment is then told from memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.school import people

u = t.duties.c
_ALL = (
    select(u.college_code, u.role, u.person_id, u.days, u.start, u.end)
    .join(t.people, t.people.c.id == u.person_id)
    .order_by(t.people.c.key)
)


@dataclass(frozen=True)
class Shift:
    """`college` is a code or `*`, `role` a duty; days and times as `people.covers` reads them."""

    college: str
    role: str
    person: UUID
    days: str
    start: str
    end: str


@dataclass(frozen=True)
class Held:
    """Every duty that holds at one moment: duty → college → people."""

    held: dict[str, dict[str, list[UUID]]]

    def of(self, college: str | None, role: str) -> Sequence[UUID]:
        """The college's own people, else those of the compulsory default row."""
        return people.theirs(self.held.get(role, {}), college)

    def everybody(self) -> list[UUID]:
        return [person for colleges in self.held.values() for held in colleges.values() for person in held]


def read(conn: Connection) -> list[Shift]:
    return [Shift(*row) for row in conn.execute(_ALL)]


def at(shifts: Sequence[Shift], local: datetime) -> Held:
    """`local`: the moment in the school's zone."""
    # A school has a hundred shifts and a handful of times at which they begin and end.
    times = {(shift.days, shift.start, shift.end) for shift in shifts}
    on = {those for those in times if people.covers(*those, local)}
    held: dict[str, dict[str, list[UUID]]] = {}
    for shift in shifts:
        if (shift.days, shift.start, shift.end) in on:
            held.setdefault(shift.role, {}).setdefault(shift.college, []).append(shift.person)
    return Held(held)
