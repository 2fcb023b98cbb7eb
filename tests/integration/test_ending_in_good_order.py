"""SIGTERM: what is in hand is finished, then every process ends with 0 and soon, whatever else is broken."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.private_services import PostgreSQL, RabbitMQ, Server
from tests.processes import Installation, eventually

pytestmark = pytest.mark.alone  # a process is given five seconds to end

SOON_S = 5.0


def ends_soon(on: Installation) -> None:
    names, began = tuple(on.processes), time.monotonic()
    assert on.stop() == dict.fromkeys(names, 0)
    assert time.monotonic() - began < SOON_S


@contextmanager
def paused(server: Server) -> Iterator[None]:
    """A server that hangs: connections stand, nothing answers."""
    assert server._process
    os.killpg(server._process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server._process.pid, signal.SIGCONT)


def test_calls_in_hand_are_finished_and_not_made_again(running: Installation) -> None:
    running.double.service_ms = 1500
    report = running.accepted()
    running.double.wait_for(lambda: running.double.inflight, 20)
    ends_soon(running)
    running.double.service_ms = 0
    running.start_all()
    running.lapse_leases()  # were it left as `sending`, it would be looked up now
    running.await_settled()
    assert [len(running.texts(role, report.code)) for role in ("officer", "counselor", "student")] == [1, 1, 1]
    asked = [record.to for record in running.double.log if record.kind == "list"]
    assert set(asked) <= {running.double.number}  # what came in, but no text of ours


def test_idle_processes_end_soon(running: Installation) -> None:
    eventually(lambda: running.request("GET", "/healthz").status == 200, "no door")
    ends_soon(running)
    assert running.request("GET", "/healthz").status == 0
    running.start_all()


@pytest.mark.parametrize("state", ["away", "hanging"])
def test_a_broken_broker_holds_nobody_up(separate: Installation, rabbitmq: RabbitMQ, state: str) -> None:
    broken(separate, rabbitmq, state, lambda: separate.accepted())


def test_an_absent_database_holds_nobody_up(separate: Installation, durable_postgresql: PostgreSQL) -> None:
    broken(separate, durable_postgresql, "away", lambda: separate.report())
    separate.lapse_leases()  # what a call came to could not be written: it is looked up
    separate.await_settled()


def broken(on: Installation, server: Server, state: str, act: Callable[[], object]) -> None:
    if "web" not in on.processes:
        on.start_all()
        on.await_broker()
    if state == "hanging":
        with paused(server):
            act()
            time.sleep(1)  # long enough for every loop to have run into it
            ends_soon(on)
    else:
        server.stop()
        act()
        time.sleep(1)
        ends_soon(on)
        server.start()
    on.start_all()
    on.await_broker()
