"""Another system of the school hears what becomes of a case, whether or not a queue of ours does, and nothing that is
ours alone. What waits in the ledger to be published is looked at here; a broker has it in tests/integration."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.events import CONSUMERS, PUBLISHED
from ledger.store import outbox
from ledger.store.outbox import claim_unpublished, mark_published
from tests.behaviour.stories import only_counselor_rings, read_all, taken
from tests.behaviour.test_drills_touch_nobody import end, start
from tests.behaviour.test_statements_are_counted import counted
from tests.world import Report, World, another_fraud

GRACE_S = 2  # by then whoever committed has published


@pytest.fixture
def told(world: World) -> World:
    """A world with a broker, whose relay never gets to it: what is to be published waits."""
    world.parts.ledger.brokered = True
    return world


def waiting(world: World) -> Counter[str]:
    return Counter(row.type for row in world.rows("SELECT type FROM case_events WHERE publish_after IS NOT NULL"))


def claimed(world: World) -> list[Any]:
    world.clock.advance(GRACE_S)
    return claim_unpublished(world.parts.ledger)


def closed(world: World, office: FlaskClient) -> Report:
    """Everything about it is done, by us."""
    report = taken(world)
    world.client.post(f"/r/{report.token}/unsafe")
    world.press(office, f"/duty/{report.code}/outcome", progress="filed")
    world.press(office, f"/duty/{report.code}/outcome", outcome="stopped", amount="5")
    world.press(office, f"/duty/{report.code}/close")
    world.pump()
    assert report.status()["state"] == "closed"
    assert world.rows("SELECT 1 FROM work WHERE state <> 'done'") == []
    return report


def test_all_of_a_case_is_heard_though_its_work_is_done_and_nothing_that_is_ours_alone(
    told: World, office: FlaskClient
) -> None:
    closed(told, office)
    happened = Counter(row.type for row in told.rows("SELECT type FROM case_events"))
    assert set(happened) >= {
        "case.acknowledged.v1", "progress.recorded.v1", "outcome.recorded.v1", "case.closed.v1", "followup.opened.v1",
        "student.unsafe.v1", "followup.contact_recorded.v1", "obligation.alerted.v1",
    }  # fmt: skip
    assert Counter(event.type for event in claimed(told)) == {
        name: count for name, count in happened.items() if name in PUBLISHED
    }
    assert set(waiting(told)) <= PUBLISHED  # the work of `student.unsafe.v1` is done: nobody needs a message any more
    read_all(told)


def test_it_is_tried_again_until_the_broker_has_it(told: World, office: FlaskClient) -> None:
    closed(told, office)
    first = {event.id for event in claimed(told)}
    assert first and claimed(told) == []  # somebody is at it
    told.clock.advance(outbox.BACK_OFF.total_seconds())
    assert {event.id for event in claimed(told)} == first
    mark_published(told.parts.ledger, list(first))
    told.clock.advance(outbox.BACK_OFF.total_seconds())
    assert claimed(told) == [] and not waiting(told)
    read_all(told)


def test_what_is_ours_alone_goes_out_while_its_work_is_open(told: World) -> None:
    report = only_counselor_rings(told)
    mark_published(told.parts.ledger, [event.id for event in claimed(told)])
    told.client.post(f"/r/{report.token}/unsafe")
    assert [event.type for event in claimed(told)] == ["student.unsafe.v1"]
    read_all(told)


def test_a_commit_hands_its_events_over_without_a_queue_of_ours(told: World, office: FlaskClient) -> None:
    """Else each would wait for the sweep."""
    report = taken(told)
    handed: list[str] = []
    told.parts.ledger.on_commit.append(lambda done: handed.extend(event.type for event in done.events))
    told.press(office, f"/duty/{report.code}/outcome", outcome="stopped", amount="5")
    told.press(office, f"/duty/{report.code}/close")
    assert not CONSUMERS["outcome.recorded.v1"] and not CONSUMERS["case.closed.v1"]
    assert [name for name in handed if name in PUBLISHED] == ["outcome.recorded.v1", "case.closed.v1"]
    assert set(handed) <= PUBLISHED
    read_all(told)


def test_each_event_says_whether_it_is_of_a_drill(told: World) -> None:
    """Whoever counts must not have to look for the report of a case first: it may come later."""
    drill = start(told, college="WY")
    told.phones.catch_up()
    assert end(told, drill) == 204
    told.phones.catch_up()
    ours = claimed(told)
    assert {event.type for event in ours} >= {"report.received.v1", "case.acknowledged.v1", "followup.opened.v1",
                                              "drill.ended.v1"}  # fmt: skip
    assert all(event.data["drill"] is True for event in ours if event.type in PUBLISHED)
    mark_published(told.parts.ledger, [event.id for event in ours])
    told.report()
    told.pump()
    assert {event.data["drill"] for event in claimed(told)} == {False}
    read_all(told)


def test_a_report_costs_a_message_more_and_no_statement(world: World) -> None:
    costs = []
    for brokered in (False, True):
        world.parts.ledger.brokered = brokered
        with counted(world, here=True) as statements:
            world.report(**another_fraud())
        costs.append(statements.total())
        world.pump()
    assert costs[0] == costs[1]
    assert waiting(world) == {"report.received.v1": 1, "followup.opened.v1": 1}
    read_all(world)


def test_without_a_broker_nothing_waits(world: World, office: FlaskClient) -> None:
    closed(world, office)
    assert not waiting(world) and claimed(world) == []
    read_all(world)


def test_an_event_of_a_newer_version_waits_for_that(told: World) -> None:
    """This one does not know who is told of it."""
    told.report()
    with told.parts.ledger.begin("newer") as uow:
        uow.conn.exec_driver_sql("UPDATE case_events SET type = 'report.received.v9'")
    assert claimed(told) == [] and waiting(told) == {"report.received.v9": 1}
