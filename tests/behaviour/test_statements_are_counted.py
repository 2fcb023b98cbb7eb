"""What a report costs the database: statements, which are the same on every machine, and not time.

Each limit is what it takes today. A statement more is a decision: on the way to the officer's phone there is no room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from ledger.events import CARE, COUNSELOR, NOTICE, POLICE
from services.worker import run_open
from tests.behaviour.stories import read_all
from tests.world import World

# Without BEGIN and COMMIT; executemany counts once.
DOOR, RINGING, HANDLERS = 6, 6, {POLICE: 11, COUNSELOR: 9, CARE: 7, NOTICE: 4}
LOOK_FOR_WORK = 1
CLAIM, SETTLE = 2, 6  # of one text


@contextmanager
def counted(world: World) -> Iterator[Counter[str]]:
    found: Counter[str] = Counter()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        found[statement] += not statement.startswith("BEGIN")  # SQLite is told to begin by a statement

    event.listen(world.parts.ledger.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(world.parts.ledger.engine, "before_cursor_execute", note)


def test_a_report_and_each_of_its_handlers(world: World) -> None:
    with counted(world) as door:
        world.report()
    assert door.total() <= DOOR, door
    for queue, limit in HANDLERS.items():
        with counted(world) as handler:
            assert run_open(world.parts.ledger, world.handlers, queue)
        assert handler.total() - LOOK_FOR_WORK <= limit, (queue, handler)
    read_all(world)


def test_a_door_that_rings(world: World) -> None:
    """What it has just written it does not read again."""
    world.parts.ledger.hands, world.parts.sender._idle = world.parts.sender, 0
    with counted(world) as door:
        world.report()
    assert door.total() <= DOOR + RINGING, door
    world.parts.ledger.hands = None
    with counted(world) as handler:
        assert run_open(world.parts.ledger, world.handlers, POLICE)
    assert handler.total() < HANDLERS[POLICE]
    world.pump()
    read_all(world)


def test_a_text(world: World) -> None:
    world.report()
    run_open(world.parts.ledger, world.handlers, POLICE)
    world.double.faults.add("callbacks_lost", to=world.phones["officer"].number)
    with counted(world) as sending:
        assert world.parts.sender.drain() == 1
    looks_again = 1
    assert sending.total() - looks_again <= CLAIM + SETTLE, sending
    read_all(world)


def test_more_reports_do_not_make_one_dearer(world: World) -> None:
    totals = []
    for n in range(3):
        with counted(world) as found:
            world.report(phone=f"1391111000{n}", payee_account=f"6217 0000 0000 000{n}")
            world.pump()
        totals.append(found.total())
        read_all(world)
    assert totals[0] >= totals[-1], totals
