"""A short run of the fuzz; `python -m tests.fuzz --inputs 100000` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.run import Figures, Range, follow, shoot
from tests.world import World

INPUTS, SEED = 1_500, 110
# Inputs that once broke a promise, by seed and number: they stay mended.
KEPT = ((1, 1291), (1, 1792))


def shot(world: World, folder: Path, seed: int, numbers: range) -> tuple[Range, Figures]:
    at, figures = Range.over(world, folder), Figures()
    shoot(at, seed, numbers, figures)
    return at, figures


@pytest.mark.timeout(600)
def test_no_input_breaks_a_promise(world: World, tmp_path: Path) -> None:
    """The same to each database, then everything that was taken goes its way to the staff's pages."""
    at, figures = shot(world, tmp_path, SEED, range(INPUTS))
    assert [str(one) for one in figures.found] == []
    assert figures.inputs == INPUTS and len(figures.kinds) == 13
    assert list(follow(at)) == []
    world.phones.catch_up()
    for text in world.phones.unread():
        world.phones.mark_read(text)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_once_broke_stays_mended(world: World, tmp_path: Path) -> None:
    at, figures = Range.over(world, tmp_path), Figures()
    for seed, number in KEPT:
        shoot(at, seed, range(number, number + 1), figures)
    assert [str(one) for one in figures.found] == []
    for text in world.phones.unread():
        world.phones.mark_read(text)
