"""Nobody acknowledges: every step of the ladder comes at its time, or at once when it cannot reach anybody."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from ledger import codes, deadlines
from ledger import tables as t
from ledger.deadlines import look_at_one
from ledger.police.acknowledgement import acknowledge
from ledger.ringing import alerting
from ledger.school.demo_school import demo_school
from ledger.store import alarms, naming
from ledger.store.unit_of_work import UnitOfWork
from services.worker import run_open
from tests.behaviour.stories import (
    POSTGRESQL,
    at_once,
    only_police_ring,
    read_all,
    reported,
    school_without,
    world_with,
)
from tests.world import START, Report, World


def steps(report: Report) -> list[int]:
    return [data["step"] for data in report.events("alert.escalated.v1") if data["obligation"] == "police"]


def test_the_ladder_of_the_school_step_by_step_and_again(world: World) -> None:
    report, phones = only_police_ring(world), world.phones
    world.until(119)
    phones.assert_all_read()
    world.until(120)
    phones["officer"].expects("第2次提醒", report.code, "38600元", "报告已过2分钟", "2分钟后另找他人")
    phones["backup"].expects("紧急止付", report.code)
    world.until(239)
    phones.assert_all_read()
    world.until(240)
    phones["desk"].expects("紧急止付", report.code)
    world.until(479)
    phones.assert_all_read()
    world.until(480)
    phones["officer"].expects("第3次提醒", report.code, "报告已过8分钟")
    world.until(600)
    phones["officer"].expects("第4次提醒")
    phones["backup"].expects("第2次提醒", "报告已过10分钟")
    world.until(720)
    phones["desk"].expects("第2次提醒")
    assert steps(report) == [1, 2, 3, 4, 5]
    phones["desk"].replies(report.code).expects("由您接单")
    for name in ("officer", "backup"):
        phones[name].expects("已有人接单", "端木值班员")


def test_a_college_with_a_ladder_of_its_own_keeps_its_seconds(world: World) -> None:
    with world.parts.ledger.begin("roster") as uow:
        rows = [("officer", 0), ("desk", 45)]
        uow.conn.execute(t.ladders.insert(), [
            {"obligation": "police", "college_code": world.college, "step": n, "after_s": after, "targets": [target]}
            for n, (target, after) in enumerate(rows, 1)
        ])  # fmt: skip
    report = only_police_ring(world)
    world.until(44)
    world.phones.assert_all_read()
    world.until(45)
    world.phones["desk"].expects(report.code)


@pytest.mark.parametrize(
    ("away_s", "walked", "officer"), [(130, [1], "第2次"), (250, [1, 2], "第2次"), (3700, [1, 2, 3], "第2次")]
)
def test_a_clock_that_was_away_skips_no_step_and_tells_nobody_twice(
    world: World, away_s: int, walked: list[int], officer: str
) -> None:
    report, phones = only_police_ring(world), world.phones
    world.clock.advance(away_s)  # and nothing ran
    phones["officer"].expects(officer, report.code, f"报告已过{away_s // 60}分钟").expects_nothing()
    phones["backup"].expects(report.code).expects_nothing()
    if 2 in walked:
        phones["desk"].expects(report.code).expects_nothing()
    assert steps(report) == walked
    phones.assert_all_read()


def test_after_a_long_absence_the_ladder_goes_on_from_now(world: World) -> None:
    report, phones = only_police_ring(world), world.phones
    world.clock.advance(3700)
    for name in ("officer", "backup", "desk"):
        phones[name].expects(report.code)
    world.advance(60)
    phones.assert_all_read()
    world.advance(60)  # two minutes after the third step: officer and backup again
    phones["officer"].expects("第3次提醒")
    phones["backup"].expects("第2次提醒")


def test_several_clocks_at_once_never_double_a_step(world: World) -> None:
    report, phones = only_police_ring(world), world.phones
    with world.another() as second, world.another() as third:
        for at, told in ((120, 2), (240, 1), (480, 1), (600, 2), (720, 1), (960, 1)):
            world.clock.advance(at - (world.clock.now() - START).total_seconds())
            at_once([part.clock.tick for part in (world.parts, second, third)])
            phones.catch_up()
            unread = phones.unread()
            assert len(unread) == told, [text.body for text in unread]
            for text in unread:
                phones.mark_read(text)
    assert steps(report) == [1, 2, 3, 4, 5, 6]
    texts = report.texts()
    assert len({(row.step, row.person_id) for row in texts}) == len(texts) == 9


def test_several_workers_at_once_begin_a_report_once(world: World) -> None:
    codes = [world.report().code for _ in range(4)]
    with world.another() as second, world.another() as third:
        at_once([partial(run_open, part.ledger, world.handlers) for part in (world.parts, second, third)])
    for name, words in (("officer", "紧急止付"), ("counselor", "30分钟内致电"), ("student", "已收到")):
        read = {world.phones[name].expects(words).code for _ in codes}
        assert read == set(codes)


def test_an_empty_step_is_left_at_once(database_url: str, tmp_path: Path) -> None:
    with world_with(database_url, tmp_path, school_without("officer")) as world:
        report = world.report()
        world.phones["backup"].expects("紧急止付", report.code)
        world.phones["counselor"].expects(report.code)
        world.phones["student"].expects(report.code)
        world.call_the_student(report)
        assert report.status()["state"] == "alerted"
        assert [data["reason"] for data in report.events("alert.escalated.v1")] == ["empty"]
        world.until(239)
        world.phones.assert_all_read()
        world.until(240)
        world.phones["desk"].expects(report.code)


def test_nobody_left_raises_one_alarm_that_an_acknowledgement_clears(database_url: str, tmp_path: Path) -> None:
    with world_with(database_url, tmp_path, school_without("officer", "backup", "desk")) as world:
        report = world.report()
        world.phones["counselor"].expects(report.code)
        world.phones["student"].expects(report.code)
        world.call_the_student(report)
        assert world.alarms() == ["nobody_reached"]
        assert world.degraded() == ["alarms"]
        world.advance(300)  # thirty more rounds find nobody
        assert world.alarms() == ["nobody_reached"]
        assert len(report.events("alert.nobody_reached.v1")) == 1
        office = world.user("office", "security", world.phones["office"].number)
        page = office.get("/duty").text
        assert report.code in page
        assert world.press(office, f"/duty/{report.code}/acknowledge").status_code == 303
        assert report.state("police") == "acknowledged"
        assert world.alarms() == world.degraded() == []


def test_an_alarm_comes_back_when_there_is_a_new_reason(database_url: str, tmp_path: Path) -> None:
    with world_with(database_url, tmp_path, school_without("officer", "backup", "desk")) as world:
        report = world.report()
        for name in ("counselor", "student"):
            world.phones[name].expects(report.code)
        world.call_the_student(report)
        office = world.user("office", "security", world.phones["office"].number)
        world.press(office, f"/duty/{report.code}/acknowledge")
        world.advance(600)
        world.phones["office"].expects(report.code, "尚无进展")
        world.advance(300)
        world.phones["office"].expects(report.code, "已转其他警官")
        assert report.state("police") == "alerted"
        assert world.alarms() == ["nobody_reached"]


@pytest.mark.parametrize("fault", ["21211", "30003"])
def test_a_step_that_reaches_nobody_is_left_at_once(world: World, fault: str) -> None:
    phones = world.phones
    world.double.faults.add(fault, to=phones["officer"].number, times=None)
    report = world.report()
    phones["counselor"].expects(report.code)
    phones["student"].expects(report.code)
    phones["backup"].expects("紧急止付", report.code)
    world.call_the_student(report)
    phones["desk"].expects_nothing()  # the backup may still answer
    assert report.state("police") == "alerted"
    world.until(240)
    phones["desk"].expects(report.code)
    world.double.faults.clear()
    world.until(480)  # his phone is on again
    phones["officer"].expects(report.code)


def test_a_whole_ladder_that_reaches_nobody_is_an_alarm_and_tried_again(world: World) -> None:
    phones = world.phones
    police = [phones[name] for name in ("officer", "backup", "desk")]
    for phone in police:
        world.double.faults.add("21211", to=phone.number, times=None)
    report = world.report()
    phones["counselor"].expects(report.code)
    phones["student"].expects(report.code)
    world.call_the_student(report)
    assert world.alarms() == ["nobody_reached"]
    world.double.faults.clear()
    world.advance(10)
    phones["officer"].expects("紧急止付", report.code)
    phones.assert_all_read()
    assert world.alarms() == []  # somebody has been reached
    phones["officer"].replies(report.code).expects("由您接单")


def test_a_step_that_a_provider_in_trouble_lost_is_said_again_at_once(world: World) -> None:
    """The officer has been told, so nobody would be rung before the next round otherwise."""
    report, phones = only_police_ring(world), world.phones
    world.until(119)
    world.double.faults.add("drop_before", times=None)
    for second in range(120, 133):
        world.until(second)
    phones.assert_all_read()
    world.double.faults.clear()
    for second in range(133, 148):
        world.until(second)
    phones["officer"].expects("第3次提醒", report.code)  # the second was sent, and may have been read
    phones["backup"].expects("第2次提醒", report.code)
    phones.assert_all_read()
    assert world.alarms() == []
    world.until(239)
    phones.assert_all_read()
    world.until(240)  # the steps after it keep their times
    phones["desk"].expects("第2次提醒", report.code)
    world.until(480)
    phones["officer"].expects("第4次提醒", report.code)


@pytest.mark.parametrize("desk", ["empty", "refused"])
def test_it_is_said_again_where_the_last_step_has_nobody_whom_a_text_reaches(
    database_url: str, tmp_path: Path, desk: str
) -> None:
    """The second step is lost; a third that takes no texts, or is a shift without anybody, does not hide it."""
    school = school_without("desk") if desk == "empty" else demo_school()
    with world_with(database_url, tmp_path, school) as world:
        phones = world.phones
        if desk == "refused":
            world.double.faults.add("30006", to=phones["desk"].number, times=None)
        report = only_police_ring(world)
        world.until(119)
        world.double.faults.add("drop_before", to=phones["officer"].number, times=None)
        world.double.faults.add("drop_before", to=phones["backup"].number, times=None)
        for second in range(120, 129):
            world.until(second)
        phones.assert_all_read()
        world.double.faults.clear()
        for second in range(129, 150):
            world.until(second)
        phones["officer"].expects(report.code)
        phones["backup"].expects(report.code)


def test_a_text_that_may_have_been_read_is_asked_about_before_the_next_person_is_rung(world: World) -> None:
    """And where the provider does not say either, they are rung within the promised 30 seconds, once."""
    phones = world.phones
    world.double.faults.add("500", to=phones["officer"].number, times=None, on="all")
    report = world.report()
    phones["counselor"].expects(report.code)
    phones["student"].expects(report.code)
    world.call_the_student(report)
    world.until(7)
    phones.assert_all_read()
    assert [row.state for row in report.texts()] == ["unknown"]
    world.until(9)
    phones["backup"].expects(report.code)
    for seconds in range(14, 120, 7):
        world.until(seconds)
        phones.assert_all_read()


def test_no_receipt_for_a_minute_counts_as_switched_off(world: World) -> None:
    phones = world.phones
    world.double.mode = "manual"
    report = only_police_ring(world)
    world.until(59)
    phones.assert_all_read()
    world.until(60)
    phones["officer"].expects("第2次提醒", report.code)
    phones["backup"].expects(report.code)
    backup = world.double.to(phones["backup"].number)[-1]
    world.double.deliver(backup.sid)
    world.until(239)
    phones.assert_all_read()  # one phone of the second step is on
    world.until(240)
    phones["desk"].expects(report.code)


def test_a_round_in_which_every_phone_is_off_raises_the_alarm_once(world: World) -> None:
    """Each step is found out a minute after it began, and the next round begins at once."""
    world.double.mode = "manual"
    report = only_police_ring(world)
    for second in range(10, 180, 10):
        world.until(second)
    assert world.alarms() == []
    for second in range(180, 420, 10):
        world.until(second)
    assert world.alarms() == ["nobody_reached"]
    assert [it["step"] for it in report.events("alert.nobody_reached.v1")] == [2]
    world.double.deliver(world.double.to(world.phones["officer"].number)[-1].sid)
    assert world.alarms() == []
    read_all(world)


def test_phones_that_confirm_late_are_phones_that_were_reached(world: World) -> None:
    """Ten seconds after they were given up: the ladder has gone on, and it is no alarm that it reached nobody."""
    world.double.mode = "manual"
    report = only_police_ring(world)
    sent, confirmed = dict[str, int](), set[str]()
    for second in range(1, 420):
        world.until(second)
        for name in ("officer", "backup", "desk"):
            for text in world.double.to(world.phones[name].number):
                sent.setdefault(text.sid, second)
        for sid in [sid for sid, at in sent.items() if second - at >= 70 and sid not in confirmed]:
            confirmed.add(sid)
            world.double.deliver(sid)
        assert world.alarms() == [], second
    assert len(confirmed) > 3 and report.events("alert.nobody_reached.v1") == []
    read_all(world)


def test_silence_of_each_phone_of_a_step_counts_from_its_own_text(world: World) -> None:
    """The backup's text goes out 30 s after the officer's: the step is given up when both have been silent for 60."""
    phones = world.phones
    world.double.mode = "manual"
    report = only_police_ring(world)
    world.double.faults.add("500", to=phones["backup"].number, times=None, on="all")
    world.until(60)
    phones["officer"].expects(report.code)
    world.until(90)
    world.double.faults.clear()
    world.advance(2)
    phones["backup"].expects("重发", report.code)
    world.until(151)
    phones["desk"].expects_nothing()
    world.until(153)
    phones["desk"].expects(report.code)


def test_a_receipt_that_only_asking_brings_counts_in_time(world: World) -> None:
    """Callbacks are lost, the phone is on: the provider is asked before silence would count."""
    world.double.faults.add("callbacks_lost", times=None)
    only_police_ring(world)
    for seconds in range(7, 120, 7):
        world.until(seconds)
    world.phones.assert_all_read()


def test_one_obligation_that_cannot_be_looked_at_does_not_stop_the_clock(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = only_police_ring(world), only_police_ring(world)
    look = alerting.look

    def trip(uow: Any, case: Any, kind: str) -> None:
        if case.code == bad.code:
            raise RuntimeError("a roster nobody foresaw")
        look(uow, case, kind)

    monkeypatch.setattr(alerting, "look", trip)
    world.until(120)
    world.phones["officer"].expects(good.code)
    world.phones["backup"].expects(good.code)
    assert world.alarms() == ["obligation_stuck"]
    monkeypatch.setattr(alerting, "look", look)
    world.until(130)
    world.phones["officer"].expects(bad.code)
    world.phones["backup"].expects(bad.code).replies().expects("由您接单")
    assert world.alarms() == []
    read_all(world)  # the other report is of the same fraud, and theirs too


@POSTGRESQL
def test_an_answer_and_a_clock_that_cannot_look_do_not_wait_for_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the second failure on the alarm is up, which both of them change: the answer after its case."""
    report, ledger = only_police_ring(world), world.parts.ledger
    officer, alarmed, answered = UUID(world.person("O01")), threading.Event(), threading.Event()

    def alarm_while_somebody_answers(uow: UnitOfWork, *about: Any) -> bool:
        raised = alarms.alarm(uow, *about)
        alarmed.set()
        answered.wait(0.5)  # in vain: the clock has the case
        return raised

    def answer() -> bool:
        assert alarmed.wait(5)
        with ledger.begin("answer") as uow:
            case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
            alerting.obligation(uow, case, "police")
            answered.set()
            return acknowledge(uow, case, "police", officer, "page", "test").won

    world.clock.advance(120)
    monkeypatch.setattr(alerting, "look", lambda *_: 1 / 0)
    assert look_at_one(ledger)
    world.clock.advance(10)
    monkeypatch.setattr(deadlines, "alarm", alarm_while_somebody_answers)
    assert at_once([partial(look_at_one, ledger), answer]) == [True, True]
    monkeypatch.undo()
    read_all(world)
    assert world.alarms() == []


