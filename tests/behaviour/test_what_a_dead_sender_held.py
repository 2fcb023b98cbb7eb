"""What a sender held that is known to be dead is looked up at once, and waits for no lease."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ledger import tables as t
from ledger.texts import claims
from ledger.texts.calls import Claim
from services.living import Living
from services.sender import Sender
from services.texts import renderer
from services.worker import run_open
from tests.behaviour.test_every_text_is_sent_once import LEASE_S, call, claim, creations
from tests.one_process import eventually
from tests.world import Report, World

LISTED_S = claims.INHERITED_AFTER.total_seconds()  # by then a provider lists what it has just been asked for
assert LISTED_S < LEASE_S / 2
DEAD, ALIVE = uuid4(), uuid4()


def held(world: World, by: UUID = DEAD, *, called: bool = False) -> Report:
    """An officer's text whose sender died before or after its call; the others are as they would be."""
    report = world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    [made] = claim(world, by=by)
    if called:
        call(world, made)
        world.double.settle()
    return report


def read_the_others(world: World, report: Report) -> None:
    for name in ("counselor", "student"):
        world.phones[name].expects(report.code)
    world.call_the_student(report)


def test_a_text_that_was_not_called_is_sent_as_soon_as_the_provider_can_tell(world: World) -> None:
    report = held(world)
    assert claims.inherit(world.parts.ledger, [uuid4(), DEAD]) == 1
    read_the_others(world, report)
    world.advance(LISTED_S - 0.1)
    world.phones["officer"].expects_nothing()
    world.advance(0.1)
    world.phones["officer"].expects("重发", "紧急止付", report.code).expects_nothing()
    assert creations(world, "officer") == 1


def test_a_text_that_the_provider_has_is_not_sent_again(world: World) -> None:
    world.double.faults.add("callbacks_lost")
    report = held(world, called=True)
    assert claims.inherit(world.parts.ledger, [DEAD]) == 1
    world.advance(LISTED_S)
    world.phones["officer"].expects("紧急止付", report.code).expects_nothing()
    read_the_others(world, report)
    assert creations(world, "officer") == 1
    assert [row.state for row in report.texts()] == ["delivered"]


def test_what_one_who_lives_holds_waits_for_its_lease(world: World) -> None:
    report = held(world, ALIVE)
    assert claims.inherit(world.parts.ledger, [DEAD]) == 0
    read_the_others(world, report)
    world.advance(LEASE_S - 0.1)
    world.phones["officer"].expects_nothing()
    world.advance(0.1)
    world.phones["officer"].expects("重发", "紧急止付", report.code).expects_nothing()


def test_what_waits_and_what_was_sent_is_left_as_it_is(world: World) -> None:
    report = held(world)
    claims.inherit(world.parts.ledger, [DEAD])
    read_the_others(world, report)
    world.advance(LISTED_S)
    world.phones["officer"].expects(report.code)
    with world.parts.ledger.begin("text") as uow:
        pending = t.deliveries.update().where(t.deliveries.c.kind == "student")
        uow.conn.execute(pending.values(state="pending", sender_id=DEAD))
    before = world.rows("SELECT id, state, available_at FROM deliveries ORDER BY id")
    assert claims.inherit(world.parts.ledger, [DEAD]) == 0
    assert world.rows("SELECT id, state, available_at FROM deliveries ORDER BY id") == before


class Doomed(Sender):
    """Dies between its commit and the call."""

    def call(self, made: Sequence[Claim]) -> None:
        pass


@pytest.mark.parametrize("as_it_was_written", [True, False])
def test_a_sender_that_starts_is_the_heir_of_one_that_died(
    world: World, tmp_path: Path, as_it_was_written: bool
) -> None:
    def sender(kind: type[Sender], *, at_door: bool) -> Sender:
        render = renderer(world.parts.settings, world.clock)
        channels = {"provider": world.parts.channel}
        return kind(world.parts.ledger, channels, render, 1, at_door=at_door, living=Living(tmp_path / "senders"))

    report, doomed = world.report(), sender(Doomed, at_door=as_it_was_written)
    if as_it_was_written:
        doomed.start()
        run_open(world.parts.ledger, world.handlers, "police")
    else:
        run_open(world.parts.ledger, world.handlers, "police")
        doomed.start()
    eventually(lambda: [row.state for row in report.texts()] == ["sending"], "it was not claimed")
    doomed.stop()
    heir = sender(Sender, at_door=True)
    heir.start()
    heir.stop()
    read_the_others(world, report)
    world.advance(LISTED_S)
    world.phones["officer"].expects("重发", "紧急止付", report.code).expects_nothing()
