"""Reports made here and cases registered by the police stand beside each other and are never mixed."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger import tables as t
from ledger.figures import college, monthimport, oversight
from ledger.figures.oversight import Figures
from ledger.figures.registered import Registered
from ledger.figures.timeliness import Reports
from ledger.school import roster
from ledger.school.schoolrows import CollegeRow
from ledger.staff.accounts import User
from tests.behaviour.door_tools import contents, shared_world
from tests.behaviour.export_tools import all_cells
from tests.behaviour.stories import at_once
from tests.behaviour.test_drills_touch_nobody import start
from tests.behaviour.test_statements_are_counted import counted
from tests.world import World, another_fraud, csrf

PAGE = "/desk/figures"
OTHER_STUDENT = "2026020104"  # of the college GX; the usual one is of WY
TO_OCTOBER = range(1, 11)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Here nobody reads the texts, as the other `world` asks. It is the end of November."""
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture
def office(world: World) -> FlaskClient:
    return world.user("guard", "security", world.phones["office"].number)


def month(year: int, number: int, **cases: int | str) -> str:
    """Lines of a file; `whole` is the whole school's, an amount may follow a colon."""
    named = {"*" if code == "whole" else code: str(said) for code, said in cases.items()}
    return "".join(f"{year}-{number:02},{code},{said.replace(':', ',')}\n" for code, said in named.items())


def file_of(*months: str) -> bytes:
    return ("月份,学院,立案数,金额\n" + "".join(months)).encode("gb18030")


def upload(client: FlaskClient, data: bytes, name: str = "十月.csv") -> TestResponse:
    form = {"csrf_token": csrf(client, "/login"), "file": (io.BytesIO(data), name)}
    return client.post(PAGE, data=form, content_type="multipart/form-data")


def bring(world: World, *months: str) -> list[str]:
    with world.parts.ledger.begin("test") as uow:
        read = monthimport.read(monthimport.REGISTERED, "x.csv", file_of(*months))
        return [str(it) for it in monthimport.apply(uow, monthimport.REGISTERED, read, "test")]


def years(wy: int, gx: int, before: int) -> list[str]:
    """Each month of this year, and last year's."""
    last = [month(2025, n, WY=before, GX=before) for n in range(1, 13)]
    return last + [month(2026, n, WY=f"{wy}:1000", GX=gx) for n in TO_OCTOBER]


def figures(world: World, role: str = "security", college: str | None = None) -> Figures:
    somebody = User(t.new_id(), "somebody", role, college, None, 0)
    with world.parts.ledger.read() as conn:
        return oversight.figures(conn, somebody, world.clock.now(), world.parts.ledger.zone)


def registered(world: World, code: str | None = "WY") -> Registered:
    """`None`: the whole school's."""
    both = figures(world)
    line = next(it for it in (*both.lines, both.school) if it and it.code == code)
    assert line.registered
    return line.registered


def reports(world: World, code: str | None = "WY") -> Reports:
    return next(line.reports for line in figures(world).lines if line.code == code)


def words(page: TestResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)).replace("： ", "：")


# ── registered by the police ────────────────────────────────────────────────────────────────────────────────────────
def test_a_file_is_imported_on_the_page_and_a_month_replaces_itself(world: World, office: FlaskClient) -> None:
    first = upload(office, file_of(month(2026, 10, WY="2:3800", GX=1), month(2026, 9, WY=0, GX=0)))
    assert first.status_code == 200 and "已导入" in first.text
    assert "2026-10 示例文学院：无数据 → 2 起 3,800 元" in words(first)
    again = upload(office, file_of(month(2026, 10, whole=4, WY=3)))
    assert "2026-10 示例工学院：1 起 → 无数据" in words(again)
    assert "2026-10 示例文学院：2 起 3,800 元 → 3 起" in words(again)
    held = world.rows("SELECT month, college_code, cases FROM registered_cases ORDER BY month, college_code")
    assert [tuple(row) for row in held] == [("2026-09", "GX", 0), ("2026-09", "WY", 0), ("2026-10", "*", 4),
                                            ("2026-10", "WY", 3)]  # fmt: skip
    assert "没有变化" in upload(office, file_of(month(2026, 10, whole=4, WY=3))).text


def test_who_imported_which_month_is_logged(world: World, office: FlaskClient) -> None:
    upload(office, file_of(month(2026, 10, WY=2, GX=1)))
    [row] = world.rows("SELECT actor, object FROM access_log WHERE action = 'registered.import'")
    assert row.actor.startswith("user:") and row.object == "month:2026-10"


