"""A further transfer on a closed case, or on one whose owner is not on duty now, rings whoever is; at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from ledger import tables as t
from ledger.reporting.additions import MAX_TRANSFERS
from ledger.school.demo_school import demo_school
from ledger.school.schoolrows import DutyRow, School
from tests.behaviour.door_tools import sheet
from tests.behaviour.stories import POSTGRESQL, SQLITE, at_once, only_police_ring, read_all, taken, world_with
from tests.behaviour.test_a_new_stop_is_owed import add, is_left_alone, is_reminded
from tests.behaviour.test_a_transfer_after_the_outcome import press, record, states
from tests.behaviour.test_drills_touch_nobody import end, start
from tests.world import Report, World, another_fraud

ELSEWHERE = "O03"  # an officer of another college, who stands on no rung of this one's


def is_rung(world: World, report: Report, *words: str) -> None:
    world.phones["officer"].expects("紧急止付", report.code, *(words or ("（新增第2笔）", "500元")))


def is_opened(world: World, report: Report, *others: str) -> None:
    """The office hears of it, and whoever had it without being rung now."""
    for name in ("office", *others):
        world.phones[name].expects(report.code, "结案后新增转账", "案件已重新打开")


def is_climbed(world: World, report: Report) -> None:
    """Two minutes on, and not before."""
    world.advance(119)
    world.phones.assert_all_read()
    world.advance(1)
    world.phones["officer"].expects("第2次提醒", report.code, "已过2分钟")
    world.phones["backup"].expects("紧急止付", report.code, "（新增第2笔）")


def is_asked_for_progress(world: World, *names: str) -> None:
    """Ten minutes after they took it."""
    world.advance(600)
    for name in (*names, "office"):
        world.phones[name].expects("接单已10分钟", "尚无进展")


def closed(world: World, officer: FlaskClient, outcome: str | None = "stopped") -> Report:
    report = taken(world)
    if outcome:
        record(world, officer, report, outcome)
    world.press(officer, f"/duty/{report.code}/close")
    assert states(report) == ("done", "closed")
    is_left_alone(world)
    return report


def elsewhere(world: World, office: FlaskClient) -> Report:
    """The desk took it for an officer who is not on duty for this college, and who was at work on it."""
    report = only_police_ring(world)
    world.press(office, f"/duty/{report.code}/acknowledge", person=world.person(ELSEWHERE))
    world.phones[ELSEWHERE].expects("由您接单")
    world.phones["officer"].expects("已有人接单", "司马警官")
    press(world, office, report, "filed")
    is_left_alone(world)
    return report


@pytest.mark.parametrize("outcome", [None, "stopped", "too_late", "refused_name", "not_fraud", "false_report"])
def test_a_closed_case_opens_by_itself_and_rings_like_a_report(
    world: World, officer: FlaskClient, outcome: str | None
) -> None:
    report = closed(world, officer, outcome)
    add(world, report)
    is_rung(world, report)  # by one text alone: no call yet, and no second one for who had it
    is_opened(world, report)
    assert states(report) == ("alerted", "alerted")
    assert report.events("case.reopened.v1") == [{"by": "reporter", "drill": False}]
    assert report.events("case.owner_released.v1")[0]["owner"] == world.person("O01")
    is_climbed(world, report)
    world.phones["backup"].replies(report.code).expects("由您接单")
    world.phones["officer"].expects("已有人接单", "上官警官")
    is_asked_for_progress(world, "backup")
    backup = world.user("shangguan", "officer", world.phones["backup"].number)
    press(world, backup, report, "filed")
    is_left_alone(world)
    assert states(report) == ("filed", "filed")


def test_who_stays_silent_is_followed_by_the_rest_of_the_ladder(world: World, officer: FlaskClient) -> None:
    report = closed(world, officer)
    add(world, report)
    is_rung(world, report)
    is_opened(world, report)
    is_climbed(world, report)
    world.advance(120)
    world.phones["desk"].expects("紧急止付", report.code, "（新增第2笔）")
    world.phones["desk"].replies(report.code).expects("由您接单")
    for name in ("officer", "backup"):
        world.phones[name].expects("已有人接单", "端木值班员")


def test_one_closed_long_ago_is_no_exception(world: World, officer: FlaskClient) -> None:
    report = closed(world, officer)
    for _ in range(100):
        world.clock.advance(24 * 3600)
        read_all(world)
    add(world, report)
    is_rung(world, report)
    is_opened(world, report)
    assert report.status()["obligations"]["police"]["late"] is False
    read_all(world)


def test_nor_is_one_that_nobody_ever_took(world: World, office: FlaskClient) -> None:
    report = only_police_ring(world)
    world.press(office, f"/duty/{report.code}/close")
    world.phones["officer"].expects("已有人接单")
    is_left_alone(world)
    add(world, report)
    is_rung(world, report)
    is_opened(world, report)
    world.phones["officer"].replies(report.code).expects("由您接单").expects_nothing()


@pytest.mark.parametrize("outcome", [None, "stopped"])
def test_nor_is_a_transfer_whose_amount_nobody_can_read(
    world: World, officer: FlaskClient, outcome: str | None
) -> None:
    """The text names no sum: it would be that of the money that went before."""
    report = closed(world, officer, outcome)
    add(world, report, amount="很多")
    is_rung(world, report, "（又有止付要办）", "金额待问")
    is_opened(world, report)
    assert states(report) == ("alerted", outcome or "alerted")


def test_five_within_a_minute_are_one_ladder(world: World, officer: FlaskClient) -> None:
    report = closed(world, officer)
    for n in range(5):
        add(world, report, f"page {n}", "500")
        world.pump()
        world.advance(10)
    is_rung(world, report)
    is_opened(world, report)
    world.phones["officer"].expects("有补充", "新增转账")  # the second
    world.advance(20)
    world.phones["officer"].expects("有补充", "新增转账")  # what followed within a minute, in one text
    world.advance(50)
    world.phones["officer"].expects("第2次提醒", "2500元")
    world.phones["backup"].expects("紧急止付", "2500元等5笔")
    assert len(report.events("case.reopened.v1")) == 1
    world.phones["officer"].replies(report.code).expects("由您接单")
    world.phones["backup"].expects("已有人接单")


def test_without_a_worker_the_clock_rings(world: World, officer: FlaskClient) -> None:
    report = closed(world, officer)
    add(world, report)
    world.parts.clock.tick()
    assert [(row.step, row.facts["transfer"]) for row in report.texts() if row.step] == [(3, 2)]
    is_rung(world, report)
    is_opened(world, report)


def test_an_owner_who_is_not_on_duty_loses_it_at_once_and_hears_of_it(world: World, office: FlaskClient) -> None:
    report = elsewhere(world, office)
    add(world, report)
    is_rung(world, report)
    world.phones[ELSEWHERE].expects(report.code, "新增转账，正在通知值班民警", "到值守页接单")
    assert states(report) == ("alerted", "alerted")
    theirs = world.user("sima", "officer", world.phones[ELSEWHERE].number)
    assert "正在通知值班民警" in theirs.get(f"/duty/{report.code}").text
    is_climbed(world, report)
    world.press(theirs, f"/duty/{report.code}/acknowledge")
    for name in ("officer", "backup"):
        world.phones[name].expects("已有人接单", "司马警官")
    is_asked_for_progress(world, ELSEWHERE)
    press(world, theirs, report, "filed")
    is_left_alone(world)


def test_while_they_owe_something_already_it_is_one_clock(world: World, office: FlaskClient) -> None:
    report = only_police_ring(world)
    world.press(office, f"/duty/{report.code}/acknowledge", person=world.person(ELSEWHERE))
    read_all(world)
    world.advance(300)
    add(world, report)
    world.phones[ELSEWHERE].expects("有补充", "新增转账")
    world.advance(300)
    for name in (ELSEWHERE, "office"):
        world.phones[name].expects("接单已10分钟")
    press(world, office, report, "filed")
    is_left_alone(world)


def test_after_an_outcome_they_lose_it_too(world: World, office: FlaskClient) -> None:
    report = elsewhere(world, office)
    record(world, office, report)
    assert states(report) == ("done", "stopped")
    add(world, report)
    is_rung(world, report)
    world.phones[ELSEWHERE].expects("正在通知值班民警")
    assert states(report) == ("alerted", "alerted")


def test_a_correction_takes_it_from_nobody(world: World, office: FlaskClient) -> None:
    report = only_police_ring(world)
    world.press(office, f"/duty/{report.code}/acknowledge", person=world.person(ELSEWHERE))
    read_all(world)
    world.client.post(f"/r/{report.token}/more/correct", data={"page": "p", "payee_name": "王五"})
    world.phones[ELSEWHERE].expects("有补充", "新报户名")
    assert states(report) == ("acknowledged", "acknowledged")


@pytest.fixture
def by_turns(database_url: str, tmp_path: Path) -> Iterator[World]:
    """Who has the day is not the night's second."""
    school: School = demo_school()
    days = [row for row in school.duty if (row.college, row.role, row.person) != ("WY", "backup", "O01")]
    night = DutyRow("WY", "backup", ELSEWHERE, "1-7", "20:00", "08:00")
    with world_with(database_url, tmp_path, replace(school, duty=(*days, night))) as world:
        yield world


