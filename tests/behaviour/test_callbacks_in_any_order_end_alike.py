"""What the provider says of a text, in any order, repeated, lost, or before its own answer: the ledger ends alike."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from ledger import states
from ledger.texts import claims, deliveries, settling
from ledger.texts.calls import Outcome
from notifier.channel import Accepted, Outgoing
from services.texts import renderer
from services.worker import run_open
from tests.behaviour.stories import only_police_ring, read_all
from tests.fuzz import callbacks, results
from tests.world import World, sqlite_url

SEQUENCES = 250


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
    settling.settle(world.parts.ledger, Outcome(made, answer.state, sid=answer.sid))
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


def test_any_order_of_anything_heard_ends_in_the_same_row(tmp_path: Path) -> None:
    """Ten thousand of them: `python -m tests.fuzz.callbacks`."""
    world = World.make(sqlite_url(tmp_path), tmp_path)
    try:
        assert callbacks.try_many(world, SEQUENCES) == (SEQUENCES, "")
    finally:
        world.close()


def test_an_order_that_mattered_would_be_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a ledger that believes whatever it heard last."""
    monkeypatch.setattr(states, "merge", lambda current, reported: reported)
    kept = tmp_path / "tried.jsonl"
    assert callbacks.main(["--sequences", "100", "--seed", "1", "--results", str(kept)]) == 1
    assert [row["broken"] for row in results.read(kept)] == [1]
