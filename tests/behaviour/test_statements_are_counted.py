"""What a report costs the database: statements, which are the same on every machine, and not time.

Each limit is what it takes today. A statement more is a decision: on the way to the officer's phone there is no room.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from ledger.events import CARE, COUNSELOR, NOTICE, POLICE
from ledger.store.unit_of_work import UnitOfWork
from ledger.texts import deliveries
from services.worker import run_open
from tests.behaviour.stories import read_all, reported
from tests.world import STUDENT, World, another_fraud

LOOK = 1  # for work, or for texts


@dataclass(frozen=True)
class Cost:
    """Without BEGIN and COMMIT; executemany counts once. `text`: claimed by the dispatcher, called and settled."""

    door: int
    ringing_door: int
    handlers: Mapping[str, int]
    text: int


TABLE_BY_TABLE = Cost(6, 7, {POLICE: 9, COUNSELOR: 8, CARE: 8, NOTICE: 4}, 8)  # SQLite, which is in this process
AT_ONCE = Cost(2, 2, {POLICE: 8, COUNSELOR: 7, CARE: 5, NOTICE: 4}, 5)  # PostgreSQL


def cost(world: World) -> Cost:
    return AT_ONCE if world.parts.ledger.postgres else TABLE_BY_TABLE


class NothingToCallWith:
    """Senders of which the last free one has just been taken."""

    free = True

    def claim(self, uow: UnitOfWork, texts: Sequence[dict[str, Any]]) -> list[Any]:
        return []

    def call(self, claims: Sequence[Any]) -> None:
        assert not claims

    let_go = call


@contextmanager
def counted(world: World, *, here: bool = False) -> Iterator[Counter[str]]:
    """`here`: by this thread alone, and not by a callback that comes meanwhile."""
    found: Counter[str] = Counter()
    this = threading.get_ident()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not here or threading.get_ident() == this:
            found[statement] += not statement.startswith("BEGIN")  # SQLite is told to begin by a statement

    event.listen(world.parts.ledger.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(world.parts.ledger.engine, "before_cursor_execute", note)


def one_before(world: World) -> None:
    """Of the same college: the first of a process reads the roster, which is kept from then on."""
    others = (it for it in world.school.people if it.college == world.college and it.role == "student")
    other = next(it for it in others if it.phone and not it.phone.endswith(STUDENT))
    world.report(**another_fraud() | {"phone": other.phone})
    world.pump()
    read_all(world)


def test_a_report_and_each_of_its_handlers(world: World) -> None:
    one_before(world)
    with counted(world) as door:
        world.report()
    assert door.total() <= cost(world).door, door
    for queue, limit in cost(world).handlers.items():
        with counted(world) as handler:
            assert run_open(world.parts.ledger, world.handlers, queue)
        assert handler.total() - LOOK <= limit, (queue, handler)
    read_all(world)


def test_a_door_that_rings(world: World) -> None:
    """What it has just written it does not read again."""
    one_before(world)
    world.parts.ledger.hands = NothingToCallWith()
    with counted(world) as door:
        world.report()
    assert door.total() <= cost(world).ringing_door, door
    world.parts.ledger.hands = None
    with counted(world) as handler:
        assert run_open(world.parts.ledger, world.handlers, POLICE)
    assert handler.total() < cost(world).handlers[POLICE]
    world.pump()
    read_all(world)


def test_a_text(world: World) -> None:
    world.report()
    run_open(world.parts.ledger, world.handlers, POLICE)
    world.double.faults.add("callbacks_lost", to=world.phones["officer"].number)
    with counted(world) as sending:
        assert world.parts.sender.drain() == 1
    assert sending.total() - LOOK <= cost(world).text, sending
    read_all(world)


@pytest.mark.parametrize(("state", "limit"), [("sent", 3), ("delivered", 4)])
def test_what_the_provider_says_of_a_text(world: World, state: str, limit: int) -> None:
    """It says so twice of each text. Read by a phone, an alert ends the alarm that nobody was reached."""
    reported(world)
    text = world.rows("SELECT id, sid FROM deliveries WHERE kind = 'officer'")[0]
    with counted(world) as found, world.parts.ledger.begin("test") as uow:
        deliveries.report(uow, UUID(str(text.id)), text.sid, state, None)
    assert found.total() <= limit, found


def test_more_reports_do_not_make_one_dearer(world: World) -> None:
    """A callback may come before its text is settled or after it: a few statements more or less."""
    totals = []
    for n in range(8):
        with counted(world) as found:
            world.report(phone=f"1391111000{n}", payee_account=f"6217 0000 0000 000{n}")
            world.pump()
        totals.append(found.total())
        read_all(world)
    assert totals[-1] - totals[0] < len(totals) - 1, f"one more for each report that came before: {totals}"


@pytest.mark.parametrize(("role", "path", "who"), [
    ("counselor", "/desk/followups", "counselor"), ("security", "/desk/followups", "office"),
    ("security", "/desk/board", "office"), ("officer", "/duty", "officer"),
    ("keeper", "/desk/ledger", "desk"),
])  # fmt: skip
def test_a_longer_list_takes_no_more_statements(world: World, role: str, path: str, who: str) -> None:
    """That each of its students was looked up is noted all the same."""
    staff = world.user("somebody", role, world.phones[who].number, world.college)
    totals, noted = [], []
    for _ in range(3):
        world.report(**another_fraud())
        world.pump()
        with counted(world, here=True) as found:
            assert staff.get(path).status_code == 200
        totals.append(found.total())
        noted.append(world.rows("SELECT count(*) FROM access_log")[0][0])
    assert totals[0] == totals[-1], (totals, found)
    if path == "/desk/followups":
        assert [noted[1] - noted[0], noted[2] - noted[1]] == [2, 3]
    read_all(world)
