"""Who is in danger now (立即处置, 我现在不安全), since when, and whom to call: what stands first on the board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, func, select, type_coerce
from sqlalchemy import case as sql_case

from ledger import tables as t
from ledger.escalation import IMMEDIATE, UNSAFE
from ledger.school import people, rungs
from ledger.school.people import Person, StudentsPhone
from ledger.school.shifts import Held
from ledger.store.crypto import Keys

SHOWN = 30
c, o = t.cases.c, t.obligations.c


@dataclass(frozen=True)
class Pressing:
    """Somebody in danger (what: IMMEDIATE or UNSAFE). `student` is their phone; `call`: who looks after them.

    `answer_by`: when somebody should have answered, of this ringing: it is another one after an answer ran out.
    `answered`: who is on the way.
    """

    what: str
    code: str
    drill: bool
    since: datetime
    answer_by: datetime
    answered: str
    student: StudentsPhone
    call: list[Person]


@dataclass(frozen=True)
class Present:
    """Who is there now, of rows that have been read; a `rungs.Lookup`."""

    held: Held
    known: Mapping[UUID, Person]
    psychologists: Sequence[UUID]

    def on_duty(self, college: str | None, role: str) -> Iterable[UUID]:
        return self.held.of(college, role)

    def stand_in_of(self, person: UUID | None) -> Iterable[UUID]:
        found = self.known.get(person) if person else None
        return [found.stand_in] if found and found.stand_in else []

    def centre(self) -> Iterable[UUID]:
        return self.psychologists

    def has_phone(self, person: UUID) -> bool:
        return person in self.known and bool(self.known[person].phone)

    def is_staff(self, person: UUID) -> bool:
        return person in self.known and self.known[person].role == "staff"


def rows(conn: Connection) -> list[RowMapping]:
    """Danger to life first, then the longest wait. It is shown until somebody was with the student."""
    since = sql_case((o.kind == UNSAFE, func.coalesce(c.unsafe_at, o.started_at)), else_=o.started_at)
    query = (
        select(t.cases, o.kind.label("what"), o.owner_id, o.deadline_at, type_coerce(since, t.UtcTime).label("since"))
        .join(t.obligations, o.case_id == c.id)
        .where(o.next_at.is_not(None), o.kind.in_((IMMEDIATE, UNSAFE)), c.closed_at.is_(None))
        .order_by(o.kind != IMMEDIATE, since)
        .limit(SHOWN)
    )
    return list(conn.execute(query).mappings())


def pressing(row: RowMapping, keys: Keys, present: Present) -> Pressing:
    targets = ("counselor", "centre") if row["what"] == IMMEDIATE else ("counselor",)
    call, owner = dict.fromkeys(rungs.meant(targets, row, present)), present.known.get(row["owner_id"])
    return Pressing(
        row["what"], row["code"], row["drill"], row["since"], row["deadline_at"], owner.called if owner else "",
        people.phone_listed(keys, row, present.known.get(row["victim_id"])),
        [present.known[it] for it in call if present.has_phone(it)],
    )  # fmt: skip
