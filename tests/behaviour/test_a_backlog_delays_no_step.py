"""However much work is open, and whatever else holds the clock up, the steps that are due come at their time."""

import threading

from sqlalchemy import select

from ledger import tables as t
from ledger.deadlines import look_at_one
from ledger.events import COUNSELOR, POLICE
from ledger.store import work
from services.clock import ClockProcess
from services.handlers import HANDLERS
from services.worker import run_open
from tests.behaviour.stories import POSTGRESQL, SQLITE, at_once, only_police_ring, read_all
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
def test_alerts_that_wait_in_line_are_left_to_the_workers_and_never_go_before_a_step(world: World) -> None:
    """The clock begins what nobody has begun after a while that is longer than any burst took, and one at a time."""
    rung = only_police_ring(world)
    world.advance(90)
    waiting = [world.report(**another_fraud()) for _ in range(REPORTS)]
    world.clock.advance(24)
    assert not look_at_one(world.parts.ledger)
    world.clock.advance(7)  # those in line are due before the next officer is
    assert look_at_one(world.parts.ledger)
    assert len(rung.texts()) == 3
    assert [report.texts() for report in waiting] == [[]] * REPORTS
    while look_at_one(world.parts.ledger):
        pass
    assert [len(report.texts()) for report in waiting] == [1] * REPORTS
    world.pump()
    assert [len(report.texts()) for report in waiting] == [1] * REPORTS
    read_all(world)


@POSTGRESQL
def test_a_worker_and_a_clock_that_begin_alerts_at_once_ring_nobody_twice(world: World) -> None:
    waiting = [world.report(**another_fraud()) for _ in range(2 * work.SOME)]
    world.clock.advance(60)
    ledger = world.parts.ledger

    def clock() -> None:
        while look_at_one(ledger):
            pass

    at_once([clock, clock, lambda: run_open(ledger, HANDLERS, POLICE), lambda: run_open(ledger, HANDLERS, COUNSELOR)])
    world.pump()
    assert [(len(it.texts()), len(it.texts("counselor"))) for it in waiting] == [(1, 1)] * len(waiting)
    assert world.alarms() == []
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


@POSTGRESQL
def test_work_in_other_hands_is_not_come_for_again_at_once(world: World) -> None:
    """Clock and embedded workers go on without a pause while there was something to do: a row that hangs in other
    hands would keep them and the database busy until it is put down."""
    world.report()
    world.clock.advance(work.STALE.total_seconds())
    ledger = world.parts.ledger
    with ledger.begin("other-hands") as uow:
        uow.conn.execute(select(t.work).where(t.work.c.state == "open").with_for_update())
        assert not run_open(ledger, HANDLERS)
        assert not world.parts.clock.tick([step for step in world.parts.clock.own if step.name == "work"])
    assert run_open(ledger, HANDLERS)
    world.pump()
    read_all(world)
