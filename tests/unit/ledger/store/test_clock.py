"""The one clock: jumps of the machine's wall clock move nothing, and a test can move all processes at once."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.store.clock import FileClock, ManualClock, SteadyClock, wall

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


class Machine:
    """A machine whose two clocks a test can turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.monotonic = NOON, 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.monotonic)

    def now(self) -> datetime:
        return self.wall

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.monotonic += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1), timedelta(seconds=-1)])
def test_a_jump_of_the_wall_clock_moves_nothing(machine: Machine, jump: timedelta) -> None:
    clock = SteadyClock(machine.now)
    machine.passes(10)
    machine.wall += jump
    machine.passes(5)
    assert clock.now() == NOON + timedelta(seconds=15)


def test_a_fresh_reference_brings_it_back_in_line(machine: Machine) -> None:
    clock = SteadyClock(machine.now)
    machine.passes(10)
    machine.wall += timedelta(seconds=3)  # ours had drifted
    clock.refresh()
    assert clock.now() == NOON + timedelta(seconds=13)


def test_a_reference_that_takes_a_while_counts_from_its_middle(machine: Machine) -> None:
    def slow() -> datetime:
        machine.passes(2)
        return machine.wall - timedelta(seconds=1)

    clock = SteadyClock(machine.now)
    clock._reference = slow
    clock.refresh()
    assert clock.now() == machine.wall


def test_whoever_reads_while_it_is_refreshed_sees_no_other_time(machine: Machine) -> None:
    read: list[datetime] = []

    class Watched(SteadyClock):
        """Is read before each change of its own."""

        def __setattr__(self, name: str, value: object) -> None:
            if hasattr(self, "_known"):
                read.append(self.now())
            super().__setattr__(name, value)

    clock = Watched(machine.now)
    machine.passes(600)
    clock.refresh()
    assert read and {*read, clock.now()} == {machine.wall}


def test_it_never_starts_before_the_newest_event(machine: Machine) -> None:
    newest = NOON + timedelta(minutes=5)
    clock = SteadyClock(machine.now, floor=newest)
    assert clock.now() == newest
    machine.passes(1)
    assert clock.now() == newest + timedelta(seconds=1)
    assert SteadyClock(machine.now, floor=NOON - timedelta(days=1)).now() == machine.wall


def test_a_file_moves_it(tmp_path: Path) -> None:
    file, base = tmp_path / "clock", ManualClock(NOON)
    clock = FileClock(file, base)
    assert clock.now() == NOON  # not there
    for written, ahead in (("", 0), ("90", 90), (" 3600.5\n", 3600.5), ("-5", -5)):
        file.write_text(written)
        assert clock.now() == NOON + timedelta(seconds=ahead)
    base.advance(1)
    assert clock.now() == NOON + timedelta(seconds=-4)


def test_the_wall_clock_has_its_zone() -> None:
    assert wall().tzinfo is UTC
