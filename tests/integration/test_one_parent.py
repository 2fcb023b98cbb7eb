"""`stopline run`: web, worker and clock as processes of one parent, which starts anew whichever dies."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator

import pytest

from tests.integration.test_sudden_deaths import Reporter
from tests.processes import EMBEDDED, Installation, eventually

KILLS = 12
PARTS = {"web", "worker", "clock"}


def living(on: Installation) -> dict[str, int]:
    """The process ids that the parent spoke of last, of those that live."""
    spoken_of = {line["process"]: line["pid"] for line in on.processes["run"].log("process_started")}
    return {name: pid for name, pid in spoken_of.items() if lives(pid)}


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def family(separate: Installation) -> Iterator[Installation]:
    """Started, and ended again; none of its processes is left behind."""
    separate.start("run")
    separate.await_broker()
    eventually(lambda: set(living(separate)) == PARTS, "not all are there")
    yield separate
    process = separate.processes["run"]
    ids = [line["pid"] for line in process.log("process_started")]
    assert separate.stop() == {"run": 0}
    assert [pid for pid in ids if lives(pid)] == []
    for line in process.said.splitlines():  # none runs into another's
        json.loads(line)


def rings(on: Installation) -> None:
    report = on.accepted()
    on.await_settled()
    assert [len(on.texts(role, report.code)) for role in ("officer", "counselor", "student")] == [1, 1, 1]


def test_a_report_rings_everybody(family: Installation) -> None:
    rings(family)


@pytest.mark.parametrize("name", sorted(PARTS))
def test_whoever_dies_is_started_anew(family: Installation, name: str) -> None:
    before = living(family)
    os.kill(before[name], signal.SIGKILL)
    eventually(lambda: set(living(family)) == PARTS and living(family)[name] != before[name], f"{name} is not back")
    died = family.processes["run"].log("process_died")
    assert [(line["process"], line["status"]) for line in died] == [(name, -signal.SIGKILL)]
    assert {other: pid for other, pid in living(family).items() if other != name} == {
        other: pid for other, pid in before.items() if other != name
    }
    eventually(lambda: family.request("GET", "/readyz").status == 200, "no door")
    rings(family)


def test_no_accepted_report_is_lost_while_processes_die(family: Installation) -> None:
    chance = random.Random(20261128)
    reporter = Reporter(family)
    reporter.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.1, 0.8))
        if there := living(family):
            os.kill(there[chance.choice(sorted(there))], signal.SIGKILL)
    reporter.finish()
    eventually(lambda: set(living(family)) == PARTS, "not all are back")
    family.lapse_leases()
    family.await_settled(60, may_give_up=True)
    assert family.rows("SELECT count(*) FROM cases WHERE code = ANY(:codes)", codes=reporter.accepted) == [
        (len(reporter.accepted),)
    ]
    assert len(set(reporter.accepted)) == len(reporter.accepted) >= KILLS


@pytest.mark.parametrize("started", [0, 1, 2, 3])
def test_told_to_end_while_it_starts_it_ends(separate: Installation, started: int) -> None:
    process = separate.launch("run")
    eventually(lambda: len(process.log("process_started")) >= started, "none is started")
    process.send(signal.SIGTERM)
    del separate.processes["run"]
    # Before it can hear anything at all the signal itself ends it.
    assert process.await_end() in ((0,) if started else (0, -signal.SIGTERM))
    assert [line for line in process.log("process_started") if lives(line["pid"])] == []


def test_none_outlives_a_parent_that_is_killed(separate: Installation) -> None:
    separate.start("run")
    eventually(lambda: set(living(separate)) == PARTS, "not all are there")
    ids = living(separate).values()
    separate.kill("run")
    eventually(lambda: not any(map(lives, ids)), "some go on by themselves")


@pytest.mark.parametrize(
    ("arguments", "name", "value", "said"),
    [
        (["wrk"], "", "", "no process 'wrk'"),
        (["web", "web"], "", "", "one web at most"),
        ([], "STOPLINE_BROKER_URL", EMBEDDED, "separate processes need a broker"),
        ([], "STOPLINE_DATABASE_URL", "postgresql+psycopg://app@127.0.0.1:1/none", "cannot open the ledger"),
    ],
)
def test_what_is_wrong_is_said_once(
    separate: Installation, arguments: list[str], name: str, value: str, said: str
) -> None:
    settings = {name: value} if name else {}
    done = separate.command("run", *arguments, timeout=60, **settings)
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr.count(said) == 1 and "Traceback" not in done.stderr


def test_where_the_port_is_taken_none_is_started(separate: Installation) -> None:
    """Its clock and worker would begin to work beside another installation's."""
    separate.start("web")
    done = separate.command("run", "--port", str(separate.port))
    separate.stop("web")
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("cannot listen") == 1 and "Traceback" not in done.stderr
    assert "process_started" not in done.stderr and done.stdout == ""
