"""Who has something to write while somebody writes is written for, once, or told that it was not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.together import MOST, Together


class Slow:
    """Writes as it is told to: holds the first call until it is let go, and keeps what each call was given."""

    def __init__(self, write: Callable[[Sequence[int]], Sequence[int]] = lambda some: some) -> None:
        self.calls: list[list[int]] = []
        self.begun, self.go = threading.Event(), threading.Event()
        self._write = write

    def __call__(self, some: Sequence[int]) -> Sequence[int]:
        self.calls.append(list(some))
        if len(self.calls) == 1:
            self.begun.set()
            assert self.go.wait(10)
        return self._write(some)


def all_at_once(slow: Slow, count: int) -> list[bool | BaseException]:
    """One that writes, and `count` that come while it does; what each was told."""
    together = Together(slow)
    with ThreadPoolExecutor(count + 1) as pool:
        asked = [pool.submit(together.written, 0)]
        assert slow.begun.wait(10)
        asked += [pool.submit(together.written, n) for n in range(1, count + 1)]
        while len(together._waiting) < count:
            threading.Event().wait(0.001)
        slow.go.set()
        return [it.exception(10) or it.result(10) for it in asked]


def test_alone_it_is_written_at_once() -> None:
    slow = Slow()
    slow.go.set()
    together = Together(slow)
    assert together.written(1) and together.written(2)
    assert slow.calls == [[1], [2]]


def test_those_who_come_meanwhile_are_written_by_one_of_them() -> None:
    slow = Slow()
    assert all_at_once(slow, 7) == [True] * 8
    assert [sorted(call) for call in slow.calls] == [[0], list(range(1, 8))]


def test_no_call_writes_more_than_its_share() -> None:
    slow = Slow()
    assert all_at_once(slow, MOST + 3) == [True] * (MOST + 4)
    assert [len(call) for call in slow.calls] == [1, MOST, 3]
    assert sorted(n for call in slow.calls for n in call) == list(range(MOST + 4))


def test_who_was_left_out_is_told() -> None:
    slow = Slow(lambda some: [n for n in some if n % 2 == 0])
    assert all_at_once(slow, 5) == [True, False, True, False, True, False]


def test_after_a_failure_each_is_told_and_the_next_goes_on() -> None:
    def fail(some: Sequence[int]) -> Sequence[int]:
        if 0 in some:
            raise ValueError
        return some

    slow = Slow(fail)
    first, *others = all_at_once(slow, 3)
    assert isinstance(first, ValueError) and others == [True] * 3


def test_a_failure_is_raised_by_its_writer_and_the_others_write_alone() -> None:
    def fail(some: Sequence[int]) -> Sequence[int]:
        if len(some) > 1:
            raise ValueError
        return some

    told = all_at_once(Slow(fail), 3)
    assert told[0] is True
    assert sorted(type(it).__name__ for it in told[1:]) == ["ValueError", "bool", "bool"]
    assert [it for it in told[1:] if isinstance(it, bool)] == [False, False]


@pytest.mark.parametrize("round_", range(3))
def test_under_a_crowd_each_is_written_once(round_: int) -> None:
    slow = Slow()
    slow.go.set()
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(Together(slow).written, range(400)))
    assert sorted(n for call in slow.calls for n in call) == list(range(400))