@pytest.mark.parametrize("data", [
    file_of(month(2026, 10, WY=1, GX="两")), file_of(month(2026, 10, WY=1, LAW=1)),
    file_of(month(2026, 11, WY=1, GX=1)), b"", b"PK\x03\x04", b"\xff\xfe\x00\x00", file_of(month(2026, 10, WY=1)),
])  # fmt: skip
def test_of_a_file_with_a_fault_nothing_is_imported(world: World, office: FlaskClient, data: bytes) -> None:
    bring(world, month(2026, 10, WY=5, GX=5))
    before = contents(world, "access_log")
    page = upload(office, data)
    assert page.status_code == 422 and "没有导入" in page.text and "十月.csv" in page.text
    assert upload(office, b"", name="").status_code == 422
    assert contents(world, "access_log") == before


def test_only_the_office_imports_and_only_who_has_figures_sees_the_page(world: World, office: FlaskClient) -> None:
    data = file_of(month(2026, 10, WY=1, GX=1))
    seen = {}
    for role in ("officer", "counselor", "psychologist", "keeper", "leader", "security", "admin"):
        client = world.user(f"one-{role}", role, None, "WY" if role in ("keeper", "leader") else None)
        paths = (PAGE, f"{PAGE}.xlsx", f"{PAGE}/registered.xlsx", f"{PAGE}/unreviewed")
        seen[role] = [client.get(path).status_code for path in paths] + [upload(client, data).status_code]
    assert seen == {
        "officer": [403] * 5, "counselor": [403] * 5, "psychologist": [403] * 5, "keeper": [403] * 5,
        "leader": [200, 200, 403, 200, 403], "security": [200] * 5, "admin": [200] * 5,
    }  # fmt: skip


def test_two_imports_of_one_month_end_as_one_of_them(world: World) -> None:
    """Not as a mixture of both, whichever comes last."""
    one, other = month(2026, 10, WY=1, GX=1), month(2026, 10, whole=9, WY=2)
    for _ in range(8):
        at_once([lambda: bring(world, one), lambda: bring(world, other)])
        held = {row.college_code: row.cases for row in world.rows("SELECT college_code, cases FROM registered_cases")}
        assert held in ({"WY": 1, "GX": 1}, {"*": 9, "WY": 2})
        bring(world, month(2026, 10, whole=0))


def test_this_year_beside_the_same_months_of_last_year(world: World) -> None:
    bring(world, *years(wy=1, gx=3, before=2))
    wy, gx, school = (registered(world, code) for code in ("WY", "GX", None))
    assert (wy.cases, wy.before, wy.change, wy.goal) == (10, 20, -50, 10)
    assert (gx.cases, gx.before, gx.change, gx.goal) == (30, 20, 50, 10)
    assert (school.cases, school.before, school.change) == (40, 40, 0)
    assert (wy.fen, wy.fen_whole, school.fen, school.fen_whole) == (1_000_000, True, 1_000_000, False)
    assert wy.months == school.months == tuple(TO_OCTOBER) and wy.complete


def test_just_less_than_half_is_not_said_to_be_half(world: World) -> None:
    it = Registered((1,), cases=101, before=201)
    assert (it.change, it.goal) == (-49, 100)
    assert Registered((1,), cases=201, before=200).change == 1


def test_without_last_year_there_is_no_percentage_and_it_is_said(world: World, office: FlaskClient) -> None:
    bring(world, *(month(2026, n, WY=1, GX=0) for n in TO_OCTOBER), *(month(2025, n, WY=1, GX=0) for n in range(1, 10)))
    it = registered(world)
    assert (it.cases, it.before, it.change, it.goal) == (10, None, None, None)
    page = office.get(PAGE)
    assert "去年数据未导入" in page.text and not re.search(r"\d %", words(page))
    bring(world, month(2025, 10, WY=1, GX=0))
    assert registered(world).change == 0
    assert (registered(world, "GX").before, registered(world, "GX").change) == (0, None)  # nothing to be half of


def test_the_months_that_are_here_and_those_that_are_missing_are_said(world: World, office: FlaskClient) -> None:
    assert "还没有2026年的立案数据" in office.get(PAGE).text
    bring(world, *(month(2026, n, WY=0, GX=1) for n in (1, 2, 3, 5, 9)))
    assert figures(world).police.missing == (4, 6, 7, 8, 10)
    page = words(office.get(PAGE))
    assert "已导入 1–3, 5, 9月" in page and "缺 4, 6–8, 10月" in page
    bring(world, *(month(2026, n, WY=0, GX=1) for n in range(1, 10)))
    english = words(office.get(f"{PAGE}?lang=en"))
    assert "months 1–9" in english and "Missing: month 10" in english


