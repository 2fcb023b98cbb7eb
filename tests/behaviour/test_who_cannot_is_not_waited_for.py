"""An officer or a counselor who answers that they cannot has the next one rung at once, not at the time of a step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger import tables as t
from ledger.school.demo_school import demo_school
from tests.behaviour.stories import only_police_ring, read_all, reported, school_without, taken, world_with
from tests.behaviour.test_replies_are_understood import danger_is_raised, lost, outcomes
from tests.world import Report, World

CANNOT = "{}我在外地，找别人"


def says_no(world: World, report: Report, name: str, words: str = CANNOT) -> None:
    world.phones[name].replies(words.format(report.code)).expects("尚未接单", report.code)


def declined(report: Report) -> list[tuple[str, int]]:
    return [(data["obligation"], data["step"]) for data in report.events("alert.declined.v1")]


def alarms(world: World) -> list[str]:
    return [row.reason for row in world.rows("SELECT reason FROM alarms WHERE cleared_at IS NULL ORDER BY at")]


@pytest.mark.parametrize("words", [CANNOT, "{} busy, ask someone else", "我在外地，找别人", "{} NO", "{}拒绝"])
def test_the_next_officer_is_rung_at_once_and_who_comes_after_keeps_the_distance(world: World, words: str) -> None:
    report = only_police_ring(world)
    world.until(30)
    says_no(world, report, "officer", words)
    world.phones["backup"].expects("紧急止付", report.code)
    world.phones["officer"].expects("第2次提醒", report.code)  # of the same rung
    world.until(149)
    world.phones["desk"].expects_nothing()
    world.until(150)
    world.phones["desk"].expects("紧急止付", report.code)
    assert declined(report) == [("police", 0)]
    world.phones["backup"].replies(report.code).expects("由您接单")
    read_all(world)


def test_while_another_of_the_step_may_answer_nobody_else_is_rung(world: World) -> None:
    report = only_police_ring(world)
    world.until(120)
    world.phones["officer"].expects("第2次提醒")
    world.phones["backup"].expects("紧急止付")
    says_no(world, report, "backup")
    world.phones["desk"].expects_nothing()
    says_no(world, report, "officer")
    world.phones["desk"].expects("紧急止付", report.code)
    assert outcomes(world) == ["declined", "declined"]


def test_who_has_said_so_before_is_not_waited_for_in_a_later_step(world: World) -> None:
    report = only_police_ring(world)
    says_no(world, report, "officer")
    world.phones["officer"].expects("第2次提醒")
    world.phones["backup"].expects("紧急止付")
    says_no(world, report, "backup")
    world.phones["desk"].expects("紧急止付", report.code)


def test_when_a_whole_round_has_said_so_it_is_an_alarm_until_somebody_says_yes(world: World) -> None:
    report = only_police_ring(world)
    for name in ("officer", "backup"):
        says_no(world, report, name)
        read_all(world)
    assert alarms(world) == []
    says_no(world, report, "desk")
    assert alarms(world) == ["police: declined"]
    world.until(239)
    world.phones.assert_all_read()
    world.until(240)  # the next round, as long after the last step as ever
    world.phones["officer"].expects("提醒", report.code)
    world.until(300)
    assert alarms(world) == ["police: declined"]  # their phones confirm what they read
    world.phones["officer"].replies(report.code).expects("由您接单")
    assert alarms(world) == []
    read_all(world)


@pytest.mark.parametrize("first", ["officer", "desk"])
def test_the_alarm_comes_in_whichever_order_the_last_two_are_lost(world: World, first: str) -> None:
    """The desk's number is dead, and officer and backup refuse before or after the desk was tried."""
    world.double.faults.add("21211", to=world.phones["desk"].number, times=None)
    report = only_police_ring(world)
    if first == "desk":
        world.until(240)
        read_all(world)
    for name in ("officer", "backup"):
        says_no(world, report, name)
        read_all(world)
    assert alarms(world) == ["police: declined"]
    world.phones["backup"].replies(report.code).expects("由您接单")
    read_all(world)


def test_a_step_on_which_only_somebody_stands_who_has_refused_is_not_waited_for(
    database_url: str, tmp_path: Path
) -> None:
    with world_with(database_url, tmp_path, school_without("backup")) as world:
        report = only_police_ring(world)
        says_no(world, report, "officer")
        world.phones["desk"].expects("紧急止付", report.code)
        world.phones["desk"].replies(report.code).expects("由您接单")
        read_all(world)


def test_a_phone_that_is_off_and_one_who_cannot_are_not_waited_for_in_either_order(world: World) -> None:
    world.double.faults.add("callbacks_lost", to=world.phones["backup"].number, times=None)
    world.double.faults.add("500", times=None, on="fetch")
    report = only_police_ring(world)
    world.until(120)
    world.phones["officer"].expects("第2次提醒")
    world.phones["backup"].expects("紧急止付")
    says_no(world, report, "officer")
    world.phones["desk"].expects_nothing()
    world.until(181)
    world.phones["desk"].expects("紧急止付", report.code)
    read_all(world)


