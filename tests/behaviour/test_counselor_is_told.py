"""Who looks after the student, by what is known of them; and who is told next when that person does not answer."""

from __future__ import annotations

import pytest

from ledger.ready.lineup import duty_lines
from tests.behaviour.stories import only_counselor_rings, reported
from tests.world import Report, World

UNKNOWN = "13912345678"
OF_GX, OF_GX_NO = "13800000021", "2026020101"  # a student of the other college, whose counselor is C02


def grade(report: Report) -> str:
    found: str = report.world.rows("SELECT match_grade FROM cases WHERE code = :code", code=report.code)[0].match_grade
    return found


def answered_by(world: World, officer: str, **reporter: str | None) -> Report:
    """A report whose police side rings this officer; the student side is still to be read."""
    report = world.report(**reporter)
    world.phones[officer].expects("紧急止付", report.code)
    return report


def receipt(world: World, report: Report, phone: str) -> None:
    world.phones.add(phone, f"+86{phone}").expects("已收到", report.code)


def test_by_student_number_whoever_s_phone_it_is(world: World) -> None:
    report = answered_by(world, "O03", phone=UNKNOWN, student_no=OF_GX_NO)
    world.phones["C02"].expects("30分钟内致电", report.code)
    receipt(world, report, UNKNOWN)
    assert grade(report) == "student_no"


def test_the_number_decides_against_the_phone(world: World) -> None:
    """A student reports with a friend's phone: the friend is somebody else's."""
    report = answered_by(world, "O03", student_no=OF_GX_NO)
    world.phones["C02"].expects(report.code)
    world.phones["student"].expects(report.code)
    assert grade(report) == "student_no"


def test_by_phone_alone_it_is_a_guess_and_says_so(world: World) -> None:
    report = reported(world, student_no=None)
    assert grade(report) == "phone"
    counselor = world.user("murong", "counselor", world.phones["counselor"].number)
    page = counselor.get("/desk/followups").text
    assert report.code in page
    assert "推测" in page
    for shown in (report.status(), world.client.get(f"/r/{report.token}").text):
        assert "推测" not in str(shown)  # the status page never says whether a number is known
        assert "测试学生" not in str(shown)


def test_a_number_that_nobody_has_falls_back_to_the_phone(world: World) -> None:
    report = reported(world, student_no="1999000000")
    assert grade(report) == "phone"


def test_on_behalf_the_reporter_s_phone_is_never_matched(world: World) -> None:
    """The reporter is a student too; the victim is unknown, so the default row is told."""
    report = answered_by(world, "officer", for_whom="other", student_no=None)
    world.phones["C03"].expects("30分钟内致电", report.code)
    world.phones["student"].expects("已收到", report.code)
    assert grade(report) == "none"


def test_on_behalf_the_victim_s_phone_is_matched(world: World) -> None:
    report = answered_by(world, "O03", for_whom="other", student_no=None, victim_phone=OF_GX)
    world.phones["C02"].expects("30分钟内致电", report.code)
    world.phones["student"].expects("已收到", report.code)  # the reporter; the victim's phone gets nothing
    assert grade(report) == "phone"


@pytest.mark.parametrize("named", ["WY2601", "示例文2601班"])
def test_an_unknown_student_with_a_class_goes_to_its_counselor(world: World, named: str) -> None:
    report = answered_by(world, "O01", phone=UNKNOWN, student_no=None, **{"class": named})
    world.phones["C01"].expects("30分钟内致电", report.code)
    receipt(world, report, UNKNOWN)


@pytest.mark.parametrize("college", ["GX", "示例工学院"])
def test_an_unknown_student_with_a_college_goes_to_its_duty_counselor(world: World, college: str) -> None:
    report = answered_by(world, "O03", phone=UNKNOWN, student_no=None, college=college)
    world.phones["C01"].expects("30分钟内致电", report.code)  # on college duty for GX
    receipt(world, report, UNKNOWN)


def test_somebody_quite_unknown_goes_to_the_default_row(world: World) -> None:
    report = answered_by(world, "officer", phone=UNKNOWN, student_no=None)
    world.phones["C03"].expects("30分钟内致电", report.code)
    receipt(world, report, UNKNOWN)
    assert grade(report) == "none"


def test_a_member_of_staff_has_the_unit_s_liaison(world: World) -> None:
    phone = world.phones["T01"].number.removeprefix("+86")
    report = answered_by(world, "officer", phone=phone, student_no=None)
    world.phones["L01"].expects("30分钟内致电", report.code)
    world.phones["T01"].expects("已收到", report.code)


