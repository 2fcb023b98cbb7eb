"""However much work is open, the clock takes the steps that are due before it, and not all of the work at once."""

from tests.behaviour.stories import SQLITE, only_police_ring, read_all
from tests.world import World, another_fraud

REPORTS = 15  # four rows of work each, of which the clock takes twenty at a time


@SQLITE
def test_a_step_that_is_due_goes_before_a_backlog_of_work(world: World) -> None:
    rung = only_police_ring(world)
    world.clock.advance(118)
    for _ in range(REPORTS):
        world.report(**another_fraud())
    world.clock.advance(4)  # the next officer is due, and all that work is older than the clock waits for
    world.parts.clock.tick(world.parts.clock.own)
    assert len(rung.texts()) == 3
    assert len(world.rows("SELECT 1 FROM work WHERE state = 'open'")) == 4 * REPORTS - 20
    world.pump()
    read_all(world)
