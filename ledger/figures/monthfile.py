"""A month's numbers as the security office gets them, by college and class: one .xlsx or .csv, read to rows.

What every such file has in common; what its numbers are says a Kind. Nothing here knows the ledger's database: `read`
answers rows without a fault, or raises BadMonth with all of them.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, BinaryIO

from ledger import cells
from ledger.school import sheetrows
from ledger.school.schoolcheck import Placed
from ledger.school.schoolrows import NOTES, BadRows, Column, Fault, plain
from ledger.school.sheetrows import Sheet

MOST_ROWS, MOST_COLUMNS = 2000, 40
UNPACKED = 4 << 20  # bytes that a small file may be: the door that reads it has reports to ring for, too
_ZIP, _PACKED_AS = b"PK\x03\x04", (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What a file that is no workbook, or a broken one, makes its reader stumble over; SyntaxError is of XML.
_BROKEN = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RuntimeError, OSError, EOFError,
           SyntaxError, csv.Error, zipfile.BadZipFile, zlib.error)  # fmt: skip
_MONTH = re.compile(r"(20\d\d)(?:[-/年](\d{1,2})(?:[-/月]\d{1,2}日?|月)?|(\d\d))", re.ASCII)


class BadMonth(BadRows):
    """A file of a month's numbers has faults; nothing of it was applied."""


@dataclass(frozen=True)
class Units:
    """What a row may be about: `colleges` code → name, `classes` code → (code of its college, name)."""

    colleges: Mapping[str, str]
    classes: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Kind:
    """One sort of such files. `make`: a row, which has `month`, `college` and `class_code`, of the columns' fields."""

    sheet: tuple[str, str]
    columns: Sequence[Column]
    make: type


NO_CLASS = "-"  # those of a college, or of none, who are of no class, as staff are
_NO_CLASS = frozenset((NO_CLASS, "教职工", "无班级", "staff", "none"))
Placements = Sequence[tuple[Placed, Any]]
Months = dict[str, dict[tuple[str, str], tuple[Placed, Any]]]  # month → (college, class or "") → its row


def parse_month(text: str) -> str | None:
    """2026-10 · 2026年10月 · 2026/10 · 202610, also with a day, as "2026-10". 2026.10 could be January: None."""
    found = _MONTH.fullmatch("".join(text.split()))
    month = int(found[2] or found[3]) if found else 0
    return f"{found[1]}-{month:02}" if found and 1 <= month <= 12 else None


def parse_count(text: str) -> int | None:
    found = re.fullmatch(r"(\d{1,5})[起件例人名]?", text.strip(), re.ASCII)
    return int(found[1]) if found else None


WHOLE_NUMBER = ("a whole number", "整数")
MONTH = Column("month", "月份", "2026-10", True, ("a month such as 2026-10", "月份，如2026-10"), parse_month,
               also=("年月",))  # fmt: skip
COLLEGE = Column("college", "学院代码", "WY", compulsory=False, also=("学院", "学院名称", "code", "单位"))
CLASS = Column("class_code", "班级代码", "", compulsory=False, also=("班级", "班级名称", "class"))


def read(kind: Kind, name: str, data: bytes) -> Placements:
    """The rows of a file called `name`, each with its place. Raises BadMonth with every fault found."""
    faults: list[Fault] = []
    rows = list(sheetrows.rows(kind.columns, kind.make, _sheet(kind, name, data), faults))
    if not rows and not faults:
        faults.append(Fault(name, 0, "", "holds no row", "没有数据"))
    if faults:
        raise BadMonth(faults)
    return rows


def placed(rows: Placements, units: Units, this_month: str, whole: Mapping[str, str], faults: list[Fault]) -> Months:
    """By month, college and class, with the codes of both. What cannot be placed is left out, with its fault.

    `this_month` is not over yet. `whole`: what stands for the whole school → its code, where a file may have that.
    """
    named = _Names(units, whole)
    several = {row.month for _, row in rows if row.college or row.class_code}
    months: Months = {}
    for place, row in rows:
        month = months.setdefault(row.month, {})
        fault = named.fault(place, row, alone=row.month not in several)
        code, class_code = named.codes(row)
        if fault is None and row.month >= this_month:
            fault = place.fault("month", "this month is not over yet", "这个月还没有结束")
        if fault is None and (code, class_code) in month:
            first = month[code, class_code][0].row
            fault = place.fault(
                "class_code" if class_code else "college",
                f"is there twice for this month, see row {first}",
                f"与第{first}行重复",
            )
        if fault is None:
            month[code, class_code] = place, replace(row, college=code, class_code=class_code)
        else:
            faults.append(fault)
    return months


