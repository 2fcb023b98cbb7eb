"""Cases registered by the police, by the month as they were imported: one of two numbers that are never mixed."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select
from sqlalchemy import case as sql_case

from ledger import tables as t
from ledger.figures.registerfile import WHOLE
from ledger.pages.views import ALL_CASES, own_college
from ledger.staff.accounts import User

GOAL = 2  # at most one in so many of last year's: the plan's "at least 50 % below"
m, r, q, g = t.registered_months.c, t.registered_cases.c, t.registered_classes.c, t.classes.c


@dataclass(frozen=True)
class Registered:
    """Cases registered in those `months` of a year of which it is known how many there were.

    before: in the same months of the year before, None where one of them is not known. fen: what was lost, as far as it
    is said; fen_whole: it is said of each case. complete: no month that is over is missing. Of its `classes` on the
    roster so many had a case (`classes_hit`), where the class of each case is known; else None.
    """

    months: tuple[int, ...] = ()
    cases: int = 0
    before: int | None = None
    fen: int | None = None
    fen_whole: bool = True
    complete: bool = False
    classes: int = 0
    classes_hit: int | None = None

    @property
    def change(self) -> int | None:
        """In whole percent of the year before, rounded to the worse; None where there were none, or nobody knows."""
        return -((self.before - self.cases) * 100 // self.before) if self.before else None

    @property
    def goal(self) -> int | None:
        """How many there may be at most, to be at least half below the year before."""
        return None if self.before is None else self.before // GOAL

    @property
    def fraud_free(self) -> bool | None:
        """无诈: no registered case so far; None while a month is missing."""
        if self.cases:
            return False
        return True if self.complete else None

    @property
    def free_classes(self) -> int | None:
        """无诈班级: how many had no registered case; None while a month is missing, or a case's class not known."""
        return self.classes - self.classes_hit if self.complete and self.classes_hit is not None else None


@dataclass(frozen=True)
class Year:
    """`over`: the months of `year` that are over, `imported` those of them that are here, the last time at `at`.

    `of`: by college, as far as this user may see it; `school`: the whole school, for those who see all.
    """

    year: int
    over: tuple[int, ...]
    imported: tuple[int, ...]
    at: datetime | None
    of: dict[str, Registered]
    school: Registered | None

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(month for month in self.over if month not in self.imported)

    @property
    def since(self) -> date:
        """From this day until `until`, both included, a college is to have had no case to be fraud-free."""
        return date(self.year, 1, 1)

    @property
    def until(self) -> date:
        return date(self.year, self.over[-1], monthrange(self.year, self.over[-1])[1])


def month_of(now: datetime, zone: tzinfo) -> str:
    """The month that is not over yet, in the school's zone."""
    return f"{now.astimezone(zone):%Y-%m}"


def last_month(now: datetime, zone: tzinfo) -> str:
    """The one before, which an import is usually about."""
    year, month = map(int, month_of(now, zone).split("-"))
    return f"{year}-{month - 1:02}" if month > 1 else f"{year - 1}-12"


def year(conn: Connection, user: User, codes: Sequence[str], now: datetime, zone: tzinfo) -> Year:
    """What is known of the year of the last month that is over, for `codes` and every other college that has cases.

    Of a college that a month does not name it is known that it had none where those named had all of the school's.
    """
    last = last_month(now, zone)
    this, over = int(last[:4]), range(1, int(last[5:]) + 1)
    between = f"{this - 1}-01", last
    months = {row.month: row for row in conn.execute(_months(*between))}
    mine = {(row.month, row.college_code): _Known(row.cases, row.amount_fen, row.amount_fen is not None)
            for row in conn.execute(_rows(user, *between))}  # fmt: skip
    school = {month: _of_school(row) for month, row in months.items()}
    accounted = {month for month, row in months.items() if school[month].cases == row.named}
    classes = _Classes.read(conn, user, f"{this}-01", last)

    def of(code: str) -> Registered:
        others = dict.fromkeys(accounted, _NONE)
        known = others | {month: it for (month, of), it in mine.items() if of == code}
        of_year = {month: it for month, it in known.items() if month >= _named(this, 1)}
        return classes.added(_summed(known, this, over), code, of_year)

    counted = {*codes, *(code for (month, code), it in mine.items() if it.cases and month >= f"{this}-01")} - {WHOLE}
    imported = tuple(month for month in over if _named(this, month) in months)
    at = max((months[_named(this, month)].imported_at for month in imported), default=None)
    each = {code: of(code) for code in sorted(counted)}
    together = _with_classes(_summed(school, this, over), each.values()) if user.role in ALL_CASES else None
    return Year(this, tuple(over), imported, at, each, together)


