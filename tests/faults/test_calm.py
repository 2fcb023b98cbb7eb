"""When nothing is broken, for how long, and what is broken by itself."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from tests.faults import calm, catalogue
from tests.faults.fault import Fault
from tests.faults.server_faults import RUBBISH_IN_A_QUEUE

Told = list[str | float]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What was done, in its order: seconds slept, and names of faults."""
    done: Told = []
    # Of this module alone: some other thread of the process may sleep as well.
    monkeypatch.setattr(calm, "time", SimpleNamespace(sleep=done.append, monotonic=time.monotonic))
    return done


def a_calm(kind: str, told: Told) -> calm.Calm:
    def strike(step: Sequence[Fault]) -> None:
        told.extend(fault.name for fault in step)

    return calm.Calm(catalogue.of_kind(kind), random.Random(1), strike, lambda: told.append("revived"))


def test_a_run_begins_with_one_thing_broken_at_a_time(told: Told) -> None:
    a_calm("separate", told).begin()
    rubbish, after, provider, half_a_minute, killed, last = told
    assert (rubbish, after, half_a_minute, last) == (RUBBISH_IN_A_QUEUE, calm.AFTER_S, calm.NEXT_S, calm.AFTER_S)
    assert provider in calm.REFUSING and killed in calm.PROBED


@pytest.mark.parametrize(
    ("step_in_s", "slept"), [(5.0, 16.0), (15.0, 18.0), (40.0, 43.0), (77.0, 80.0), (79.0, 16.0), (float("inf"), 16.0)]
)
def test_the_calm_waits_for_the_probes_step_before_it_breaks_anything(
    told: Told, step_in_s: float, slept: float
) -> None:
    a_calm("embedded", told).breathe(step_in_s)
    assert told[:2] == ["revived", slept]
    assert told[2] in calm.REFUSING


@pytest.mark.parametrize(("step_in_s", "waits"), [(10.0, False), (20.0, True), (29.0, True), (31.0, False)])
def test_between_steps_of_faults_it_is_waited_for_when_it_is_near(told: Told, step_in_s: float, waits: bool) -> None:
    a_calm("embedded", told).await_step(step_in_s)
    assert told == (["revived", step_in_s + calm.AFTER_S] if waits else [])
