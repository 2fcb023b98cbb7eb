"""Cases registered by the police (立案) as the security office gets them each month: one .xlsx or .csv, read to rows.

Nothing here knows the ledger's database: `read` answers rows without a fault, or raises BadRegister with all of them.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, BinaryIO

from ledger.school import cells, sheetrows
from ledger.school.schoolcheck import Placed
from ledger.school.schoolrows import DEFAULT, NOTES, BadRows, Column, Fault, plain
from ledger.school.sheetrows import Sheet
from ledger.values import parse_amount

WHOLE = DEFAULT  # the school's own row: all its cases, whosever they are
SHEET, SHEET_EN = "立案", "registered"
MOST_ROWS, MOST_COLUMNS = 2000, 40
UNPACKED = 4 << 20  # bytes that a small file may be: the door that reads it has reports to ring for, too
_ZIP, _PACKED_AS = b"PK\x03\x04", (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What a file that is no workbook, or a broken one, makes its reader stumble over; SyntaxError is of XML.
_BROKEN = (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RuntimeError, OSError, EOFError,
           SyntaxError, csv.Error, zipfile.BadZipFile, zlib.error)  # fmt: skip
_WHOLE = frozenset(("", WHOLE, "全校", "合计", "总计", "school", "whole school", "total"))
_MONTH = re.compile(r"(20\d\d)(?:[-/年](\d{1,2})(?:[-/月]\d{1,2}日?|月)?|(\d\d))", re.ASCII)


@dataclass(frozen=True)
class RegisteredRow:
    """How many cases of one college the police registered in one month ("2026-10"); `amount_fen` None: not said.

    `college` is as the file names it (empty: not at all) until `placed`, and then its code or WHOLE.
    """

    month: str
    cases: int
    college: str = ""
    amount_fen: int | None = None


class BadRegister(BadRows):
    """The file of registered cases has faults; nothing of it was applied."""


def parse_month(text: str) -> str | None:
    """2026-10 · 2026年10月 · 2026/10 · 202610, also with a day, as "2026-10". 2026.10 could be January: None."""
    found = _MONTH.fullmatch("".join(text.split()))
    month = int(found[2] or found[3]) if found else 0
    return f"{found[1]}-{month:02}" if found and 1 <= month <= 12 else None


def parse_count(text: str) -> int | None:
    found = re.fullmatch(r"(\d{1,5})[起件例]?", text.strip(), re.ASCII)
    return int(found[1]) if found else None


def parse_loss(text: str) -> int | None:
    """Fen, as amounts are read everywhere; here it may be nothing, too."""
    return 0 if re.fullmatch(r"0+(\.0+)?元?", text.strip(), re.ASCII) else parse_amount(text)


_AMOUNT = ("金额", "损失金额", "损失金额(元)", "涉案金额", "涉案金额(元)", "amount", "amount in yuan")
_A_MONTH, _WHOLE_NUMBER = ("a month such as 2026-10", "月份，如2026-10"), ("a whole number", "整数")
COLUMNS = (
    Column("month", "月份", "2026-10", True, _A_MONTH, parse_month, also=("年月",)),
    Column("college", "学院代码", "WY", compulsory=False, also=("学院", "学院名称", "code", "单位")),
    Column("cases", "立案数", "0", True, _WHOLE_NUMBER, parse_count, also=("立案", "立案起数", "案件数", "registered")),
    Column("amount_fen", "金额(元)", "", False, ("an amount in yuan", "金额（元）"), parse_loss, also=_AMOUNT),
)
Placements = Sequence[tuple[Placed, RegisteredRow]]


def read(name: str, data: bytes) -> Placements:
    """The rows of a file called `name`, each with its place. Raises BadRegister with every fault found."""
    faults: list[Fault] = []
    rows = list(sheetrows.rows(COLUMNS, RegisteredRow, _sheet(name, data), faults))
    if not rows and not faults:
        faults.append(Fault(name, 0, "", "holds no row", "没有数据"))
    if faults:
        raise BadRegister(faults)
    return rows


def placed(rows: Placements, colleges: Mapping[str, str], this_month: str) -> list[RegisteredRow]:
    """The rows with their colleges' codes. Raises BadRegister where they name one that there is not, or do not add up.

    `colleges`: code → name; `this_month` is not over yet. Each month has to account for the whole school, by a row of
    its own or by one of every college: so of a college that is not named it is known whether it had none.
    """
    codes, named = _spellings(colleges), {row.month for _, row in rows if row.college}
    faults: list[Fault] = []
    months: dict[str, dict[str, tuple[Placed, RegisteredRow]]] = {}
    for place, row in rows:
        said = row.college.lower()
        code = WHOLE if said in _WHOLE else codes.get(said)
        month = months.setdefault(row.month, {})
        if code is None:
            faults.append(place.fault("college", f"no college {row.college!r} on the roster", "名册上没有这个学院"))
        elif not said and row.month in named:  # it may be of a merged cell, or of those whose college is not known
            faults.append(
                place.fault(
                    "college",
                    "is empty beside other rows of this month; the whole school is *",
                    "为空，而本月另有其他行；全校请填*",
                )
            )
        elif row.month >= this_month:
            faults.append(place.fault("month", "this month is not over yet", "这个月还没有结束"))
        elif code in month:
            first = month[code][0].row
            faults.append(
                place.fault("college", f"is there twice for this month, see row {first}", f"与第{first}行重复")
            )
        else:
            month[code] = place, replace(row, college=code)
    if not faults:  # what was left out would be missed here
        for month in months.values():
            faults += _accounted(month, colleges)
    if faults:
        raise BadRegister(faults)
    return [row for month in months.values() for _, row in month.values()]


def _spellings(colleges: Mapping[str, str]) -> dict[str, str]:
    """What a college may be called → its code. A name that two have is nobody's."""
    named = Counter(plain(name).lower() for name in colleges.values())
    names = {plain(name).lower(): code for code, name in colleges.items() if named[plain(name).lower()] == 1}
    return names | {code.lower(): code for code in colleges}


