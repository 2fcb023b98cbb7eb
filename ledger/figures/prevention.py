"""What the plan wants of everybody, as it was last counted: who knows of fraud (知晓), and the app's three 100 %.

Nothing of it can be measured here: people count it, and the office imports it by the month (preventionfile.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from ledger import tables as t
from ledger.figures.monthfile import NO_CLASS
from ledger.figures.registered import last_month
from ledger.pages.views import ALL_CASES, own_college
from ledger.staff.accounts import User

AWARE, INSTALLED, NAMED, WARNED = MEASURES = ("aware", "installed", "named", "warned")
_THREE = (INSTALLED, NAMED, WARNED)  # 三个100%
_OF = {AWARE: "asked"} | dict.fromkeys(_THREE, "people")  # each is to be all of these
m, p, g = t.prevention_months.c, t.prevention_counts.c, t.classes.c


class Share(NamedTuple):
    """`part` of `of`, both counted. covered: of no class or college it is known that it is not among them."""

    part: int
    of: int
    covered: bool = True

    @property
    def percent(self) -> int:
        """Rounded down: only all of them are 100 %. Of nobody it is 0."""
        return self.part * 100 // self.of if self.of else 0

    @property
    def whole(self) -> bool:
        """Who leaves out a class has not reached all, nor who has asked nobody."""
        return self.covered and 0 < self.part == self.of


@dataclass(frozen=True)
class Counted:
    """Of one college, class or the school. What is not in `shares`, by its name in MEASURES, nobody counted.

    Of its `roster` of classes as many were counted each for itself (`classes`), and of these as many are `full`:
    installed, named and warned by all.
    """

    shares: dict[str, Share]
    classes: int = 0
    full: int = 0
    roster: int = 0

    @property
    def covered(self) -> bool:
        """Nothing of what was counted leaves out a class or a college."""
        return all(share.covered for share in self.shares.values())


@dataclass(frozen=True)
class Prevention:
    """As counted for `month`; None: never. `missing`: the last month that is over, where it is not this one.

    `of`: by college as far as this user may see it, `of_class`: by college and class; `school`: all colleges that were
    counted together, for those who see all.
    """

    month: str | None
    missing: str | None
    of: dict[str, Counted]
    of_class: dict[tuple[str, str], Counted]
    school: Counted | None

    @property
    def not_counted(self) -> int:
        """Colleges of which nothing is known."""
        return sum(not it.shares for it in self.of.values())


def latest(conn: Connection, user: User, codes: Sequence[str], now: datetime, zone: tzinfo) -> Prevention:
    """Of the last month that was imported, for `codes` and whichever other college was counted then."""
    over = last_month(now, zone)
    month = conn.execute(select(func.max(m.month)).where(m.month <= over)).scalar_one()
    query = select(t.prevention_counts).where(p.month == month, own_college(p.college_code, user))
    rows = conn.execute(query).all() if month else []
    own = {row.college_code: row for row in rows if not row.class_code}
    classes = {(row.college_code, row.class_code): row for row in rows if row.class_code}
    size = select(g.college_code, func.count().label("classes")).where(own_college(g.college_code, user))
    sizes = {row.college_code: row.classes for row in conn.execute(size.group_by(g.college_code))}
    of_class = {place: Counted(_shares([row])) for place, row in sorted(classes.items())}
    of = {
        code: _of(code, own, classes, sizes.get(code, 0))
        for code in {*codes, *own, *(college for college, _ in classes)}
    }
    school = _together(of.values()) if user.role in ALL_CASES and month else None
    return Prevention(month, None if month == over else over, of, of_class, school)


def _of(code: str, own: dict[str, Any], classes: dict[tuple[str, str], Any], size: int) -> Counted:
    """What a college's own row says goes before what its classes make together; it has `size` of them."""
    theirs = [row for (college, _), row in classes.items() if college == code]
    counted = [_shares([row]) for row in theirs if row.class_code != NO_CLASS]
    shares = _shares(theirs, covered=len(counted) >= size) | _shares([own[code]] if code in own else [])
    return Counted(shares, len(counted), sum(map(_full, counted)), size)


def _full(shares: dict[str, Share]) -> bool:
    return all(name in shares and shares[name].whole for name in _THREE)


def _shares(rows: Sequence[Any], *, covered: bool = True) -> dict[str, Share]:
    """Of what was counted in each row: of others it is not known how many there are. covered: the rows are of all."""
    found: dict[str, Share] = {}
    for name, of in _OF.items():
        both = [(getattr(row, name), getattr(row, of)) for row in rows]
        said = [(part, whole) for part, whole in both if part is not None]
        if said:
            all_said = covered and len(said) == len(rows)
            found[name] = Share(sum(part for part, _ in said), sum(whole for _, whole in said), all_said)
    return found


def _together(each: Iterable[Counted]) -> Counted:
    all_of = list(each)
    shares: dict[str, Share] = {}
    for name in MEASURES:
        if said := [it.shares[name] for it in all_of if name in it.shares]:
            covered = len(said) == len(all_of) and all(it.covered for it in said)
            shares[name] = Share(sum(it.part for it in said), sum(it.of for it in said), covered)
    classes, full = sum(it.classes for it in all_of), sum(it.full for it in all_of)
    return Counted(shares, classes, full, sum(it.roster for it in all_of))
