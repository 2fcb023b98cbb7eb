"""What a worker does for the police is waited on by its handlers for everybody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ledger.events import CARE, COUNSELOR, NOTICE, POLICE
from ledger.store.outbox import claim_unpublished
from services.handlers import HANDLERS
from services.police_first import PoliceFirst
from services.worker import BrokerWorker
from tests.behaviour.stories import SQLITE, read_all
from tests.world import World


class Noted(PoliceFirst):
    """Whose turn it was, and which rows were done by its end."""

    def __init__(self, world: World) -> None:
        self._world, self.turns = world, list[tuple[str, list[str]]]()

    def head_start_s(self, queue: str, event: Any) -> float:
        return 0.0

    @contextmanager
    def turn(self, queue: str, head_start_s: float = 0.0) -> Iterator[None]:
        yield
        done = self._world.rows("SELECT queue FROM work WHERE state = 'done'")
        self.turns.append((queue, sorted(row.queue for row in done)))


class Message:
    """As the broker delivers it."""

    def __init__(self, payload: dict[str, Any]) -> None:
        self.payload, self.acknowledged = payload, False

    def ack(self) -> None:
        self.acknowledged = True


@SQLITE
def test_each_handler_has_its_turn_and_does_its_work_within(world: World) -> None:
    world.parts.ledger.brokered = True  # so that events wait to be published
    world.report()
    world.clock.advance(2)
    (event,) = claim_unpublished(world.parts.ledger)
    worker = BrokerWorker(world.parts.ledger, HANDLERS, ["amqp://nobody.invalid//"])
    noted = worker._police_first = Noted(world)
    for queue in (CARE, COUNSELOR, NOTICE, POLICE):  # as they sort, too
        message = Message(event.cloudevent())
        worker._take(queue, [message])
        assert message.acknowledged
    assert noted.turns == [(CARE, [CARE]), (COUNSELOR, [CARE, COUNSELOR]), (NOTICE, [CARE, COUNSELOR, NOTICE]),
                           (POLICE, [CARE, COUNSELOR, NOTICE, POLICE])]  # fmt: skip
    read_all(world)
