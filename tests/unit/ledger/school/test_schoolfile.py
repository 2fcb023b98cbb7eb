"""A school file read and written: both formats, forgiving cells, and every fault told with its place."""

import csv
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.school import schoolrows
from ledger.school.demo_school import demo_school
from ledger.school.schoolcheck import first_gap
from ledger.school.schoolfile import BadRoster, DutyRow, Fault, School, read, write_school, write_template

SCHOOL = demo_school()


def faults_of(path: Path) -> list[Fault]:
    with pytest.raises(BadRoster) as caught:
        read(path)
    return list(caught.value.faults)


def places(faults: list[Fault]) -> set[tuple[str, int, str]]:
    return {(fault.file, fault.row, fault.column) for fault in faults}


@pytest.mark.parametrize("name", ["school.xlsx", "school"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    write_school(SCHOOL, tmp_path / name)
    assert read(tmp_path / name) == SCHOOL


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_csv_without_a_mark_and_in_the_encoding_of_chinese_spreadsheets(tmp_path: Path, encoding: str) -> None:
    write_school(SCHOOL, tmp_path)
    for file in tmp_path.glob("*.csv"):
        file.write_bytes(file.read_text(encoding="utf-8-sig").encode(encoding))
    (tmp_path / "people.csv").rename(tmp_path / "人员.csv")
    assert read(tmp_path) == SCHOOL


def edit(folder: Path, sheet: str, row: int, column: str, text: str) -> None:
    """Write SCHOOL to `folder` unless it is there, and change one cell (row as a spreadsheet counts it)."""
    if not (folder / "people.csv").exists():
        write_school(SCHOOL, folder)
    with (folder / f"{sheet}.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    lines[row - 1][lines[0].index(column)] = text
    with (folder / f"{sheet}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)


@pytest.mark.parametrize(
    ("sheet", "row", "column", "text"),
    [
        ("people", 2, "手机号", "96110"),
        ("people", 2, "身份", "校长"),
        ("people", 2, "姓名", ""),
        ("people", 3, "手机号", "13800001001"),
        ("people", 3, "编号", "C01"),
        ("people", 2, "代班人编号", "O01"),
        ("people", 2, "学院代码", "XX"),
        ("people", 30, "班级代码", "XX"),
        ("people", 30, "班级代码", ""),
        ("people", 30, "学号", "2026010101"),
        ("people", 30, "学院代码", "GX"),
        ("people", 2, "编号", "C" * 65),
        ("people", 30, "学号", "9" * 65),
        ("colleges", 2, "学院代码", "W" * 33),
        ("colleges", 2, "学院代码", "*"),
        ("classes", 2, "班级代码", "W" * 33),
        ("classes", 2, "辅导员编号", "O01"),
        ("classes", 2, "辅导员编号", "C99"),
        ("classes", 2, "学院代码", "XX"),
        ("classes", 3, "班级代码", "WY2601"),
        ("duty", 2, "人员编号", "X"),
        ("duty", 2, "人员编号", "2026010101"),
        ("duty", 2, "人员编号", "C01"),
        ("duty", 2, "学院代码", "XX"),
        ("duty", 2, "星期", "0-8"),
        ("duty", 2, "开始", "25:00"),
        ("duty", 2, "岗位", "厨师"),
        ("ladder", 2, "秒数", "-1"),
        ("ladder", 3, "秒数", "0"),
        ("ladder", 3, "步骤", "5"),
        ("ladder", 3, "对象", "值班民警+厨师"),
        ("ladder", 3, "对象", "重复+值班室"),
    ],
)
def test_a_fault_names_file_row_and_column(tmp_path: Path, sheet: str, row: int, column: str, text: str) -> None:
    edit(tmp_path, sheet, row, column, text)
    faults = faults_of(tmp_path)
    assert (f"{sheet}.csv", row, column) in places(faults)
    assert all(fault.message and fault.message_zh for fault in faults)


def test_a_student_without_a_key_has_their_number_for_one_and_nobody_else_may_lack_both(tmp_path: Path) -> None:
    student = next(row for row, person in enumerate(SCHOOL.people, 2) if person.role == "student")
    edit(tmp_path, "people", student, "编号", "")
    person = read(tmp_path).people[student - 2]
    assert person.key == person.student_no == SCHOOL.people[student - 2].student_no
    edit(tmp_path, "people", student, "学号", "")
    assert places(faults_of(tmp_path)) == {("people.csv", student, "编号")}


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    edit(tmp_path, "people", 2, "手机号", "1")
    edit(tmp_path, "people", 5, "身份", "?")
    edit(tmp_path, "duty", 4, "星期", "八")
    found = faults_of(tmp_path)
    assert places(found) == {("people.csv", 2, "手机号"), ("people.csv", 5, "身份"), ("duty.csv", 4, "星期")}
    assert str(found[0]) == "people.csv, row 2, 手机号: must be a full phone number"


@pytest.mark.parametrize("role", ["officer", "counselor", "desk", "liaison"])
def test_the_default_rows_are_compulsory(tmp_path: Path, role: str) -> None:
    duty = tuple(row for row in SCHOOL.duty if row.college != "*" or row.role != role)
    write_school(replace(SCHOOL, duty=duty), tmp_path)
    assert [fault.message for fault in faults_of(tmp_path)] == [f"no {role} in a * row"]


def test_the_desk_never_sleeps(tmp_path: Path) -> None:
    duty = tuple(
        replace(row, days="1-6") if row.role == "desk" and row.start == "08:00" else row for row in SCHOOL.duty
    )
    write_school(replace(SCHOOL, duty=duty), tmp_path)
    assert [fault.message for fault in faults_of(tmp_path)] == ["nobody at the desk on day 7 08:00"]


@pytest.mark.parametrize(
    ("shifts", "gap"),
    [
        ([("1-7", "00:00", "00:00")], None),
        ([("1-7", "08:00", "20:00"), ("1-7", "20:00", "08:00")], None),
        ([("1-7", "08:00", "20:00"), ("1-4,6-7", "20:00", "08:00")], "5 20:00"),
        ([("1-5", "08:00", "08:00"), ("6-7", "09:00", "08:00")], "6 08:00"),
        ([], "1 00:00"),
    ],
)
def test_first_gap(shifts: list[tuple[str, str, str]], gap: str | None) -> None:
    assert first_gap(DutyRow("*", "desk", "D01", *shift) for shift in shifts) == gap


def test_a_person_without_a_phone_stands_no_duty(tmp_path: Path) -> None:
    edit(tmp_path, "people", 9, "手机号", "")  # D01
    assert ("duty.csv", 19, "人员编号") in places(faults_of(tmp_path))


@pytest.mark.parametrize("name", ["none.xlsx", "empty"])
def test_a_file_that_cannot_be_read_is_one_fault_or_a_list_of_missing_sheets(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    assert all(fault.row == 0 for fault in faults_of(tmp_path / name))
    (tmp_path / "none.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    assert len(faults_of(tmp_path / "none.xlsx")) == 1


def test_a_missing_column_is_told(tmp_path: Path) -> None:
    write_school(SCHOOL, tmp_path)
    (tmp_path / "colleges.csv").write_text("学院代码\nWY\n", encoding="utf-8")
    assert ("colleges.csv", 1, "学院名称") in places(faults_of(tmp_path))


def test_what_a_spreadsheet_makes_of_our_cells(tmp_path: Path) -> None:
    write_school(SCHOOL, tmp_path / "school.xlsx")
    book = openpyxl.load_workbook(tmp_path / "school.xlsx")
    book["人员"]["D2"] = 13800001001
    book["值班"]["D2"] = date(2026, 1, 7)  # typed as 1-7
    book["值班"]["E2"], book["值班"]["F2"] = time(8, 0), time(20, 0)
    book["值班"]["E10"], book["值班"]["F10"] = time(0, 0), timedelta(days=1)
    book.save(tmp_path / "school.xlsx")
    assert read(tmp_path / "school.xlsx") == SCHOOL


def test_the_template_holds_every_sheet_and_is_not_imported_as_it_is(tmp_path: Path) -> None:
    path = write_template(tmp_path)
    titles = openpyxl.load_workbook(path).sheetnames
    assert titles == ["学院", "班级", "人员", "值班", "升级", "说明"]
    assert {fault.message for fault in faults_of(path)} == {
        f"no {role} in a * row" for role in ("officer", "counselor", "desk", "liaison")
    }


def test_no_cell_becomes_a_formula(tmp_path: Path) -> None:
    colleges = (replace(SCHOOL.colleges[0], name='=HYPERLINK("x")'), *SCHOOL.colleges[1:])
    school = replace(SCHOOL, colleges=colleges)
    for path in (tmp_path / "school.xlsx", tmp_path / "csv"):
        write_school(school, path)
        assert read(path) == school
    assert openpyxl.load_workbook(tmp_path / "school.xlsx")["学院"]["B2"].data_type == "s"
    assert "'=HYPERLINK" in (tmp_path / "csv" / "colleges.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("text", "days"),
    [("1-5", "1-5"), ("6,7", "6-7"), ("67", "6-7"), ("周末", "6-7"), ("6-2", "1-2,6-7"), ("1、3", "1,3"), ("8", None)],
)
def test_days(text: str, days: str | None) -> None:
    assert schoolrows.parse_days(text) == days


@pytest.mark.parametrize(
    ("text", "clock"), [("8:00", "08:00"), ("24:00", "00:00"), ("20:30:00", "20:30"), ("24:01", None), ("8", None)]
)
def test_clock(text: str, clock: str | None) -> None:
    assert schoolrows.parse_clock(text) == clock


@given(st.text())
def test_no_cell_raises(text: str) -> None:
    for columns in schoolrows.COLUMNS.values():
        for column in columns:
            column.read(text)


def test_an_empty_school_is_bad(tmp_path: Path) -> None:
    write_school(School(), tmp_path)
    assert len(faults_of(tmp_path)) == 4