def test_of_two_alerts_words_without_a_code_decline_none(world: World) -> None:
    reports = [only_police_ring(world) for _ in range(2)]
    world.phones["officer"].replies("我在外地，找别人").expects("尚未接单", "您有2件待接")
    assert [declined(report) for report in reports] == [[], []]


def test_who_was_not_rung_hurries_nobody(world: World) -> None:
    report = only_police_ring(world)
    says_no(world, report, "O03")
    world.phones["backup"].expects_nothing()


def test_who_has_the_case_keeps_it_whatever_they_write(world: World) -> None:
    """An officer at work writes of banks and students who cannot; without progress others are rung after a while."""
    report = taken(world)
    world.phones["officer"].replies(CANNOT.format(report.code)).expects("由您接单")
    world.phones["backup"].expects_nothing()
    assert (report.state("police"), declined(report)) == ("acknowledged", [])


def test_words_found_late_decline_nothing_that_somebody_has_had_since(world: World) -> None:
    """Their callback was lost, and they are found by asking, after the case was taken and moved on."""
    report = only_police_ring(world)
    lost(world, CANNOT.format(report.code))
    world.phones["O03"].replies(report.code).expects("由您接单")
    world.phones["officer"].expects("已有人接单")
    for seconds in (601, 902):
        world.until(seconds)
    read_all(world)
    world.advance(31)
    read_all(world)
    assert (outcomes(world), declined(report)) == (["acknowledged", "code_needed"], [])


def test_nor_what_has_begun_since(world: World) -> None:
    """The desk could not dissuade; the danger was raised after they had said so."""
    report = world.report(kind="in_progress", transfers=None)
    read_all(world)
    lost(world, CANNOT.format(report.code), "desk")
    world.clock.advance(10)
    danger_is_raised(world, report)
    world.advance(31)
    read_all(world)
    assert declined(report) == [("dissuade", 0)]


def nobody_comes_to_help(world: World) -> Report:
    """我现在不安全, and neither counselor nor desk can."""
    report = reported(world)
    cries_for_help(world, report)
    for name in ("counselor", "desk"):
        world.phones[name].replies(CANNOT.format(report.code))
        read_all(world)
    world.clock.advance(5)
    return report


def cries_for_help(world: World, report: Report) -> None:
    assert world.client.post(f"/r/{report.token}/unsafe").status_code == 303
    read_all(world)


def test_who_says_no_and_then_yes_to_a_call_for_help_is_waited_for_again(world: World) -> None:
    """我现在不安全 rings on, whoever answered; their yes takes back their no, and ends the alarm of it."""
    report = nobody_comes_to_help(world)
    assert "unsafe: declined" in alarms(world)
    world.phones["desk"].replies(report.code)
    read_all(world)
    assert declined(report).count(("unsafe", 0)) == 2
    assert [reason for reason in alarms(world) if reason.startswith("unsafe")] == []


def test_a_further_call_for_help_knows_nothing_of_what_was_said_of_the_last_one(world: World) -> None:
    report = nobody_comes_to_help(world)
    world.call_the_student(report)
    world.clock.advance(3600)
    cries_for_help(world, report)
    with world.parts.ledger.read() as conn:
        assert conn.scalars(select(t.obligations.c.declined).where(t.obligations.c.kind == "unsafe")).all() == [None]


def test_an_officer_who_is_the_desk_too_leaves_nobody_behind_who_may_still_answer(
    database_url: str, tmp_path: Path
) -> None:
    """The backup has it on the phone, so nobody is missing when the desk's step comes to who has said no."""
    school = demo_school()
    duty = tuple(replace(row, person="O01") if row.role == "desk" else row for row in school.duty)
    with world_with(database_url, tmp_path, replace(school, duty=duty)) as world:
        report = only_police_ring(world)
        says_no(world, report, "officer")
        for seconds in (120, 121):
            world.until(seconds)
            read_all(world)
        assert [row.step for row in world.rows("SELECT step FROM obligations WHERE kind = 'police'")] == [2]
        assert alarms(world) == []
        world.phones["backup"].replies(report.code).expects("由您接单")
        read_all(world)


def test_a_counselor_who_cannot_has_the_stand_in_and_the_college_rung(world: World) -> None:
    report = reported(world)
    says_no(world, report, "counselor")
    for name in ("stand_in", "college_duty"):
        world.phones[name].expects(report.code, "30分钟内致电")
    assert declined(report) == [("counselor", 0)]
    world.phones["stand_in"].replies(report.code).expects("由您联系")
    read_all(world)


def test_a_number_that_is_dead_beside_one_who_cannot_is_not_waited_for(world: World) -> None:
    report = only_police_ring(world)
    world.double.faults.add("21211", to=world.phones["backup"].number)
    world.until(120)
    world.phones["officer"].expects("第2次提醒")
    says_no(world, report, "officer")
    world.phones["desk"].expects("紧急止付", report.code)
