"""The clock's one look each second: whatever is due wakes whoever does it, and what is not due wakes nobody."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

import services.clock
import services.lookout
from ledger import tables as t
from ledger.errors import LedgerAway
from ledger.store.glance import glance
from ledger.store.work import STALE
from services.clock import ClockProcess
from services.handlers import HANDLERS
from services.lookout import Lookout
from tests.behaviour.stories import SQLITE, only_police_ring, read_all, reported
from tests.one_process import eventually
from tests.world import World

NOW, MOMENT = timedelta(), timedelta(milliseconds=1)
# Column · when, from now on · what else holds of the row · what is due then · and what was a moment before.
DUE: list[tuple[Any, timedelta, dict[str, str], set[str], set[str]]] = [
    (t.obligations.c.next_at, NOW, {}, {"obligations"}, set()),
    (t.deliveries.c.lease_until, NOW, {"state": "sending"}, {"leases"}, set()),
    (t.deliveries.c.lease_until, NOW, {"state": "sent"}, set(), set()),
    (t.contacts.c.remind_at, NOW, {}, {"contacts"}, set()),
    (t.follow_ups.c.referral_look_at, NOW, {}, {"referrals"}, set()),
    (t.transfers.c.stop_look_at, NOW, {}, {"stops"}, set()),
    (t.case_events.c.publish_after, NOW, {}, {"events"}, set()),
    (t.deliveries.c.available_at, NOW, {}, {"texts"}, set()),
    (t.work.c.available_at, NOW, {"state": "open"}, {"open"}, set()),
    (t.work.c.available_at, -STALE, {"state": "open"}, {"open", "work"}, {"open"}),
    (t.work.c.available_at, -STALE, {"state": "done"}, set(), set()),
]
OTHERS = {
    "texts": (t.deliveries.c.available_at, {}),
    "events": (t.case_events.c.publish_after, {}),
    "open": (t.work.c.available_at, {"state": "open"}),
}


def due_in(world: World, column: Any, when: timedelta, **more: Any) -> None:
    """One row's time is then; no other row of any table is due."""
    key = t.work.c.event_id if column.table is t.work else column.table.c.id
    with world.parts.ledger.begin("test") as uow:
        one = uow.conn.execute(select(key)).scalars().first()
        uow.conn.execute(column.table.update().where(key == one).values({column.name: uow.now + when, **more}))


@pytest.mark.parametrize(("column", "when", "more", "then", "before"), DUE)
def test_what_is_due_is_seen_from_its_moment_on(
    world: World, column: Any, when: timedelta, more: dict[str, str], then: set[str], before: set[str]
) -> None:
    reported(world)
    assert glance(world.parts.ledger) == set()
    due_in(world, column, when + MOMENT, **more)
    assert glance(world.parts.ledger) == before
    due_in(world, column, when, **more)
    assert glance(world.parts.ledger) == then
    read_all(world)


@pytest.mark.parametrize("name", list(OTHERS))
def test_the_clock_wakes_those_who_send_publish_and_work(world: World, name: str) -> None:
    reported(world)
    column, more = OTHERS[name]
    due_in(world, column, NOW, **more)
    lookout, woken = Lookout(), {it: threading.Event() for it in OTHERS}
    for it, wake in woken.items():
        lookout.wake_for(it, wake)
    clock = ClockProcess(world.parts.ledger, HANDLERS, world.parts.channel, lambda: False, lookout)
    clock.start()
    assert woken[name].wait(20)
    clock.stop()
    assert [it for it, event in woken.items() if event.is_set()] == [name]
    read_all(world)


@SQLITE
@pytest.mark.parametrize("error", [LedgerAway, RuntimeError])
def test_where_it_cannot_look_everybody_looks(
    world: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fails(_ledger: object) -> frozenset[str]:
        raise error

    monkeypatch.setattr(services.clock, "glance", fails)
    rung = only_police_ring(world)
    world.clock.advance(122)
    lookout, woken = Lookout(), threading.Event()
    lookout.wake_for("texts", woken)
    clock = ClockProcess(world.parts.ledger, HANDLERS, world.parts.channel, lambda: False, lookout)
    clock.start()
    assert woken.wait(20)
    eventually(lambda: len(rung.texts()) == 3, "the next officer is not written to")
    clock.stop()
    world.pump()
    read_all(world)


@SQLITE
def test_while_its_look_hangs_everybody_looks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, rung = threading.Event(), only_police_ring(world)
    world.clock.advance(122)
    lookout, woken = Lookout(), threading.Event()
    clock = ClockProcess(world.parts.ledger, HANDLERS, world.parts.channel, lambda: False, lookout)
    with monkeypatch.context() as patched:
        patched.setattr(services.clock, "glance", lambda _ledger: go_on.wait(60) and frozenset())
        patched.setattr(services.lookout, "SILENT_S", 0.1)
        clock.start()
        lookout.wait(woken)
        eventually(lambda: len(rung.texts()) == 3, "the next officer is not written to")
        go_on.set()
        clock.stop()
    world.pump()
    read_all(world)


@SQLITE
def test_it_reads_no_table(world: World) -> None:
    reported(world)
    asked: list[tuple[str, Any]] = []
    event.listen(world.parts.ledger.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    glance(world.parts.ledger)
    [(statement, values)] = [it for it in asked if it[0].startswith("SELECT")]
    with world.parts.ledger.read() as conn:
        plan = [row.detail for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    steps = [step for step in plan if step.startswith(("SCAN", "SEARCH")) and "CONSTANT" not in step]
    assert steps and all("INDEX" in step for step in steps), plan
