"""However much work is open, and whatever else holds the clock up, the steps that are due come at their time."""

import threading

from services.clock import ClockProcess
from services.handlers import HANDLERS
from tests.behaviour.stories import SQLITE, only_police_ring, read_all
from tests.one_process import eventually
from tests.world import World, another_fraud

REPORTS = 15  # four rows of work each, of which the clock takes twenty at a time


@SQLITE
def test_a_step_that_is_due_goes_before_a_backlog_of_work(world: World) -> None:
    rung = only_police_ring(world)
    world.clock.advance(118)
    for _ in range(REPORTS):
        world.report(**another_fraud())
    world.clock.advance(4)  # the next officer is due, and all that work is older than the clock waits for
    world.parts.clock.tick()
    assert len(rung.texts()) == 3
    assert len(world.rows("SELECT 1 FROM work WHERE state = 'open'")) == 4 * REPORTS - 20
    world.pump()
    read_all(world)


@SQLITE
def test_a_step_waits_for_nothing_else_that_the_clock_does(world: World) -> None:
    rung = only_police_ring(world)
    held, go_on = threading.Event(), threading.Event()

    def hold_up() -> bool:
        held.set()
        return go_on.wait(60) and False

    clock = ClockProcess(world.parts.ledger, HANDLERS, world.parts.channel, hold_up)
    clock.start()
    assert held.wait(20)
    world.clock.advance(122)
    eventually(lambda: len(rung.texts()) == 3, "the next officer is not written to")
    go_on.set()
    clock.stop()
    world.pump()
    read_all(world)
