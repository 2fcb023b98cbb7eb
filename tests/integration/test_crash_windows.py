"""kill -9 at each named place between a report and its text: nothing is lost, nothing is said twice but as promised.

A fail-point has the process kill itself exactly there. Leases lapse by the service's clock, which the test advances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

import pytest

from ledger.texts.claims import INHERITED_AFTER
from tests.integration.conftest import SEPARATE
from tests.private_services import RabbitMQ
from tests.processes import Answer, Installation, eventually
from tests.world import another_fraud

KILLED = -9
SILENT = {"STOPLINE_DOOR_RINGS": "off"}  # a door that leaves the ringing to the workers
AGAIN = "重发"
_keys = (f"crash-{n}" for n in count())


@pytest.fixture
def crashing(separate: Installation) -> Iterator[Installation]:
    """Separate processes, all running; ends with everything settled."""
    separate.start(*(name for name in SEPARATE if name not in separate.processes))
    yield separate
    separate.start(*(name for name in SEPARATE if name not in separate.processes))
    separate.await_settled()


def insist(on: Installation, restart: Callable[[], None] = lambda: None) -> Answer:
    """Report as a browser would: the same words with the same key until somebody answers. Each time another fraud."""
    key, words = next(_keys), another_fraud() | {"when": (on.now() - timedelta(minutes=9)).isoformat()}
    first = on.report(key, **words)
    restart()
    again = on.report(key, **words)
    assert again.taken, again
    if first.taken:
        assert again.code == first.code
    return again


def armed(on: Installation, name: str, where: str, **settings: str) -> None:
    """Have the process run again, with a fail-point."""
    if name in on.processes:
        assert on.stop(name) == {name: 0}
    on.start(name, failpoint=where, **settings)


def died(on: Installation, name: str) -> None:
    assert on.processes[name].await_end(20) == KILLED
    on.processes.pop(name)


def dies_and_comes_back(on: Installation, name: str) -> None:
    died(on, name)
    on.start(name)


def inherited(on: Installation) -> None:
    """Somebody takes over what a dead sender held; it is looked up now."""
    eventually(lambda: [it for it in on.processes.values() if it.log("texts_inherited")], "it waits for its lease")
    on.advance(INHERITED_AFTER.total_seconds())


def alerts(on: Installation, report: Answer) -> list[str]:
    return [text for text in on.texts("officer", report.code) if "紧急止付" in text]


def answered(on: Installation, report: Answer) -> None:
    """Somebody takes the case, so that it rings no more while later tests move the clock."""
    on.await_settled()
    for role in ("officer", "counselor"):
        on.phones[role].replies(report.code)
    on.await_settled()


@pytest.mark.parametrize("where", ["before-commit@report", "after-commit@report"])
def test_the_door_dies_and_the_same_key_makes_one_case(crashing: Installation, where: str) -> None:
    armed(crashing, "web", where)
    report = insist(crashing, lambda: dies_and_comes_back(crashing, "web"))
    assert report.body["duplicate"] is (where == "after-commit@report")
    crashing.lapse_leases()
    answered(crashing, report)
    assert len(alerts(crashing, report)) == 1


@pytest.mark.parametrize("where", ["before-publish", "after-publish"])
def test_the_relay_of_the_door_dies(crashing: Installation, where: str) -> None:
    armed(crashing, "web", where)
    crashing.await_broker()
    report = insist(crashing, lambda: dies_and_comes_back(crashing, "web"))
    crashing.lapse_leases()
    answered(crashing, report)
    assert len(alerts(crashing, report)) == 1


@pytest.mark.parametrize("where", ["before-publish", "after-publish"])
def test_the_relay_process_dies_in_its_sweep(crashing: Installation, where: str) -> None:
    crashing.stop("clock")
    armed(crashing, "web", "after-commit@report")  # leaves its event to the sweep
    armed(crashing, "relay", where)

    def restart() -> None:
        died(crashing, "web")
        died(crashing, "relay")
        crashing.start("web", "relay")
        crashing.advance(6)  # the claim of the dead sweep lapses

    report = insist(crashing, restart)
    crashing.start("clock")
    crashing.lapse_leases()
    answered(crashing, report)
    assert len(alerts(crashing, report)) == 1


@pytest.mark.parametrize(
    ("where", "marked"),
    [("before-call@officer", True), ("after-call@officer", False), ("before-commit@settle:officer", False)],
)
def test_a_door_dies_while_it_rings(crashing: Installation, where: str, marked: bool) -> None:
    armed(crashing, "web", where)
    report = insist(crashing, lambda: dies_and_comes_back(crashing, "web"))
    inherited(crashing)
    answered(crashing, report)
    assert [AGAIN in text for text in alerts(crashing, report)] == [marked]


@pytest.mark.parametrize(
    "where",
    [
        "before-claim@police",
        "before-commit@work:police",
        "after-commit@work:police",
        "before-ack@police",
        "after-ack@police",
    ],
)
def test_a_worker_dies_and_its_message_comes_again(crashing: Installation, rabbitmq: RabbitMQ, where: str) -> None:
    crashing.stop("clock")
    armed(crashing, "web", "", **SILENT)
    armed(crashing, "worker", where)
    report = insist(crashing)
    died(crashing, "worker")
    crashing.start("worker")
    eventually(lambda: "work" not in crashing.unsettled(), "work left undone")
    eventually(lambda: "police\t0" in rabbitmq.rabbitmqctl("list_queues", "name", "messages"), "not acknowledged")
    crashing.start("clock")
    crashing.lapse_leases()
    answered(crashing, report)
    assert len(alerts(crashing, report)) == 1


@pytest.mark.parametrize(
    ("where", "marked"),
    [("before-call@officer", True), ("after-call@officer", False), ("before-commit@settle:officer", False)],
)
def test_a_sender_dies_and_its_text_is_looked_up(crashing: Installation, where: str, marked: bool) -> None:
    crashing.stop("clock")
    armed(crashing, "web", "", **SILENT)
    armed(crashing, "worker", where)
    report = insist(crashing)
    died(crashing, "worker")
    crashing.start("worker", "clock")
    if marked:  # else the provider may have told the door of it meanwhile
        inherited(crashing)
    answered(crashing, report)
    assert [AGAIN in text for text in alerts(crashing, report)] == [marked]


@pytest.mark.parametrize("where", ["before-commit@look:police", "after-commit@look:police"])
def test_a_clock_dies_in_a_step(crashing: Installation, where: str) -> None:
    crashing.stop("clock")
    report = insist(crashing)
    crashing.await_settled()
    crashing.start("clock", failpoint=where)
    crashing.advance(121)
    died(crashing, "clock")
    crashing.start("clock")
    eventually(lambda: crashing.texts("backup", report.code), "no second officer")
    crashing.await_settled()
    assert [len(crashing.texts(role, report.code)) for role in ("officer", "backup", "desk")] == [2, 1, 0]
    answered(crashing, report)


@pytest.mark.parametrize(
    ("where", "door", "marked"),
    [
        ("before-commit@report", {}, False),
        ("after-commit@report", {}, True),  # claimed by that commit, and not called: for all that others know, it was
        ("before-call@officer", {}, True),
        ("after-call@officer", {}, False),
        ("before-commit@settle:officer", {}, False),
        ("after-commit@report", SILENT, False),
        ("before-claim@police", SILENT, False),
        ("before-commit@work:police", SILENT, False),
        ("after-commit@work:police", SILENT, True),
    ],
)
def test_everything_in_one_process_dies(embedded: Installation, where: str, door: dict[str, str], marked: bool) -> None:
    """Nobody else sends from its ledger: what it held is looked up by the next one, and waits for no lease."""
    armed(embedded, "up", where, **door)
    held: list[int] = []

    def restart() -> None:
        died(embedded, "up")
        held.append(embedded.rows("SELECT count(*) FROM deliveries WHERE state = 'sending'")[0][0])
        embedded.start("up")

    report = insist(embedded, restart)
    answered(embedded, report)
    assert [AGAIN in text for text in alerts(embedded, report)] == [marked]
    assert [it["texts"] for it in embedded.processes["up"].log("texts_inherited")] == [n for n in held if n]