def test_fraud_free_is_a_college_without_a_registered_case_in_any_month(world: World) -> None:
    """Whatever was reported here; and while a month is missing nobody knows."""
    world.report()
    bring(world, *(month(2026, n, WY=0, GX=int(n == 4)) for n in range(1, 10)))
    assert registered(world).fraud_free is None
    assert registered(world, "GX").fraud_free is False
    bring(world, month(2026, 10, WY=0, GX=0))
    assert reports(world).year == 1
    assert [registered(world, code).fraud_free for code in ("WY", "GX", None)] == [True, False, False]


def test_a_college_that_a_month_does_not_name_had_none_only_where_the_others_had_all(world: World) -> None:
    bring(world, *(month(2026, n, whole=2, WY=2) for n in range(1, 10)), month(2026, 10, whole=3, WY=2))
    it = registered(world, "GX")
    assert (it.months, it.cases, it.fraud_free) == (tuple(range(1, 10)), 0, None)
    assert (registered(world).cases, registered(world, None).cases) == (20, 21)


def test_in_january_it_is_the_year_that_has_ended(world: World) -> None:
    bring(world, *years(wy=1, gx=0, before=1))
    world.clock.advance(timedelta(days=60).total_seconds())
    both = figures(world)
    assert (both.year, both.police.year, both.police.missing) == (2027, 2026, (11, 12))


# ── reports made here ───────────────────────────────────────────────────────────────────────────────────────────────
def test_reports_are_counted_with_how_soon_they_came_and_were_taken(world: World) -> None:
    """The median of 8, 20 and 68 minutes; one whose time is not known counts, and is not among them."""
    for when in ("14:32", "14:20", "13:32"):
        world.report(**another_fraud(), when=f"2026-11-24T{when}:00+08:00")
    world.report(**another_fraud(), when="30min")
    slow = world.report(**another_fraud(), student_no=OTHER_STUDENT, when="2026-11-24T13:40:00+08:00")
    world.pump()
    assert (reports(world).due, reports(world).soon) == (0, 0)
    world.phones["officer"].replies(world.rows("SELECT code FROM cases ORDER BY id LIMIT 1")[0].code)
    world.clock.advance(11 * 60)
    world.phones["O03"].replies(slow.code)
    it, other = reports(world), reports(world, "GX")
    assert (it.year, it.recent, it.to_report_min, it.timed, it.soon, it.due) == (4, 4, 20, 3, 1, 4)
    assert (other.year, other.to_report_min, other.soon, other.due) == (1, 60, 0, 1)
    school = figures(world).school
    assert school and (school.reports.year, school.reports.to_report_min, school.reports.timed) == (5, 20, 4)


def test_follow_ups_on_time_are_those_without_an_overdue_contact(world: World) -> None:
    called, other = world.report(**another_fraud()), world.report(**another_fraud())
    world.pump()
    world.call_the_student(called)
    assert (reports(world).on_time, reports(world).open) == (2, 2)
    world.clock.advance(31 * 60)
    assert (reports(world).on_time, reports(world).open) == (1, 2)
    assert other.code != called.code


def test_only_this_year_s_reports_count_and_a_follow_up_of_last_year_that_is_open(world: World) -> None:
    world.report()
    world.pump()
    world.clock.advance(timedelta(days=45).total_seconds())
    world.report(**another_fraud())
    it = reports(world)
    assert (it.year, it.recent, it.on_time, it.open) == (1, 1, 0, 1)


def test_the_last_thirty_days_begin_before_new_year(world: World) -> None:
    """Of those no other number says anything: they are of last year."""
    world.clock.advance(timedelta(days=30).total_seconds())  # Christmas Eve
    world.report(when="2026-12-24T14:32:00+08:00")
    world.pump()
    world.clock.advance(timedelta(days=15).total_seconds())
    assert replace(reports(world), on_time=0, open=0) == Reports(recent=1)
    world.report(**another_fraud(), when="2027-01-08T14:20:00+08:00")
    it, school = reports(world), figures(world).school
    assert school and (it.year, it.recent, it.to_report_min, it.timed, it.due) == (1, 2, 20, 1, 0)
    assert (school.reports.to_report_min, school.reports.recent) == (20, 2)


