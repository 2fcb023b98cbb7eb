"""The duty desk's board: who has nobody yet, whom to call, what is late; no more statements for more cases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from ledger import tables as t
from ledger.pages import board
from tests.behaviour.door_tools import shared_world
from tests.behaviour.test_drills_touch_nobody import start
from tests.world import World


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Here nobody reads the texts, as the other `world` asks."""
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture
def desk(world: World) -> FlaskClient:
    return world.user("desk", "security", "+8613800001008")


def test_a_waiting_case_is_there_with_whom_to_call_and_what_was_tried(world: World, desk: FlaskClient) -> None:
    assert "没有等待接单的案件" in desk.get("/desk/board").text
    report = world.report()
    page = desk.get("/desk/board").text
    assert f'data-code="{report.code}"' in page and "通知还没送出" in page
    world.pump()
    page = desk.get("/desk/board").text
    assert f'data-code="{report.code}"' in page and "38,600" in page and "示例文学院" in page
    assert "第1次 欧阳警官" in page  # who was rung first, and how it fared
    assert page.index("代欧阳警官接单") < page.index("代上官警官接单")  # on duty first, then the backup
    assert "tel:+8613800001004" in page


def test_it_names_no_student_and_shows_no_account(world: World, desk: FlaskClient) -> None:
    world.report(narrative="金丝雀案情")
    world.pump()
    page = desk.get("/desk/board").text
    for private in ("金丝雀", "13800000001", "138 0000 0001", "0000 0000 4417", "测试学生"):
        assert private not in page


def test_the_desk_takes_it_for_the_officer_whom_they_called(world: World, desk: FlaskClient) -> None:
    report = world.report()
    world.pump()
    officer = re.search(r'name="person" value="([^"]+)"', desk.get("/desk/board").text)
    assert officer
    assert world.press(desk, f"/duty/{report.code}/acknowledge", person=officer[1]).status_code == 303
    assert report.state("police") == "acknowledged"
    assert f'data-code="{report.code}"' not in desk.get("/desk/board").text


def test_what_is_late_is_there_in_words(world: World, desk: FlaskClient) -> None:
    report = world.report()
    world.pump()
    world.clock.advance(31 * 60)
    page = desk.get("/desk/board").text
    assert "辅导员还没回应" in page and "跟进超时" in page
    assert f'id="wait-{report.code}" class="waits is-late"' in page


def test_a_late_counselor_is_there_behind_any_number_that_only_wait(
    world: World, desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "SHOWN", 1)
    for n in range(5):
        world.report(phone=f"1390000000{n}", student_no="")
    world.pump()
    with world.parts.ledger.begin("called") as uow:
        uow.conn.execute(update(t.obligations).where(t.obligations.c.kind == "counselor").values(next_at=None))
    world.clock.advance(60)
    late = world.report()
    world.pump()
    world.clock.advance(31 * 60)
    assert late.code in desk.get("/desk/board").text.split("辅导员还没回应")[1]


def test_a_wish_to_withdraw_is_there_however_old_its_case(world: World, desk: FlaskClient) -> None:
    report = world.report()
    world.pump()
    world.clock.advance(30 * 86400)
    assert world.client.post(f"/r/{report.token}/withdraw").status_code == 303
    assert "请求撤回" in desk.get("/desk/board").text
    world.clock.advance(8 * 86400)
    assert "请求撤回" not in desk.get("/desk/board").text


def test_a_late_contact_names_the_counselor_of_whom_was_named_later(world: World, desk: FlaskClient) -> None:
    report = world.report(phone="13911112222", student_no="")
    world.pump()
    with world.parts.ledger.begin("named") as uow:
        case = uow.case(uow.conn.execute(select(t.cases.c.id)).scalar_one())
        uow.change(t.cases, case.id, counselor_id=UUID(world.person("C01")))
    world.clock.advance(40 * 60)
    row = words_of(desk.get("/desk/board").text.split("跟进超时")[1])
    assert "慕容老师" in row[:120] and report.code in row[:120]


def test_a_drill_is_marked_and_never_sounds(world: World, desk: FlaskClient) -> None:
    start(world)  # not pumped: the sink would take it at once
    page = desk.get("/desk/board").text
    assert "演练" in page and "data-code" not in page