def test_when_the_shift_has_changed_the_next_one_is_rung(by_turns: World) -> None:
    world = by_turns
    report = taken(world)
    day = world.user("ouyang", "officer", world.phones["officer"].number)
    press(world, day, report, "filed")
    world.advance(6 * 3600)  # 20:40
    world.phones.assert_all_read()
    add(world, report)
    world.phones["O02"].expects("紧急止付", report.code, "（新增第2笔）")
    world.phones["officer"].expects("新增转账，正在通知值班民警")
    world.advance(120)
    world.phones["O02"].expects("第2次提醒")
    world.phones[ELSEWHERE].expects("紧急止付", report.code)
    world.phones["O02"].replies("收到").expects("由您接单")
    world.phones[ELSEWHERE].expects("已有人接单")
    world.phones["officer"].expects("已有人接单", "上官警官")


def test_a_bare_answer_is_meant_for_what_rings_this_phone_now(world: World, officer: FlaskClient) -> None:
    """And not for a case that rang it once, and rings another's now."""
    report = only_police_ring(world)
    world.advance(120)
    read_all(world)
    world.phones["officer"].replies(report.code)
    read_all(world)
    world.press(officer, f"/duty/{report.code}/close")
    is_left_alone(world)
    add(world, report)
    is_rung(world, report)
    is_opened(world, report)
    with world.parts.ledger.begin("roster") as uow:
        uow.conn.execute(update(t.duties).where(t.duties.c.role == "backup").values(role="officer"))
    other = world.report(**another_fraud())
    world.phones["backup"].expects("紧急止付", other.code)
    world.phones["backup"].replies("收到").expects("由您接单", other.code)
    read_all(world)


