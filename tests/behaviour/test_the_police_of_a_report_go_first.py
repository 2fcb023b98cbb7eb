"""Beside the police handler of a new report the other queues wait a moment, and never for longer."""

import pytest

from ledger.events import CARE, COUNSELOR, NOTICE, POLICE, CaseAcknowledged, ReportReceived
from services.handlers import HANDLERS
from services.worker import HEAD_START_S, BrokerWorker
from tests.behaviour.stories import SQLITE
from tests.world import World


def head_start(world: World, queue: str, type_: str, age_s: float) -> float:
    at = world.clock.now()
    world.clock.advance(age_s)
    worker = BrokerWorker(world.parts.ledger, HANDLERS, ["amqp://nobody.invalid//"])
    return worker._head_start(queue, {"type": type_, "time": at.isoformat()})


@SQLITE
@pytest.mark.parametrize("queue", [COUNSELOR, CARE, NOTICE])
def test_the_others_wait_while_a_report_is_new(world: World, queue: str) -> None:
    assert head_start(world, queue, ReportReceived.type, age_s=0.005) == pytest.approx(HEAD_START_S - 0.005)


@SQLITE
def test_the_police_wait_for_nobody(world: World) -> None:
    assert head_start(world, POLICE, ReportReceived.type, age_s=0.0) == 0


@SQLITE
def test_nobody_waits_in_a_burst_where_reports_are_older_when_they_come(world: World) -> None:
    assert head_start(world, COUNSELOR, ReportReceived.type, age_s=HEAD_START_S) == 0


@SQLITE
def test_nobody_waits_for_what_the_police_have_no_part_in(world: World) -> None:
    assert head_start(world, NOTICE, CaseAcknowledged.type, age_s=0.0) == 0


@SQLITE
def test_a_clock_that_is_behind_makes_nobody_wait_longer(world: World) -> None:
    assert head_start(world, COUNSELOR, ReportReceived.type, age_s=-60.0) == HEAD_START_S