def runs(known: tuple[int, ...]) -> str:
    """Months in words: 1–3, 5."""
    starts = [month for month in known if month - 1 not in known]
    ends = [month for month in known if month + 1 not in known]
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in zip(starts, ends, strict=True))


@dataclass(frozen=True)
class _Known:
    """Of one month; `said`: the amount is that of every case."""

    cases: int
    fen: int | None
    said: bool


_NONE = _Known(0, None, said=True)


class _Classes:
    """Which classes there are, and how many cases of each month are said to be of one."""

    def __init__(self, rows: Iterable[Any], roster: Iterable[Any]) -> None:
        self._of: dict[str, set[str]] = {}
        for row in roster:
            self._of.setdefault(row.college_code, set()).add(row.code)
        self._hit: dict[str, set[str]] = {}
        self._cases = Counter[tuple[str, str]]()
        for row in rows:
            self._hit.setdefault(row.college_code, set()).add(row.class_code)
            self._cases[row.month, row.college_code] += row.cases

    @classmethod
    def read(cls, conn: Connection, user: User, first: str, last: str) -> _Classes:
        its = q.month.between(first, last), q.cases > 0, own_college(q.college_code, user)
        roster = select(g.code, g.college_code).where(own_college(g.college_code, user))
        return cls(conn.execute(select(t.registered_classes).where(*its)).all(), conn.execute(roster).all())

    def added(self, it: Registered, code: str, known: Mapping[str, _Known]) -> Registered:
        """`known`: the college's months of this year. Where all its cases are of named classes the others had none."""
        mine = self._of.get(code, set())
        said = all(month.cases == self._cases[name, code] for name, month in known.items())
        return replace(it, classes=len(mine), classes_hit=len(mine & self._hit.get(code, set())) if said else None)


def _summed(known: Mapping[str, _Known], this: int, over: Iterable[int]) -> Registered:
    """`known`: by month, of this year and the one before."""
    mine = [month for month in over if _named(this, month) in known]
    its = [known[_named(this, month)] for month in mine]
    before = [known.get(_named(this - 1, month)) for month in mine]
    amounts = [it.fen for it in its if it.fen is not None]
    return Registered(
        tuple(mine),
        sum(it.cases for it in its),
        sum(it.cases for it in before if it) if before and None not in before else None,
        sum(amounts) if amounts else None,
        all(it.said for it in its if it.cases),
        bool(mine) and mine == list(over),
    )


def _with_classes(school: Registered, each: Iterable[Registered]) -> Registered:
    """Those of all colleges together, where they are known of each."""
    its = [it for it in each if it.classes]
    known = [it.classes_hit for it in its if it.complete and it.classes_hit is not None]
    hit = sum(known) if len(known) == len(its) else None
    return replace(school, classes=sum(it.classes for it in its), classes_hit=hit)


def _named(year: int, month: int) -> str:
    return f"{year}-{month:02}"


def _of_school(row: Any) -> _Known:
    """Its own row, or all colleges' together: one of both is there."""
    named = _Known(row.named or 0, row.named_fen, not row.unsaid)
    if row.whole is None:
        return named
    whole = _Known(row.whole, row.whole_fen, row.whole_fen is not None)
    return whole if whole.said or whole.cases != named.cases else named


def _months(first: str, last: str) -> Select[Any]:
    whole = r.college_code == WHOLE
    college = ~whole
    return (
        select(
            m.month,
            m.imported_at,
            func.max(sql_case((whole, r.cases))).label("whole"),
            func.max(sql_case((whole, r.amount_fen))).label("whole_fen"),
            func.coalesce(func.sum(sql_case((college, r.cases))), 0).label("named"),
            func.sum(sql_case((college, r.amount_fen))).label("named_fen"),
            func.count(sql_case((and_(college, r.cases > 0, r.amount_fen.is_(None)), 1))).label("unsaid"),
        )
        .join(t.registered_cases, r.month == m.month)
        .where(m.month.between(first, last))
        .group_by(m.month, m.imported_at)
    )


def _rows(user: User, first: str, last: str) -> Select[Any]:
    mine = own_college(r.college_code, user), r.month.between(first, last)
    return select(t.registered_cases).where(*mine)
