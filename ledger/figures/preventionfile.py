"""What the plan wants of everybody, as people count it: who knows of fraud, who has the app 国家反诈中心. Monthly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from ledger.figures import monthfile
from ledger.figures.monthfile import CLASS, COLLEGE, MONTH, WHOLE_NUMBER, BadMonth, Kind, Placements, Units, parse_count
from ledger.school.schoolcheck import Placed
from ledger.school.schoolrows import Column, Fault

# Each number that was counted → the one it is a part of.
WITHIN: Mapping[str, str] = {"aware": "asked", "installed": "people", "named": "installed", "warned": "installed"}
NUMBERS = ("asked", "aware", "people", "installed", "named", "warned")


@dataclass(frozen=True)
class PreventionRow:
    """Counts of one college, or of one of its classes, at the end of one month; None: not counted.

    Of the `asked` as many were `aware`. Of the `people` as many have the app `installed`; of these as many are `named`
    (registered under the real name) and `warned` (the warning is on). College and class as in RegisteredRow.
    """

    month: str
    college: str = ""
    class_code: str = ""
    asked: int | None = None
    aware: int | None = None
    people: int | None = None
    installed: int | None = None
    named: int | None = None
    warned: int | None = None


def _number(field: str, zh: str, *also: str) -> Column:
    return Column(field, zh, "", False, WHOLE_NUMBER, parse_count, also=also)


COLUMNS = (
    MONTH,
    COLLEGE,
    CLASS,
    _number("asked", "调查人数", "参与调查人数"),
    _number("aware", "知晓人数", "知晓"),
    _number("people", "应装人数", "人数", "总人数", "应安装人数"),
    _number("installed", "已安装", "下载安装", "安装人数", "已安装人数"),
    _number("named", "已实名", "实名注册", "实名人数", "实名注册人数", "registered"),
    _number("warned", "已开预警", "开启预警", "预警人数", "开启预警人数", "warning", "warning on"),
)
KIND = Kind(("防范", "prevention"), COLUMNS, PreventionRow)
_ZH = {column.field: column.zh for column in COLUMNS}


def placed(rows: Placements, units: Units, this_month: str) -> list[PreventionRow]:
    """The rows with the codes of their colleges and classes. Raises BadMonth where there is none, or more than all."""
    faults: list[Fault] = []
    months = monthfile.placed(rows, units, this_month, {}, faults)
    for month in months.values():
        for place, row in month.values():
            faults += _parts(place, row)
        faults += [] if faults else _classes(month)
    if faults:
        raise BadMonth(faults)
    return [row for month in months.values() for _, row in month.values()]


def _parts(place: Placed, row: PreventionRow) -> Iterator[Fault]:
    if all(getattr(row, field) is None for field in NUMBERS):
        yield place.fault("college", "has no number; leave this row out", "没有任何数，请删去这一行")
    for field, of in WITHIN.items():
        part, whole = getattr(row, field), getattr(row, of)
        if part is not None and whole is None:
            yield place.fault(field, f"is a part of {of}, which is not said", f"缺{_ZH[of]}")
        elif part is not None and part > whole:
            yield place.fault(field, f"is more than {of}, {whole}", f"多于{_ZH[of]}{whole}")


def _classes(month: Mapping[tuple[str, str], tuple[Placed, PreventionRow]]) -> Iterator[Fault]:
    """Where a college has a row of its own its classes are among it; else they are what is known of it."""
    for (college, class_code), (place, own) in month.items():
        if class_code:
            continue
        theirs = [row for _, row in month.values() if row.class_code and row.college == college]
        for field in NUMBERS:
            said, together = getattr(own, field), sum(getattr(row, field) or 0 for row in theirs)
            if said is not None and said < together:
                yield place.fault(field, f"is less than its classes together, {together}", f"少于各班级合计{together}")
        for field, of in WITHIN.items():
            missing, left_out = _short(own, field, of), sum(_short(row, field, of) for row in theirs)
            if getattr(own, field) is not None and missing < left_out:
                yield place.fault(field, f"leaves out {missing} of {of}, its classes together {left_out}",
                                  f"比{_ZH[of]}少{missing}，各班级合计少{left_out}")  # fmt: skip


def _short(row: PreventionRow, field: str, of: str) -> int:
    """How many of those are not among the part, where both were counted."""
    part = getattr(row, field)
    return 0 if part is None else int(getattr(row, of) - part)


def write_template(colleges: Mapping[str, str], month: str, out: BinaryIO) -> None:
    """A workbook to fill in: a row for each college; there may be one for each class beside or instead of it."""
    lines = [(month, code, name, "") for code, name in colleges.items()]
    monthfile.write_template(KIND, iter(lines), out)
