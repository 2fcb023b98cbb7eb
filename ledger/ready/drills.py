"""The last drill of each college: how many minutes until somebody was alerted, who took it, and who missed it.

The only figures that drills appear in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from ledger import tables as t
from ledger.escalation import minutes_between
from ledger.events import CaseAcknowledged, CounselorAcknowledged
from ledger.ready.lineup import KINDS
from ledger.school import people
from ledger.store.crypto import Keys
from ledger.store.statements import among, one_of, word

DUE = timedelta(days=30)  # a school that has not tried for a month does not know
LOOKS_BACK = timedelta(days=90)
_Row = Row[*tuple[Any, ...]]
_TAKEN = {"police": CaseAcknowledged.type, "counselor": CounselorAcknowledged.type}
c, o, d, e = t.cases.c, t.obligations.c, t.deliveries.c, t.case_events.c


@dataclass(frozen=True)
class Part:
    """How one obligation (police · counselor) of a drill fared, in whole minutes from its report; None: never.

    `missed`: who was rung and let a whole step go by, or all who were rung where nobody took it.
    """

    kind: str
    alerted_min: int | None
    taken_min: int | None
    by: str
    missed: tuple[str, ...]


@dataclass(frozen=True)
class Drill:
    """`phones`: people answered; else the sink did, and it only shows that the way is free."""

    code: str
    college: str
    at: datetime
    over: bool
    phones: bool
    parts: tuple[Part, ...]

    @property
    def untaken(self) -> tuple[str, ...]:
        """The obligations that nobody took while it ran."""
        return tuple(part.kind for part in self.parts if self.over and part.taken_min is None)


def last(conn: Connection, keys: Keys, now: datetime) -> dict[str, Drill]:
    """By college, `*` for drills of none; a college without any in 90 days is missing. Five statements at most."""
    cases = conn.execute(_last_of_each(now - LOOKS_BACK)).all()
    ids = [row.id for row in cases]
    duties = {(row.case_id, row.kind): row for row in conn.execute(_DUTIES, {"cases": ids})}
    taken: dict[tuple[UUID, str], _Row] = {}
    for event in conn.execute(_ANSWERS, {"cases": ids}):
        taken.setdefault((event.case_id, event.type), event)
    rung: dict[UUID, list[_Row]] = {}
    for text in conn.execute(_RUNG, {"cases": ids}):
        rung.setdefault(text.obligation_id, []).append(text)
    who = [UUID(event.data["owner"]) for event in taken.values()]
    who += [text.person_id for texts in rung.values() for text in texts]
    names = {person.id: person.called for person in people.by_id(conn, keys, who)}
    return {
        row.college_code or people.DEFAULT: Drill(
            row.code, row.college_code or people.DEFAULT, row.received_at, row.closed_at is not None,
            row.source == "drill_phones",
            tuple(_part(row, duty, taken.get((row.id, _TAKEN[kind])), rung.get(duty.id, []), names)
                  for kind in KINDS if (duty := duties.get((row.id, kind)))),
        )
        for row in cases
    }  # fmt: skip


def _last_of_each(since: datetime) -> Any:
    # Codes of drills begin with Y: with an index over codes nothing is read of the cases that came in between.
    newest_first = (c.received_at.desc(), c.id.desc())
    drills = (
        select(c.id, c.code, c.college_code, c.received_at, c.closed_at, c.source,
               func.row_number().over(partition_by=c.college_code, order_by=newest_first).label("nth"))
        .where(c.drill, c.code >= word("Y"), c.code < word("Z"), c.received_at > since)
        .subquery()
    )  # fmt: skip
    return select(drills).where(drills.c.nth == 1)


# What was done is read from the events: an owner who makes no progress loses the case again, in a drill as well.
_ANSWERS = (
    select(e.case_id, e.type, e.at, e.data)
    .where(among(e.case_id, "cases"), e.type.in_(_TAKEN.values()))
    .order_by(e.case_id, e.seq)
)
_DUTIES = select(o.id, o.case_id, o.kind, o.alerted_at, o.contacted_at).where(
    among(o.case_id, "cases"), one_of(o.kind, KINDS)
)
_RUNG = (
    select(d.obligation_id, d.person_id, d.step, d.created_at)
    .where(among(d.case_id, "cases"), d.alert, d.person_id.is_not(None))
    .order_by(d.step, d.id)
)


def _part(case: _Row, duty: _Row, taken: _Row | None, rung: list[_Row], names: dict[UUID, str]) -> Part:
    begun, by = case.received_at, UUID(taken.data["owner"]) if taken else None
    at = taken.at if taken else duty.contacted_at  # a student reached without more ado needs no acknowledgement
    return Part(
        duty.kind,
        minutes_between(begun, duty.alerted_at) if duty.alerted_at else None,
        minutes_between(begun, at) if at else None,
        names.get(by, "") if by else "",
        tuple(dict.fromkeys(names[person] for person in _missed(at, by, rung) if person in names)),
    )


def _missed(at: datetime | None, by: UUID | None, rung: list[_Row]) -> list[UUID]:
    if at is None:
        return [text.person_id for text in rung]
    before = [text for text in rung if text.created_at <= at]
    reached = max((text.step for text in before), default=0)
    return [text.person_id for text in before if text.step < reached and text.person_id != by]
