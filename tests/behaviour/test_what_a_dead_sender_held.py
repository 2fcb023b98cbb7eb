"""A ledger in a file knows when all who sent from it are dead: what they held is looked up, and waits for no lease."""

from __future__ import annotations

from ledger import tables as t
from ledger.texts import claims
from services.worker import run_open
from tests.behaviour.test_every_text_is_sent_once import LEASE_S, call, claim, creations
from tests.world import Report, World

LISTED_S = claims.INHERITED_AFTER.total_seconds()  # by then a provider lists what it has just been asked for
assert LISTED_S < LEASE_S / 2


def held_by_the_dead(world: World, *, called: bool) -> Report:
    """An officer's text whose sender died before or after its call; the others are as they would be."""
    report = world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    [made] = claim(world)
    if called:
        call(world, made)
        world.double.settle()
    return report


def read_the_others(world: World, report: Report) -> None:
    for name in ("counselor", "student"):
        world.phones[name].expects(report.code)
    world.call_the_student(report)


def test_a_text_that_was_not_called_is_sent_as_soon_as_the_provider_can_tell(world: World) -> None:
    report = held_by_the_dead(world, called=False)
    assert claims.inherit(world.parts.ledger, world.clock.now()) == 0  # claimed since: by somebody who lives
    world.clock.advance(0.5)
    assert claims.inherit(world.parts.ledger, world.clock.now()) == 1
    read_the_others(world, report)
    world.advance(LISTED_S - 0.1)
    world.phones["officer"].expects_nothing()
    world.advance(0.1)
    world.phones["officer"].expects("重发", "紧急止付", report.code).expects_nothing()
    assert creations(world, "officer") == 1


def test_a_text_that_the_provider_has_is_not_sent_again(world: World) -> None:
    world.double.faults.add("callbacks_lost")
    report = held_by_the_dead(world, called=True)
    world.clock.advance(0.5)
    assert claims.inherit(world.parts.ledger, world.clock.now()) == 1
    world.advance(LISTED_S)
    world.phones["officer"].expects("紧急止付", report.code).expects_nothing()
    read_the_others(world, report)
    assert creations(world, "officer") == 1
    assert [row.state for row in report.texts()] == ["delivered"]


def test_what_waits_and_what_was_sent_is_left_as_it_is(world: World) -> None:
    report = world.report()
    world.phones["officer"].expects("紧急止付", report.code)
    read_the_others(world, report)
    with world.parts.ledger.begin("text") as uow:
        uow.conn.execute(t.deliveries.update().where(t.deliveries.c.kind == "student").values(state="pending"))
    before = world.rows("SELECT id, state, available_at FROM deliveries ORDER BY id")
    world.clock.advance(LEASE_S + 1)
    assert claims.inherit(world.parts.ledger, world.clock.now()) == 0
    assert world.rows("SELECT id, state, available_at FROM deliveries ORDER BY id") == before