def test_a_page_that_was_open_before_it_came_in_is_no_progress_with_it(world: World, officer: FlaskClient) -> None:
    """Also where its owner has answered since: they may still look at the page of yesterday."""
    report = closed(world, officer)
    add(world, report)
    is_rung(world, report)
    is_opened(world, report)
    world.advance(30)
    world.phones["officer"].replies(report.code).expects("由您接单")
    world.press(officer, f"/duty/{report.code}/outcome", progress="filed", seen="1")
    is_asked_for_progress(world, "officer")
    world.press(officer, f"/duty/{report.code}/outcome", progress="filed", seen="2")
    is_left_alone(world)


@POSTGRESQL
@pytest.mark.parametrize("pressed", ["close", "acknowledge"])
def test_whatever_is_pressed_at_the_same_moment_it_is_owed(
    world: World, officer: FlaskClient, office: FlaskClient, pressed: str
) -> None:
    reports = [world.report(**another_fraud()) for _ in range(6)]
    read_all(world)
    for report in reports:
        if pressed == "close":
            world.phones["officer"].replies(report.code)
            read_all(world)
            press(world, officer, report, "filed")
        else:
            world.press(office, f"/duty/{report.code}/close")
    world.clock.advance(60)
    read_all(world)
    for report in reports:
        client = officer.application.test_client()
        client.set_cookie("session", officer.get_cookie("session").value)  # type: ignore[union-attr]
        at_once(
            [
                partial(add, replace(world, client=officer.application.test_client()), report),
                partial(world.press, client, f"/duty/{report.code}/{pressed}", seen="1"),
            ]
        )
    read_all(world)
    for report in reports:
        assert report.status()["obligations"]["police"]["owed_since"]
        assert report.status()["state"] not in ("closed", "stopped")