def test_a_drill_is_counted_beside_what_waits(world: World, desk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board, "SHOWN", 2)
    world.report()
    for _ in range(3):
        start(world)
    page = words_of(desk.get("/desk/board").text.split('<div id="waiting"')[1])
    assert page.startswith("data-live> 等待接单 1 演练 3 ") and "件等待接单" not in page
    assert "等待接单 1 演练 3 " in words_of(desk.get("/duty").text)


def test_more_cases_are_no_more_statements(world: World, desk: FlaskClient) -> None:
    def statements() -> int:
        seen: list[str] = []

        def count(*heard: object) -> None:
            seen.append(str(heard[2]))

        event.listen(world.parts.ledger.engine, "before_cursor_execute", count)
        try:
            assert desk.get("/desk/board").status_code == 200
        finally:
            event.remove(world.parts.ledger.engine, "before_cursor_execute", count)
        return len(seen)

    for n in range(2):
        world.report(phone=f"1380000000{n + 1}")
    world.pump()
    statements()  # the first visit is logged, and opens connections
    few = statements()
    for n in range(20):
        world.report(phone=f"138000000{n + 10}")
    world.pump()
    assert statements() == few


def test_only_the_office_sees_it_and_refreshing_is_not_logged_again(world: World, desk: FlaskClient) -> None:
    assert world.user("an officer", "officer", "+8613800001004").get("/desk/board").status_code == 403
    before = len(world.rows("SELECT 1 FROM access_log"))
    for path in ("/desk/board", "/desk/board?refresh=1", "/desk/board?refresh=1"):
        assert desk.get(path).status_code == 200
    assert len(world.rows("SELECT 1 FROM access_log")) == before + 1
    assert desk.get("/desk").headers["Location"] == "/desk/board"


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", "", page).split())


def test_who_is_in_danger_comes_first_since_when_with_whom_to_call_and_sounds(world: World, desk: FlaskClient) -> None:
    world.report()
    report = world.report(phone="13800000012", student_no="2026010202", payee_account="6217 0000 0000 9999")
    world.pump()
    world.clock.advance(5 * 60)
    assert world.client.post(f"/r/{report.token}/unsafe").status_code == 303
    world.pump()
    world.clock.advance(3 * 60)
    page = desk.get("/desk/board").text
    row = page.split('<div id="pressing"')[1].split('<div id="waiting"')[0]
    assert 'data-ring="unsafe-' in row and f'data-code="{report.code}"' in row
    assert "学生说现在不安全" in row and "3 分钟" in words_of(row) and "14:45" in row  # and not when it is late
    assert "tel:+8613800000012" in row and "慕容老师" in row and "tel:+8613800001001" in row
    read = world.rows("SELECT count(*) FROM access_log WHERE action = 'student.read'")[0][0]
    assert read == 1
    desk.get("/desk/board?refresh=1")
    assert world.rows("SELECT count(*) FROM access_log WHERE action = 'student.read'")[0][0] == read


def test_a_long_wait_lists_the_last_four_tries(world: World, desk: FlaskClient) -> None:
    report = world.report()
    world.pump()
    for _ in range(8):
        world.advance(120)
    row = words_of(desk.get("/desk/board").text.split(f'id="wait-{report.code}"')[1].split("请打电话")[0])
    assert len(re.findall(r"第\d+次 ", row)) == 4 and re.search(r"更早 \d+ 次", row), row


def test_money_that_has_not_gone_asks_for_a_call_and_somebody_to_take_it_on(world: World, desk: FlaskClient) -> None:
    report = world.report(kind="in_progress", transfers=[])
    world.pump()
    page = desk.get("/desk/board").text.split(f'id="wait-{report.code}"')[1].split('<div id="late"')[0]
    assert "请致电学生劝阻" in page and "tel:+8613800000001" in page
    assert "代" not in words_of(page) and "读给民警听" not in page
    taker = re.search(r'name="person" value="([^"]+)">\s*<button[^>]*>端木值班员接手', page)
    assert taker
    assert world.press(desk, f"/duty/{report.code}/acknowledge", person=taker[1]).status_code == 303
    assert report.state("dissuade") == "acknowledged"