def test_late_is_said_when_the_deadline_has_passed(world: World) -> None:
    report = reported(world)
    world.clock.advance(30 * 60 - 1)
    assert not any(shown["late"] for shown in report.status()["obligations"].values())
    world.clock.advance(1)
    assert {kind for kind, shown in report.status()["obligations"].items() if shown["late"]} == {
        "police",
        "counselor",
        "care",
    }
    world.phones.catch_up()
    for text in world.phones.unread():  # everybody is reminded by now; who and when is another promise
        world.phones.mark_read(text)


def test_an_officer_whose_row_cannot_be_read_does_not_silence_the_ladder(world: World) -> None:
    number = world.phones["officer"].number
    with world.parts.ledger.begin("spoil") as uow:
        index = uow.keys.blind("phone", number)
        uow.conn.execute(t.people.update().where(t.people.c.phone_index == index).values(phone_sealed=b"x" * 40))
    report = world.report()
    world.phones["backup"].expects("紧急止付", report.code)
    for name in ("counselor", "student"):
        world.phones[name].expects(report.code)


def test_what_cannot_wait_goes_first_when_a_great_deal_is_due(world: World) -> None:
    """As after a time without a clock: a counselor's step that has waited for longer does not keep the police's."""
    reported(world)
    world.advance(550)
    world.report(phone="+8613900000009", student_no=None, payee_account="6217000000009999")
    world.pump()
    world.clock.advance(150)

    def due() -> list[str]:
        o = t.obligations.c
        query = select(o.kind).where(o.next_at <= world.clock.now()).order_by(o.next_at)
        with world.parts.ledger.read() as conn:
            return list(conn.scalars(query))

    assert due()[0] == "counselor" and "police" in due()
    while "police" in due():
        counselors = due().count("counselor")
        assert look_at_one(world.parts.ledger)
        assert due().count("counselor") == counselors
    read_all(world)


def test_a_case_that_rings_goes_before_the_reminder_of_one_that_is_taken(world: World) -> None:
    """A surge ten minutes ago makes as many reminders now; nobody's phone may stay silent for them."""
    taken = only_police_ring(world)
    world.phones["officer"].replies(taken.code).expects("由您接单")
    world.until(570)
    rings = world.report(phone="+8613900000009", student_no=None, payee_account="6217000000009999")
    read_all(world)
    world.clock.advance(125)
    before = len(rings.texts())
    assert look_at_one(world.parts.ledger)
    assert len(rings.texts()) > before and taken.events("case.owner_reminded.v1") == []
    while look_at_one(world.parts.ledger):
        pass
    assert len(taken.events("case.owner_reminded.v1")) == 1
    read_all(world)
