"""Duty shifts: days, nights and those that pass midnight."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ledger.school.people import covers

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(weekday: int, clock: str) -> datetime:
    """1 = Monday."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 11, 22 + weekday, hour, minute, tzinfo=SHANGHAI)  # the 23rd is a Monday


@pytest.mark.parametrize(
    ("days", "start", "end", "weekday", "clock", "on_duty"),
    [
        ("1-5", "08:00", "20:00", 1, "08:00", True),
        ("1-5", "08:00", "20:00", 1, "07:59", False),
        ("1-5", "08:00", "20:00", 1, "19:59", True),
        ("1-5", "08:00", "20:00", 1, "20:00", False),
        ("1-5", "08:00", "20:00", 6, "12:00", False),
        ("6-7", "08:00", "20:00", 7, "12:00", True),
        ("1,3,5", "08:00", "20:00", 3, "12:00", True),
        ("1,3,5", "08:00", "20:00", 4, "12:00", False),
        ("1, 3-4", "08:00", "20:00", 4, "12:00", True),
        # past midnight: the night belongs to the day on which it began
        ("1-5", "20:00", "08:00", 5, "23:59", True),
        ("1-5", "20:00", "08:00", 6, "00:00", True),
        ("1-5", "20:00", "08:00", 6, "07:59", True),
        ("1-5", "20:00", "08:00", 6, "08:00", False),
        ("1-5", "20:00", "08:00", 6, "20:00", False),
        ("1-5", "20:00", "08:00", 1, "03:00", False),  # Sunday's night
        ("7", "20:00", "08:00", 1, "03:00", True),
        ("7", "20:00", "08:00", 7, "03:00", False),
        # the same time twice is a whole day
        ("1-7", "00:00", "00:00", 4, "00:00", True),
        ("1-7", "00:00", "00:00", 4, "23:59", True),
        ("1", "09:00", "09:00", 1, "08:59", False),
        ("1", "09:00", "09:00", 1, "09:00", True),
        ("1", "09:00", "09:00", 2, "08:59", True),
        ("1", "09:00", "09:00", 2, "09:00", False),
    ],
)
def test_covers(days: str, start: str, end: str, weekday: int, clock: str, on_duty: bool) -> None:
    assert covers(days, start, end, at(weekday, clock)) is on_duty


def test_two_shifts_that_meet_leave_no_minute_uncovered_and_none_twice() -> None:
    for weekday in range(1, 8):
        for minute in range(24 * 60):
            now = at(weekday, f"{minute // 60}:{minute % 60}")
            day, night = covers("1-7", "08:00", "20:00", now), covers("1-7", "20:00", "08:00", now)
            assert day != night, now
