"""A key sent again and again, many at once, through the real server: one case, and the same answer each time.

CI sends 1,000 to each database; `python -m tests.fuzz.replays` sends 10,000.
"""

from __future__ import annotations

from tests.behaviour.stories import read_all
from tests.fuzz.replays import PER_KEY, replay
from tests.world import World

REPLAYS = 1_000


def test_no_replay_makes_a_second_case(world: World) -> None:
    outcome = replay(world, REPLAYS, seed=110)
    read_all(world)
    assert outcome.faults == []
    assert (outcome.sent, outcome.stored, outcome.duplicates) == (REPLAYS, REPLAYS // PER_KEY, 0)
