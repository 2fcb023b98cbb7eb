"""Follow-up cadence, reminders and closing, as tables."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledger import escalation, followups
from ledger.care import dated
from ledger.followups import CloseFacts, Reminder

OPENED = datetime(2026, 11, 23, 6, 32, tzinfo=UTC)
PLANS = {plan.kind: plan for plan in followups.contacts_due(OPENED)}
COMPLETE = CloseFacts(frozenset({"d30", "d90"}), frozenset({"d14"}), (False, True, True), True, 0, True, "li", "wang")


def test_cadence() -> None:
    hours = [(plan.due_at - OPENED) / timedelta(hours=1) for plan in followups.contacts_due(OPENED)]
    assert hours == [0.5, 24, 48, 72, 7 * 24, 14 * 24, 30 * 24, 90 * 24]
    assert [PLANS["call_30m"].mode, PLANS["face_24h"].mode] == ["call", "face"]


@pytest.mark.parametrize(
    ("kind", "before", "early"),
    [
        ("call_30m", timedelta(minutes=30), False),
        ("face_24h", timedelta(hours=24), False),
        ("h48", timedelta(hours=12), False),
        ("h48", timedelta(hours=12, seconds=1), True),
        ("d7", timedelta(days=2, seconds=1), True),
        ("d90", timedelta(days=30), False),
        ("d90", timedelta(days=30, seconds=1), True),
        ("d90", timedelta(days=-1), False),
        ("agreed_8", timedelta(days=6), False),
        ("dated_loan_1", timedelta(days=3), False),
        ("dated_loan_1", timedelta(days=3, seconds=1), True),
    ],
)
def test_a_talk_counts_as_the_contact_that_is_due_from_some_time_before(
    kind: str, before: timedelta, *, early: bool
) -> None:
    assert followups.too_early(kind, OPENED, OPENED - before) is early


@pytest.mark.parametrize(
    ("kind", "count", "late", "answer"),
    [
        ("call_30m", 0, timedelta(minutes=-10, seconds=-1), None),
        ("call_30m", 0, timedelta(minutes=-10), Reminder(1, ("counselor",))),
        ("call_30m", 1, timedelta(seconds=-1), None),
        ("call_30m", 1, timedelta(0), Reminder(2, ("counselor",))),
        ("call_30m", 2, timedelta(minutes=9), None),
        ("call_30m", 2, timedelta(minutes=10), Reminder(3, ("stand_in", "college_duty"))),
        ("call_30m", 3, timedelta(minutes=30), Reminder(4, ("office",))),
        ("call_30m", 4, timedelta(days=9), None),
        ("call_30m", 0, timedelta(days=9), Reminder(2, ("counselor",))),  # the clock was away: one text, not two
        ("d7", 0, timedelta(0), Reminder(1, ("counselor",))),
        ("d7", 1, timedelta(hours=3), None),
        ("d7", 1, timedelta(hours=4), Reminder(2, ("stand_in", "college_duty"))),
        ("d7", 2, timedelta(hours=24), Reminder(3, ("office",))),
    ],
)
def test_reminder(kind: str, count: int, late: timedelta, answer: Reminder | None) -> None:
    plan = PLANS[kind]
    assert followups.reminder(plan, count, plan.due_at + late) == answer
    if answer:
        assert set(answer.targets) <= set(escalation.TARGETS)


@pytest.mark.parametrize(
    ("after", "again"), [(0, 4), (3.99, 4), (4, 24), (9, 24), (24, None), (999, None)],
)  # fmt: skip
def test_a_referral_is_reminded_of_after_hours_and_after_a_day(after: float, again: float | None) -> None:
    look_at = followups.referral_look_at(OPENED, OPENED + timedelta(hours=after))
    assert look_at == (OPENED + timedelta(hours=again) if again else None)


TRIED = {"unreached_since": OPENED, "referral_look_at": OPENED + timedelta(hours=24)}
HEARD = dict.fromkeys(TRIED)


@pytest.mark.parametrize(
    ("record", "heard", "tried", "then"),
    [
        ({}, False, True, TRIED),
        ({}, False, False, {}),  # too early for what is due, or written into an old page
        ({}, True, True, HEARD),
        ({"unreached_since": OPENED - timedelta(hours=9)}, False, True, {}),  # the first try counts
        ({"unreached_since": OPENED - timedelta(hours=9)}, True, False, HEARD),
        ({"same_day_since": OPENED}, False, True, {"unreached_since": OPENED}),  # the clock looks at the referral
        ({"same_day_since": OPENED}, True, True, {"unreached_since": None}),
    ],
)
def test_since_when_nobody_answers(record: dict[str, Any], heard: bool, tried: bool, then: dict[str, Any]) -> None:
    record = {"unreached_since": None, "same_day_since": None} | record
    assert followups.after_contact(record, heard=heard, tried=tried, now=OPENED) == then


@pytest.mark.parametrize(
    ("changed", "missing"),
    [
        ({}, []),
        ({"settled": frozenset({"d30"})}, ["contact_d90"]),
        ({"settled": frozenset()}, ["contact_d30", "contact_d90"]),
        ({"owed": frozenset({"agreed_8"})}, ["agreed"]),
        ({"owed": frozenset({"dated_loan_1"})}, ["dated"]),
        ({"calm": (True,)}, ["two_calm"]),
        ({"calm": (True, True, False)}, ["two_calm"]),
        ({"debt_settled": False}, ["debt"]),
        ({"open_referrals": 1}, ["referral"]),
        ({"student_told": False}, ["told"]),
        ({"second_signer": None}, ["second_signer"]),
        ({"second_signer": "li"}, ["second_signer"]),
        ({"immediate": True}, ["immediate"]),
    ],
)
def test_closing(changed: dict[str, Any], missing: list[str]) -> None:
    assert followups.may_close(replace(COMPLETE, **changed)) == missing
    assert set(missing) <= set(followups.MISSING)


def test_every_state_shows_as_a_state_of_the_care_obligation() -> None:
    assert followups.CARE_STATE.keys() == followups.STATES.keys()
    assert set(followups.CARE_STATE.values()) == {"open", "in_progress", "closed"}


SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("day", "zone", "at"),
    [
        (date(2027, 1, 1), SHANGHAI, datetime(2027, 1, 1, 10, tzinfo=UTC)),
        (date(2028, 2, 29), SHANGHAI, datetime(2028, 2, 29, 10, tzinfo=UTC)),
        (date(2027, 3, 14), NEW_YORK, datetime(2027, 3, 14, 22, tzinfo=UTC)),  # clocks went forward that night
        (date(2027, 3, 13), NEW_YORK, datetime(2027, 3, 13, 23, tzinfo=UTC)),
    ],
)
def test_a_day_is_until_its_evening_where_the_school_is(day: date, zone: tzinfo, at: datetime) -> None:
    assert followups.by_evening(day, zone) == at


def test_one_on_a_day_is_asked_for_that_morning_and_rings_nobody_at_night() -> None:
    plan = followups.on_a_day("loan", 1, followups.by_evening(date(2027, 1, 1), SHANGHAI))
    at = [followups.reminder_at(plan, count) for count in range(4)]
    local = [moment.astimezone(SHANGHAI).strftime("%m-%d %H:%M") if moment else "" for moment in at]
    assert local == ["01-01 09:00", "01-02 09:00", "01-02 18:00", ""]
    assert [followups.passed(plan, plan.due_at + timedelta(hours=h)) for h in (-10, -9, 0, 15, 24)] == [0, 1, 1, 2, 3]
    assert followups.purpose(plan.kind) == "loan" and followups.purpose("agreed_3") == followups.purpose("dated") == ""


@pytest.mark.parametrize(
    ("day", "problem"),
    [
        (None, "date"),
        (date(2026, 11, 22), "past"),
        (date(2026, 11, 23), ""),  # it is 14:32 there
        (date(2028, 11, 23), ""),
        (date(2028, 11, 24), "far"),
    ],
)
def test_a_day_that_cannot_be_written_down_says_why(day: date | None, problem: str) -> None:
    at, said = dated.due(day, OPENED, SHANGHAI)
    assert said == problem and (at is None) == bool(problem)


def test_after_its_evening_today_is_past() -> None:
    evening = datetime(2026, 12, 31, 10, tzinfo=UTC)  # 18:00
    assert dated.due(date(2026, 12, 31), evening, SHANGHAI) == (None, "past")
    assert dated.first_day(evening, SHANGHAI) == date(2027, 1, 1)
