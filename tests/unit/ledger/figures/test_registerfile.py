"""A file of cases registered by the police: both formats, forgiving cells, and every fault told with its place."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from datetime import date
from typing import Any

import openpyxl
import pytest

from ledger.figures.monthfile import NO_CLASS, UNPACKED, BadMonth, Placements, Units, parse_count, parse_month
from ledger.figures.monthfile import read as read_month
from ledger.figures.registerfile import KIND, WHOLE, RegisteredRow, parse_loss, placed, write_template

COLLEGES = {"GX": "示例工学院", "WY": "示例文学院"}
UNITS = Units(COLLEGES, {"GX1": ("GX", "示例一班"), "WY1": ("WY", "示例一班"), "WY2": ("WY", "示例二班")})
THIS_MONTH = "2026-11"


def csv_of(*lines: str, encoding: str = "utf-8") -> bytes:
    return "\r\n".join(lines).encode(encoding)


def xlsx_of(*lines: list[Any], title: str = "Sheet1", before: str | None = None) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    if before:
        sheet.title = before
        sheet = book.create_sheet()
    sheet.title = title
    for line in lines:
        sheet.append(line)
    book.save(out)
    return out.getvalue()


def read(name: str, data: bytes) -> Placements:
    return read_month(KIND, name, data)


def rows(data: bytes, name: str = "month.csv") -> list[RegisteredRow]:
    return placed(read(name, data), UNITS, THIS_MONTH)


def faults(data: bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(BadMonth) as bad:
        rows(data)
    assert {fault.file for fault in bad.value.faults} == {"month.csv"}
    return [(fault.row, fault.column, fault.message) for fault in bad.value.faults]


@pytest.mark.parametrize(("typed", "month"), [
    ("2026-10", "2026-10"), ("2026年10月", "2026-10"), ("2026/3", "2026-03"), ("202603", "2026-03"),
    ("2026-10-01", "2026-10"), ("2026年3月1日", "2026-03"), (" 2026 年 3 月 ", "2026-03"), ("2026-3月", "2026-03"),
    ("2026.10", None), ("2026-13", None), ("2026-00", None), ("10月", None), ("2026", None), ("20261", None),
    ("1026-10", None), ("", None),
])  # fmt: skip
def test_a_month_as_people_write_it(typed: str, month: str | None) -> None:
    assert parse_month(typed) == month


@pytest.mark.parametrize(("typed", "count"), [
    ("0", 0), ("12", 12), ("3起", 3), ("-1", None), ("1.5", None), ("两", None), ("", None), ("123456", None),
])  # fmt: skip
def test_a_number_of_cases_is_whole(typed: str, count: int | None) -> None:
    assert parse_count(typed) == count


@pytest.mark.parametrize(("typed", "fen"), [
    ("0", 0), ("0.00", 0), ("0元", 0), ("3,800", 380_000), ("1.2万", 1_200_000), ("38600.5", 3_860_050), ("-5", None),
])  # fmt: skip
def test_what_was_lost_may_be_nothing(typed: str, fen: int | None) -> None:
    assert parse_loss(typed) == fen


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_headers_in_chinese_full_width_digits_names_and_the_whole_school(encoding: str) -> None:
    data = csv_of(
        "月份,学院,立案数,金额（元）",
        "２０２６年１０月,示例工学院,２,３８００",
        "2026-10,wy,0,",
        "2026-10,合计,3,",
        encoding=encoding,
    )
    assert rows(data) == [
        RegisteredRow("2026-10", 2, "GX", 380_000),
        RegisteredRow("2026-10", 0, "WY"),
        RegisteredRow("2026-10", 3, WHOLE),
    ]


def test_headers_in_english_and_an_empty_college_is_the_whole_school() -> None:
    assert rows(csv_of("Month,College,Cases,Amount", "2026-10,,3,0")) == [RegisteredRow("2026-10", 3, WHOLE, 0)]
    assert rows(csv_of("month,cases", "2026-10,3")) == [RegisteredRow("2026-10", 3, WHOLE)]


def test_a_workbook_takes_months_for_dates_and_numbers_for_fractions() -> None:
    data = xlsx_of(["月份", "学院代码", "立案数", "金额"], [date(2026, 10, 1), "WY", 1.0, 38600.5],
                   [date(2026, 10, 31), "GX", 0, None], [None, None, None, None])  # fmt: skip
    assert rows(data) == [RegisteredRow("2026-10", 1, "WY", 3_860_050), RegisteredRow("2026-10", 0, "GX")]


def test_the_sheet_of_that_name_comes_before_the_first_one() -> None:
    assert rows(xlsx_of(["月份", "立案数"], ["2026-10", 1], title="立案", before="封面")) == [
        RegisteredRow("2026-10", 1, WHOLE)
    ]


def test_a_cell_in_the_last_corner_of_a_sheet_takes_no_memory() -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    for line in (["月份", "立案数"], ["2026-10", 1]):
        sheet.append(line)
    sheet["XFD1048576"] = "x"
    book.save(out)
    assert rows(out.getvalue()) == [RegisteredRow("2026-10", 1, WHOLE)]


@pytest.mark.parametrize("data", [
    b"PK\x03\x04 no workbook", xlsx_of(["月份"])[:-30], b"\xff\xfe\x00", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\xff\xff",
])  # fmt: skip
def test_what_is_no_file_of_either_kind_is_said_to_be_so(data: bytes) -> None:
    [(row, _, message)] = faults(data)
    assert row == 0 and "cannot be read" in message


def test_a_number_in_it_that_is_too_large_for_its_reader_is_one_more_broken_file() -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx_of(["月份", "立案数"], ["2026-10", 1]))) as made,
        zipfile.ZipFile(out, "w") as it,
    ):
        for part in made.namelist():
            it.writestr(part, made.read(part).replace(b'numFmtId="0"', b'numFmtId="2147483648"'))
    assert faults(out.getvalue())[0][0] == 0


def test_a_small_file_that_unpacks_to_much_is_not_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/workbook.xml", b" " * (UNPACKED + 1))
    assert len(out.getvalue()) < 100_000
    assert faults(out.getvalue())[0][0] == 0


@pytest.mark.parametrize("packed_as", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_nor_one_that_claims_to_be_smaller_than_it_is(packed_as: int) -> None:
    out, size = io.BytesIO(), 8 * UNPACKED + 54_321
    with zipfile.ZipFile(out, "w", packed_as) as packed:
        packed.writestr("[Content_Types].xml", b" " * size)
    lying = out.getvalue().replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert len(lying) < 100_000
    tracemalloc.start()
    try:
        assert faults(lying)[0][0] == 0
        assert tracemalloc.get_traced_memory()[1] < 2 * UNPACKED
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("lines", "place"), [
    (["2026-10,GX,两"], (2, "立案数", "must be a whole number")),
    (["2026-10,GX,1", "2026-10,WY,"], (3, "立案数", "must not be empty")),
    (["2026-13,GX,1"], (2, "月份", "must be a month such as 2026-10")),
    (["2026-10,法学院,1"], (2, "学院", "no college '法学院' on the roster")),
    (["2026-11,GX,1"], (2, "月份", "this month is not over yet")),
    (["2026-10,GX,1", "2026-10,示例工学院,2"], (3, "学院", "is there twice for this month, see row 2")),
    (["2026-10,GX,1"], (2, "学院", "2026-10 has neither a row for the whole school (*) nor one for WY")),
    (["2026-10,GX,1", "2026-10,,5"], (3, "学院", "is empty beside other rows of this month; the whole school is *")),
    (["2026-10,GX,3", "2026-10,*,2"], (3, "立案数", "is less than its colleges together, 3")),
    ([], (0, "", "holds no row")),
])  # fmt: skip
def test_a_fault_names_file_row_and_column(lines: list[str], place: tuple[int, str, str]) -> None:
    assert faults(csv_of("月份,学院,立案数", *lines)) == [place]


def test_a_name_that_two_colleges_have_names_neither() -> None:
    data = csv_of("月份,学院,立案数", "2026-10,示例学院,1", "2026-10,*,1")
    with pytest.raises(BadMonth, match="no college '示例学院'"):
        placed(read("month.csv", data), Units({"A": "示例学院", "B": "示例学院"}, {}), THIS_MONTH)
    by_code = csv_of("月份,学院,立案数", "2026-10,b,1", "2026-10,*,1")
    units = Units({"A": "b", "B": "c"}, {})
    assert [row.college for row in placed(read("month.csv", by_code), units, THIS_MONTH)] == ["B", WHOLE]


def test_some_of_a_college_s_cases_are_of_a_class_by_its_code_or_its_name_in_the_college() -> None:
    data = csv_of("月份,学院,班级,立案数", "2026-10,WY,,3", "2026-10,WY,示例一班,1", "2026-10,,wy2,1",
                  "2026-10,WY,教职工,1", "2026-10,GX,,0")  # fmt: skip
    assert [(row.college, row.class_code, row.cases) for row in rows(data)] == [
        ("WY", "", 3), ("WY", "WY1", 1), ("WY", "WY2", 1), ("WY", NO_CLASS, 1), ("GX", "", 0),
    ]  # fmt: skip


def test_some_of_the_school_s_cases_are_of_people_of_no_college() -> None:
    data = csv_of("月份,学院,班级,立案数", "2026-10,*,,3", "2026-10,全校,教职工,2", "2026-10,WY,,1")
    assert [(row.college, row.class_code, row.cases) for row in rows(data)] == [
        (WHOLE, "", 3), (WHOLE, NO_CLASS, 2), ("WY", "", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("lines", "place"), [
    (["2026-10,WY,GX1,0"], (4, "班级", "no such class 'GX1' on the roster")),
    (["2026-10,,示例一班,0"], (4, "班级", "no such class '示例一班' on the roster")),  # two have that name
    (["2026-10,*,WY1,0"], (4, "班级", "no such class 'WY1' on the roster")),
    (["2026-10,法学院,WY1,0"], (4, "学院", "no college '法学院' on the roster")),
    (["2026-10,WY,WY1,0", "2026-10,WY,wy1,0"], (5, "班级", "is there twice for this month, see row 4")),
    (["2026-10,WY,WY1,1", "2026-10,WY,WY2,1"], (2, "立案数", "is less than its classes together, 2")),
    (["2026-09,*,,1", "2026-09,WY,WY1,1"], (5, "班级", "2026-09 has no row for the whole of WY")),
    (["2026-10,*,教职工,0"], (4, "班级", "2026-10 has no row for the whole of *")),
    (["2026-10,*,,1", "2026-10,*,教职工,1"], (4, "立案数", "is less than its colleges together, 2")),
])  # fmt: skip
def test_a_fault_of_a_class_names_its_place(lines: list[str], place: tuple[int, str, str]) -> None:
    assert faults(csv_of("月份,学院,班级,立案数", "2026-10,WY,,1", "2026-10,GX,,0", *lines)) == [place]


def test_missing_columns_are_named() -> None:
    assert [(row, column) for row, column, _ in faults(csv_of("学院", "GX"))] == [(1, "月份"), (1, "立案数")]


def test_the_template_can_be_filled_in_and_read() -> None:
    out = io.BytesIO()
    write_template(COLLEGES, "2026-10", out)
    empty = [(row, column) for row, column, _ in faults(out.getvalue())]
    assert empty == [(2, "立案数"), (3, "立案数"), (4, "立案数")]
    book = openpyxl.load_workbook(io.BytesIO(out.getvalue()))
    sheet: Any = book.active
    for row, cases in ((2, 1), (3, 0), (4, 2)):
        sheet.cell(row, [cell.value for cell in sheet[1]].index("立案数") + 1).value = cases
    filled = io.BytesIO()
    book.save(filled)
    assert [(row.college, row.cases) for row in rows(filled.getvalue())] == [("GX", 1), ("WY", 0), (WHOLE, 2)]