def test_unanswered_it_climbs_at_the_roster_s_seconds(world: World) -> None:
    report, phones = only_counselor_rings(world), world.phones
    world.until(599)
    phones.assert_all_read()
    world.until(600)
    for name in ("stand_in", "college_duty"):
        phones[name].expects("30分钟内致电", report.code)
    world.until(1199)
    phones.assert_all_read()
    world.until(1200)
    phones["deputy_secretary"].expects("30分钟内致电", report.code)
    phones["counselor"].expects("第2次提醒", "已过20分钟，尚无联系记录")  # the contact that is due in ten minutes
    world.until(1799)
    phones.assert_all_read()
    world.until(1800)
    phones["office"].expects("30分钟内致电", report.code)
    phones["counselor"].expects("第3次提醒", "已过30分钟")
    assert report.status()["obligations"]["counselor"]["late"]
    phones["deputy_secretary"].replies("收到").expects("由您联系")
    for name in ("counselor", "stand_in", "college_duty", "office"):
        phones[name].expects("已有人接单", "尉迟副书记")


@pytest.mark.parametrize(("hours", "at_once"), [(7.5, True), (7.3, False), (16.3, True), (16.4, False)])
def test_at_night_the_first_two_are_told_at_once(world: World, hours: float, at_once: bool) -> None:
    """22:10 · 21:58 · 06:58 · 07:04 in Shanghai."""
    world.clock.advance(hours * 3600)
    report = answered_by(world, "O02")
    world.phones["counselor"].expects("30分钟内致电", report.code)
    world.phones["student"].expects(report.code)
    for name in ("stand_in", "college_duty"):
        if at_once:
            world.phones[name].expects("30分钟内致电", report.code)
        world.phones[name].expects_nothing()


def test_who_would_be_called_now_is_said_as_a_report_of_this_hour_would_call_them(world: World) -> None:
    def steps() -> list[str]:
        with world.parts.ledger.read() as conn:
            ledger = world.parts.ledger
            lines, _ = duty_lines(conn, ledger.keys, world.clock.now(), ledger.zone)
        return next(line for line in lines if line.startswith("WY counselor: ")).partition(": ")[2].split(" → ")

    by_day = steps()
    world.clock.advance(9 * 3600)  # nearly midnight
    assert set(steps()[0].split("+")) == {*by_day[0].split("+"), *by_day[1].split("+")}
    assert steps()[1:] == by_day[2:]


def test_at_night_the_next_is_the_deputy_secretary(world: World) -> None:
    world.clock.advance(8 * 3600)
    report = answered_by(world, "O02")
    for name in ("counselor", "stand_in", "college_duty", "student"):
        world.phones[name].expects(report.code)
    world.phones["O02"].replies(report.code).expects("由您接单")
    world.advance(599)
    world.phones.assert_all_read()
    world.advance(1)
    world.phones["O02"].expects("尚无进展")
    world.phones["office"].expects("尚无进展")
    world.advance(300)
    world.phones["O02"].expects("已转其他警官")
    world.phones["O01"].expects("紧急止付").replies().expects("由您接单")
    world.phones["O02"].expects("已有人接单")
    world.advance(300)
    world.phones["deputy_secretary"].expects("30分钟内致电", report.code)
    world.phones["counselor"].expects("已过20分钟")


def test_who_has_answered_is_not_rung_again(world: World) -> None:
    report, phones = only_counselor_rings(world), world.phones
    phones["counselor"].replies("收到").expects("由您联系", report.code)
    for seconds in (600, 1199):
        world.until(seconds)
        phones.assert_all_read()
    assert report.state("counselor") == "acknowledged"


def test_a_counselor_whose_phone_is_off_costs_no_ten_minutes(world: World) -> None:
    world.double.faults.add("30003", to=world.phones["counselor"].number)
    report = world.report()
    world.phones["officer"].expects("紧急止付", report.code)
    world.phones["student"].expects(report.code)
    for name in ("stand_in", "college_duty"):
        world.phones[name].expects("30分钟内致电", report.code)


def test_a_phone_in_the_fraudster_s_hands_gets_no_text(world: World) -> None:
    report = world.report(phone_unsafe=True)
    world.phones["officer"].expects("紧急止付", report.code)
    world.phones["counselor"].expects(report.code)
    world.phones["student"].expects_nothing()
