"""Which faults are on together, and that each kind comes once before any comes again."""

from __future__ import annotations

import random

import pytest

from tests.faults import catalogue
from tests.faults.site import ALL_KINDS


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_every_fault_comes_once_and_none_beside_one_that_hinders_it(kind: str) -> None:
    faults = catalogue.of_kind(kind)
    steps = catalogue.plan(faults, len(faults), random.Random(1), two_at_once=1.0)
    assert sorted(fault.name for step in steps for fault in step) == sorted(fault.name for fault in faults)
    for one, other in (step for step in steps if len(step) == 2):
        assert one.group != other.group
        assert not {one.group, *one.touches} & {other.group, *other.touches}


def test_a_name_means_one_fault() -> None:
    for kind in ALL_KINDS:
        names = [fault.name for fault in catalogue.of_kind(kind)]
        assert len(names) == len(set(names))
