"""The relay: publishes events right after their commit, and sweeps up those whose publishing was not confirmed.

One pika connection in a thread of its own (pika is not thread-safe): pipelined confirms, mandatory where a queue of
ours must take it. An event counts as published only by its own ack with no return before it. The ledger's work rows
make every loss here a delay; what others are told is swept until the broker has it.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import pika
import structlog
from pika.adapters.select_connection import SelectConnection

from ledger.errors import LedgerAway
from ledger.events import Envelope
from ledger.store import failpoints, outbox
from ledger.store.unit_of_work import Ledger
from services import topology
from services.lookout import Lookout
from services.threads import Lasting, Pause

log = structlog.get_logger()
WINDOW = 500  # events in flight without a confirm
BACKLOG = 10_000  # what is submitted beyond this is left to the sweep
STALLED_S = 10.0  # a full window without a single confirm for so long: a queue has lost its leader
SWEEP_S = 1.0
GOODBYE_S = 1.0  # a broker that hangs does not answer to `close`
STOP_S = 2.0


class Relay:
    """`sweep`: whether it also publishes what others left; `lookout`: when the clock says that there is any."""

    def __init__(self, ledger: Ledger, urls: list[str], *, sweep: bool, lookout: Lookout | None = None) -> None:
        self._ledger, self._urls = ledger, itertools.cycle([topology.pika_url(url) for url in urls])
        self._waiting: deque[Envelope] = deque()
        self._confirmed: deque[UUID] = deque()
        self._has_confirmed, self._left_over, self._stopping = threading.Event(), threading.Event(), threading.Event()
        self._lookout = lookout
        if lookout:
            lookout.wake_for("events", self._left_over)
        self._connection: _Publisher | None = None  # from the first try on
        self._publisher: _Publisher | None = None  # the same, once it may publish
        self._pause = Pause(self._stopping)
        self._threads = [
            Lasting("relay", self._serve, self._stopping),
            Lasting("relay-mark", self._mark, self._stopping),
        ]
        if sweep:
            self._threads.append(Lasting("relay-sweep", self._sweep, self._stopping))

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
        self._left_over.set()
        if self._connection:
            self._connection.close()
        deadline = time.monotonic() + STOP_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._mark_all()

    @property
    def connected(self) -> bool:
        return self._publisher is not None

    def _serve(self) -> None:
        """One connection's life, from the first try to its end, and the pause after it."""
        self._connection = _Publisher(next(self._urls), self._waiting, self._note, self._ready)
        if self._stopping.is_set():
            self._connection.close()  # `stop` may have come before there was anything to close
        ended = self._connection.run()
        self._publisher = None
        self._waiting.clear()  # the sweep has them
        if not self._stopping.is_set():
            log.warning("relay_broker_away", error=ended)
            self._pause.wait()

    def _ready(self, publisher: _Publisher) -> None:
        self._publisher = publisher
        self._pause.reset()

    def _note(self, ids: list[UUID]) -> None:
        self._confirmed.extend(ids)
        self._has_confirmed.set()

    def _mark(self) -> None:
        """Write `published` in batches, beside the publishing thread so that it never waits for the ledger."""
        self._has_confirmed.wait()
        self._has_confirmed.clear()
        self._mark_all()

    def _mark_all(self) -> None:
        while ids := list(self._taken()):
            try:
                outbox.mark_published(self._ledger, ids)
            except LedgerAway:
                log.warning("relay_mark_failed", events=len(ids))  # published once more by the sweep: harmless

    def _taken(self) -> Iterator[UUID]:
        """Some of those that were confirmed; at the end two threads may be taking them."""
        with suppress(IndexError):
            for _ in range(WINDOW):
                yield self._confirmed.popleft()

    def _sweep(self) -> None:
        self._lookout.wait(self._left_over) if self._lookout else self._left_over.wait(SWEEP_S)
        self._left_over.clear()
        if self._publisher is None or self._stopping.is_set():
            return
        try:
            self.submit(outbox.claim_unpublished(self._ledger))
        except LedgerAway as away:
            log.warning("relay_ledger_away", error=str(away))


