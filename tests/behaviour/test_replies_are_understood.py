"""What people text back: a code however it is typed, a bare yes where it can only mean one case, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger import codes
from ledger.school.demo_school import demo_school
from notifier.messages import BUNDLE_CODES
from notifier.segments import segments
from tests.behaviour.stories import SQLITE, only_police_ring, read_all, reported, world_with
from tests.world import Report, World

FULL_WIDTH = {ord(char): ord(char) + 0xFEE0 for char in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def outcomes(world: World) -> list[str]:
    return [row.outcome for row in world.rows("SELECT outcome FROM inbound ORDER BY at, id")]


@SQLITE
@pytest.mark.parametrize(
    "typed",
    [
        str.lower,
        lambda code: code.translate(FULL_WIDTH),
        lambda code: f"收到{code}马上办",
        lambda code: f"好的，{code} 我接！",
        lambda code: f"{code[:2]} {code[2:]}",
        lambda code: f"\u200b{code}\n",
    ],
    ids=["lower case", "full-width", "words around", "words and signs", "a gap", "invisible signs"],
)
def test_a_code_is_read_however_it_is_typed(
    world: World, monkeypatch: pytest.MonkeyPatch, typed: Callable[[str], str]
) -> None:
    monkeypatch.setattr(codes, "new_code", lambda first: "K7M3P")
    report = only_police_ring(world)
    world.phones["officer"].replies(typed(report.code)).expects("由您接单", report.code)
    assert report.state("police") == "acknowledged"


@SQLITE
@pytest.mark.parametrize("typed", ["KS8M2", "K58M2", "KSBM2", "KS8MZ", "k5bmz"])
def test_signs_that_look_alike_are_one(world: World, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr(codes, "new_code", lambda first: "KS8M2")
    report = only_police_ring(world)
    world.phones["officer"].replies(typed).expects("KS8M2由您接单")
    assert report.state("police") == "acknowledged"


@SQLITE
@pytest.mark.parametrize("typed", ["收到", "OK", "1", "好的，谢谢", "👌", "ＯＫ"])
def test_a_bare_yes_takes_the_only_alert_there_is(world: World, typed: str) -> None:
    report = only_police_ring(world)
    world.phones["officer"].replies(typed).expects("由您接单", report.code)


def test_a_bare_yes_with_two_alerts_open_is_asked_for_a_code(world: World) -> None:
    first, second = only_police_ring(world), only_police_ring(world)
    officer = world.phones["officer"].replies("收到")
    officer.expects("尚未接单", "您有2件待接", first.code, second.code).expects_nothing()
    assert first.state("police") == second.state("police") == "alerted"
    officer.replies(second.code).expects("由您接单", second.code)
    officer.replies("收到").expects("由您接单", first.code)  # now it can only mean the other one


def test_more_open_alerts_than_a_text_can_list_still_fit_it(world: World) -> None:
    reports = [only_police_ring(world) for _ in range(BUNDLE_CODES + 2)]
    answer = world.phones["officer"].replies("收到").expects("您有7件待接", reports[0].code, reports[1].code)
    assert segments(answer.body) == 1


def test_words_that_are_no_yes_are_asked_for_a_code(world: World) -> None:
    report = only_police_ring(world)
    world.phones["officer"].replies("稍后").expects("尚未接单", "您有1件待接", report.code)
    assert report.state("police") == "alerted"


@SQLITE
@pytest.mark.parametrize(
    "typed", ["{}我在开会，找别人", "开会{}", "去不了{}", "{} can't, in a meeting", "{} busy", "不在岗，{}请找别人接"]
)
def test_a_code_beside_words_of_who_cannot_takes_nothing(world: World, typed: str) -> None:
    report = only_police_ring(world)
    world.phones["officer"].replies(typed.format(report.code)).expects("尚未接单", "您有1件待接", report.code)
    assert report.state("police") == "alerted"
    assert outcomes(world) == ["declined"]
    world.phones["officer"].expects("第2次提醒").phone.replies(report.code).expects("由您接单")
    read_all(world)


@SQLITE
@pytest.mark.parametrize("typed", ["{}没问题", "不客气，{}我来", "{} on my way", "马上去{}，不用等"])
def test_a_code_beside_words_that_refuse_nothing_takes_it(world: World, typed: str) -> None:
    report = only_police_ring(world)
    world.phones["officer"].replies(typed.format(report.code)).expects("由您接单", report.code)


def test_a_reply_of_two_codes_takes_both(world: World) -> None:
    first, second = only_police_ring(world), only_police_ring(world)
    officer = world.phones["officer"].replies(f"收到 {second.code}、{first.code}")
    told = officer.expects("由您接单").body + officer.expects("由您接单").body
    assert first.code in told and second.code in told
    officer.expects_nothing()
    assert first.state("police") == second.state("police") == "acknowledged"


def test_of_two_codes_among_other_words_the_first_is_taken_and_the_second_said_to_be_left(world: World) -> None:
    first, second = only_police_ring(world), only_police_ring(world)
    officer = world.phones["officer"].replies(f"{first.code}我去，{second.code}谁去？")
    told = sorted(officer.expects().body for _ in range(2))
    assert f"{first.code}由您接单" in told[0] + told[1]
    assert any("您有1件待接" in it and second.code in it for it in told)
    assert (first.state("police"), second.state("police")) == ("acknowledged", "alerted")


def test_a_yes_that_was_lost_takes_nothing_that_rang_after_it(world: World) -> None:
    """Its callback never came, and the provider is asked minutes later: the answer was to another case."""
    first, officer = only_police_ring(world), world.phones["officer"]
    lost(world, "收到")
    world.phones["O03"].replies(first.code).expects("由您接单")
    officer.expects("已有人接单")
    world.clock.advance(20)
    second = only_police_ring(world)
    world.advance(31)
    officer.expects("尚未接单", "您有1件待接", second.code)
    assert second.state("police") == "alerted"
    officer.replies("收到").expects("由您接单", second.code)


def danger_is_raised(world: World, report: Report) -> None:
    counselor = world.user("c", "counselor", world.phones["counselor"].number)
    form = {"contact": "call_30m", "reached": "no", "danger": "yes"}
    world.press(counselor, f"/desk/followups/{report.code}/contact", **form)


def lost(world: World, body: str, name: str = "officer") -> None:
    """It is texted, and its callback never comes: it is found by asking the provider."""
    webhook, world.double.message_webhook = world.double.message_webhook, None
    world.double.reply(world.phones[name].number, body)
    world.double.message_webhook = webhook


def test_a_yes_that_was_lost_is_to_none_of_two_though_one_of_them_was_taken_since(world: World) -> None:
    first, second = only_police_ring(world), only_police_ring(world)
    lost(world, "收到")
    world.phones["O03"].replies(first.code).expects("由您接单")
    world.phones["officer"].expects("已有人接单", first.code)
    world.advance(31)
    world.phones["officer"].expects("尚未接单", "您有1件待接", second.code)
    assert second.state("police") == "alerted"


@pytest.mark.parametrize("words", ["", "收到"])
def test_a_counselor_s_answer_that_was_lost_is_taken_though_the_police_have_the_case_since(
    world: World, words: str
) -> None:
    report = reported(world)
    lost(world, words or report.code, "counselor")
    world.phones["officer"].replies(report.code).expects("由您接单")
    world.advance(31)
    world.phones["counselor"].expects("由您联系", report.code)
    assert report.state("counselor") == "acknowledged"


def test_nor_one_that_was_written_while_somebody_had_it(world: World) -> None:
    report = only_police_ring(world)
    world.phones["O03"].replies(report.code).expects("由您接单")
    world.phones["officer"].expects("已有人接单")
    world.clock.advance(60)
    lost(world, report.code)
    for seconds in (601, 902):
        world.until(seconds)
    world.advance(31)
    read_all(world)
    assert report.state("police") == "alerted"
    assert outcomes(world) == ["acknowledged", "code_needed"]


def test_a_late_answer_is_to_what_rang_then_beside_what_rings_since(world: World) -> None:
    """The desk was asked to dissuade; the danger was raised after they had answered."""
    report = world.report(kind="in_progress", transfers=None)
    world.phones["desk"].expects(report.code)
    read_all(world)
    lost(world, report.code, "desk")
    world.clock.advance(10)
    danger_is_raised(world, report)
    world.advance(31)
    read_all(world)
    kinds = {row.kind: row.state for row in world.rows("SELECT kind, state FROM obligations")}
    assert (kinds["dissuade"], kinds["immediate"]) == ("acknowledged", "alerted")


@pytest.mark.parametrize("words", ["", "收到"])
def test_an_answer_that_was_lost_gives_nobody_a_case_that_somebody_had_since(world: World, words: str) -> None:
    report = only_police_ring(world)
    lost(world, words or report.code)
    world.phones["O03"].replies(report.code).expects("由您接单")
    world.phones["officer"].expects("已有人接单")
    for seconds in (601, 902):  # without progress: reminded, then others are rung
        world.until(seconds)
    read_all(world)
    world.advance(31)
    assert report.state("police") == "alerted"
    assert outcomes(world) == ["acknowledged", "code_needed"]
    read_all(world)


def test_codes_with_gaps_are_taken_and_no_piece_of_them_is_said_to_be_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = iter(("K7M3P", "A8B2C"))
    monkeypatch.setattr(codes, "new_code", lambda first: next(names))
    for _ in range(2):
        only_police_ring(world)
    officer = world.phones["officer"].replies("K7 M3P A8 B2C")
    for _ in range(2):
        officer.expects("由您接单")
    officer.expects_nothing()


def test_of_several_codes_a_slip_is_said_and_the_other_taken(world: World) -> None:
    report = only_police_ring(world)
    slip = "KKKK3" if report.code != "KKKK3" else "KKKK4"
    officer = world.phones["officer"].replies(f"{report.code} {slip}")
    told = sorted(officer.expects().body for _ in range(2))
    assert any("由您接单" in it and report.code in it for it in told)
    assert any("未找到编号" in it and slip in it for it in told)


def test_an_unknown_code_is_said_to_be_unknown(world: World) -> None:
    report = only_police_ring(world)
    unknown = "KKKK3" if report.code != "KKKK3" else "KKKK4"
    world.phones["officer"].replies(unknown).expects("未找到编号", unknown)
    assert report.state("police") == "alerted"


def test_a_yes_to_nothing_is_recorded_and_left_alone(world: World) -> None:
    report = only_police_ring(world)
    officer = world.phones["officer"].replies(report.code).expects("由您接单")
    officer.replies("收到").expects_nothing()
    assert outcomes(world) == ["acknowledged", "not_understood"]


def test_a_stranger_gets_no_answer_and_takes_nothing(world: World) -> None:
    report = only_police_ring(world)
    stranger = world.phones.add("stranger", "+8613912345678")
    for phone in (stranger, world.phones["student"]):  # nor does a student
        phone.replies(report.code).expects_nothing()
        phone.replies("收到").expects_nothing()
    assert report.state("police") == "alerted"
    assert outcomes(world) == ["stranger"] * 4


def test_what_a_stranger_wrote_is_kept_unreadable(world: World) -> None:
    world.phones.add("stranger", "+8613912345678").replies("我要举报张三")
    row = world.rows("SELECT body_sealed, from_index FROM inbound")[0]
    for secret in ("举报".encode(), b"13912345678"):
        assert secret not in bytes(row.body_sealed) + bytes(row.from_index)


def test_the_counselor_answers_for_the_student_and_not_for_the_police(world: World) -> None:
    report = reported(world)
    world.phones["counselor"].replies("收到").expects("由您联系", report.code)
    assert report.state("counselor") == "acknowledged"
    assert report.state("police") == "alerted"


def test_an_officer_who_was_not_rung_takes_it_by_its_code(world: World) -> None:
    report = only_police_ring(world)
    world.phones["O03"].replies("收到").expects_nothing()  # nothing of his is open
    world.phones["O03"].replies(report.code).expects("由您接单", report.code)
    world.phones["officer"].expects("已有人接单", "司马警官")
    assert report.events("case.acknowledged.v1")[0]["owner"] == world.person("O03")


def test_another_counselor_does_not_take_what_is_not_theirs(world: World) -> None:
    report = only_police_ring(world)
    world.phones["C02"].replies(report.code).expects("未找到编号")
    assert report.state("police") == "alerted"


def test_the_officer_who_comes_second_learns_who_has_it(world: World) -> None:
    report = only_police_ring(world)
    world.until(120)
    world.phones["officer"].expects(report.code)
    world.phones["backup"].expects(report.code)
    world.phones["backup"].replies("收到").expects("由您接单")
    world.phones["officer"].expects("已有人接单", "上官警官")
    world.phones["officer"].replies(report.code).expects("已有人接单", "上官警官").expects_nothing()
    assert outcomes(world) == ["acknowledged", "already_owned"]


def test_one_phone_with_two_roles_answers_for_each(database_url: str, tmp_path: Path) -> None:
    """The officer on duty and the student's counselor share a number: two alerts, two answers, both understood."""
    school = demo_school()
    officer = next(person for person in school.people if person.key == "O01")
    shared = tuple(replace(person, phone=officer.phone) if person.key == "C01" else person for person in school.people)
    with world_with(database_url, tmp_path, replace(school, people=shared)) as world:
        phone = world.phones["officer"]
        report = world.report()
        phone.expects("紧急止付", report.code)
        phone.expects("30分钟内致电", report.code)
        world.phones["student"].expects(report.code)
        phone.replies(report.code).expects("由您接单")
        assert (report.state("police"), report.state("counselor")) == ("acknowledged", "alerted")
        phone.replies(report.code).expects("由您联系")
        assert report.state("counselor") == "acknowledged"


def test_a_counselor_who_called_first_and_answers_then_is_not_an_error(world: World) -> None:
    report = reported(world)
    world.call_the_student(report)
    world.phones["counselor"].replies(report.code).expects(report.code, "无需再处理")
    assert report.state("counselor") == "contacted"
    assert outcomes(world) == ["already_owned"]
