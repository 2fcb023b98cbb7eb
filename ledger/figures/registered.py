"""Cases registered by the police, by the month as they were imported: one of two numbers that are never mixed."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select
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
    roster so many had a case (`classes_hit`); None while one of them may have had a case of which it is not said.
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
    new_year, between = _named(this, 1), (_named(this - 1, 1), last)
    months = {row.month: row for row in conn.execute(_months(*between))}
    mine = {(row.month, row.college_code): _Known(row.cases, row.amount_fen, row.amount_fen is not None)
            for row in conn.execute(_rows(user, *between))}  # fmt: skip
    school = {month: _of_school(row) for month, row in months.items()}
    accounted = {month for month, row in months.items() if school[month].cases == row.named + row.nobody_s}
    of_year = [row for month, row in months.items() if month >= new_year]
    all_said = all(school[row.month].cases == row.said for row in of_year)
    all_placed = all(school[row.month].cases == row.placed + row.outside for row in of_year)
    classes = _Classes.read(conn, user, new_year, last)

    def of(code: str) -> Registered:
        others = dict.fromkeys(accounted, _NONE)
        known = others | {month: it for (month, of), it in mine.items() if of == code}
        its = {month: it.cases for month, it in known.items() if month >= new_year}
        return classes.of_college(_summed(known, this, over), code, its if all_placed else None)

    counted = {*codes, *(code for (month, code), it in mine.items() if it.cases and month >= new_year)} - {WHOLE}
    imported = tuple(month for month in over if _named(this, month) in months)
    at = max((months[_named(this, month)].imported_at for month in imported), default=None)
    each = {code: of(code) for code in sorted(counted)}
    together = classes.of_school(_summed(school, this, over), said=all_said) if user.role in ALL_CASES else None
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
    """Today's classes, those of them that had a case, and of how many cases it is said which class they are of.

    A class that has changed its college takes its cases along. A case whose class is not said may be of any class that
    its college has today; of no college, or of one that has none today, of any class there is.
    """

    def __init__(self, roster: Iterable[Any], hit: Iterable[Any], rows: Iterable[Any]) -> None:
        self._of = Counter[str](row.college_code for row in roster)
        self._hit = Counter[str](row.college_code for row in hit)
        self._cases = Counter({(row.month, row.college_code): row.cases for row in rows})

    @classmethod
    def read(cls, conn: Connection, user: User, first: str, last: str) -> _Classes:
        its, mine = (q.month.between(first, last), q.cases > 0), own_college(g.college_code, user)
        roster = select(g.college_code, g.code).where(mine)
        hit = roster.join(t.registered_classes, q.class_code == g.code).where(*its).distinct()
        rows = select(q.month, q.college_code, func.sum(q.cases).label("cases"))
        rows = rows.where(*its, own_college(q.college_code, user)).group_by(q.month, q.college_code)
        return cls(*(conn.execute(query).all() for query in (roster, hit, rows)))

    def of_college(self, it: Registered, code: str, cases: Mapping[str, int] | None) -> Registered:
        """`cases`: the college's by month of this year; None: there are some that may be of any class."""
        said = cases is not None and all(n == self._cases[month, code] for month, n in cases.items())
        return replace(it, classes=self._of[code], classes_hit=self._hit[code] if said else None)

    def of_school(self, it: Registered, *, said: bool) -> Registered:
        """said: of each case which class it is of, or that it is of none."""
        return replace(it, classes=self._of.total(), classes_hit=self._hit.total() if said else None)


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
            func.coalesce(func.sum(sql_case((r.college_code.in_(_having_classes()), r.cases))), 0).label("placed"),
            _said().label("said"),
            _said(q.college_code.not_in(_having_classes())).label("outside"),
            _said(q.college_code == WHOLE).label("nobody_s"),
        )
        .join(t.registered_cases, r.month == m.month)
        .where(m.month.between(first, last))
        .group_by(m.month, m.imported_at)
    )


def _having_classes() -> Select[Any]:
    """Colleges that have a class today."""
    return select(g.college_code)


def _said(*which: ColumnElement[bool]) -> ColumnElement[int]:
    """Of a month's cases those of which the class is said, or that they are of none."""
    its = select(func.coalesce(func.sum(q.cases), 0)).where(q.month == m.month, *which)
    return its.correlate(t.registered_months).scalar_subquery()


def _rows(user: User, first: str, last: str) -> Select[Any]:
    mine = own_college(r.college_code, user), r.month.between(first, last)
    return select(t.registered_cases).where(*mine)
