"""When the centre's word may stand for two calm contacts, as a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from ledger.care import declining
from ledger.care.declining import History, Talk

REPORTED = datetime(2026, 9, 1, 2, tzinfo=UTC)  # 10:00 in the zone
ZONE = timezone(timedelta(hours=8))


def day(n: float) -> datetime:
    return REPORTED + timedelta(days=n)


def talk(kind: str, due: int, heard: float | None = None, **more: bool) -> Talk:
    return Talk(kind, day(due), None if heard is None else day(heard), **more)


DECLINED = (talk("call_30m", 0, 0), talk("d30", 30, 30, declined=True), talk("d90", 90, 90, declined=True))
UNREACHED = (talk("call_30m", 0), talk("d30", 30), talk("d90", 90))
THREE = (day(90), day(91), day(92))
AGREED = talk("agreed_8", 89)


@pytest.mark.parametrize(
    ("talks", "more", "bars"),
    [
        (DECLINED, {}, []),
        # Whoever declines it all on the first day is asked once more, from day 60 on.
        ((*DECLINED[:1], talk("d30", 30, 0.1, declined=True), talk("d90", 90, 0.1, declined=True)), {}, ["declines"]),
        ((*DECLINED[:2], talk("d90", 90, 0.1, declined=True), talk("extra_a", 60, 60, declined=True)), {}, []),
        # Who talks can be heard calm.
        ((*DECLINED[:2], talk("d90", 90, 90)), {}, ["declines"]),
        ((*DECLINED[:2], talk("d90", 90, 90, calm=True)), {}, ["declines"]),
        ((*DECLINED, AGREED), {}, ["agreed"]),
        # Out of reach: three days, after the last word and from day 60 on.
        (UNREACHED, {"tries": THREE}, []),
        (UNREACHED, {"tries": THREE[:2]}, ["contact_d30", "contact_d90", "declines"]),
        (UNREACHED, {"tries": (day(90), day(90.1), day(91))}, ["contact_d30", "contact_d90", "declines"]),
        (UNREACHED, {"tries": (day(23), day(24), day(25))}, ["contact_d90", "declines"]),
        ((*UNREACHED[:2], talk("d90", 90, 93, calm=True)), {"tries": THREE}, ["contact_d30", "declines"]),
        ((*UNREACHED, AGREED), {"tries": THREE}, []),
        ((*UNREACHED, replace(AGREED, due_at=day(92))), {"tries": THREE}, ["agreed"]),
        # Never for one in danger, nor over signs of distress.
        (DECLINED, {"danger": True}, ["danger"]),
        (DECLINED, {"at_once": True}, ["immediate"]),
        (DECLINED, {"asking": True}, ["referral"]),
        (DECLINED, {"unsafe": (day(50),)}, ["signs"]),
        ((talk("h48", 2, 2, distress=True), *DECLINED), {}, ["signs"]),
        ((talk("h48", 2, 2, calm=True), talk("d7", 7, 7, distress=True), *DECLINED), {}, ["signs"]),
        ((talk("h48", 2, 2, distress=True), talk("d7", 7, 7, calm=True), *DECLINED), {}, []),
        ((talk("d7", 7, 7, calm=True), *DECLINED), {"unsafe": (day(6),)}, []),
        ((*DECLINED[:2], talk("d90", 90, 90, declined=True, distress=True)), {}, ["signs"]),
    ],
)
def test_why_the_centre_s_word_may_not_stand_for_two_calm_contacts(
    talks: tuple[Talk, ...], more: dict[str, Any], bars: list[str]
) -> None:
    assert declining.bars(History(talks, **more), ZONE) == bars


@pytest.mark.parametrize(
    ("talks", "tries", "days"),
    [
        (UNREACHED, (), 0),
        (UNREACHED, (day(1), day(1.1), day(2)), 2),
        (UNREACHED, (day(1), day(1) + timedelta(hours=15)), 2),  # past midnight where the school is, not in UTC
        (DECLINED, (day(89), day(91)), 1),  # before they were heard
    ],
)
def test_tries_are_counted_in_days_of_the_school_since_the_student_was_heard(
    talks: tuple[Talk, ...], tries: tuple[datetime, ...], days: int
) -> None:
    assert declining.tried(History(talks, tries=tries), ZONE) == days


def test_only_one_who_declines_or_is_out_of_reach_is_one() -> None:
    assert declining.concerned(History(DECLINED), ZONE)
    assert declining.concerned(History(UNREACHED, tries=THREE), ZONE)
    assert not declining.concerned(History(UNREACHED, tries=THREE[:2]), ZONE)
    assert not declining.concerned(History(DECLINED[:1]), ZONE)
