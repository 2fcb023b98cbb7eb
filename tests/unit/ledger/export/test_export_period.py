"""Periods of an export one after another hold every moment, once: also where the clock goes back at midnight."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ledger.export.exports import Period

LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("zone", "day"), [
    ("Asia/Shanghai", date(2026, 11, 24)),
    ("Asia/Beirut", date(2025, 10, 25)),  # at midnight it is 23:00 once more
    ("Asia/Beirut", date(2026, 3, 28)),  # there is no midnight
    ("America/Havana", date(2026, 10, 31)),  # after an hour it is midnight once more
])  # fmt: skip
def test_no_moment_is_between_two_periods(zone: str, day: date) -> None:
    here, after = ZoneInfo(zone), day + timedelta(days=1)
    ends = Period(day, day).span(here, LATER).until
    begins = Period(after, after).span(here, LATER).since
    assert begins is not None
    assert begins.astimezone(UTC) - ends.astimezone(UTC) == timedelta(microseconds=1)


def test_a_period_ends_at_the_asking_at_the_latest() -> None:
    asked = datetime(2026, 11, 24, 6, 40, tzinfo=UTC)
    today = date(2026, 11, 24)
    assert Period(today, today).span(ZoneInfo("Asia/Shanghai"), asked).until == asked
