"""What a sender held that is known to be dead is looked up at once, and waits for no lease."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger import tables as t
from ledger.errors import LedgerAway
from ledger.texts import claims
from ledger.texts.calls import Claim
from services.living import Living
from services.sender import Sender
from services.texts import renderer
from services.worker import run_open
from tests.behaviour.stories import POSTGRESQL, read_all
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
        uow.conn.execute(t.deliveries.update().values(sender_id=DEAD))
        uow.conn.execute(t.deliveries.update().where(t.deliveries.c.kind == "student").values(state="pending"))
    before = world.rows("SELECT id, state, available_at FROM deliveries ORDER BY id")
    assert claims.inherit(world.parts.ledger, [DEAD]) == 0
    assert world.rows("SELECT id, state, available_at FROM deliveries ORDER BY id") == before


@POSTGRESQL
def test_one_that_somebody_has_in_hand_keeps_no_other_waiting(world: World) -> None:
    """A callback of it, for example, whose process is paused."""
    ledger, reports = world.parts.ledger, [held(world), held(world)]
    with ledger.engine.begin() as conn:
        text = t.deliveries.c
        conn.execute(t.deliveries.select().where(text.id == reports[0].texts()[0].id).with_for_update())
        assert claims.inherit(ledger, [DEAD]) == 1
        assert [states(report) for report in reports] == [["sending"], ["unknown"]]
    world.advance(LEASE_S)
    assert [creations(world, "officer"), *map(states, reports)] == [2, ["delivered"], ["delivered"]]
    read_all(world)


class Doomed(Sender):
    """Dies between its commit and the call."""

    def call(self, made: Sequence[Claim]) -> None:
        pass


class Succession:
    """Senders of one ledger and one state folder, one after another."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder

    def sender(self, kind: type[Sender] = Sender, *, at_door: bool = True) -> Sender:
        render = renderer(self.world.parts.settings, self.world.clock)
        channels = {"provider": self.world.parts.channel}
        return kind(self.world.parts.ledger, channels, render, 1, at_door=at_door, living=Living(self.folder))

    def dies(self, *, as_it_was_written: bool = True) -> Report:
        """With the officer's text, claimed as it was written, or later by the dispatcher."""
        world, report = self.world, self.world.report()
        doomed = self.sender(Doomed, at_door=as_it_was_written)
        if as_it_was_written:
            doomed.start()
        run_open(world.parts.ledger, world.handlers, "police")
        if not as_it_was_written:
            doomed.start()
        eventually(lambda: states(report) == ["sending"], "it was not claimed")
        doomed.stop()
        return report

    def inherits(self, report: Report) -> None:
        heir = self.sender()
        heir.start()
        eventually(lambda: states(report) == ["unknown"], "it waits for its lease")
        heir.stop()


@pytest.fixture
def succession(world: World, tmp_path: Path) -> Succession:
    return Succession(world, tmp_path / "senders")


def states(report: Report) -> list[str]:
    return [row.state for row in report.texts()]


@pytest.mark.parametrize("as_it_was_written", [True, False])
def test_a_sender_that_starts_is_the_heir_of_one_that_died(succession: Succession, as_it_was_written: bool) -> None:
    world, report = succession.world, succession.dies(as_it_was_written=as_it_was_written)
    succession.inherits(report)
    read_the_others(world, report)
    world.advance(LISTED_S)
    world.phones["officer"].expects("重发", "紧急止付", report.code).expects_nothing()


def test_the_dead_are_buried_when_the_ledger_has_what_they_held(
    succession: Succession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were their heir to die before that, the next one would have to find them."""
    world, report = succession.world, succession.dies()
    [dead] = succession.folder.iterdir()
    seen, inherit = [], claims.inherit

    def away_at_first(*given: Any) -> int:
        seen.append(dead.exists())
        if len(seen) == 1:
            raise LedgerAway
        return inherit(*given)

    monkeypatch.setattr(claims, "inherit", away_at_first)
    monkeypatch.setattr("services.sender.POLL_S", 0.0)
    succession.inherits(report)
    assert seen == [True, True]
    assert not dead.exists()
    read_the_others(world, report)
    world.advance(LISTED_S)
    world.phones["officer"].expects("重发", "紧急止付", report.code).expects_nothing()
