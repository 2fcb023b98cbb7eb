"""The relay: publishes events right after their commit, and sweeps up those whose publishing was not confirmed.

One pika connection in a thread of its own (pika is not thread-safe): pipelined confirms, mandatory. An event counts
as published only by its own ack with no return before it. The ledger's work rows make every loss here a delay.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import pika
import structlog
from pika.adapters.select_connection import SelectConnection

from ledger import failpoints, outbox
from ledger.errors import LedgerAway
from ledger.events import Envelope
from ledger.unit_of_work import Ledger
from services import topology

log = structlog.get_logger()
WINDOW = 500  # events in flight without a confirm
BACKLOG = 10_000  # what is submitted beyond this is left to the sweep
RECONNECT_MAX_S = 5.0


class Relay:
    def __init__(self, ledger: Ledger, urls: list[str], *, sweep: bool) -> None:
        self._ledger, self._urls, self._sweeps = ledger, urls, sweep
        self._waiting: deque[Envelope] = deque()
        self._confirmed: deque[UUID] = deque()
        self._has_confirmed, self._stopping = threading.Event(), threading.Event()
        self._publisher: _Publisher | None = None
        self._threads = [threading.Thread(target=self._serve, name="relay", daemon=True),
                         threading.Thread(target=self._mark, name="relay-mark", daemon=True)]  # fmt: skip
        if sweep:
            self._threads.append(threading.Thread(target=self._sweep, name="relay-sweep", daemon=True))

    def start(self) -> None:
        """Start its threads; after any fork, since threads do not survive one."""
        for thread in self._threads:
            thread.start()

    def submit(self, events: Iterable[Envelope]) -> None:
        """Publish soon; returns at once. With the broker away the events stay unpublished in the ledger."""
        publisher = self._publisher
        if publisher is None or len(self._waiting) > BACKLOG:
            return
        self._waiting.extend(events)
        publisher.nudge()

    def stop(self) -> None:
        self._stopping.set()
        self._has_confirmed.set()
        if self._publisher:
            self._publisher.close()
        for thread in self._threads:
            thread.join(timeout=5)

    @property
    def connected(self) -> bool:
        return self._publisher is not None

    def _serve(self) -> None:
        pause, turn = 0.1, 0
        while not self._stopping.is_set():
            publisher = _Publisher(self._urls[turn % len(self._urls)], self._waiting, self._note, self._ready)
            publisher.run()
            pause = 0.1 if self._publisher else min(pause * 2, RECONNECT_MAX_S)
            self._publisher = None
            self._waiting.clear()  # the sweep has them
            turn += 1
            if not self._stopping.is_set():
                log.warning("relay_broker_away", error=publisher.ended)
                self._stopping.wait(pause)

    def _ready(self, publisher: _Publisher) -> None:
        self._publisher = publisher
        if self._stopping.is_set():
            publisher.close()

    def _note(self, ids: list[UUID]) -> None:
        self._confirmed.extend(ids)
        self._has_confirmed.set()

    def _mark(self) -> None:
        """Write `published` in batches, beside the publishing thread so that it never waits for the ledger."""
        while not self._stopping.is_set() or self._confirmed:
            self._has_confirmed.wait(1.0)
            self._has_confirmed.clear()
            ids = [self._confirmed.popleft() for _ in range(min(len(self._confirmed), WINDOW))]
            if not ids:
                continue
            try:
                outbox.mark_published(self._ledger, ids)
            except LedgerAway:
                log.warning("relay_mark_failed", events=len(ids))  # published once more by the sweep: harmless
            if self._confirmed:
                self._has_confirmed.set()

    def _sweep(self) -> None:
        while not self._stopping.wait(1.0):
            if self._publisher is None:
                continue
            try:
                self.submit(outbox.claim_unpublished(self._ledger))
            except LedgerAway as away:
                log.warning("relay_ledger_away", error=str(away))


class _Publisher:
    """One connection's life: declare, publish, take confirms; ends when the connection does."""

    def __init__(self, url: str, waiting: deque[Envelope], confirmed: Any, ready: Any) -> None:
        self._waiting, self._confirmed, self._ready = waiting, confirmed, ready
        self._unconfirmed: dict[int, UUID] = {}
        self._returned: set[str] = set()
        self._tag = 0
        self._channel: Any = None
        self.ended = ""
        parameters = pika.URLParameters(url)
        parameters.heartbeat = 10
        parameters.socket_timeout = parameters.stack_timeout = 3.0
        self._connection = SelectConnection(
            parameters, self._opened, on_open_error_callback=self._over, on_close_callback=self._over
        )

    def run(self) -> None:
        self._connection.ioloop.start()

    def nudge(self) -> None:
        """Called from any thread."""
        self._connection.ioloop.add_callback_threadsafe(self._publish)

    def close(self) -> None:
        self._connection.ioloop.add_callback_threadsafe(self._close)

    def _close(self) -> None:
        if self._connection.is_open:
            self._connection.close()
        elif not self._connection.is_closing:
            self._connection.ioloop.stop()

    def _over(self, _connection: Any, error: Any) -> None:
        self.ended = type(error).__name__
        self._connection.ioloop.stop()

    def _opened(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._declare)

    def _declare(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _channel, _reason: self._close())
        channel.add_on_return_callback(self._on_return)
        for name, kind in topology.exchanges():
            channel.exchange_declare(name, exchange_type=kind, durable=True)
        for name, arguments in topology.queues():
            channel.queue_declare(name, durable=True, arguments=arguments)
        for exchange, queue, key in topology.bindings():
            channel.queue_bind(queue, exchange, routing_key=key)
        # Operations on a channel are answered in order: once confirms are on, all is declared.
        channel.confirm_delivery(self._on_confirm, callback=lambda _frame: self._start())

    def _start(self) -> None:
        self._ready(self)
        self._publish()

    def _publish(self) -> None:
        if self._channel is None or not self._channel.is_open:
            return
        while self._waiting and len(self._unconfirmed) < WINDOW:
            event = self._waiting.popleft()
            failpoints.hit("before-publish", event.type)
            self._tag += 1
            self._unconfirmed[self._tag] = event.id
            self._channel.basic_publish(
                topology.EXCHANGE,
                event.type,
                json.dumps(event.cloudevent()).encode(),
                pika.BasicProperties(
                    content_type="application/json", content_encoding="utf-8", delivery_mode=2, message_id=str(event.id)
                ),
                mandatory=True,
            )
            failpoints.hit("after-publish", event.type)

    def _on_return(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        """No queue took it. The broker sends this before the ack, so the ack will not count."""
        self._returned.add(properties.message_id)
        log.error("relay_event_returned", event=properties.message_id)

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        tags = [method.delivery_tag]
        if method.multiple:
            tags = [tag for tag in self._unconfirmed if tag <= method.delivery_tag]
        ids = [self._unconfirmed.pop(tag) for tag in tags if tag in self._unconfirmed]
        if isinstance(method, pika.spec.Basic.Ack):
            self._confirmed([event_id for event_id in ids if str(event_id) not in self._returned])
        self._returned.difference_update(str(event_id) for event_id in ids)
        self._publish()
