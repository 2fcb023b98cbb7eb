"""Who is on duty at an hour: weekdays, nights that pass midnight, all day."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from ledger.people import covers

CHINA = ZoneInfo("Asia/Shanghai")
TUESDAY, SATURDAY, SUNDAY = 24, 28, 29  # of November 2026


@pytest.mark.parametrize(
    ("days", "start", "end", "day", "hour", "holds"),
    [
        ("1-7", "08:00", "20:00", TUESDAY, "08:00", True),
        ("1-7", "08:00", "20:00", TUESDAY, "19:59", True),
        ("1-7", "08:00", "20:00", TUESDAY, "20:00", False),
        ("1-5", "08:00", "20:00", SATURDAY, "12:00", False),
        ("6,7", "08:00", "20:00", SUNDAY, "12:00", True),
        ("1-2,6-7", "00:00", "23:59", TUESDAY, "12:00", True),
        ("1-7", "20:00", "08:00", TUESDAY, "23:30", True),
        ("1-7", "20:00", "08:00", TUESDAY, "07:59", True),
        ("1-7", "20:00", "08:00", TUESDAY, "08:00", False),
        ("5", "20:00", "08:00", SATURDAY, "03:00", True),  # Friday's night
        ("6", "20:00", "08:00", SATURDAY, "03:00", False),
        ("7", "20:00", "08:00", 23, "03:00", True),  # Sunday's night, on Monday
        ("2", "00:00", "00:00", TUESDAY, "00:00", True),
        ("2", "00:00", "00:00", TUESDAY, "23:59", True),
    ],
)
def test_shift(days: str, start: str, end: str, day: int, hour: str, holds: bool) -> None:
    local = datetime.fromisoformat(f"2026-11-{day}T{hour}:00").replace(tzinfo=CHINA)
    assert covers(days, start, end, local) is holds
