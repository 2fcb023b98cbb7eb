"""In a burst the doors take in no more than is rung for: who waits, waits before 已收到 and not behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import text

from intake.doors import Door, Provider
from intake.pace import LONGEST_S, Pace
from ledger import tables as t
from ledger.errors import LedgerAway
from ledger.events import COUNSELOR, POLICE
from ledger.reporting.reportin import ReportIn
from ledger.ringing import unrung
from ledger.store.unit_of_work import UnitOfWork
from services.worker import run_open
from tests.behaviour.stories import read_all
from tests.world import PUBLIC, World, another_fraud

SECOND = timedelta(seconds=1)


@pytest.fixture
def unread(world: World) -> Iterator[World]:
    yield world
    world.pump()
    read_all(world)


def behind(world: World) -> timedelta:
    with world.parts.ledger.begin("look") as uow:
        return unrung.behind(uow)


def test_a_report_that_no_worker_has_seen_is_waited_for(unread: World) -> None:
    assert behind(unread) == timedelta()
    unread.report()
    unread.clock.advance(1)
    unread.report(**another_fraud())
    unread.clock.advance(1)
    assert behind(unread) == 2 * SECOND
    unread.pump()
    assert behind(unread) == timedelta()


def test_so_is_a_text_that_no_sender_has_called(unread: World) -> None:
    unread.report()
    run_open(unread.parts.ledger, unread.handlers, POLICE)
    unread.clock.advance(1)
    assert behind(unread) == SECOND
    unread.parts.sender.drain()
    assert behind(unread) == timedelta()


def test_what_others_are_owed_holds_nobody_up(unread: World) -> None:
    unread.report()
    run_open(unread.parts.ledger, unread.handlers, POLICE)
    unread.parts.sender.drain()
    run_open(unread.parts.ledger, unread.handlers, COUNSELOR)
    unread.clock.advance(1)
    assert unread.rows("SELECT count(*) FROM work WHERE state = 'open'") != [(0,)]
    assert unread.rows("SELECT count(*) FROM deliveries WHERE available_at IS NOT NULL") != [(0,)]
    assert behind(unread) == timedelta()


def test_neither_does_what_was_tried(unread: World) -> None:
    """A provider that answers too many, or with an error; a handler that failed."""
    for fault in ("429", "500"):
        unread.double.faults.add(fault, to=unread.phones["officer"].number)
    for _ in range(2):
        unread.report(**another_fraud())
    unread.pump()
    states = "SELECT count(*) FROM deliveries WHERE priority = 0 AND available_at IS NOT NULL AND state <> 'pending'"
    assert unread.rows(states) == [(2,)]
    unread.report()
    with unread.parts.ledger.begin("failed") as uow:
        uow.conn.execute(t.work.update().where(t.work.c.state == "open").values(attempts=1))
    unread.clock.advance(2.5)
    assert behind(unread) == timedelta()


def test_neither_does_for_long_what_waits_for_something_else_than_its_turn(unread: World) -> None:
    unread.report()
    unread.clock.advance(unrung.LOOK_BACK.total_seconds())
    unread.report(**another_fraud())
    unread.clock.advance(1)
    assert behind(unread) == SECOND


def door(world: World, look: Callable[[UnitOfWork], timedelta] = unrung.behind) -> tuple[Door, list[float]]:
    """A door, and how long each of its reports had to wait."""
    slept: list[float] = []
    parts, pace = world.parts, Pace(look, lambda: world.clock.now().timestamp(), slept.append)
    return Door(parts.ledger, parts.spooler, PUBLIC, "", cast("Provider", None), lambda _: False, pace=pace), slept


def test_where_nothing_is_rung_reports_are_taken_all_the_same(unread: World) -> None:
    """Of a worker that is away, with reports that go on coming: each a quarter of a second later, and not more."""
    taken, slept = door(unread)
    with taken.pace.one_more():
        for number in range(8):
            taken.accept(ReportIn(f"+861390000001{number}"), None, "")
            unread.clock.advance(0.9)
    assert slept[1:] == [LONGEST_S] * 5 and unread.rows("SELECT count(*) FROM cases") == [(8,)]


def test_reports_that_come_together_wait_for_those_before_them(unread: World) -> None:
    taken, slept = door(unread)
    unread.report()
    unread.clock.advance(2)
    with taken.pace.one_more():
        taken.accept(ReportIn("+8613900000001"), None, "")  # sees how far the ringing is behind
        taken.accept(ReportIn("+8613900000002"), None, "")
    assert slept == [LONGEST_S]
    taken.accept(ReportIn("+8613900000003"), None, "")
    assert slept == [LONGEST_S]
    assert unread.rows("SELECT count(*) FROM cases") == [(4,)]


def not_there(uow: UnitOfWork) -> None:
    uow.conn.execute(text("SELECT nothing_of_that_name"))


def away(_uow: UnitOfWork) -> None:
    raise LedgerAway


def wrong(_uow: UnitOfWork) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("trouble", [not_there, away, wrong])
def test_a_look_that_fails_keeps_no_report_out(unread: World, trouble: Callable[[UnitOfWork], None]) -> None:
    """It is in the ledger at once, or in the spool and soon in the ledger."""

    def look(uow: UnitOfWork) -> timedelta:
        trouble(uow)
        return timedelta()

    taken, _ = door(unread, look)
    with taken.pace.one_more():
        taken.accept(ReportIn("+8613900000001"), None, "")
    unread.pump()
    assert unread.rows("SELECT count(*) FROM cases") == [(1,)]