def test_one_answer_serves_two_reports_of_one_fraud(world: World, officer: FlaskClient) -> None:
    first = world.report()
    read_all(world)
    world.advance(60)
    both = (first, world.report())
    read_all(world)
    world.advance(1)
    world.phones["officer"].replies(first.code)
    read_all(world)
    for report in both:
        world.call_the_student(report)
        assert report.state("police") == "acknowledged"
        world.press(officer, f"/duty/{report.code}/close")
    is_left_alone(world)
    for report in both:
        add(world, report, report.code)
        read_all(world)
        assert states(report) == ("alerted", "alerted")
    world.advance(1)
    world.phones["officer"].replies(first.code)
    read_all(world)
    assert [report.state("police") for report in both] == ["acknowledged", "acknowledged"]


def test_who_was_rung_for_the_other_once_is_not_given_it(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    """Their phone was called for it before it was closed, and not since."""
    first = world.report()
    world.advance(120)
    second = world.report()
    world.advance(120)
    read_all(world)
    world.phones["backup"].replies(first.code)
    world.phones["backup"].replies(second.code)
    read_all(world)
    for report in (first, second):
        world.call_the_student(report)
        world.press(office, f"/duty/{report.code}/close")
    is_left_alone(world)
    for report in (first, second):
        add(world, report, report.code)
        world.advance(1)
        read_all(world)
    world.press(office, f"/duty/{first.code}/acknowledge", person=world.person("O02"))
    read_all(world)
    assert (first.state("police"), second.state("police")) == ("acknowledged", "alerted")


def test_a_drill_that_is_over_stays_so_and_one_that_runs_rings_no_phone(world: World, office: FlaskClient) -> None:
    over, runs = start(world, college="WY"), start(world, college="WY")
    world.pump()
    with world.parts.ledger.begin("test") as uow:
        theirs = uow.conn.scalars(t.people.select().with_only_columns(t.people.c.id).where(t.people.c.key == ELSEWHERE))
        police = update(t.obligations).where(t.obligations.c.kind == "police")
        uow.conn.execute(police.values(owner_id=theirs.one()))
    for drill in (over, runs):
        press(world, office, drill, "filed")
    assert end(world, over) == 204
    for drill in (over, runs):
        add(world, drill, drill.code)
        world.pump()
    assert (over.status()["state"], runs.status()["state"]) == ("closed", "acknowledged")  # the sink has answered
    assert runs.events("case.owner_released.v1")
    assert not over.events("case.reopened.v1")
    assert world.double.log == []


@SQLITE
def test_where_the_key_of_a_case_is_gone_the_student_is_told_to_call_and_to_report_anew(
    world: World, officer: FlaskClient
) -> None:
    report = closed(world, officer)
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(t.cases).values(row_key=b"gone:" + bytes(60)))
    answer = world.client.post(f"/r/{report.token}/more/transfer", data={"page": "p", "amount": "500"})
    assert answer.status_code == 410
    assert all(said in answer.text for said in ("打不开", "tel:110", "重新报告"))
    is_left_alone(world)


@SQLITE
def test_money_that_leaves_after_all_is_a_report_also_once_the_warning_is_closed(
    world: World, office: FlaskClient
) -> None:
    report = world.report(kind="in_progress", transfers=None)
    read_all(world)
    world.call_the_student(report)
    world.press(office, f"/duty/{report.code}/close")
    read_all(world)
    world.client.post(f"/r/{report.token}/sent", data={"amount": "3800"})
    world.phones["officer"].expects("紧急止付", report.code, "3800元")
    is_opened(world, report)
    assert states(report) == ("alerted", "alerted")


