"""The auditor compares what was accepted with what was done, and withholds its heartbeat while something is late."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import urllib3
from structlog.testing import capture_logs

from ledger.away.spool import Entry, Spool
from services.auditor import Auditor
from services.compose import spool_folder
from services.worker import run_open
from tests.behaviour.door_tools import ledger_away, spool_unreadable
from tests.behaviour.stories import read_all
from tests.unit.notifier.provider import says, serving
from tests.world import World, another_fraud


class Monitor:
    def __init__(self, world: World) -> None:
        self.beats: list[str] = []
        self.auditor = Auditor(
            world.parts.ledger, world.parts.spooler.spool, "https://monitor.test/x", self.beats.append
        )

    def beats_now(self) -> bool:
        before = len(self.beats)
        self.auditor.look()
        return len(self.beats) > before


@pytest.fixture
def monitor(world: World) -> Monitor:
    return Monitor(world)


def test_it_beats_while_all_is_well(world: World, monitor: Monitor) -> None:
    assert monitor.beats_now()
    world.report()
    assert monitor.beats_now()  # a moment old
    world.pump()
    world.clock.advance(100)
    read_all(world)
    assert monitor.beats_now()
    assert world.client.get("/readyz").get_json()["degraded"] == []


def test_a_report_whose_work_nobody_does_is_late(world: World, monitor: Monitor) -> None:
    world.report()
    world.clock.advance(31)
    assert not monitor.beats_now()
    assert "late" in world.degraded()
    assert "stopline_oldest_unsettled_seconds 31" in world.client.get("/metrics").text
    world.pump()
    read_all(world)
    assert monitor.beats_now()


def test_a_text_that_no_provider_takes_is_late(world: World, monitor: Monitor) -> None:
    world.double.faults.add("21211", world.phones["counselor"].number, times=None)
    with_no_other = "UPDATE ladders SET targets = '[\"counselor\"]' WHERE obligation = 'counselor' AND after_s >= 0"
    with world.parts.ledger.begin("ladder") as uow:
        uow.conn.exec_driver_sql(with_no_other)
    world.report()
    world.pump()
    read_all(world)
    world.clock.advance(31)
    assert not monitor.beats_now()


def test_a_step_without_a_clock_is_late(world: World, monitor: Monitor) -> None:
    world.report()
    world.pump()
    read_all(world)
    world.clock.advance(60 + 59)  # after a minute it looks whether the phones are on
    assert monitor.beats_now()
    world.clock.advance(2)
    assert not monitor.beats_now()
    world.pump()
    read_all(world)
    assert monitor.beats_now()


def test_a_drill_wakes_nobody(world: World, monitor: Monitor) -> None:
    run_open(world.parts.ledger, world.handlers)
    with world.parts.ledger.begin("drill") as uow:
        uow.conn.exec_driver_sql("UPDATE cases SET drill = true")
    report = world.report(**another_fraud())
    with world.parts.ledger.begin("drill") as uow:
        uow.conn.exec_driver_sql("UPDATE cases SET drill = true")
        uow.conn.exec_driver_sql("UPDATE work SET state = 'done'")
    world.clock.advance(300)
    assert report.code and monitor.beats_now()
    read_all(world)  # the clock rings all the same


def test_a_report_that_stays_in_the_spool_is_late(world: World, monitor: Monitor) -> None:
    with ledger_away(world):
        world.report()
    assert monitor.beats_now()  # a moment old
    world.clock.advance(31)
    assert not monitor.beats_now()
    assert "stopline_spooled 1" in world.client.get("/metrics").text
    world.pump()
    read_all(world)
    assert monitor.beats_now()
    assert "stopline_spooled 0" in world.client.get("/metrics").text


def test_a_report_that_enters_while_the_auditor_looks_is_not_late(world: World, monitor: Monitor) -> None:
    spool = world.parts.spooler.spool
    with ledger_away(world):
        world.report()

    def enters_first() -> Iterator[Entry]:
        world.pump()
        return Spool.entries(spool)

    spool.entries = enters_first  # type: ignore[method-assign]
    assert monitor.beats_now()
    read_all(world)


def test_one_that_cannot_be_read_is_late(world: World, monitor: Monitor) -> None:
    folder = spool_folder(world.parts.settings)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "01.2.3.report").write_text("{}")
    assert not monitor.beats_now()


def test_a_spool_that_cannot_be_read_is_late_and_hides_nothing_else(world: World, monitor: Monitor) -> None:
    with spool_unreadable(world):
        found = monitor.auditor.look()
        assert found and found.late == ("the spool cannot be read (Input/output error)",)
    assert monitor.beats_now()


def test_without_the_ledger_the_figures_say_so_and_how_many_wait(world: World) -> None:
    with ledger_away(world):
        world.report()
        answer = world.client.get("/metrics")
    assert answer.status_code == 200
    assert "stopline_ledger_up 0" in answer.text and "stopline_spooled 1" in answer.text
    assert "stopline_open_work" not in answer.text
    world.pump()
    read_all(world)


def test_without_the_ledger_it_says_so_and_does_not_beat(world: World, monitor: Monitor) -> None:
    with ledger_away(world), capture_logs() as logs:
        assert not monitor.beats_now()
    assert [entry["event"] for entry in logs] == ["audit_ledger_away"]


def test_a_monitor_that_refuses_is_said_without_its_address(world: World) -> None:
    with serving() as server, capture_logs() as logs:
        server.answer = says(500, {})
        Auditor(world.parts.ledger, world.parts.spooler.spool, f"{server.address}/secret-path").look()
        assert [call[1] for call in server.calls] == ["/secret-path"]
        server.answer = says(200, {})
        Auditor(world.parts.ledger, world.parts.spooler.spool, f"{server.address}/secret-path").look()
    assert [entry["event"] for entry in logs] == ["heartbeat_failed"]
    assert "secret-path" not in str(logs)


def test_an_unreachable_monitor_stops_nothing(world: World) -> None:
    def refuse(url: str) -> None:
        raise urllib3.exceptions.HTTPError("no")

    assert Auditor(world.parts.ledger, world.parts.spooler.spool, "http://127.0.0.1:9/x", refuse).look() is not None
