"""The broker is only speed: down, killed, cut off, wiped or fed with rubbish, it delays an alert by seconds at most."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import pytest

from services.topology import EXCHANGE, dead_queue
from tests.private_services import RabbitMQ
from tests.processes import Installation, eventually

QUEUES = ("police", "counselor", "care", "notice")
SECONDS_LATE = 5.0  # by the clock's own runs (promise 8)


@pytest.fixture
def up(separate: Installation, rabbitmq: RabbitMQ) -> Iterator[Installation]:
    rabbitmq.start()
    for name in ("web", "relay", "worker", "clock"):
        if name not in separate.processes:
            separate.start(name)
    yield separate
    separate.resume("clock")
    assert [name for name, process in separate.processes.items() if not process.running] == []
    assert not any(process.log("thread_stumbled") for process in separate.processes.values())


def served(rabbitmq: RabbitMQ) -> bool:
    """Whether every queue is there and consumed."""
    try:
        with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
            channel = connection.channel()
            return all(channel.queue_declare(queue, passive=True).method.consumer_count for queue in QUEUES)
    except pika.exceptions.AMQPError:
        return False


def by_the_broker(on: Installation, rabbitmq: RabbitMQ) -> None:
    """While the clock stands still, only the broker can carry a report."""
    eventually(lambda: served(rabbitmq), "queues without consumers")
    on.await_broker()
    on.pause("clock")
    try:
        report = on.accepted()
        eventually(lambda: on.texts("officer", report.code), "nothing came by the broker")
    finally:
        on.resume("clock")
    on.await_settled()


def by_the_clock(on: Installation) -> None:
    """Without the broker an alert is late, but not by much."""
    report = on.accepted()
    on.await_settled()
    assert len(on.texts("officer", report.code)) == 1
    query = "SELECT o.alerted_at - c.received_at FROM obligations o JOIN cases c ON c.id = o.case_id WHERE c.code = :code AND o.kind = 'police'"  # noqa: E501
    (took,) = on.rows(query, code=report.code)[0]
    assert took.total_seconds() < SECONDS_LATE


def test_everything_starts_without_a_broker(separate: Installation, rabbitmq: RabbitMQ) -> None:
    rabbitmq.stop()
    separate.start_all()
    assert separate.request("GET", "/readyz").body["degraded"] == ["broker"]
    by_the_clock(separate)
    rabbitmq.start()
    by_the_broker(separate, rabbitmq)


def test_it_dies_under_way_and_everybody_comes_back(up: Installation, rabbitmq: RabbitMQ) -> None:
    by_the_broker(up, rabbitmq)
    rabbitmq.await_registered(*QUEUES)
    rabbitmq.kill()
    by_the_clock(up)
    rabbitmq.start()
    by_the_broker(up, rabbitmq)


def test_all_connections_are_closed(up: Installation, rabbitmq: RabbitMQ) -> None:
    eventually(lambda: served(rabbitmq), "queues without consumers")
    rabbitmq.rabbitmqctl("close_all_connections", "a test")
    by_the_broker(up, rabbitmq)


def test_a_queue_is_deleted_while_it_is_consumed(up: Installation, rabbitmq: RabbitMQ) -> None:
    eventually(lambda: served(rabbitmq), "queues without consumers")
    rabbitmq.rabbitmqctl("delete_queue", "police")
    by_the_broker(up, rabbitmq)


def test_the_queues_are_deleted_while_nobody_consumes(up: Installation, rabbitmq: RabbitMQ) -> None:
    """The relay hears that no queue took its event, declares them again, and the sweep publishes it once more."""
    up.stop("worker", "clock")
    up.await_broker()
    for queue in QUEUES:
        rabbitmq.rabbitmqctl("delete_queue", queue)
    report = up.accepted()
    eventually(lambda: up.processes["web"].log("relay_event_returned"), "it was not returned")
    up.start("worker")
    up.advance(6)  # the back-off of the sweep
    eventually(lambda: up.texts("officer", report.code), "nothing came by the broker")
    up.start("clock")
    up.await_settled()


def test_its_queues_lose_their_leaders_and_it_is_wiped(up: Installation, rabbitmq: RabbitMQ) -> None:
    """RabbitMQ 3.10, killed soon after a declaration, has queues that answer no consumer and confirm nothing."""
    rabbitmq.await_registered(*QUEUES)
    rabbitmq.kill()
    for file in Path(rabbitmq._env["RABBITMQ_MNESIA_BASE"]).glob("*/quorum/*/names.dets"):
        file.unlink()
    rabbitmq.start()
    up.await_broker()
    by_the_clock(up)
    assert "queue police has no consumer" in up.command("doctor").stdout
    up.pause("worker")
    waiting = up.accepted()
    rabbitmq.stop()
    rabbitmq.wipe()
    up.resume("worker")
    rabbitmq.start()
    by_the_broker(up, rabbitmq)
    assert len(up.texts("officer", waiting.code)) == 1


def test_an_old_queue_of_another_kind_is_no_obstacle(up: Installation, rabbitmq: RabbitMQ) -> None:
    """Declared by somebody with other arguments: the alerts go by the clock until it is deleted."""
    up.stop("worker", "relay", "web")
    rabbitmq.rabbitmqctl("delete_queue", "police")
    with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
        connection.channel().queue_declare("police", durable=True)
    up.start("worker", "relay", "web")
    by_the_clock(up)
    eventually(lambda: up.processes["worker"].log("worker_broker_away"), "the worker does not say so")
    assert "PRECONDITION_FAILED" in eventually(lambda: up.processes["relay"].log("relay_broker_away"), "")[0]["error"]
    rabbitmq.rabbitmqctl("delete_queue", "police")
    by_the_broker(up, rabbitmq)


RUBBISH: list[tuple[bytes, dict[str, Any]]] = [
    (b"\xff\x00 not JSON", {"content_type": "application/json", "content_encoding": "utf-8"}),
    (b'{"type": "report.received.v1"}', {"content_type": "application/json", "content_encoding": "utf-8"}),
    (b'["no object"]', {"content_type": "application/json", "content_encoding": "no-such-code"}),
    (b"[" * 50_000, {"content_type": "application/json", "content_encoding": "utf-8"}),
    (b"cos\nsystem\n(S'true'\ntR.", {"content_type": "application/x-python-serialize", "content_encoding": "binary"}),
    (b"not compressed", {"content_type": "application/json", "headers": {"compression": "application/x-gzip"}}),
    (b"", {}),
]


def test_rubbish_is_parked_and_delays_nobody(up: Installation, rabbitmq: RabbitMQ) -> None:
    by_the_broker(up, rabbitmq)
    up.pause("clock")
    known = len(up.processes["worker"].log("worker_broker_away"))
    with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
        channel = connection.channel()
        for body, properties in RUBBISH:
            channel.basic_publish("", "police", body, pika.BasicProperties(**properties))
        report = up.accepted()
        eventually(lambda: up.texts("officer", report.code), "rubbish holds an alert up")

        def buried() -> bool:
            count = channel.queue_declare(dead_queue("police"), passive=True).method.message_count
            return bool(count == len(RUBBISH))

        eventually(buried, "not all of it is in the dead-letter queue")
        for _ in RUBBISH:
            channel.basic_get(dead_queue("police"), auto_ack=True)
    alarms = up.rows("SELECT reason FROM alarms WHERE kind = 'unreadable_message'")
    assert len(alarms) == len(RUBBISH)
    assert len(up.processes["worker"].log("worker_broker_away")) == known  # no connection was lost over it
    up.resume("clock")
    up.await_settled()


def test_an_event_that_is_no_longer_known_is_let_go(up: Installation, rabbitmq: RabbitMQ) -> None:
    with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
        channel = connection.channel()
        channel.basic_publish(
            EXCHANGE,
            "case.amended.v1",
            b'{"id": "00000000-0000-4000-8000-000000000000"}',
            pika.BasicProperties(content_type="application/json", content_encoding="utf-8"),
        )
    by_the_broker(up, rabbitmq)