def test_figures_keep_when_it_was_taken_first(world: World, officer: FlaskClient) -> None:
    leader = world.user("dean", "leader", None, world.college)

    def figures() -> list[str]:
        shown = leader.get("/desk/figures").text.split("<main")[1]
        return re.findall(r"\d+", shown.replace("39,100", "38,600"))

    report = closed(world, officer)
    before = figures()
    add(world, report)
    read_all(world)
    world.phones["officer"].replies(report.code)
    read_all(world)
    world.press(officer, f"/duty/{report.code}/close", seen="2")
    assert figures() == before


def test_pages_say_since_when_it_rings_and_for_what(world: World, officer: FlaskClient, office: FlaskClient) -> None:
    report = closed(world, officer)
    add(world, report)
    read_all(world)
    world.advance(60)
    words = {
        f"/duty/{report.code}": ("第2笔，15:40新报，止付还没有进展", "Transfer 2 came in at 15:40: no progress"),
        "/duty": ("又有止付要办", "Another stop to file"),
        "/desk/board": ("<span>又有止付", "<span>another stop"),
        f"/r/{report.token}": ("又有止付要办", "Another stop is to be filed"),
    }
    for path, both in words.items():
        for lang, text in zip(("zh", "en"), both, strict=True):
            shown = (world.client if path.startswith("/r/") else office).get(f"{path}?lang={lang}").text
            assert text in shown, path
    board = office.get("/desk/board?lang=zh").text
    row = board.split(f'id="wait-{report.code}"')[1].split("请打电话")[0]
    assert "500" in row and "38,600" not in row and "1 分钟" in row
    assert "接单后没有进展" not in board
    assert '报送还剩 <span class="one">29 分钟' in office.get(f"/duty/{report.code}").text
    police = report.status()["obligations"]["police"]
    assert (police["owed_since"], police["late"]) == ("2026-11-24T07:40:00.000Z", False)
    page = world.client.get(f"/r/{report.token}?lang=zh").text.split('id="police"')[1].split("</li>")[0]
    assert "新报 <b>1 分钟前" in page and "30分钟" not in page
    world.advance(29 * 60)
    assert report.status()["obligations"]["police"]["late"] is True
    read_all(world)


@SQLITE
@pytest.mark.parametrize("is_closed", [False, True])
def test_what_comes_after_the_50th_is_seen_and_rings_too(
    world: World, officer: FlaskClient, office: FlaskClient, is_closed: bool
) -> None:
    one = {"payee_account": "6217 0000 0000 4417", "payee_name": "某人"}
    report = taken(world, transfers=[one | {"amount": f"{n}.00"} for n in range(1, MAX_TRANSFERS + 1)])
    press(world, officer, report, "filed")
    if is_closed:
        world.press(officer, f"/duty/{report.code}/close", seen="50")
    assert "已满50笔。请打110" in world.client.get(f"/r/{report.token}/more/transfer").text
    world.clock.advance(60)
    for n in (1, 2):
        add(world, report, f"page {n}", "77777")
    if is_closed:
        is_rung(world, report, "（又有止付要办）", "金额待问")
        is_opened(world, report)
    else:
        world.phones["officer"].expects("有补充", "新增转账")
        is_reminded(world, "又有止付要办已10分钟")
    assert len(sheet(world, report.code)["transfers"]) == MAX_TRANSFERS
    for path in ("", "/sheet"):
        shown = office.get(f"/duty/{report.code}{path}").text
        assert "只列50笔，另有2笔写在后面" in shown
        assert "第51笔转账（未列入）" in shown and "第52笔转账（未列入）" in shown
        assert shown.count("77777 · 6217 0000 0000 4418 · 李四") == 2
    assert "50 are listed; 2 more" in office.get(f"/duty/{report.code}?lang=en").text
    assert office.get(f"/duty/{report.code}/sheet.json").get_json()["beyond"] == 2