def _accounted(month: Mapping[str, tuple[Placed, RegisteredRow]], colleges: Iterable[str]) -> list[Fault]:
    place, first = next(iter(month.values()))
    if WHOLE in month:
        place, whole = month[WHOLE]
        named = sum(row.cases for code, (_, row) in month.items() if code != WHOLE)
        if whole.cases < named:
            return [place.fault("cases", f"is less than its colleges together, {named}", f"少于各学院合计{named}")]
        return []
    if missing := [code for code in colleges if code not in month]:
        listed = ", ".join(missing)
        return [place.fault(
            "college", f"{first.month} has neither a row for the whole school (*) nor one for {listed}",
            f"{first.month}缺全校（*）行，也缺{listed}",
        )]  # fmt: skip
    return []


# ── the file ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _sheet(name: str, data: bytes) -> Sheet:
    try:
        lines = _xlsx(data) if data.startswith(_ZIP) else sheetrows.of_csv(data)
    except _BROKEN as error:
        raise _unreadable(name) from error
    while lines and not any(lines[-1]):
        lines.pop()
    if len(lines) > MOST_ROWS:
        raise BadRegister([Fault(name, 0, "", f"holds more than {MOST_ROWS} rows", f"超过{MOST_ROWS}行")])
    return Sheet(name, lines)


def _unreadable(name: str) -> BadRegister:
    return BadRegister([Fault(name, 0, "", "cannot be read; save it as .xlsx or .csv", "无法读取，请存为.xlsx或.csv")])


def _xlsx(data: bytes) -> list[list[str]]:
    """Cell by cell and no further than wanted: one cell in the last corner makes a sheet of billions for others."""
    from openpyxl import load_workbook  # large, and most processes never import a file

    book = load_workbook(_unpacked(data), read_only=True, data_only=True)
    try:
        titles = {title.strip().lower(): title for title in book.sheetnames}
        sheet: Any = book[titles.get(SHEET) or titles.get(SHEET_EN) or book.sheetnames[0]]
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


def write_template(colleges: Mapping[str, str], month: str, out: BinaryIO) -> None:
    """A workbook to fill in: a row for each college and one for the whole school. An empty number is a fault later."""
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    sheet.title = SHEET
    lines = [[*(column.zh for column in COLUMNS), "学院名称", NOTES]]
    lines += [[month, code, "", "", name, ""] for code, name in colleges.items()]
    lines.append([month, WHOLE, "", "", "全校", "学院未知的也算在内"])
    for line in lines:
        sheet.append([cells.cell(text) or None for text in line])
    book.save(out)
