"""In a worker the other queues give way to police work, and never for longer than is said."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from ledger.events import CARE, COUNSELOR, NOTICE, POLICE, CaseAcknowledged, ReportReceived
from ledger.store.clock import ManualClock
from services.police_first import HEAD_START_S, QUIET_S, STANDS_BACK_S, PoliceFirst

OTHERS = pytest.mark.parametrize("queue", [COUNSELOR, CARE, NOTICE])
ONE_WAIT_S = QUIET_S / 2


class Waits(threading.Event):
    """Time that passes only while somebody waits; `during` is what else happens in each wait."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.during: Callable[[], None] = lambda: None

    def wait(self, timeout: float | None = None) -> bool:
        self.now_s += timeout or 0.0
        self.during()
        return self.is_set()


class Turns:
    def __init__(self) -> None:
        self.clock, self.waits = ManualClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)), Waits()
        self.police_first = PoliceFirst(self.clock, self.waits, lambda: self.waits.now_s)

    def head_start_s(self, queue: str, type_: str, age_s: float) -> float:
        at = self.clock.now()
        self.clock.advance(age_s)
        return self.police_first.head_start_s(queue, {"type": type_, "time": at.isoformat()})

    def waited_s(self, queue: str, head_start_s: float = 0.0) -> float:
        began = self.waits.now_s
        with self.police_first.turn(queue, head_start_s):
            return self.waits.now_s - began

    @contextmanager
    def police_at_work(self) -> Iterator[None]:
        with self.police_first.turn(POLICE):
            yield


@pytest.fixture
def turns() -> Turns:
    return Turns()


@OTHERS
def test_the_others_wait_while_a_report_is_new(turns: Turns, queue: str) -> None:
    assert turns.head_start_s(queue, ReportReceived.type, age_s=0.005) == pytest.approx(HEAD_START_S - 0.005)


def test_a_report_that_comes_late_makes_nobody_wait(turns: Turns) -> None:
    assert turns.head_start_s(COUNSELOR, ReportReceived.type, age_s=HEAD_START_S) == 0


def test_nobody_waits_for_what_the_police_have_no_part_in(turns: Turns) -> None:
    assert turns.head_start_s(NOTICE, CaseAcknowledged.type, age_s=0.0) == 0


def test_a_clock_that_is_behind_makes_nobody_wait_longer(turns: Turns) -> None:
    assert turns.head_start_s(COUNSELOR, ReportReceived.type, age_s=-60.0) == HEAD_START_S


def test_the_police_wait_for_nobody(turns: Turns) -> None:
    assert turns.head_start_s(POLICE, ReportReceived.type, age_s=0.0) == 0
    with turns.police_at_work():
        assert turns.waited_s(POLICE) == 0


@OTHERS
def test_without_police_work_nobody_waits(turns: Turns, queue: str) -> None:
    assert turns.waited_s(queue) == 0
    assert turns.waited_s(queue, head_start_s=0.02) == pytest.approx(0.02)


@OTHERS
def test_police_work_in_hand_is_waited_for_but_not_without_end(turns: Turns, queue: str) -> None:
    with turns.police_at_work():
        assert STANDS_BACK_S <= turns.waited_s(queue) <= STANDS_BACK_S + ONE_WAIT_S


@OTHERS
def test_between_two_handlers_of_the_police_nobody_slips_in(turns: Turns, queue: str) -> None:
    with turns.police_at_work():
        pass
    assert QUIET_S <= turns.waited_s(queue) <= QUIET_S + ONE_WAIT_S


@OTHERS
def test_police_work_that_fails_is_over_as_well(turns: Turns, queue: str) -> None:
    with pytest.raises(ValueError), turns.police_at_work():
        raise ValueError
    assert turns.waited_s(queue) <= QUIET_S + ONE_WAIT_S


@OTHERS
def test_a_worker_that_stops_waits_no_longer(turns: Turns, queue: str) -> None:
    turns.waits.during = turns.waits.set
    with turns.police_at_work():
        assert turns.waited_s(queue) <= ONE_WAIT_S
