"""What the provider says of a text, in any order, repeated, lost, or before its own answer: the ledger ends alike."""

from __future__ import annotations

import itertools
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ledger import claims, deliveries, people
from ledger import tables as t
from notifier.channel import Accepted, Outgoing
from services.texts import renderer
from services.worker import run_open
from tests.behaviour.stories import only_police_ring, read_all
from tests.world import World, sqlite_url


@pytest.mark.parametrize("fault", ["callbacks_twice", "callbacks_reversed"])
def test_repeated_and_reversed(world: World, fault: str) -> None:
    world.double.faults.add(fault, to=world.phones["officer"].number)
    report = only_police_ring(world)
    assert [(row.state, row.available_at) for row in report.texts()] == [("delivered", None)]
    assert report.status()["state"] == "alerted"
    assert len(report.events("obligation.alerted.v1")) == 2  # the police's and the counselor's, each once


def test_lost(world: World) -> None:
    world.double.faults.add("callbacks_lost", times=None)
    report = only_police_ring(world)
    assert [row.state for row in report.texts()] == ["sent"]
    assert report.status()["state"] == "alerted"
    for _ in range(6):
        world.advance(10)
    assert [row.state for row in report.texts()] == ["delivered"]


@pytest.mark.parametrize("fate", ["delivered", "undelivered"])
def test_before_the_answer_was_written(world: World, fate: str) -> None:
    """The provider's callback is faster than our own commit of its 201."""
    world.double.mode = "manual"
    report = world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    render = renderer(world.parts.settings, world.clock)
    [made] = claims.claim(world.parts.ledger, 1, 0, render)
    answer = world.parts.channel.send(Outgoing(str(made.id), made.draft.to, made.body, True, 300))
    assert isinstance(answer, Accepted)
    calls = world.double.deliver(answer.sid) if fate == "delivered" else world.double.undeliver(answer.sid)
    assert set(calls) == {204}
    claims.settle(world.parts.ledger, claims.Outcome(made, answer.state, sid=answer.sid))
    assert [(row.state, row.sid, row.available_at) for row in report.texts()] == [(fate, answer.sid, None)]
    assert report.state("police") == "alerted"
    world.phones.catch_up()
    backup = world.phones.unread(world.phones["backup"].number)
    assert len(backup) == (fate == "undelivered")
    read_all(world)


def test_a_failure_after_the_text_was_taken_is_the_next_person_s_and_no_retry(world: World) -> None:
    """Twilio's `failed` with a code that says nothing against the number: not sent again, and not waited for."""
    world.double.mode = "manual"
    report = only_police_ring(world)
    [text] = world.double.to(world.phones["officer"].number)
    assert world.double.fail(text.sid, 30008) == [204]
    world.phones["backup"].expects("紧急止付", report.code)
    world.phones["officer"].expects("紧急止付", report.code)  # he never got the first
    first = report.texts()[0]
    assert (first.state, first.available_at, first.error_code) == ("failed_temporary", None, "30008")


def test_a_callback_for_the_first_of_two_calls_counts_when_it_was_read(world: World) -> None:
    """An unknown call was resent, and the provider had both: either being read is being read."""
    world.double.mode = "manual"
    report = only_police_ring(world)
    row = report.texts()[0]
    with world.parts.ledger.begin("test") as uow:
        deliveries.report(uow, row.id, "SM-of-the-other-call", "undelivered", "30003")
    assert report.texts()[0].state == "sent"  # the one we know of may still arrive
    with world.parts.ledger.begin("test") as uow:
        deliveries.report(uow, row.id, "SM-of-the-other-call", "delivered", None)
    assert (report.texts()[0].state, report.texts()[0].sid) == ("delivered", row.sid)


def test_a_callback_for_a_text_of_nobody_is_refused(world: World) -> None:
    only_police_ring(world)
    answer = world.double._courier.call(
        f"http://stopline.test/webhooks/twilio/status?delivery={uuid4()}",
        {"MessageSid": "SM1", "MessageStatus": "delivered"},
    )
    assert answer == 404


FATES = (("sent", "delivered"), ("sent", "undelivered"), ("failed_permanent",), ("failed_temporary",), ("sent",))


def test_any_order_of_anything_heard_ends_in_the_same_row(tmp_path: Path) -> None:
    """Callbacks of one fate in any order and number, mixed with our own answer (taken, or doubtful) at any place."""
    world = World.make(sqlite_url(tmp_path), tmp_path)
    world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    numbers = itertools.count()

    def after(heard: list[str], at: int, own: str) -> tuple[object, ...]:
        return end_of(world, heard[:at], own, heard[at:], next(numbers))

    @settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(FATES), st.sampled_from(["sent", "unknown"]), st.data())
    def holds(fate: tuple[str, ...], own: str, data: st.DataObject) -> None:
        heard = data.draw(st.lists(st.sampled_from(fate), max_size=4).map(lambda more: [*fate, *more]))
        shuffled = data.draw(st.permutations(heard))
        at = data.draw(st.integers(0, len(shuffled)))
        assert after(shuffled, at, own) == after(list(fate), 0, own)

    try:
        holds()
    finally:
        world.close()


def end_of(world: World, before: list[str], own: str, later: list[str], number: int) -> tuple[object, ...]:
    """What a fresh text's row comes to: heard before our own answer, our own answer, heard after it."""
    ledger = world.parts.ledger
    with ledger.begin("test") as uow:
        row = uow.conn.execute(select(t.obligations).where(t.obligations.c.kind == "police")).one()
        [officer] = people.by_phone(uow.conn, uow.keys, world.phones["officer"].number)
        uow.conn.execute(t.deliveries.update().values(available_at=None))
        uow.conn.execute(t.obligations.update().values(state="pending", alerted_at=None))
        case = uow.case(row.case_id)
        deliveries.tell(uow, officer, "officer", {"code": case.code}, case=case, dedup=f"test {number}",
                        priority=0, obligation=row.id, step=number + 1, alert=True)  # fmt: skip
    [made] = claims.claim(ledger, 1, 0, lambda draft: "words")
    sid = f"SM{number}"
    _hear(world, made.id, sid, before)
    claims.settle(ledger, claims.Outcome(made, own, sid=sid if own == "sent" else None))
    _hear(world, made.id, sid, later)
    with ledger.read() as conn:
        end = conn.execute(select(t.deliveries).where(t.deliveries.c.id == made.id)).one()
        obligation = conn.execute(select(t.obligations.c.state).where(t.obligations.c.id == row.id)).scalar_one()
    return end.state, end.sid == sid, end.available_at, end.settled, obligation


def _hear(world: World, delivery: UUID, sid: str, states: list[str]) -> None:
    for state in states:
        with world.parts.ledger.begin("test") as uow:
            deliveries.report(uow, delivery, sid, state, None)
