"""The follow-up record: opened once with its dated contacts, reminded of until somebody has recorded the contact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ledger import tables as t
from ledger.care import opening
from tests.behaviour.stories import at_once, only_counselor_rings, read_all
from tests.faults import texts
from tests.world import START, Report, World

HOUR = 3600
NEXT_IN_LINE = ("stand_in", "college_duty", "deputy_secretary", "office")


def answered(world: World) -> Report:
    """Only the contacts are owed: the officer is at work, and the counselor has said yes."""
    report = only_counselor_rings(world)
    world.phones["counselor"].replies("收到").expects("由您联系", report.code)
    return report


def contacts(world: World) -> dict[str, Any]:
    with world.parts.ledger.read() as conn:
        return {row.kind: row for row in conn.execute(select(t.contacts))}


def test_it_is_opened_once_with_its_dated_contacts(world: World) -> None:
    report = answered(world)
    due = [
        (row.due_at - START) / timedelta(hours=1) for row in sorted(contacts(world).values(), key=lambda r: r.due_at)
    ]
    assert due == [0.5, 24, 48, 72, 7 * 24, 14 * 24, 30 * 24, 90 * 24]
    assert report.status()["obligations"]["care"] == {
        "state": "open",
        "late": False,
        "opened_at": "2026-11-24T06:40:00.000Z",
        "next_contact_at": "2026-11-24T07:10:00.000Z",
    }
    with world.parts.ledger.begin("again") as uow:
        opening.open_follow_up(uow, uow.case(uow.conn.execute(select(t.cases.c.id)).scalar_one()))
    assert len(contacts(world)) == 8
    assert report.events("followup.opened.v1") == [{"contacts": 8, "drill": False}]


def test_the_first_call_is_asked_for_until_the_office_knows(world: World) -> None:
    report, phones = answered(world), world.phones
    world.until(20 * 60 - 1)
    phones.assert_all_read()
    world.until(20 * 60)
    phones["counselor"].expects("第2次提醒", report.code, "已过20分钟", "先问是否平安")
    world.until(30 * 60)
    phones["counselor"].expects("第3次提醒", "已过30分钟")
    assert report.status()["obligations"]["care"]["late"]
    world.until(40 * 60)
    for name in ("stand_in", "college_duty"):
        phones[name].expects("已过40分钟", report.code)
    world.until(60 * 60)
    phones["office"].expects("已过60分钟", report.code)
    world.until(23 * HOUR)
    phones.assert_all_read()


@pytest.mark.parametrize("every", [600, 4 * HOUR], ids=["in time", "all at once after an outage"])
def test_with_those_of_the_ladder_they_are_one_row_of_numbers(world: World, every: float) -> None:
    """Nobody answers: to whoever is told, each text is the next one, whichever of the two sides it comes from."""
    report, phones = only_counselor_rings(world), world.phones
    told = {name: [1] if name == "counselor" else [] for name in ("counselor", *NEXT_IN_LINE)}
    for seconds in range(int(every), 4 * HOUR + 1, int(every)):
        world.until(seconds)
        for name, numbers in told.items():
            found = [texts.read(text.body) for text in phones.unread(phones[name].number)]
            numbers += sorted(it.nth for it in found if it and (it.kind, it.code) == ("counselor", report.code))
        read_all(world)
    assert told == {name: list(range(1, len(numbers) + 1)) for name, numbers in told.items()}
    assert all(told.values()) and len(told["counselor"]) > 2


def test_a_later_contact_is_asked_for_at_its_time_then_after_four_hours_and_a_day(world: World) -> None:
    report, phones = answered(world), world.phones
    world.call_the_student(report)
    world.until(24 * HOUR - 1)
    phones.assert_all_read()
    world.until(24 * HOUR)
    phones["counselor"].expects(report.code, "24小时面谈到时间了")
    world.until(28 * HOUR)
    for name in ("stand_in", "college_duty"):
        phones[name].expects("24小时面谈已逾期")
    world.until(48 * HOUR)
    phones["office"].expects("24小时面谈已逾期")
    phones["counselor"].expects("48小时回访到时间了")


def test_a_clock_that_was_away_asks_each_of_them_once(world: World) -> None:
    report, phones = answered(world), world.phones
    world.clock.advance(2 * HOUR)
    phones["counselor"].expects("提醒", "已过2小时").expects_nothing()
    for name in ("stand_in", "college_duty", "office"):
        phones[name].expects(report.code).expects_nothing()


def test_two_clocks_remind_once(world: World) -> None:
    report = answered(world)
    with world.another() as other:
        world.clock.advance(20 * 60)
        at_once([world.parts.clock.tick, other.clock.tick])
    world.phones["counselor"].expects(report.code, "已过20分钟").expects_nothing()


def test_a_contact_that_the_counselor_records_stops_the_reminders(world: World) -> None:
    report = only_counselor_rings(world)
    counselor = world.user("murong", "counselor", world.phones["counselor"].number)
    form = {"contact": "call_30m", "reached": "yes", "note": "人平安，已报警"}
    assert world.press(counselor, f"/desk/followups/{report.code}/contact", **form).status_code == 303
    assert report.state("counselor") == "contacted"
    assert report.state("care") == "in_progress"
    assert report.status()["obligations"]["care"]["next_contact_at"] == "2026-11-25T06:40:00.000Z"
    world.until(2 * HOUR)  # neither the ladder nor the first call goes on
    world.phones.assert_all_read()
    assert report.events("followup.contact_recorded.v1") == [{"contact": "call_30m", "reached": True}]


def test_a_call_that_nobody_took_changes_nothing(world: World) -> None:
    report = answered(world)
    counselor = world.user("murong", "counselor", world.phones["counselor"].number)
    form = {"contact": "call_30m", "reached": "no", "note": "无人接听"}
    world.press(counselor, f"/desk/followups/{report.code}/contact", **form)
    assert (report.state("counselor"), report.state("care")) == ("acknowledged", "open")
    world.until(20 * 60)
    world.phones["counselor"].expects("第2次提醒", report.code)


@pytest.mark.parametrize("who", ["C02", "O01"])
def test_another_s_student_is_not_theirs_to_record(world: World, who: str) -> None:
    report = answered(world)
    role = "officer" if who == "O01" else "counselor"
    client = world.user("other", role, world.phones[who].number)
    form = {"contact": "call_30m", "reached": "yes"}
    answer = world.press(client, f"/desk/followups/{report.code}/contact", **form)
    assert answer.status_code == (403 if role == "officer" else 404)
    assert report.state("care") == "open"


def test_one_reminder_that_cannot_be_sent_does_not_hide_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = answered(world), answered(world)
    read_all(world)
    remind = opening.remind
    bad: list[Any] = []

    def trip(uow: Any, contact_id: Any) -> None:
        bad.append(contact_id)
        if contact_id == bad[0]:
            raise RuntimeError("a roster nobody foresaw")
        remind(uow, contact_id)

    monkeypatch.setattr(opening, "remind", trip)
    world.until(20 * 60)
    told = world.phones["counselor"].expects("第2次提醒").code
    assert told in (first.code, second.code)
    assert world.alarms() == ["reminder_stuck"]
    monkeypatch.setattr(opening, "remind", remind)
    world.until(30 * 60)
    assert {world.phones["counselor"].expects("已过30分钟").code for _ in range(2)} == {first.code, second.code}
    assert world.alarms() == []


def test_the_note_is_kept_unreadable(world: World) -> None:
    report = answered(world)
    counselor = world.user("murong", "counselor", world.phones["counselor"].number)
    form = {"contact": "call_30m", "reached": "yes", "note": "家里欠了很多钱"}
    world.press(counselor, f"/desk/followups/{report.code}/contact", **form)
    sealed = contacts(world)["call_30m"].note_sealed
    assert sealed
    assert "家里".encode() not in sealed
    assert contacts(world)["call_30m"].done_at == datetime(2026, 11, 24, 6, 40, tzinfo=UTC)
