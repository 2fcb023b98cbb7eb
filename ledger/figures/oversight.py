"""What the office reports of each college (督导): reports made here, and cases registered by the police. Never mixed.

Colleges stand in the order of their codes, whatever their numbers. A leader gets the own college's line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.figures import registered, timeliness
from ledger.figures.registered import Registered, Year
from ledger.figures.timeliness import Reports
from ledger.pages.views import own_college
from ledger.staff.accounts import User

g = t.colleges.c


@dataclass(frozen=True)
class Line:
    """One college. `code` None: reports of which it is not known; of those the police know nothing here."""

    code: str | None
    name: str
    reports: Reports
    registered: Registered | None


@dataclass(frozen=True)
class Figures:
    """`school`: all colleges together, for those who see all; else None. `year` is of the reports: see Year."""

    lines: list[Line]
    school: Line | None
    year: int
    police: Year


def figures(conn: Connection, user: User, now: datetime, zone: tzinfo) -> Figures:
    """Both numbers as far as this user may see them, in as many statements whatever there is."""
    this_year = now.astimezone(zone).year
    each, together = timeliness.reports(conn, user, now, datetime(this_year, 1, 1, tzinfo=zone).astimezone(UTC))
    names = {row.code: row.name for row in conn.execute(select(g.code, g.name).where(own_college(g.code, user)))}
    police = registered.year(conn, user, list(names), now, zone)
    codes = {*names, *police.of, *each}
    lines = [
        Line(code, names.get(code, code) if code else "", each.get(code, Reports()), police.of.get(code or ""))
        for code in sorted(codes, key=lambda code: (code is None, code or ""))
    ]
    school = Line(None, "", together, police.school) if police.school else None
    return Figures(lines, school, this_year, police)
