"""What the parent of several processes decides when one is gone, told by what happened to it."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator

import pytest

from services.family import HEARD, PAUSE_S, WRONG, YOUNG_S, Family, Member


class Parent:
    """A family whose processes are never split off; what it would signal is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.told = 1000.0, list[int]()
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(os, "kill", lambda pid, _number: self.told.append(pid))
        monkeypatch.setattr(signal, "setitimer", lambda *_: None)
        self.members = [Member("web", lambda: 0), Member("clock", lambda: 0)]
        self.family = Family(self.members)
        self.ids = iter(range(1, 100))
        monkeypatch.setattr(os, "fork", lambda: next(self.ids))
        self.family._start_who_is_due()

    def ends(self, pid: int, status: int, after: float) -> None:
        self.now += after
        self.family._gone(self.family._living.pop(pid), status)
        if not self.family._ending:
            self.family._start_who_is_due()

    @property
    def living(self) -> dict[str, int]:
        return {member.name: pid for pid, member in self.family._living.items()}


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parent]:
    handled = signal.getsignal(signal.SIGCHLD)
    made = Parent(monkeypatch)
    yield made
    signal.signal(signal.SIGCHLD, handled)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
    for end in (made.family._reads, made.family._writes):
        os.close(end)


def test_one_that_had_lived_is_there_again_at_once(parent: Parent) -> None:
    parent.ends(1, -signal.SIGKILL, YOUNG_S)
    assert parent.living == {"clock": 2, "web": 3}


def test_one_that_dies_young_waits_for_a_pause_and_holds_up_nobody(parent: Parent) -> None:
    parent.ends(1, -signal.SIGKILL, YOUNG_S)
    parent.ends(3, 70, 0.5)
    parent.ends(2, -signal.SIGKILL, 0.1)
    assert parent.living == {"clock": 4}
    parent.now += PAUSE_S
    parent.family._start_who_is_due()
    assert parent.living == {"clock": 4, "web": 5}


def test_a_wrong_setting_at_the_start_ends_them_all(parent: Parent) -> None:
    parent.ends(1, WRONG, 0.5)
    assert parent.told == [2]
    assert parent.family._status == WRONG


def test_what_goes_wrong_with_one_that_had_lived_ends_no_other(parent: Parent) -> None:
    """Its port is taken for a moment, a secret is just being replaced: another try may end otherwise."""
    parent.ends(1, -signal.SIGKILL, YOUNG_S)
    parent.ends(3, WRONG, 0.5)
    assert (parent.told, parent.living) == ([], {"clock": 2})
    parent.now += PAUSE_S
    parent.family._start_who_is_due()
    assert parent.living == {"clock": 2, "web": 4}


def test_a_machine_that_can_start_nothing_now_is_asked_again(parent: Parent, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fork", full)
        parent.ends(1, -signal.SIGKILL, YOUNG_S)
        assert parent.living == {"clock": 2}
    parent.now += PAUSE_S
    parent.family._start_who_is_due()
    assert set(parent.living) == {"clock", "web"}


@pytest.mark.parametrize(("statuses", "said"), [((0, 0), 0), ((0, -signal.SIGTERM), 0), ((70, 0), 1)])
def test_the_end_is_good_if_all_ended_well(parent: Parent, statuses: tuple[int, int], said: int) -> None:
    parent.family._end()
    for pid, status in enumerate(statuses, 1):
        parent.ends(pid, status, 1.0)
    assert (parent.told, parent.living, parent.family._status) == ([1, 2], {}, said)