class _Names:
    """What colleges and classes may be called. A name that two have is nobody's."""

    def __init__(self, units: Units, whole: Mapping[str, str]) -> None:
        self._units, self._whole = units, whole
        self._colleges = _spelled(units.colleges)
        of: dict[str, dict[str, str]] = {}
        for code, (college, name) in units.classes.items():
            of.setdefault(college, {})[code] = name
        self._of = {college: _spelled(names) for college, names in of.items()}
        self._classes = _spelled({code: name for code, (_, name) in units.classes.items()})

    def codes(self, row: Any) -> tuple[str, str]:
        """Of its college and class; empty where there is none of that name."""
        said, its_class = row.college.lower(), row.class_code.lower()
        if its_class and not said:
            class_code = self._classes.get(its_class, "")
            return self._units.classes.get(class_code, ("", ""))[0], class_code
        code = self._whole.get(said) or self._colleges.get(said, "")
        if code and its_class in _NO_CLASS:
            return code, NO_CLASS
        return code, self._of.get(code, {}).get(its_class, "") if its_class else ""

    def fault(self, place: Placed, row: Any, *, alone: bool) -> Fault | None:
        """alone: no other row of its month names a college or class."""
        code, class_code = self.codes(row)
        if row.class_code and not class_code and (code or not row.college):
            return place.fault("class_code", f"no such class {row.class_code!r} on the roster", "名册上没有这个班级")
        if not row.college and not row.class_code and not self._whole:
            return place.fault("college", "must not be empty", "不能为空")
        if not code:
            return place.fault("college", f"no college {row.college!r} on the roster", "名册上没有这个学院")
        if not row.college and not class_code and not alone:  # of a merged cell, or of those whose college is unknown
            return place.fault("college", "is empty beside other rows of this month; the whole school is *",
                               "为空，而本月另有其他行；全校请填*")  # fmt: skip
        return None


def _spelled(names: Mapping[str, str]) -> dict[str, str]:
    """Code or name, in lower case → code."""
    named = Counter(plain(name).lower() for name in names.values())
    by_name = {plain(name).lower(): code for code, name in names.items() if named[plain(name).lower()] == 1}
    return by_name | {code.lower(): code for code in names}


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _sheet(kind: Kind, name: str, data: bytes) -> Sheet:
    try:
        lines = _xlsx(kind.sheet, data) if data.startswith(_ZIP) else sheetrows.of_csv(data)
    except _BROKEN as error:
        raise _unreadable(name) from error
    while lines and not any(lines[-1]):
        lines.pop()
    if len(lines) > MOST_ROWS:
        raise BadMonth([Fault(name, 0, "", f"holds more than {MOST_ROWS} rows", f"超过{MOST_ROWS}行")])
    return Sheet(name, lines)


def _unreadable(name: str) -> BadMonth:
    return BadMonth([Fault(name, 0, "", "cannot be read; save it as .xlsx or .csv", "无法读取，请存为.xlsx或.csv")])


def _xlsx(named: Collection[str], data: bytes) -> list[list[str]]:
    """Cell by cell and no further than wanted: one cell in the last corner makes a sheet of billions for others."""
    from openpyxl import load_workbook  # large, and most processes never import a file

    book = load_workbook(_unpacked(data), read_only=True, data_only=True)
    try:
        titles = {title.strip().lower(): title for title in book.sheetnames}
        ours = (titles[name] for name in named if name in titles)
        sheet: Any = book[next(ours, book.sheetnames[0])]
        lines = sheet.iter_rows(max_row=MOST_ROWS + 1, max_col=MOST_COLUMNS, values_only=True)
        return [[_text(cell) for cell in line] for line in lines]
    finally:
        book.close()


def _unpacked(data: bytes) -> io.BytesIO:
    """The same, no part larger than it claims to be: who asks for the whole of one unpacks whatever is in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(out, "w") as plain:
        parts = packed.infolist()
        if sum(part.file_size for part in parts) > UNPACKED:
            raise ValueError("too large once unpacked")
        if any(part.compress_type not in _PACKED_AS for part in parts):  # of others nothing is read in small pieces
            raise ValueError("packed as no workbook is")
        for part in parts:
            with packed.open(part) as file:
                plain.writestr(part.filename, file.read(part.file_size))
    return out


def _text(cell: object) -> str:
    """A month is a date to a spreadsheet."""
    if cell is None:
        return ""
    return f"{cell:%Y-%m-%d}" if isinstance(cell, date | datetime) else sheetrows.as_typed(cell)


def write_template(kind: Kind, lines: Iterator[tuple[str, str, str, str]], out: BinaryIO) -> None:
    """A workbook to fill in, of lines of month, college's code, its name, and a note."""
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    sheet.title = kind.sheet[0]
    empty = [""] * (len(kind.columns) - 2)
    made = [[month, code, *empty, name, note] for month, code, name, note in lines]
    for line in ([*(column.zh for column in kind.columns), "学院名称", NOTES], *made):
        sheet.append([cells.cell(text) or None for text in line])
    book.save(out)
