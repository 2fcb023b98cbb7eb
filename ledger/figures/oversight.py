"""What the office reports of each college (督导): reports made here, and cases registered by the police. Never mixed.

And what the school itself counted of the plan's targets. Colleges stand in the order of their codes, whatever their
numbers. A leader gets the own college's line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.figures import contactdays, prevention, registered, timeliness
from ledger.figures.prevention import Counted, Prevention
from ledger.figures.registered import Registered, Year
from ledger.figures.timeliness import Reports
from ledger.pages.views import own_college
from ledger.staff.accounts import User

g, s = t.colleges.c, t.classes.c


@dataclass(frozen=True)
class Line:
    """One college. `code` None: reports of which it is not known; of those nobody else knows anything here.

    class_code: one of its classes, of which only `counted` is known.
    """

    code: str | None
    name: str
    reports: Reports
    registered: Registered | None
    counted: Counted | None
    class_code: str = ""


@dataclass(frozen=True)
class Figures:
    """`school`: all colleges together, for those who see all; else None. `year` is of the reports: see Year.

    counted_to: the last day of which contacts are counted; behind: later ones should be. classes: those that were
    counted each for itself.
    """

    lines: list[Line]
    school: Line | None
    year: int
    police: Year
    prevention: Prevention
    counted_to: date | None
    behind: bool
    classes: list[Line]


def names(conn: Connection, user: User) -> dict[str, str]:
    """Code → name of the colleges whose figures this user may see."""
    return {row.code: row.name for row in conn.execute(select(g.code, g.name).where(own_college(g.code, user)))}


def figures(conn: Connection, user: User, now: datetime, zone: tzinfo) -> Figures:
    """All numbers as far as this user may see them, in as many statements whatever there is."""
    this_year = now.astimezone(zone).year
    new_year = datetime(this_year, 1, 1, tzinfo=zone).astimezone(UTC)
    each, together = timeliness.reports(conn, user, now, new_year, zone)
    named = names(conn, user)
    police = registered.year(conn, user, list(named), now, zone)
    counted = prevention.latest(conn, user, list(named), now, zone)
    codes = {*named, *police.of, *counted.of, *each}
    lines = [
        Line(code, named.get(code, code) if code else "", each.get(code, Reports()), police.of.get(code or ""),
             counted.of.get(code or ""))
        for code in sorted(codes, key=lambda code: (code is None, code or ""))
    ]  # fmt: skip
    school = Line(None, "", together, police.school, counted.school) if police.school else None
    to = contactdays.last(conn)
    behind = contactdays.is_behind(to, now, zone)
    return Figures(lines, school, this_year, police, counted, to, behind, _classes(conn, user, counted))


def _classes(conn: Connection, user: User, counted: Prevention) -> list[Line]:
    query = select(s.code, s.name).where(own_college(s.college_code, user))
    named = {row.code: row.name for row in conn.execute(query)}
    return [
        Line(college, named.get(code, code), Reports(), None, it, code)
        for (college, code), it in counted.of_class.items()
    ]
