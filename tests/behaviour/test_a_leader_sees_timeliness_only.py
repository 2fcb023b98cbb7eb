"""A college leader sees the own college's cases by code, class, amount, state and timeliness, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.behaviour.door_tools import shared_world, token_in
from tests.world import World


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Here nobody reads the texts, as the other `world` asks."""
    yield from shared_world(request, tmp_path_factory)


def leader(world: World, college: str | None) -> FlaskClient:
    return world.user(f"leader-{college}", "leader", None, college)


def college_of(world: World, code: str) -> str:
    return str(world.rows("SELECT college_code FROM cases WHERE code = :c", c=code)[0][0])


def test_the_own_colleges_cases_and_no_others(world: World) -> None:
    ours = world.report()
    world.pump()
    college = college_of(world, ours.code)
    page = leader(world, college).get("/desk/figures").text
    assert ours.code in page and "38,600" in page
    for other in ("no-such-college", None):
        assert ours.code not in leader(world, other).get("/desk/figures").text


def test_a_leader_without_a_college_sees_no_case_of_nobody_s_college(world: World) -> None:
    unknown = world.report(student_no="9999999999", phone="13912345678")
    world.pump()
    assert college_of(world, unknown.code) == "None"
    assert unknown.code not in leader(world, None).get("/desk/figures").text


def test_a_leader_without_a_college_is_told_so(world: World) -> None:
    page = leader(world, None).get("/desk/figures").text
    assert "您的账号没有填学院" in page and "各学院" not in page
    office = world.user("guard", "security", None).get("/desk/figures").text
    assert "各学院" in office and "近30天没有报告" in office


def test_no_name_no_phone_no_account(world: World) -> None:
    report = world.report(narrative="金丝雀案情", fraud_type="LL")
    world.pump()
    page = leader(world, college_of(world, report.code)).get("/desk/figures").text
    for private in ("金丝雀", "13800000001", "138 0000 0001", "0000 0000 4417", "裸聊", "某人"):
        assert private not in page


def test_how_fast_everybody_was_is_shown(world: World) -> None:
    report = world.report()
    world.pump()
    client = leader(world, college_of(world, report.code))
    assert "还没有人接单" in client.get("/desk/figures").text
    world.clock.advance(7 * 60)
    officer = world.user("officer-fast", "officer", "+8613800001004")
    token = token_in(officer.get("/duty"))
    assert officer.post(f"/duty/{report.code}/acknowledge", data={"csrf_token": token}).status_code == 303
    assert "报告到接单 7 分钟" in re.sub(r"<[^>]+>", "", client.get("/desk/figures").text)
    assert "跟进按时" in client.get("/desk/figures").text
    world.clock.advance(30 * 60)
    assert "有跟进超时" in client.get("/desk/figures").text


def test_the_desk_sends_a_leader_there(world: World) -> None:
    assert leader(world, "C1").get("/desk").headers["Location"] == "/desk/figures"
