"""A text that an idle sender of this process can call is claimed by the transaction that writes it: no second commit
stands between a report and its alert. It is called after that commit, and only if there was one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, select

from ledger import tables as t
from ledger.errors import LedgerAway
from ledger.events import POLICE, PRIORITY
from ledger.store.unit_of_work import UnitOfWork
from ledger.texts import deliveries
from services.sender import Sender
from services.worker import run_open
from tests.one_process import eventually
from tests.world import World


@pytest.fixture
def sending(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A world whose sender runs by itself, and nothing else does; one report is there, and nobody has been rung."""
    world = World.make(database_url, tmp_path)
    world.report()
    world.parts.sender.start()
    yield world
    world.parts.sender.stop()
    world.double.settle()  # its callbacks come from threads of their own
    world.close()


def write(world: World, dedup: str) -> None:
    with world.parts.ledger.begin("text") as uow:
        tell(world, uow, dedup)


def tell(world: World, uow: UnitOfWork, dedup: str) -> None:
    """One text to the officer, about the case."""
    case = uow.case(uow.conn.execute(select(t.cases.c.id)).scalar_one())
    facts = {"code": case.code, "at": uow.now.isoformat(), "minutes": 10}
    to = (world.phones["officer"].number, "zh")
    deliveries.tell(uow, to, "acknowledged", facts, case=case, dedup=dedup, priority=PRIORITY[POLICE])


def states(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM deliveries ORDER BY id")]


def called(world: World) -> list[str]:
    """What the provider was asked to send, once all senders have come to rest."""
    sender = world.parts.sender
    eventually(lambda: not ({"pending", "sending"} & set(states(world))), "something is left to send")
    eventually(lambda: sender._crew.idle == sender._crew.threads and not sender._uncalled, "a sender is not done")
    return [record.body or "" for record in world.double.creations]


def test_the_alert_is_claimed_by_the_handlers_own_transaction(sending: World) -> None:
    labels: list[str] = []
    sending.parts.ledger.on_commit.append(lambda done: labels.append(done.label))
    run_open(sending.parts.ledger, sending.handlers, POLICE)
    assert ["紧急止付" in body for body in called(sending)] == [True]
    assert "claim" not in labels and "settle:officer" in labels


def test_what_was_written_before_is_not_called_again(sending: World) -> None:
    write(sending, "once")
    assert len(called(sending)) == 1
    write(sending, "once")
    assert len(called(sending)) == 1


def test_without_a_commit_nobody_is_called(sending: World) -> None:
    with pytest.raises(ZeroDivisionError), sending.parts.ledger.begin("text") as uow:
        tell(sending, uow, "never")
        uow.flush()
        raise ZeroDivisionError
    assert uow.claims and called(sending) == [] and states(sending) == []


def test_after_a_commit_without_an_answer_the_text_is_sent_at_once_and_unmarked(sending: World) -> None:
    """Its lease of 13 s need not lapse, and nobody needs to be asked: this process knows that it has not called."""

    def lose(connection: Connection) -> None:
        connection.connection.driver_connection.commit()  # type: ignore[union-attr]
        raise LedgerAway("the answer to the commit was lost")

    event.listen(sending.parts.ledger.engine, "commit", lose, once=True)
    with pytest.raises(LedgerAway):
        write(sending, "in doubt")
    assert ["重发" in body for body in called(sending)] == [False]


def test_a_full_pool_leaves_the_text_to_the_next_free_thread(sending: World) -> None:
    sender = sending.parts.sender
    with sender._mutex:
        busy, sender._crew.idle = sender._crew.idle, 0
    write(sending, "waits")
    assert states(sending) == ["pending"]
    sender._give_back(busy)
    assert len(called(sending)) == 1


@pytest.mark.parametrize("left", [False, True])
def test_a_call_that_ends_has_the_ledger_looked_through_only_if_something_was_left(sending: World, left: bool) -> None:
    of_world = sending.parts.sender
    of_world.stop()  # its dispatcher, which would look by itself once a second
    sender = Sender(sending.parts.ledger, of_world._channels, of_world._render, threads=1)
    sender._crew.idle = 0  # in a call
    if left:
        write(sending, "waits")
    assert not sender._hand_out()
    sender._give_back(1)
    assert sender._wake.is_set() is left


def test_a_process_that_ends_leaves_its_claims_to_others(sending: World) -> None:
    with sending.parts.ledger.begin("text") as uow:
        tell(sending, uow, "late")
        uow.flush()
        assert uow.claims
        sending.parts.sender.stop()
    assert states(sending) == ["pending"] and sending.double.creations == []


def test_of_two_changes_to_a_case_the_later_holds(sending: World) -> None:
    """One is written at once, the other with the chain's head at the end."""
    with sending.parts.ledger.begin("text") as uow:
        case = uow.case(uow.conn.execute(select(t.cases.c.id)).scalar_one())
        case.changes["state"] = "alerted"
        uow.change(t.cases, case.id, state="filed")
    assert [row.state for row in sending.rows("SELECT state FROM cases")] == ["filed"]