class _Publisher:
    """One connection's life: declare, publish, take confirms; ends when the connection does."""

    def __init__(self, url: str, waiting: deque[Envelope], confirmed: Any, ready: Any) -> None:
        self._waiting, self._confirmed, self._ready = waiting, confirmed, ready
        self._unconfirmed: dict[int, UUID] = {}
        self._in_flight: set[UUID] = set()  # the same; the sweep may bring an event a second time
        self._returned: set[str] = set()
        self._tag = 0
        self._channel: Any = None
        self._ended, self._stalled = "", False
        self._open, self._mutex = True, threading.Lock()  # whether its loop may still be spoken to
        parameters = pika.URLParameters(url)
        parameters.heartbeat = 10
        parameters.socket_timeout = parameters.stack_timeout = 3.0
        self._connection = SelectConnection(
            parameters, self._opened, on_open_error_callback=self._over, on_close_callback=self._over
        )
        self._loop = self._connection.ioloop

    def run(self) -> str:
        """Returns when the connection has ended, and why it did."""
        try:
            self._loop.start()
        finally:
            with self._mutex:
                self._open = False
            self._loop.close()
        return self._ended

    def nudge(self) -> None:
        """Called from any thread, at any time."""
        self._tell(self._publish)

    def close(self) -> None:
        """Called from any thread, at any time."""
        self._tell(self._close)

    def _tell(self, what: Callable[[], None]) -> None:
        with self._mutex:
            if self._open:
                self._loop.add_callback_threadsafe(what)

    def _close(self, why: Any = None) -> None:
        self._ended = self._ended or _named(why)
        if self._connection.is_open:
            self._connection.close()
            self._loop.call_later(GOODBYE_S, self._loop.stop)
        elif not self._connection.is_closing:
            self._loop.stop()

    def _over(self, _connection: Any, error: Any) -> None:
        self._ended = self._ended or _named(error)
        self._loop.stop()

    def _opened(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._begin)

    def _begin(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _channel, reason: self._close(reason))
        channel.add_on_return_callback(self._on_return)
        self._declare()
        # Operations on a channel are answered in order: once confirms are on, all is declared.
        channel.confirm_delivery(self._on_confirm, callback=lambda _frame: self._start())

    def _declare(self) -> None:
        for name, kind in topology.exchanges():
            self._channel.exchange_declare(name, exchange_type=kind, durable=True)
        for name, arguments in topology.queues():
            self._channel.queue_declare(name, durable=True, arguments=arguments)
        for exchange, queue, key in topology.bindings():
            self._channel.queue_bind(queue, exchange, routing_key=key)

    def _start(self) -> None:
        self._ready(self)
        self._watch()
        self._publish()

    def _watch(self) -> None:
        if self._stalled and len(self._unconfirmed) >= WINDOW:
            self._close("no confirms")
        self._stalled = True
        self._loop.call_later(STALLED_S, self._watch)

    def _publish(self) -> None:
        if self._channel is None or not self._channel.is_open:
            return
        while self._waiting and len(self._unconfirmed) < WINDOW:
            event = self._waiting.popleft()
            if event.id not in self._in_flight:
                self._publish_one(event)

    def _publish_one(self, event: Envelope) -> None:
        failpoints.hit("before-publish", event.type)
        self._tag += 1
        self._unconfirmed[self._tag] = event.id
        self._in_flight.add(event.id)
        self._channel.basic_publish(
            topology.exchange_of(event.type),
            event.type,
            json.dumps(event.cloudevent()).encode(),
            pika.BasicProperties(
                content_type="application/json", content_encoding="utf-8", delivery_mode=2, message_id=str(event.id)
            ),
            mandatory=bool(event.queues),  # what only others are told may find nobody who listens
        )
        failpoints.hit("after-publish", event.type)

    def _on_return(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        """No queue took it. The broker sends this before the ack, so the ack will not count."""
        log.error("relay_event_returned", id=properties.message_id)
        if not self._returned:
            self._declare()  # somebody deleted what was declared
        self._returned.add(properties.message_id)

    def _on_confirm(self, frame: Any) -> None:
        method, self._stalled = frame.method, False
        tags = [method.delivery_tag]
        if method.multiple:
            tags = [tag for tag in self._unconfirmed if tag <= method.delivery_tag]
        ids = [self._unconfirmed.pop(tag) for tag in tags if tag in self._unconfirmed]
        self._in_flight.difference_update(ids)
        if isinstance(method, pika.spec.Basic.Ack):
            self._confirmed([event_id for event_id in ids if str(event_id) not in self._returned])
        else:
            log.warning("relay_events_refused", events=len(ids))
        self._returned.difference_update(str(event_id) for event_id in ids)
        self._publish()


def _named(why: Any) -> str:
    """What ended a connection, in a word or two: the broker's own texts name queues and settings, never people."""
    if isinstance(why, BaseException):
        return " ".join([type(why).__name__, *(str(item) for item in why.args if isinstance(item, (int, str)))])
    return str(why or "")
