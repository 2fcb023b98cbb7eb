"""What the school counted of the plan's targets, as people fill it in: every fault told with its place."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest

from ledger.figures.monthfile import NO_CLASS, BadMonth, Units
from ledger.figures.monthfile import read as read_month
from ledger.figures.preventionfile import KIND, PreventionRow, placed, write_template

COLLEGES = {"GX": "示例工学院", "WY": "示例文学院"}
UNITS = Units(COLLEGES, {"WY1": ("WY", "示例一班"), "WY2": ("WY", "示例二班")})
HEADER = "月份,学院,班级,调查人数,知晓人数,应装人数,已安装,已实名,已开预警"


def rows(*lines: str, header: str = HEADER) -> list[PreventionRow]:
    return placed(read_month(KIND, "month.csv", "\n".join((header, *lines)).encode()), UNITS, "2026-11")


def faults(*lines: str) -> list[tuple[int, str, str]]:
    with pytest.raises(BadMonth) as bad:
        rows(*lines)
    return [(fault.row, fault.column, fault.message) for fault in bad.value.faults]


def test_counts_of_a_college_and_of_classes_and_of_staff() -> None:
    assert rows("2026-10,WY,,,,100,98,97,96", "2026年10月,,示例一班,30人,30,,,,", "2026-10,WY,教职工,,,9,9,,") == [
        PreventionRow("2026-10", "WY", people=100, installed=98, named=97, warned=96),
        PreventionRow("2026-10", "WY", "WY1", asked=30, aware=30),
        PreventionRow("2026-10", "WY", NO_CLASS, people=9, installed=9),
    ]


def test_headers_in_english() -> None:
    header = "Month,College,Class,Asked,Aware,People,Installed,Registered,Warning on"
    assert rows("2026-10,gx,,5,4,10,9,8,7", header=header) == [PreventionRow("2026-10", "GX", "", 5, 4, 10, 9, 8, 7)]


@pytest.mark.parametrize(("line", "place"), [
    ("2026-10,WY,,,5,,,,", (2, "知晓人数", "is a part of asked, which is not said")),
    ("2026-10,WY,,5,6,,,,", (2, "知晓人数", "is more than asked, 5")),
    ("2026-10,WY,,,,10,11,,", (2, "已安装", "is more than people, 10")),
    ("2026-10,WY,,,,10,8,9,", (2, "已实名", "is more than installed, 8")),
    ("2026-10,WY,,,,10,,,8", (2, "已开预警", "is a part of installed, which is not said")),
    ("2026-10,WY,,,,100%,,,", (2, "应装人数", "must be a whole number")),
    ("2026-10,WY,,,,,,,", (2, "学院", "has no number; leave this row out")),
    ("2026-10,,,5,5,,,,", (2, "学院", "must not be empty")),
    ("2026-10,合计,,5,5,,,,", (2, "学院", "no college '合计' on the roster")),
    ("2026-10,WY,三班,5,5,,,,", (2, "班级", "no such class '三班' on the roster")),
    ("2026-11,WY,,5,5,,,,", (2, "月份", "this month is not over yet")),
])  # fmt: skip
def test_a_fault_names_its_place(line: str, place: tuple[int, str, str]) -> None:
    assert faults(line) == [place]


def test_a_college_is_not_less_than_its_classes_together() -> None:
    classes = ("2026-10,WY,WY1,,,30,30,,", "2026-10,WY,WY2,,,30,30,,")
    assert faults("2026-10,WY,,,,59,59,,", *classes) == [
        (2, "应装人数", "is less than its classes together, 60"),
        (2, "已安装", "is less than its classes together, 60"),
    ]
    assert len(rows("2026-10,WY,,9,9,,,,", *classes)) == 3


def test_a_college_does_not_reach_all_while_one_of_its_classes_does_not() -> None:
    """Whoever is missing in a class is missing in the college."""
    classes = ("2026-10,WY,WY1,10,8,30,20,15,20", "2026-10,WY,WY2,,,30,30,,")
    assert faults("2026-10,WY,,50,50,80,80,80,80", *classes) == [
        (2, "知晓人数", "leaves out 0 of asked, its classes together 2"),
        (2, "已安装", "leaves out 0 of people, its classes together 10"),
        (2, "已实名", "leaves out 0 of installed, its classes together 5"),
    ]
    assert len(rows("2026-10,WY,,50,48,80,70,65,70", *classes)) == 3
    assert len(rows("2026-10,WY,,50,,80,,,", *classes)) == 3, "what is not said of the college contradicts nothing"


def test_the_template_can_be_filled_in_and_read() -> None:
    out = io.BytesIO()
    write_template(COLLEGES, "2026-10", out)
    book = openpyxl.load_workbook(io.BytesIO(out.getvalue()))
    sheet: Any = book["防范"]
    at = [cell.value for cell in sheet[1]].index("应装人数") + 1
    for row, people in ((2, 10), (3, 0)):
        sheet.cell(row, at).value = people
    filled = io.BytesIO()
    book.save(filled)
    read = placed(read_month(KIND, "x.xlsx", filled.getvalue()), UNITS, "2026-11")
    assert read == [PreventionRow("2026-10", "GX", people=10), PreventionRow("2026-10", "WY", people=0)]
