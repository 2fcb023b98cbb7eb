"""Time for the service: jumps of the wall clock move nothing, and a test can move it on purpose."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.clock import FileClock, ManualClock, SteadyClock

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, in the test's hands."""
    now = [100.0]
    monkeypatch.setattr("ledger.clock.time.monotonic", lambda: now[0])
    return now


def test_a_jump_of_the_reference_moves_nothing_until_it_is_taken_anew(ticks: list[float]) -> None:
    reference = [NOON]
    steady = SteadyClock(lambda: reference[0])
    ticks[0] += 5
    reference[0] += timedelta(days=1)
    assert steady.now() == NOON + timedelta(seconds=5)
    steady.refresh()
    assert steady.now() == NOON + timedelta(days=1)


def test_it_never_starts_before_the_newest_event(ticks: list[float]) -> None:
    later = NOON + timedelta(hours=1)
    assert SteadyClock(lambda: NOON, floor=later).now() == later
    assert SteadyClock(lambda: later, floor=NOON).now() == later


def test_the_file_says_how_far_time_runs_ahead(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    ahead = FileClock(file, ManualClock(NOON))
    assert ahead.now() == NOON
    for said, seconds in (("", 0), ("90.5", 90.5), ("-60\n", -60)):
        file.write_text(said)
        assert ahead.now() == NOON + timedelta(seconds=seconds)
