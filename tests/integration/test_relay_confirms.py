"""What counts as published: an event's own ack, with no return before it; and never twice without need."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pika
import pytest
from kombu.connection import Connection

from ledger.events import QUEUES, Envelope
from services import relay, topology
from tests.private_services import RabbitMQ
from tests.processes import Installation, eventually
from tests.world import another_fraud


class Loop:
    """An event loop that does at once what it is told, and nothing later."""

    def add_callback_threadsafe(self, what: Callable[[], None]) -> None:
        what()

    def call_later(self, _seconds: float, _what: Callable[[], None]) -> None:
        pass


class Broker:
    """pika's connection and channel in one, which opens at once and leaves answers to the test."""

    is_open, is_closing = True, False

    def __init__(self, _parameters: Any, opened: Callable[[Any], None], **_callbacks: Any) -> None:
        self.ioloop, self.declared, self._opened = Loop(), 0, opened
        self.published: list[UUID] = []

    def open(self) -> None:
        self._opened(self)

    def channel(self, on_open_callback: Callable[[Any], None]) -> None:
        on_open_callback(self)

    def add_on_close_callback(self, _callback: object) -> None:
        pass

    def add_on_return_callback(self, callback: Callable[..., None]) -> None:
        self._returned = callback

    def confirm_delivery(self, confirmed: Callable[[Any], None], callback: Callable[[Any], None]) -> None:
        self._confirmed = confirmed
        callback(None)

    def exchange_declare(self, *_arguments: Any, **_more: Any) -> None:
        self.declared += 1

    queue_declare = queue_bind = exchange_declare

    def basic_publish(self, _exchange: str, _key: str, body: bytes, _properties: Any, mandatory: bool) -> None:
        assert mandatory
        self.published.append(UUID(json.loads(body)["id"]))

    def confirm(self, tag: int, *, multiple: bool = False, ack: bool = True) -> None:
        method = pika.spec.Basic.Ack(tag, multiple) if ack else pika.spec.Basic.Nack(tag, multiple)
        self._confirmed(pika.frame.Method(1, method))

    def give_back(self, event_id: UUID) -> None:
        self._returned(self, None, pika.BasicProperties(message_id=str(event_id)), b"")


class Scene:
    """A publisher over that broker, with `n` events waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, n: int) -> None:
        self.marked: list[UUID] = []
        self.events = [Envelope(uuid4(), "case.amended.v1", datetime.now(UTC), uuid4(), {}) for _ in range(n)]
        self.ids = [event.id for event in self.events]
        self.waiting = deque(self.events)
        monkeypatch.setattr(relay, "SelectConnection", Broker)
        self.publisher = relay._Publisher("amqp://h/", self.waiting, self.marked.extend, lambda _publisher: None)
        self.broker: Any = self.publisher._connection
        self.broker.open()


def test_an_ack_may_stand_for_all_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, 5)
    scene.broker.confirm(3, multiple=True)
    assert scene.marked == scene.ids[:3]
    scene.broker.confirm(5)
    assert scene.marked == [*scene.ids[:3], scene.ids[4]]
    scene.broker.confirm(5, multiple=True)
    assert scene.marked[-1] == scene.ids[3]
    scene.broker.confirm(5, multiple=True)
    assert len(scene.marked) == 5


def test_a_returned_event_is_not_published_and_the_queues_are_declared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, 3)
    once = scene.broker.declared
    scene.broker.give_back(scene.ids[1])
    scene.broker.give_back(scene.ids[2])
    scene.broker.confirm(3, multiple=True)
    assert scene.marked == scene.ids[:1]
    assert scene.broker.declared == 2 * once
    scene.waiting.append(scene.events[1])  # the sweep brings it again, and now a queue takes it
    scene.publisher.nudge()
    scene.broker.confirm(4)
    assert scene.marked == scene.ids[:2]


def test_a_refused_event_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, 3)
    scene.broker.confirm(2, multiple=True, ack=False)
    scene.broker.confirm(3)
    assert scene.marked == scene.ids[2:]


def test_no_more_than_a_window_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, relay.WINDOW + 100)
    assert scene.broker.published == scene.ids[: relay.WINDOW]
    scene.broker.confirm(40, multiple=True)
    assert scene.broker.published == scene.ids[: relay.WINDOW + 40]


def test_what_is_in_flight_is_not_published_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, 2)
    scene.waiting.extend(scene.events)
    scene.publisher.nudge()
    assert scene.broker.published == scene.ids


def test_a_publisher_may_be_spoken_to_before_and_after_its_time(rabbitmq: RabbitMQ) -> None:
    """A commit hook nudges it and `stop` closes it at any moment: neither may fail, nor wait."""
    for url in (rabbitmq.url, "amqp://127.0.0.1:1/", "amqp://nowhere.invalid/"):
        publisher = relay._Publisher(url, deque(), lambda _ids: None, lambda _publisher: None)
        publisher.nudge()
        publisher.close()
        publisher.run()
        publisher.nudge()
        publisher.close()


@pytest.mark.parametrize(
    ("path", "host"), [("", "/"), ("/", "/"), ("//", "/"), ("/%2F", "/"), ("/school", "school"), ("/a%2Fb", "a/b")]
)
def test_pika_and_kombu_find_the_same_virtual_host(path: str, host: str) -> None:
    url = f"amqp://guest:p%40ss@h:5673{path}"
    parameters = pika.URLParameters(topology.pika_url(url))
    assert (parameters.virtual_host, parameters.port, parameters.credentials.password) == (host, 5673, "p@ss")
    assert (Connection(url).virtual_host or "/") == host  # type: ignore[no-untyped-call]  # kombu


def test_nothing_is_published_twice_without_need(separate: Installation, rabbitmq: RabbitMQ) -> None:
    """Two relays, one sweeping, and nobody who consumes: each queue holds each event once."""
    separate.start("web", "relay")
    separate.await_broker()
    with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
        for queue in QUEUES:
            connection.channel().queue_purge(queue)  # what earlier tests have left in this broker
    for _ in range(20):
        separate.accepted(**another_fraud())  # the same again would be linked: an event more
    eventually(lambda: separate.rows("SELECT 1 FROM case_events WHERE publish_after IS NOT NULL") == [], "not marked")
    separate.advance(60)
    with pika.BlockingConnection(pika.URLParameters(rabbitmq.url)) as connection:
        counts = [connection.channel().queue_declare(queue, passive=True).method.message_count for queue in QUEUES]
    assert counts == [20] * 4
    separate.start("worker", "clock")
    separate.await_settled()
