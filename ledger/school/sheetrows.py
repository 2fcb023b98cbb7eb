"""The rows of one sheet that somebody filled in: columns by their headers, each fault told with its place. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.school import schoolrows
from ledger.school.schoolcheck import Placed
from ledger.school.schoolrows import EXAMPLE, NOTES, Column, Fault
from ledger.values import clean_text

LONGEST_CELL = 200


@dataclass(frozen=True)
class Sheet:
    """One sheet as texts; `file` is how its faults name it."""

    file: str
    cells: Sequence[Sequence[str]]


def of_csv(data: bytes) -> list[list[str]]:
    """Chinese spreadsheets save GB18030 (a superset of GBK); text in it is almost never valid UTF-8."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030")
    return list(csv.reader(io.StringIO(text, newline="")))


def as_typed(cell: object) -> str:
    """A spreadsheet's numbers are all of one kind: 3, not 3.0."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def rows(
    columns: Sequence[Column], make: Callable[..., Any], sheet: Sheet, faults: list[Fault]
) -> Iterator[tuple[Placed, Any]]:
    """What `make` makes of each row by its columns' fields. One that cannot be read is left out, with its faults."""
    lines = [[schoolrows.plain(cell) for cell in line] for line in sheet.cells]
    headers = lines[0] if lines else []
    at = {column.field: i for column in columns if (i := _place(column, headers)) is not None}
    for column in columns:
        if column.compulsory and column.field not in at:
            faults.append(Fault(sheet.file, 1, column.zh, "this column is missing", "缺少此列"))
    spelled = {field: headers[i] for field, i in at.items()}
    notes = next((i for i, header in enumerate(headers) if header in (NOTES, "notes")), len(headers))
    for number, line in enumerate(lines[1:], 2):
        if any(line) and not (line[notes : notes + 1] or [""])[0].startswith(EXAMPLE):
            place = Placed(sheet.file, number, spelled)
            values = _values(columns, place, {field: line[i] for field, i in at.items() if i < len(line)}, faults)
            if values is not None:
                yield place, make(**values)


def _place(column: Column, headers: Sequence[str]) -> int | None:
    """Its own name before what else it may be called; of two alike the last."""
    named = [header.lower() for header in headers]
    wanted = [(column.field, column.zh), *((name,) for name in column.also)]
    return next((i for names in wanted for i in reversed(range(len(named))) if named[i] in names), None)


def _values(
    columns: Sequence[Column], place: Placed, cells: Mapping[str, str], faults: list[Fault]
) -> dict[str, object] | None:
    values: dict[str, object] = {}
    before = len(faults)
    for column in columns:
        text = clean_text(cells.get(column.field, ""), LONGEST_CELL)
        value = column.read(text) if text else None
        if value is not None:
            values[column.field] = value
        elif text:
            en, zh = column.expected
            faults.append(place.fault(column.field, f"must be {en}", f"应为{zh}"))
        elif column.compulsory and column.field in place.headers:
            faults.append(place.fault(column.field, "must not be empty", "不能为空"))
    missing = any(column.compulsory and column.field not in values for column in columns)
    return None if missing or len(faults) > before else values
