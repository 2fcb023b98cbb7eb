"""A school's people, classes, duty shifts and ladders: one .xlsx or a folder of .csv, read to rows and back.

Nothing here knows the ledger's database: `read` answers rows without a fault, or raises BadRoster with all of them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import python_calamine
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from ledger import cells
from ledger.school import schoolrows as rows
from ledger.school import sheetrows
from ledger.school.schoolcheck import Placed, check
from ledger.school.schoolrows import (
    COLUMNS,
    EXAMPLE,
    NOTES,
    SHEETS_ZH,
    BadRoster,
    ClassRow,
    CollegeRow,
    Column,
    DutyRow,
    Fault,
    LadderRow,
    PersonRow,
    School,
)
from ledger.school.sheetrows import Sheet
from ledger.values import clean_text

__all__ = [
    "BadRoster",
    "ClassRow",
    "CollegeRow",
    "DutyRow",
    "Fault",
    "LadderRow",
    "PersonRow",
    "School",
    "read",
    "write_school",
    "write_template",
]

TEMPLATE = "school.xlsx"
# A student's key is their number, so a row may leave it out: see _completed.
_MAKE: Mapping[str, Callable[..., Any]] = {**rows.ROWS, "people": partial(PersonRow, key="")}


def read(path: Path) -> School:
    """The rows of an .xlsx file, or of a folder with people.csv, classes.csv, … (UTF-8 or GB18030).

    Sheets and columns may be called by their Chinese or English names. Raises BadRoster with every fault found.
    """
    faults: list[Fault] = []
    sheets = _sheets_of(path)
    found = {
        name: list(sheetrows.rows(columns, _MAKE[name], sheets[name], faults)) if name in sheets else []
        for name, columns in COLUMNS.items()
    }
    faults += [
        Fault(path.resolve().name, 0, "", f"there is no {_named(path, name)}", f"缺少“{SHEETS_ZH[name]}”表")
        for name in COLUMNS
        if name not in sheets and name != "ladder"  # the default ladders serve where a school says nothing
    ]
    found["people"] = _completed(found["people"], found["classes"])
    if not faults:  # a row that could not be read would be missed by every row that names it: cells first
        faults += check(**found)
    if faults:
        raise BadRoster(faults)
    return School(**{name: tuple(row for _, row in found[name]) for name in COLUMNS})


def _named(path: Path, name: str) -> str:
    return f"{name}.csv in this folder" if path.is_dir() else f"sheet {name}"


def _completed(people: list[tuple[Placed, Any]], classes: list[tuple[Placed, Any]]) -> list[tuple[Placed, Any]]:
    """What a row may leave out: a student's key and college, and how somebody is called."""
    college = {row.code: row.college for _, row in classes}
    return [
        (
            place,
            replace(
                person,
                key=person.key or person.student_no,
                college=person.college or college.get(person.class_code, ""),
                called=person.called or person.name,
            ),
        )
        for place, person in people
    ]


def _sheets_of(path: Path) -> Mapping[str, Sheet]:
    names = {spelling: name for name, zh in SHEETS_ZH.items() for spelling in (name, zh)}
    try:
        if path.is_dir():
            listed = (file for file in sorted(path.iterdir()) if file.suffix.lower() == ".csv")
            files = {names.get(file.stem.lower()): file for file in listed}
            if (file := path / TEMPLATE).exists() and not any(files):
                raise BadRoster([Fault(path.resolve().name, 0, "", f"is a folder; did you mean {file}?", "请指明文件")])
            return {name: Sheet(file.name, sheetrows.of_csv(file.read_bytes())) for name, file in files.items() if name}
        with python_calamine.load_workbook(path) as book:
            titles = {names.get(title.strip().lower()): title for title in book.sheet_names}
            return {
                name: Sheet(f"{path.name}/{title}", [[_text(cell) for cell in row] for row in _cells(book, title)])
                for name, title in titles.items()
                if name
            }
    except (OSError, ValueError, csv.Error, python_calamine.CalamineError) as error:
        raise BadRoster([Fault(path.name, 0, "", f"cannot be read: {error}", "文件无法读取")]) from error


def _text(cell: object) -> str:
    """Of the roster's own: 08:00, and 1-5, which a spreadsheet takes for a date."""
    if isinstance(cell, time):
        return cell.strftime("%H:%M")
    if isinstance(cell, timedelta):
        return "{:02}:{:02}".format(*divmod(int(cell.total_seconds()) // 60, 60))
    return f"{cell.month}-{cell.day}" if isinstance(cell, date) else sheetrows.as_typed(cell)


def _cells(book: python_calamine.CalamineWorkbook, title: str) -> list[list[Any]]:
    return cast("list[list[Any]]", book.get_sheet_by_name(title).to_python(skip_empty_area=False))


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def write_template(folder: Path) -> Path:
    """A workbook to fill in: headers, one example row each (not read back), and a sheet that explains every column.

    Raises FileExistsError rather than replace one: somebody may have filled it in.
    """
    book = _book()
    for name, columns in COLUMNS.items():
        note = f"{EXAMPLE}，导入时跳过"
        _append(
            book.create_sheet(SHEETS_ZH[name]),
            [[c.zh for c in columns] + [NOTES], [c.example for c in columns] + [note]],
        )
    notes = book.create_sheet("说明")
    _append(notes, [["表", "列", "English", "必填", "填写内容"]])
    for name, columns in COLUMNS.items():
        _append(
            notes, [[SHEETS_ZH[name], c.zh, c.field, "是" if c.compulsory else "否", c.expected[1]] for c in columns]
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / TEMPLATE
    with path.open("xb") as out:
        book.save(out)
    return path


def write_school(school: School, path: Path) -> None:
    """The rows as `read` takes them: one .xlsx, or a folder of UTF-8 .csv where `path` has no such ending."""
    sheets = {name: _lines(name, getattr(school, name)) for name in COLUMNS}
    if path.suffix == ".xlsx":
        book = _book()
        for name, lines in sheets.items():
            _append(book.create_sheet(SHEETS_ZH[name]), lines)
        book.save(path)
        return
    path.mkdir(parents=True, exist_ok=True)
    for name, lines in sheets.items():
        with (path / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([_harmless(text) for text in line] for line in lines)


def _lines(name: str, found: Sequence[object]) -> list[list[str]]:
    columns = COLUMNS[name]
    return [[c.zh for c in columns], *([_shown(c, getattr(row, c.field)) for c in columns] for row in found)]


def _shown(column: Column, value: object) -> str:
    if isinstance(value, tuple):
        return "+".join(rows.TARGETS[target] for target in value)
    return (column.words or {}).get(str(value), str(value))


def _book() -> Workbook:
    book = Workbook()
    book.remove(book.worksheets[0])
    return book


def _append(sheet: Worksheet, lines: Sequence[Sequence[str]]) -> None:
    for line in lines:
        sheet.append([_harmless(clean_text(text, sheetrows.LONGEST_CELL)) for text in line])


def _harmless(text: str) -> str:
    """A phone's + begins no formula."""
    return text if text[1:].isdigit() else cells.harmless(text)