def test_a_list_that_is_not_the_whole_says_so(
    world: World, office: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(college, "LISTED", 2, raising=False)
    reported = [world.report(**another_fraud()).code for _ in range(2)]
    assert "只列" not in office.get(PAGE).text
    reported.append(world.report(**another_fraud()).code)
    page = words(office.get(PAGE))
    assert "只列最近 2 件，共 3 件" in page and [code in page for code in reported] == [False, True, True]
    assert "The latest 2 of 3" in office.get(f"{PAGE}?lang=en").text


def test_other_currencies_are_not_added_up_with_yuan(world: World, office: FlaskClient) -> None:
    world.report(transfers=[{"amount": "500"}, {"amount": "900", "currency": "USD"}])
    shown = office.get("/desk/figures").text
    assert "500" in shown and "1,400" not in shown


def test_drills_are_in_no_figure(world: World, office: FlaskClient) -> None:
    start(world, college="WY", phones="1")
    world.pump()
    assert figures(world).lines and {line.reports for line in figures(world).lines} == {Reports()}


def test_many_reports_move_no_college_up_or_down_and_the_page_says_why_they_are_no_bad_sign(
    world: World, office: FlaskClient
) -> None:
    order = [line.code for line in figures(world).lines]
    for _ in range(3):
        world.report(**another_fraud())
    unknown = world.report(**another_fraud(), student_no="9999999999")
    bring(world, *years(wy=5, gx=0, before=1))
    assert [line.code for line in figures(world).lines] == [*order, None] == ["GX", "WY", None]
    assert "报告多不是坏事" in office.get(PAGE).text and "学院待确认" in office.get(PAGE).text
    assert unknown.code in office.get(PAGE).text


# ── who sees which ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_leader_sees_the_own_college_s_row_alone(world: World) -> None:
    world.report(**another_fraud(), student_no=OTHER_STUDENT)
    bring(world, *years(wy=1, gx=7, before=9))
    mine = figures(world, "leader", "WY")
    assert [line.code for line in mine.lines] == ["WY"] and mine.school is None
    assert mine.lines[0].reports == Reports() and set(mine.police.of) == {"WY"} and mine.police.school is None
    world.report(**another_fraud(), student_no="9999999999")  # whose college nobody knows yet
    for nobody in (figures(world, "leader", None), figures(world, "leader", "LAW"), figures(world, "counselor", "WY")):
        assert nobody.lines == [] and nobody.school is None
    client = world.user("dean", "leader", None, "WY")
    for shown in (words(client.get(PAGE)), all_cells(client.get(f"{PAGE}.xlsx").data)):
        assert "示例文学院" in shown
        for others in ("示例工学院", "GX", "全校", "70"):
            assert others not in shown, others


def test_the_workbook_has_a_sheet_for_each_number_and_no_formula(world: World, office: FlaskClient) -> None:
    with world.parts.ledger.begin("roster") as uow:
        school = replace(world.school, colleges=(*world.school.colleges, CollegeRow("A", "=1+1")))
        roster.apply(uow, school)
    world.report(**another_fraud(), student_no=OTHER_STUDENT)
    bring(world, *(month(2026, n, whole=3, WY=1) for n in TO_OCTOBER))
    reported, police, _ = all_cells(office.get(f"{PAGE}.xlsx").data).split("\n")
    assert "'GX', '示例工学院', 1.0, 1.0, 8.0" in reported and "'=1+1" in reported and "立案" not in reported
    assert "'WY', '示例文学院', 10.0, '数据未导入'" in police and "接单" not in police
    assert "'GX', '示例工学院', '数据未导入'" in police and "'全校', 30.0" in police
    english = all_cells(office.get(f"{PAGE}.xlsx?lang=en").data)
    assert "'Whole school', 30.0, 'not imported'" in english


def test_more_reports_months_and_colleges_take_no_more_statements(world: World, office: FlaskClient) -> None:
    totals = []
    for n in range(1, 4):
        world.report(**another_fraud(), student_no=("2026010101", OTHER_STUDENT, "9999999999")[n - 1])
        world.pump()
        bring(world, month(2026, n, WY=n, GX=n), month(2025, n, WY=n, GX=n))
        with counted(world, here=True) as found:
            assert office.get(PAGE).status_code == 200
        totals.append(found.total())
    assert totals[0] == totals[-1], (totals, found)
