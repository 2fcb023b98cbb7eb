"""「我现在不安全」: counselor and duty desk at once, again every two minutes until a contact is recorded; and what else
the status page asks for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from ledger import tables as t
from ledger.school.demo_school import demo_school
from ledger.school.schoolrows import LadderRow
from tests.behaviour.stories import only_police_ring, read_all, taken, world_with
from tests.behaviour.test_what_is_sent_beside_a_spoiled_field_is_kept import spoil
from tests.world import Report, World


def press(report: Report, what: str) -> None:
    assert report.world.client.post(f"/r/{report.token}/{what}").status_code == 303


def called(world: World, report: Report) -> None:
    for name in ("counselor", "desk"):
        world.phones[name].expects("立即到场", report.code)


def pressed_and_told(report: Report) -> None:
    press(report, "unsafe")
    report.world.phones["officer"].expects(report.code, "报案人现在不安全")
    called(report.world, report)


def test_who_has_the_case_hears_of_it_at_once_and_once_for_one_call_for_help(world: World) -> None:
    report = taken(world)
    pressed_and_told(report)
    press(report, "unsafe")
    world.advance(120)
    called(world, report)
    world.phones.assert_all_read()
    world.call_the_student(report)
    pressed_and_told(report)
    world.call_the_student(report)


def test_while_nobody_has_the_case_everybody_who_was_rung_hears_of_it_but_for_who_is_sent_there(world: World) -> None:
    report = only_police_ring(world)
    world.advance(240)  # the desk is rung with them, and is to go there as well
    read_all(world)
    press(report, "unsafe")
    for name in ("officer", "backup"):
        world.phones[name].expects(report.code, "报案人现在不安全")
    called(world, report)
    world.call_the_student(report)


def test_it_rings_every_two_minutes_whoever_answers_until_a_contact_is_recorded(world: World) -> None:
    report = taken(world)
    pressed_and_told(report)
    press(report, "unsafe")
    world.phones.assert_all_read()
    world.phones["desk"].replies(report.code).expects("由您联系", report.code)
    for _ in range(2):
        world.advance(119)
        world.phones.assert_all_read()
        world.advance(1)
        called(world, report)
    assert len(report.events("student.unsafe.v1")) == 1
    world.call_the_student(report)
    world.advance(240)
    world.phones.assert_all_read()


def test_pressed_again_after_a_contact_it_rings_again_at_once(world: World) -> None:
    report = taken(world)
    pressed_and_told(report)
    world.call_the_student(report)
    pressed_and_told(report)
    world.call_the_student(report)


def test_pressed_again_it_rings_at_once_by_a_ladder_of_the_school_s_own(database_url: str, tmp_path: Path) -> None:
    """Longer rounds than the built-in ones: nobody waits for what is left of them, and the first person comes first."""
    rungs = ((0, ("counselor", "desk")), (300, ("office",)), (900, ("repeat",)))
    own = tuple(LadderRow("unsafe", "*", step, *rung) for step, rung in enumerate(rungs, 1))
    school = demo_school()
    others = tuple(row for row in school.ladder if row.obligation != "unsafe")
    with world_with(database_url, tmp_path, replace(school, ladder=others + own)) as world:
        report = taken(world)
        pressed_and_told(report)
        world.advance(300)
        world.phones["office"].expects("立即到场", report.code)
        for _ in range(2):
            world.call_the_student(report)
            pressed_and_told(report)
        world.call_the_student(report)


@pytest.mark.parametrize(
    "name, role, page, action, form",
    [
        ("counselor", "counselor", "followups", "contact", {"reached": "yes"}),
        ("office", "security", "duty", "voice", {"voice": "called"}),
        ("office", "security", "duty", "outcome", {"progress": "contacted"}),
    ],
)
def test_a_page_that_was_open_before_the_call_for_help_ends_nothing(
    world: World, name: str, role: str, page: str, action: str, form: dict[str, str]
) -> None:
    report = taken(world)
    user = world.user(name, role, world.phones[name].number)
    address = f"/{'desk/followups' if page == 'followups' else page}/{report.code}"

    def open_page() -> dict[str, str]:
        html = user.get(address).text
        its = next(it for it in html.split("<form") if f'{address}/{action}"' in it)
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', its)) | form

    before = open_page()
    pressed_and_told(report)
    for _ in range(2):  # and the same page sent once more
        assert user.post(f"{address}/{action}", data=before).status_code == 303
        assert "学生说：我现在不安全" in user.get(address).text
    read_all(world)
    world.advance(120)
    called(world, report)
    assert user.post(f"{address}/{action}", data=open_page()).status_code == 303
    assert "学生说：我现在不安全" not in user.get(address).text
    world.advance(240)
    world.phones.assert_all_read()


def test_nor_does_the_page_of_one_whose_money_is_still_here(world: World) -> None:
    report = world.report(kind="in_progress", transfers=None)
    world.phones["desk"].expects(report.code).replies()
    read_all(world)
    office = world.user("office", "security")
    old = re.search(r'name="unsafe" value="([^"]*)"', office.get(f"/duty/{report.code}").text)
    press(report, "unsafe")
    read_all(world)
    form = {"progress": "contacted", "unsafe": old[1] if old else "no such field"}
    assert world.press(office, f"/duty/{report.code}/outcome", **form).status_code == 303
    world.advance(120)
    called(world, report)
    world.call_the_student(report)


def test_the_board_stays_silent_once_it_was_heard(world: World) -> None:
    """Its clock may be late, and a round may reach nobody: that is no other call for help."""
    report, desk = taken(world), world.user("wall", "security")

    def sounds() -> str:
        return str(re.findall(r'data-ring="(unsafe-[^"]+)"', desk.get("/desk/board").text)[0])

    pressed_and_told(report)
    before = sounds()
    for _ in range(3):
        world.clock.advance(123)
        world.pump()
        read_all(world)
        assert sounds() == before
    world.call_the_student(report)
    pressed_and_told(report)
    assert sounds() != before
    world.call_the_student(report)


def test_whose_counselor_has_left_has_the_college_s_duty_rung_for_them(world: World) -> None:
    report = taken(world)
    with world.parts.ledger.engine.begin() as conn:
        conn.execute(update(t.people).where(t.people.c.key == "C01").values(active=False))
    press(report, "unsafe")
    world.phones["officer"].expects(report.code, "报案人现在不安全")
    for name in ("college_duty", "desk"):
        world.phones[name].expects("立即到场", report.code)
    office = world.user("office", "security")
    pressing = office.get("/desk/board?lang=zh").text.split('<div id="pressing"')[1].split('<div id="waiting"')[0]
    assert "令狐老师" in pressing and "慕容老师" not in pressing


def test_a_drill_has_nobody_come_running(world: World) -> None:
    report = taken(world)
    with world.parts.ledger.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE cases SET drill = true")
    press(report, "unsafe")
    world.phones.assert_all_read()
    assert not report.events("student.unsafe.v1")


def test_the_status_page_says_that_somebody_was_called(world: World) -> None:
    report = taken(world)
    assert "我现在不安全" in world.client.get(f"/r/{report.token}").text
    pressed_and_told(report)
    assert "已通知老师和值班室" in world.client.get(f"/r/{report.token}").text


def test_a_wrong_link_changes_nothing(world: World) -> None:
    for what in ("unsafe", "withdraw"):
        assert world.client.post(f"/r/unknown/{what}").status_code == 404
    assert world.client.post("/r/unknown/sent", data={"amount": "1"}).status_code == 404


@pytest.mark.parametrize("row_key", [b"", b"gone:" + bytes(60)])
def test_where_nobody_can_be_rung_the_page_says_so_and_whom_to_call(world: World, row_key: bytes) -> None:
    """Of a case that cannot be opened nothing can be stored; the log names it by its id."""
    report = taken(world)
    spoil(world, t.cases, row_key=row_key)
    for lang, words in (("zh", ("没有通知到任何人", "现在打 110")), ("en", ("Nobody was told", "Call 110 now"))):
        with capture_logs() as logs:
            answer = world.client.post(f"/r/{report.token}/unsafe", data={"lang": lang})
        assert answer.status_code == 410
        assert all(word in answer.text for word in (*words, "tel:110", "tel:12356"))
        unheard = [line for line in logs if line["event"] == "unsafe_unheard"]
        assert [line["case"] for line in unheard] == [str(UUID(str(world.rows("SELECT id FROM cases")[0].id)))]
    assert not report.events("student.unsafe.v1")
    world.advance(240)
    world.phones.assert_all_read()
