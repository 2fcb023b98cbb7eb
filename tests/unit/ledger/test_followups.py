"""Follow-up cadence, reminders and closing, as tables."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger import escalation, followups
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
    ("changed", "missing"),
    [
        ({}, []),
        ({"settled": frozenset({"d30"})}, ["contact_d90"]),
        ({"settled": frozenset()}, ["contact_d30", "contact_d90"]),
        ({"owed": frozenset({"agreed_8"})}, ["agreed"]),
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
