"""Doors wait where the ringing does not keep up: the longer the further it is behind, and never for long."""

from collections.abc import Callable
from datetime import timedelta
from typing import cast

import pytest

from intake.pace import BEHIND_S, GOOD_FOR_S, LONGEST_S, LOOK_EVERY_S, SHARE, Pace
from ledger.store.unit_of_work import UnitOfWork


class Doors:
    """A pace whose time passes as it is told, and what it finds in the ledger."""

    def __init__(self) -> None:
        self.now_s, self.behind_s, self.looks = 0.0, 0.0, 0
        self.slept: list[float] = []
        self.during: Callable[[], object] = lambda: None  # what else happens while the ledger is asked
        self.pace = Pace(self._behind, lambda: self.now_s, self.slept.append)

    def _behind(self, _uow: UnitOfWork) -> timedelta:
        self.looks += 1
        self.during()
        return timedelta(seconds=self.behind_s)

    def look(self, behind_s: float | None = None) -> None:
        self.behind_s = self.behind_s if behind_s is None else behind_s
        self.pace.look(cast("UnitOfWork", None))

    def waited_s(self, others: int = 1) -> list[float]:
        """What a report waits that comes while so many are in hand."""
        inner = [self.pace.one_more() for _ in range(others)]
        for one in inner:
            one.__enter__()
        self.slept.clear()
        with self.pace.one_more() as alone:
            assert alone == (others == 0)
        found = list(self.slept)
        for one in inner:
            one.__exit__(None, None, None)
        return found


@pytest.fixture
def doors() -> Doors:
    return Doors()


def test_nobody_waits_while_the_ringing_keeps_up(doors: Doors) -> None:
    doors.look(BEHIND_S)
    assert doors.waited_s() == []


def test_the_further_it_is_behind_the_longer_they_wait(doors: Doors) -> None:
    doors.look(BEHIND_S + 0.4)
    [wait] = doors.waited_s()
    assert wait == pytest.approx(0.4 / SHARE)


def test_nobody_waits_for_long(doors: Doors) -> None:
    doors.look(60)
    assert doors.waited_s() == [LONGEST_S]


def test_a_report_alone_never_waits(doors: Doors) -> None:
    doors.look(60)
    assert doors.waited_s(others=0) == []


def test_a_wait_that_fails_keeps_no_report_out() -> None:
    """As under a clock that is set while somebody sleeps."""

    def leaps(_seconds: float) -> None:
        raise OSError(22, "Invalid argument")

    pace = Pace(lambda _uow: timedelta(seconds=60), lambda: 0.0, leaps)
    pace.look(cast("UnitOfWork", None))
    taken = []
    with pace.one_more(), pace.one_more() as alone:
        taken.append(alone)
    assert taken == [False]


def test_the_ledger_is_asked_now_and_then(doors: Doors) -> None:
    doors.look(0)
    doors.now_s = LOOK_EVERY_S - 0.001
    doors.look(60)
    assert doors.looks == 1 and doors.waited_s() == []
    doors.now_s = LOOK_EVERY_S
    doors.look()
    assert doors.looks == 2 and doors.waited_s() == [LONGEST_S]


def test_what_was_found_a_while_ago_holds_nobody_back(doors: Doors) -> None:
    doors.look(60)
    doors.now_s = GOOD_FOR_S
    assert doors.waited_s() == [LONGEST_S]
    doors.now_s = GOOD_FOR_S + 0.001
    assert doors.waited_s() == []


def test_a_report_that_fails_is_in_hand_no_longer(doors: Doors) -> None:
    doors.look(60)
    with pytest.raises(ZeroDivisionError), doors.pace.one_more():
        raise ZeroDivisionError
    assert doors.waited_s(others=0) == []


def test_a_look_that_fails_holds_nobody_back_and_is_not_the_last(doors: Doors) -> None:
    doors.look(60)
    doors.now_s, doors.during = LOOK_EVERY_S, lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        doors.look()
    assert doors.waited_s() == []
    doors.now_s, doors.during = 2 * LOOK_EVERY_S, lambda: None
    doors.look()
    assert doors.waited_s() == [LONGEST_S]


def test_one_at_a_time_asks_and_until_then_what_was_found_holds(doors: Doors) -> None:
    doors.look(60)
    waited = list[float]()

    def meanwhile() -> None:
        doors.look()
        waited.extend(doors.waited_s())

    doors.now_s, doors.during = LOOK_EVERY_S, meanwhile
    doors.look(0)
    assert (doors.looks, waited, doors.waited_s()) == (2, [LONGEST_S], [])
