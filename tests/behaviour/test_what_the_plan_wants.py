"""The plan's targets among the figures: who knows of fraud, the app's three 100 %, fraud-free classes."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from ledger import tables as t
from ledger.figures import monthimport
from ledger.figures.prevention import Counted, Share
from tests.behaviour.door_tools import contents
from tests.behaviour.export_tools import all_cells
from tests.behaviour.test_statements_are_counted import counted as statements
from tests.behaviour.test_two_numbers import OTHER_STUDENT, PAGE, TO_OCTOBER, figures, registered, words
from tests.behaviour.test_two_numbers import office as office  # fixtures
from tests.behaviour.test_two_numbers import world as world
from tests.world import World, another_fraud, csrf

COUNTED = f"{PAGE}/prevention"
COUNTS = "月份,学院,班级,调查人数,知晓人数,应装人数,已安装,已实名,已开预警\n"
CASES = "月份,学院,班级,立案数\n"
ALL = "100,100,200,200,200,200"
SOME = "100,99,200,199,150,100"


def count(*lines: str) -> bytes:
    return (COUNTS + "\n".join(lines)).encode()


def bring(world: World, sort: monthimport.Sort, data: bytes) -> list[str]:
    with world.parts.ledger.begin("test") as uow:
        return [str(it) for it in monthimport.apply(uow, sort, monthimport.read(sort, "x.csv", data), "test")]


def bring_counts(world: World, *lines: str) -> list[str]:
    return bring(world, monthimport.PREVENTION, count(*lines))


def bring_cases(world: World, *lines: str) -> None:
    bring(world, monthimport.REGISTERED, (CASES + "\n".join(lines)).encode())


def upload(client: FlaskClient, data: bytes, name: str = "防范.csv") -> TestResponse:
    form = {"csrf_token": csrf(client, "/login"), "file": (io.BytesIO(data), name)}
    return client.post(COUNTED, data=form, content_type="multipart/form-data")


def counted(world: World, code: str | None = "WY") -> Counted:
    """`None`: all colleges together."""
    both = figures(world)
    line = next(it for it in (*both.lines, both.school) if it and it.code == code)
    assert line.counted
    return line.counted


# ── what the school counted ─────────────────────────────────────────────────────────────────────────────────────────
def test_counts_are_imported_on_the_page_and_a_month_replaces_itself(world: World, office: FlaskClient) -> None:
    assert "还没有导入防范情况" in office.get(PAGE).text and "还没有导入防范情况" in office.get(COUNTED).text
    first = upload(office, count(f"2026-10,WY,,{SOME}", f"2026-10,GX,,{ALL}"))
    assert first.status_code == 200
    assert "2026-10 示例文学院：无数据 → 调查 100、知晓 99、应装 200、已安装 199、已实名 150、已开预警 100" in words(
        first
    )
    again = upload(office, count(f"2026-10,WY,,{ALL}"))
    assert "2026-10 示例工学院" in words(again) and "→ 无数据" in words(again)
    assert counted(world).shares["aware"] == Share(100, 100) and counted(world, "GX").shares == {}
    assert "没有变化" in upload(office, count(f"2026-10,WY,,{ALL}")).text
    [*_, row] = world.rows("SELECT actor, object FROM access_log WHERE action = 'prevention.import'")
    assert row.actor.startswith("user:") and row.object == "month:2026-10"


def test_of_a_file_with_a_fault_nothing_is_imported_and_only_the_office_imports(
    world: World, office: FlaskClient
) -> None:
    bring_counts(world, f"2026-10,WY,,{ALL}")
    before = contents(world, "access_log")
    page = upload(office, count(f"2026-10,WY,,{SOME}", "2026-10,GX,,10,11,,,,"))
    assert page.status_code == 422 and "没有导入" in page.text and "防范.csv · 第3行 · 知晓人数" in page.text
    for role in ("officer", "counselor", "psychologist", "leader"):
        client = world.user(f"one-{role}", role, None, "WY" if role == "leader" else None)
        assert upload(client, count(f"2026-10,WY,,{SOME}")).status_code == 403
        assert client.get(f"{PAGE}/prevention.xlsx").status_code == 403
        assert client.get(COUNTED).status_code == (200 if role == "leader" else 403)
    assert office.get(f"{PAGE}/prevention.xlsx").status_code == 200 and office.get(f"{PAGE}/x.xlsx").status_code == 404
    unchanged = contents(world, "access_log")
    assert {name: it for name, it in unchanged.items() if name != "users"} == {
        name: it for name, it in before.items() if name != "users"
    }


def test_only_all_of_them_are_a_hundred_per_cent(world: World, office: FlaskClient) -> None:
    bring_counts(world, "2026-10,WY,,1000,999,,,,", "2026-10,GX,,,,10,10,9,")
    assert (counted(world).shares["aware"].percent, counted(world).shares["aware"].whole) == (99, False)
    assert counted(world, "GX").shares == {"installed": Share(10, 10), "named": Share(9, 10)}
    page = words(office.get(COUNTED))
    assert "99 % 999 / 1000" in page and "100 % 10 / 10" in page and "未统计" in page


def test_a_college_without_a_row_of_its_own_is_what_its_classes_are(world: World) -> None:
    bring_counts(world, "2026-10,WY,WY2601,30,30,30,30,30,30", "2026-10,WY,WY2602,,,20,20,20,19",
                 "2026-10,WY,教职工,,,9,9,9,9", f"2026-10,GX,,{ALL}")  # fmt: skip
    it = counted(world)
    assert it.shares["aware"] == Share(30, 30, covered=False), "of the others nobody was asked"
    assert (it.shares["installed"], it.shares["warned"]) == (Share(59, 59), Share(58, 59))
    assert (it.classes, it.full) == (2, 1)
    assert counted(world, None).shares["installed"] == Share(259, 259)


def test_who_leaves_out_a_class_or_a_college_has_not_reached_all(world: World, office: FlaskClient) -> None:
    bring_counts(world, "2026-10,WY,WY2601,30,30,30,30,30,30")
    for code in ("WY", None):
        it = counted(world, code).shares["installed"]
        assert (it.percent, it.whole, it.covered) == (100, False, False)
    assert 'class="good one"' not in office.get(COUNTED).text
    bring_counts(world, "2026-10,WY,WY2601,30,30,30,30,30,30", "2026-10,WY,WY2602,30,30,30,30,30,30")
    assert counted(world).shares["installed"].whole and not counted(world, None).shares["installed"].whole
    bring_counts(world, f"2026-10,WY,,{ALL}", f"2026-10,GX,,{ALL}")
    assert counted(world, None).shares["installed"].whole


def test_nobody_counted_is_counted_and_not_a_hundred_per_cent(world: World, office: FlaskClient) -> None:
    """A class without anybody leaves nothing out; a college that asked nobody says so."""
    bring_counts(world, "2026-10,WY,WY2601,30,30,30,30,30,30", "2026-10,WY,WY2602,0,0,0,0,0,0", "2026-10,GX,,0,0,,,,")
    assert counted(world).shares["installed"] == Share(30, 30) and counted(world).shares["installed"].whole
    nobody = counted(world, "GX").shares["aware"]
    assert (nobody, nobody.percent, nobody.whole) == (Share(0, 0), 0, False)
    assert "– 0 / 0" in words(office.get(COUNTED)) and counted(world, None).shares["aware"] == Share(30, 30)


def test_the_latest_month_is_shown_and_it_is_said_that_another_is_missing(world: World, office: FlaskClient) -> None:
    bring_counts(world, f"2026-08,WY,,{SOME}", f"2026-09,WY,,{ALL}", f"2026-09,GX,,{ALL}")
    page = words(office.get(PAGE))
    assert words(office.get(COUNTED)).count("100 % 100 / 100") == 2 and "100 % 200 / 200 " in page
    assert "防范情况，2026-09" in page and "缺 2026-10" in page and counted(world).shares["warned"].whole
    bring_counts(world, f"2026-10,WY,,{ALL}")
    page = words(office.get(PAGE))
    assert "防范情况，2026-10" in page and "缺 2026-10" not in page and "1 个学院未统计" in page
    assert counted(world, "GX").shares == {}, "what is not known is not what was known before"


def test_a_leader_sees_the_own_college_s_counts_alone(world: World) -> None:
    bring_counts(world, "2026-10,WY,WY2601,30,29,,,,", "2026-10,GX,,71,71,,,,")
    mine = figures(world, "leader", "WY")
    assert set(mine.prevention.of) == {"WY"} and mine.prevention.school is None
    assert figures(world, "leader", None).prevention.of == figures(world, "counselor", "WY").prevention.of == {}
    client = world.user("dean", "leader", None, "WY")
    for shown in (words(client.get(PAGE)), words(client.get(COUNTED)), all_cells(client.get(f"{PAGE}.xlsx").data)):
        assert "29" in shown and "71" not in shown and "GX" not in shown and "合计" not in shown


def test_the_workbook_has_them_on_a_sheet_of_their_own_with_the_classes(world: World, office: FlaskClient) -> None:
    bring_counts(world, "2026-10,WY,WY2601,30,29,,,,", f"2026-10,GX,,{ALL}")
    reported, police, sheet = all_cells(office.get(f"{PAGE}.xlsx").data).split("\n")
    assert "WY2601" in sheet and "29.0, 30.0" in sheet and "未统计" in sheet and "接单" not in sheet
    assert "知晓" not in reported + police
    assert "2026-01-01" in police and "2026-10-31" in police
    english = all_cells(office.get(f"{PAGE}.xlsx?lang=en").data)
    assert "not counted" in english


def test_what_some_classes_or_colleges_counted_is_never_called_all(world: World, office: FlaskClient) -> None:
    bring_counts(world, "2026-10,WY,WY2601,30,30,30,30,30,30")
    page = words(office.get(COUNTED))
    assert page.count("100 % 30 / 30 已统计的班级") == 2 * 4 and "1 / 1 共 2 个班" in page
    sheet = all_cells(office.get(f"{PAGE}.xlsx").data).split("\n")[2]
    assert "已统计的学院合计，1 个未统计" in sheet and "全校" not in sheet
    assert "1.0, 1.0, 2.0, '已统计的班级'" in sheet
    bring_counts(world, *(f"2026-10,{code},{code}260{n},9,9,9,9,9,9" for code in ("WY", "GX") for n in (1, 2)))
    sheet = all_cells(office.get(f"{PAGE}.xlsx").data).split("\n")[2]
    assert "'已统计的学院合计'" in sheet and "已统计的班级" not in sheet + words(office.get(COUNTED))


# ── classes without a registered case ───────────────────────────────────────────────────────────────────────────────
def months(*lines: str, but: int = 0) -> list[str]:
    """Each month of the year without a case, but for `but`, whose lines these are."""
    free = [f"2026-{n:02},{code},,0" for n in TO_OCTOBER if n != but for code in ("WY", "GX")]
    return free + list(lines)


def test_a_class_is_fraud_free_without_a_registered_case_whatever_was_reported_here(
    world: World, office: FlaskClient
) -> None:
    world.report(**another_fraud(), student_no=OTHER_STUDENT)
    bring_cases(world, *months("2026-04,WY,,3", "2026-04,WY,WY2601,2", "2026-04,WY,教职工,1", "2026-04,GX,,0", but=4))
    wy, gx, school = (registered(world, code) for code in ("WY", "GX", None))
    assert (wy.fraud_free, wy.free_classes, wy.classes) == (False, 1, 2)
    assert (gx.fraud_free, gx.free_classes, gx.classes) == (True, 2, 2)
    assert (school.free_classes, school.classes) == (3, 4)
    page = words(office.get(PAGE))
    assert "1 / 2" in page and "无诈：2026-01-01 至 2026-10-31" in page


@pytest.mark.parametrize("lines", [
    pytest.param(lambda: months("2026-04,WY,,3", "2026-04,WY,WY2601,2", "2026-04,GX,,0", but=4), id="whose class"),
    pytest.param(lambda: months(but=4), id="a month"),
])  # fmt: skip
def test_while_anything_is_missing_nobody_knows_which_classes_are(
    world: World, office: FlaskClient, lines: Callable[[], list[str]]
) -> None:
    bring_cases(world, *lines())
    assert registered(world).free_classes is None and registered(world, None).free_classes is None
    assert "班级未知" in office.get(PAGE).text or "月份不全" in office.get(PAGE).text


def free(world: World) -> tuple[int | None, ...]:
    """Classes without a case: of WY, GX and the school."""
    return tuple(registered(world, code).free_classes for code in ("WY", "GX", None))


def test_a_case_of_no_known_college_may_be_of_any_class(world: World) -> None:
    """But for those of people who are of no college, where the file says so."""
    of_wy = "2026-04,WY,,2", "2026-04,WY,WY2601,2"
    bring_cases(world, *months("2026-04,*,,5", *of_wy, "2026-04,GX,,0", but=4))
    assert free(world) == (None, None, None)
    mine = figures(world, "leader", "GX").lines[0].registered
    assert mine and (mine.free_classes, mine.fraud_free) == (None, True)
    bring_cases(world, "2026-04,*,,5", "2026-04,*,教职工,3", *of_wy)
    assert free(world) == (1, 2, 3)


def test_a_class_takes_its_cases_along_to_another_college(world: World) -> None:
    bring_cases(world, *months("2026-04,WY,,2", "2026-04,WY,WY2601,2", "2026-04,GX,,0", but=4))
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(t.classes).where(t.classes.c.code == "WY2601").values(college_code="GX"))
    assert free(world) == (1, 2, 3)
    mine = figures(world, "leader", "GX").lines[0].registered
    assert mine and (mine.free_classes, mine.classes) == (2, 3)


def test_what_a_college_without_classes_does_not_say_nobody_knows(world: World) -> None:
    """It was dissolved: its classes, and with them perhaps the case, are another's."""
    bring_cases(world, *months("2026-04,WY,,1", "2026-04,GX,,0", but=4))
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(t.classes).values(college_code="GX"))
    assert free(world) == (None, None, None)
    bring_cases(world, "2026-04,WY,,1", "2026-04,WY,教职工,1", "2026-04,GX,,0")
    assert free(world) == (0, 4, 4)


def test_classes_of_a_month_are_replaced_with_it(world: World) -> None:
    bring_cases(world, *months("2026-04,WY,,1", "2026-04,WY,WY2601,1", "2026-04,GX,,0", but=4))
    bring_cases(world, "2026-04,WY,,1", "2026-04,WY,WY2602,1", "2026-04,GX,,0")
    held = [tuple(row) for row in world.rows("SELECT month, class_code, cases FROM registered_classes")]
    assert held == [("2026-04", "WY2602", 1)]


def test_more_classes_and_months_take_no_more_statements(world: World, office: FlaskClient) -> None:
    totals = []
    for n in range(1, 4):
        bring_counts(world, *(f"2026-0{n},WY,WY260{it},5,5,,,," for it in range(1, min(n, 2) + 1)))
        bring_cases(world, f"2026-0{n},WY,,{n}", f"2026-0{n},GX,,0", f"2026-0{n},WY,WY2601,{n}")
        with statements(world, here=True) as found:
            assert office.get(PAGE).status_code == 200
        totals.append(found.total())
    assert totals[0] == totals[-1], (totals, found)
