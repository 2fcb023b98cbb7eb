"""Cases registered by the police (立案) as the security office gets them each month, by college and perhaps class."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from ledger.figures import monthfile
from ledger.figures.monthfile import CLASS, COLLEGE, MONTH, WHOLE_NUMBER, BadMonth, Kind, Placements, Units, parse_count
from ledger.school.schoolcheck import Placed
from ledger.school.schoolrows import DEFAULT, Column, Fault
from ledger.values import parse_amount

WHOLE = DEFAULT  # the school's own row: all its cases, whosever they are
_WHOLE = dict.fromkeys(("", WHOLE, "全校", "合计", "总计", "school", "whole school", "total"), WHOLE)


@dataclass(frozen=True)
class RegisteredRow:
    """How many cases of one college the police registered in one month ("2026-10"); `amount_fen` None: not said.

    `class_code`: how many of them are of this class; empty: all of the college. `college` and `class_code` are as the
    file names them until `placed`, and then their codes, or WHOLE. WHOLE with NO_CLASS: those of no college.
    """

    month: str
    cases: int
    college: str = ""
    amount_fen: int | None = None
    class_code: str = ""


def parse_loss(text: str) -> int | None:
    """Fen, as amounts are read everywhere; here it may be nothing, too."""
    return 0 if re.fullmatch(r"0+(\.0+)?元?", text.strip(), re.ASCII) else parse_amount(text)


_AMOUNT = ("金额", "损失金额", "损失金额(元)", "涉案金额", "涉案金额(元)", "amount", "amount in yuan")
COLUMNS = (
    MONTH,
    COLLEGE,
    CLASS,
    Column("cases", "立案数", "0", True, WHOLE_NUMBER, parse_count, also=("立案", "立案起数", "案件数", "registered")),
    Column("amount_fen", "金额(元)", "", False, ("an amount in yuan", "金额（元）"), parse_loss, also=_AMOUNT),
)
KIND = Kind(("立案", "registered"), COLUMNS, RegisteredRow)


def placed(rows: Placements, units: Units, this_month: str) -> list[RegisteredRow]:
    """The rows with the codes of their colleges and classes. Raises BadMonth if there is none, or they do not add up.

    `this_month` is not over yet. Each month has to account for the whole school, by a row of its own or by one of every
    college: so of a college that is not named it is known whether it had none.
    """
    faults: list[Fault] = []
    months = monthfile.placed(rows, units, this_month, _WHOLE, faults)
    if not faults:  # what was left out would be missed here
        for month in months.values():
            faults += _accounted(month, units.colleges) + list(_classes(month))
    if faults:
        raise BadMonth(faults)
    return [row for month in months.values() for _, row in month.values()]


_Month = Mapping[tuple[str, str], tuple[Placed, RegisteredRow]]


def _accounted(month: _Month, colleges: Mapping[str, str]) -> list[Fault]:
    place, first = next(iter(month.values()))
    if (WHOLE, "") in month:
        place, whole = month[WHOLE, ""]
        named = sum(row.cases for _, row in month.values() if (row.college == WHOLE) == bool(row.class_code))
        if whole.cases < named:
            return [place.fault("cases", f"is less than its colleges together, {named}", f"少于各学院合计{named}")]
        return []
    if missing := [code for code in colleges if (code, "") not in month]:
        listed = ", ".join(missing)
        return [place.fault(
            "college", f"{first.month} has neither a row for the whole school (*) nor one for {listed}",
            f"{first.month}缺全校（*）行，也缺{listed}",
        )]  # fmt: skip
    return []


def _classes(month: _Month) -> Iterator[Fault]:
    """Those of a class are among its college's, which has a row of its own. Staff are of no class."""
    named: dict[str, int] = {}
    for place, row in month.values():
        if row.class_code and (row.college, "") not in month:
            yield place.fault("class_code", f"{row.month} has no row for the whole of {row.college}",
                              f"{row.month}缺{row.college}整个学院的一行")  # fmt: skip
        elif row.class_code:
            named[row.college] = named.get(row.college, 0) + row.cases
    for college, cases in named.items():
        place, own = month[college, ""]
        if own.cases < cases:
            yield place.fault("cases", f"is less than its classes together, {cases}", f"少于各班级合计{cases}")


def write_template(colleges: Mapping[str, str], month: str, out: BinaryIO) -> None:
    """A workbook to fill in: a row for each college and one for the whole school. An empty number is a fault later."""
    lines = [(month, code, name, "") for code, name in colleges.items()]
    lines.append((month, WHOLE, "全校", "学院未知的也算在内"))
    monthfile.write_template(KIND, iter(lines), out)
