"""Whom a rung of a ladder calls: what its targets mean for a case, at a moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, tzinfo
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from ledger import tables as t
from ledger.school import people
from ledger.school.people import Person
from ledger.store.crypto import Keys
from ledger.store.kept import Known, read_anew

p = t.people.c
_OF_THE_STUDENT = frozenset(("counselor", "stand_in"))  # those that mean somebody of theirs


def decide(targets: Sequence[str], case: RowMapping | dict[str, Any]) -> tuple[Any, ...]:
    """What of a case decides whom these targets mean: two cases alike in this have the same people called."""
    student = _OF_THE_STUDENT.intersection(targets)
    return (case["college_code"], *((case["counselor_id"], case["victim_id"]) if student else ()))


class Lookup(Protocol):
    """Who is who at one moment: asked of the ledger, or of rows that were read once (ledger/ready/lineup.py)."""

    def on_duty(self, college: str | None, role: str) -> Iterable[UUID]: ...
    def stand_in_of(self, person: UUID | None) -> Iterable[UUID]: ...
    def centre(self) -> Iterable[UUID]: ...
    def has_phone(self, person: UUID) -> bool: ...
    def is_staff(self, person: UUID) -> bool: ...


class _Asked:
    """The ledger, asked now, but for what is kept. Whose row it has seen need not be read again."""

    def __init__(self, conn: Connection, keys: Keys, now: datetime, zone: tzinfo, kept: Known) -> None:
        self.conn, self.keys, self.now, self.zone, self.kept = conn, keys, now, zone, kept
        self.read: dict[UUID, RowMapping] = {}

    def on_duty(self, college: str | None, role: str) -> Iterable[UUID]:
        key = "duties", role, college or people.DEFAULT
        duties = self.kept(key, lambda: people.duties(self.conn, college, role))
        held = people.present(duties, college, self.now.astimezone(self.zone))
        self.read |= held
        return held

    def stand_in_of(self, person: UUID | None) -> Iterable[UUID]:
        return [p.stand_in for p in self.people([person]) if p.stand_in]

    def centre(self) -> Iterable[UUID]:
        return people.with_role(self.conn, "psychologist")

    def has_phone(self, person: UUID) -> bool:
        return any(found.phone for found in self.people([person]))

    def is_staff(self, person: UUID) -> bool:
        return self.conn.execute(select(p.role).where(p.id == person)).scalar_one_or_none() == "staff"

    def people(self, ids: Iterable[UUID | None]) -> list[Person]:
        wanted = [it for it in ids if it]
        for one in wanted:
            if one not in self.read and (row := self.kept(("person", one), partial(self._row, one))):
                self.read[one] = row
        return people.by_id(self.conn, self.keys, (it for it in wanted if it in self.read), self.read)

    def _row(self, person: UUID) -> RowMapping | None:
        return self.conn.execute(people.BY_ID, {"wanted": [person]}).mappings().one_or_none()


def called(
    conn: Connection,
    keys: Keys,
    targets: Sequence[str],
    case: RowMapping | dict[str, Any],
    now: datetime,
    zone: tzinfo,
    kept: Known = read_anew,
) -> list[Person]:
    """The people whom a rung's targets mean for this case now, each once, in the rung's order."""
    asked = _Asked(conn, keys, now, zone, kept)
    return [person for person in asked.people(meant(targets, case, asked)) if person.phone]


def meant(targets: Sequence[str], case: RowMapping | dict[str, Any], look: Lookup) -> list[UUID]:
    """Whom targets mean for a case, whether or not they can be called; of the case see `decide`."""
    ids: list[UUID] = []
    for target in targets:
        if target == "counselor":
            theirs = case["counselor_id"]
            ids += [theirs] if theirs and look.has_phone(theirs) else _instead(case, look)
        elif target == "stand_in":
            ids += look.stand_in_of(case["counselor_id"])
        elif target == "centre":
            ids += look.centre()
        else:
            ids += look.on_duty(case["college_code"], target)
    return ids


def _instead(case: RowMapping | dict[str, Any], look: Lookup) -> Iterable[UUID]:
    """Where there is no counselor, or none any more: a member of staff has the unit's liaison, a student the duty."""
    college, victim = case["college_code"], case.get("victim_id")
    if victim and look.is_staff(victim):
        return look.on_duty(college, "liaison")
    own = look.on_duty(college, "college_duty") if college else ()
    return own or look.on_duty(None, "counselor")
