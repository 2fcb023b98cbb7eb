"""A provider whose lists hang holds up those who ask it: a text that was not called yet does not wait behind them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ledger import tables as t
from ledger.events import COUNSELOR, POLICE, PRIORITY
from ledger.texts import deliveries
from notifier.channel import ChannelAway
from services.sender import Sender
from tests.behaviour.stories import read_all
from tests.one_process import eventually
from tests.world import World, another_fraud

THREADS = 8  # two of them are the police's


class Hanging:
    """The provider, but for its lists: asking one takes until it is let go."""

    def __init__(self, channel: Any) -> None:
        self._channel, self._go, self._mutex = channel, threading.Event(), threading.Lock()
        self.asking = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def find(self, *asked: Any) -> Any:
        with self._mutex:
            self.asking += 1
        if not self._go.wait(60):
            raise ChannelAway("nobody let go")
        return self._channel.find(*asked)

    def let_go(self) -> None:
        self._go.set()


@pytest.fixture
def hanging(database_url: str, tmp_path: Path) -> Iterator[tuple[World, Hanging, Sender]]:
    """Twice as many officers' texts as there are threads got no answer, and the provider is to be asked about each."""
    world = World.make(database_url, tmp_path)
    world.double.faults.add("500", to=world.phones["officer"].number, times=None)
    for _ in range(2 * THREADS):
        world.report(**another_fraud())
    world.pump()
    world.double.faults.clear()
    read_all(world)
    of_world = world.parts.sender
    channel = Hanging(of_world._channels["provider"])
    sender = Sender(world.parts.ledger, {"provider": channel}, of_world._render, THREADS)
    world.clock.advance(2)
    yield world, channel, sender
    channel.let_go()
    sender.stop()
    world.double.settle()
    world.close()


def write(world: World, queue: str, name: str) -> None:
    """One text, and no sender was free when it was written."""
    with world.parts.ledger.begin("text") as uow:
        facts = {"code": "KKKK3", "at": uow.now.isoformat(), "minutes": 10}
        case = uow.case(uow.conn.execute(select(t.cases.c.id)).scalars().all()[0])
        to, dedup = (world.phones[name].number, "zh"), f"to the {name}"
        deliveries.tell(uow, to, "acknowledged", facts, case=case, dedup=dedup, priority=PRIORITY[queue])


def told(world: World) -> int:
    """How many of those have gone out."""
    return sum("KKKK3" in (record.body or "") for record in world.double.creations)


def test_half_of_the_threads_look_up_and_the_others_call(hanging: tuple[World, Hanging, Sender]) -> None:
    world, channel, sender = hanging
    sender.start()
    eventually(lambda: channel.asking >= THREADS // 2, "nobody looks up")
    write(world, POLICE, "officer")
    write(world, COUNSELOR, "counselor")
    sender.wake()
    eventually(lambda: told(world) == 2, "a new text waits behind look-ups", timeout=8)
    assert channel.asking in (THREADS // 2, THREADS // 2 + 1)  # one of those kept for the police may have had a moment
    channel.let_go()
    eventually(lambda: not world.rows("SELECT 1 FROM deliveries WHERE state IN ('unknown', 'sending')"), "forgotten")
    read_all(world)


def test_of_the_threads_kept_for_the_police_one_looks_up(hanging: tuple[World, Hanging, Sender]) -> None:
    """Though their new texts wait, however many: who may not have heard of a case is not forgotten over others."""
    world, channel, sender = hanging
    for name in ("officer", "backup", "desk"):
        write(world, POLICE, name)
    sender._crew.idle = sender._crew.reserved  # the others are in calls
    sender.start()
    eventually(lambda: told(world) == 3, "their texts wait behind look-ups", timeout=8)
    assert channel.asking == 1
    read_all(world)
