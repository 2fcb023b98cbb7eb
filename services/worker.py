"""Workers: from a queue (or, embedded, from the ledger's own work rows) to the handler of each event."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from select import select as select_ready
from typing import Any
from uuid import UUID

import structlog
from amqp.exceptions import AMQPError
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.exceptions import OperationalError as BrokerError
from kombu.messaging import Consumer
from sqlalchemy import select

from ledger.errors import LedgerAway
from ledger.events import QUEUES
from ledger.store import failpoints, work
from ledger.store.alarms import alarm
from ledger.store.unit_of_work import Ledger
from ledger.store.work import Handlers
from services import topology
from services.lookout import Lookout
from services.police_first import PoliceFirst
from services.threads import Lasting, Pause

log = structlog.get_logger()
PREFETCH = work.SOME
REST_S = 0.01  # for the rest of a message that has begun to come in; it may be a heartbeat as well
HEARTBEAT_S = 10
PATIENCE = {"read_timeout": 10, "write_timeout": 10}  # seconds for one answer; a broker that hangs gives none at all
BROKER_ERRORS = (BrokerError, AMQPError, OSError)
GOODBYE_S = 1.2  # a thread that waits for messages looks up within a second
STOP_S = 3.0  # for what is in hand


class LedgerWorker:
    """Embedded: one thread for each queue runs its open work rows as soon as a commit or the clock says so."""

    def __init__(self, ledger: Ledger, handlers: Handlers, lookout: Lookout, queues: Sequence[str] = QUEUES) -> None:
        self._ledger, self._handlers, self._lookout = ledger, handlers, lookout
        self._wakes = {queue: threading.Event() for queue in queues}
        for wake in self._wakes.values():
            lookout.wake_for("open", wake)
        self._stopping = threading.Event()
        self._threads = [Lasting(f"work-{queue}", partial(self._serve, queue), self._stopping) for queue in queues]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self, queues: Sequence[str] = QUEUES) -> None:
        for queue in queues:
            self._wakes[queue].set()

    def stop(self) -> None:
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            thread.join()

    def _serve(self, queue: str) -> None:
        wake = self._wakes[queue]
        try:
            busy = run_open(self._ledger, self._handlers, queue)
        except LedgerAway as away:
            log.warning("worker_ledger_away", queue=queue, error=str(away))
            busy = False
        if not busy:
            self._lookout.wait(wake)
            wake.clear()


def run_open(ledger: Ledger, handlers: Handlers, queue: str | None = None, age: timedelta = timedelta()) -> bool:
    """Run a few open rows, the most urgent first; whether there may be more to do at once.

    Not where all of them are in other hands: who came again for those at once would do so until they are put down.
    """
    found, rows = False, work.next_open(ledger, ledger.clock.now(), queue, age)
    for name, some in itertools.groupby(rows, key=lambda row: row["queue"]):
        ids = [row["event_id"] for row in some]
        for first in range(0, len(ids), work.SOME):
            for _, outcome in work.run_some(ledger, handlers, name, ids[first : first + work.SOME]):
                found |= outcome != "gone"
    return found


class BrokerWorker:
    """Consumes the queues with kombu: a thread with a connection of its own for each, so that none waits for another.

    Acknowledged after the commit only. While the ledger is away it does not consume: requeues burn delivery limits.
    """

    def __init__(self, ledger: Ledger, handlers: Handlers, urls: list[str], queues: Sequence[str] = QUEUES) -> None:
        self._ledger, self._handlers = ledger, handlers
        self._stopping = threading.Event()
        self._in_hand = set[str]()  # the queues whose messages are being worked on
        self._police_first = PoliceFirst(ledger.clock, self._stopping)
        self._threads = {queue: Lasting(f"work-{queue}", self._step(queue, urls), self._stopping) for queue in queues}

    def start(self) -> None:
        for thread in self._threads.values():
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        began = time.monotonic()
        for queue, thread in self._threads.items():
            thread.join(max(0.0, began + GOODBYE_S - time.monotonic()))  # the broker may be dead, or just slow
            if queue in self._in_hand:
                thread.join(max(0.0, began + STOP_S - time.monotonic()))

    def _step(self, queue: str, urls: list[str]) -> Callable[[], None]:
        turns, pause = itertools.cycle(urls), Pause(self._stopping)
        return lambda: self._serve(queue, next(turns), pause)

    def _serve(self, queue: str, url: str, pause: Pause) -> None:
        """One connection's life, and the pause after it."""
        try:
            with self._ledger.read() as conn:
                conn.execute(select(1))
            with Connection(url, heartbeat=HEARTBEAT_S, connect_timeout=3, transport_options=PATIENCE) as connection:  # type: ignore[no-untyped-call]  # kombu
                self._consume(connection, queue, pause)
        except LedgerAway as away:
            log.warning("worker_ledger_away", queue=queue, error=str(away))
        except BROKER_ERRORS as error:
            log.warning("worker_broker_away", queue=queue, error=type(error).__name__)
        pause.wait()

    def _consume(self, connection: Any, queue: str, pause: Pause) -> None:
        connection.ensure_connection(max_retries=0)  # one try: our own pauses decide when to come again
        channel, taken = connection.channel(), list[Any]()
        declare(channel)
        consumer = Consumer(  # type: ignore[no-untyped-call]  # kombu
            channel,
            [Queue(queue, no_declare=True)],  # type: ignore[no-untyped-call]  # kombu
            on_message=taken.append,
            on_decode_error=lambda message, error: self._park_unreadable(queue, message, error),
            prefetch_count=PREFETCH,
            accept=["json"],
            auto_declare=False,
        )
        with consumer:
            pause.reset()
            while not self._stopping.is_set():
                _gather(connection, taken)
                self._take_in_hand(queue, taken)
                taken.clear()
                connection.heartbeat_check()

    def _take_in_hand(self, queue: str, messages: Sequence[Any]) -> None:
        self._in_hand.add(queue)  # before the look: `stop` says so first, and asks then
        try:
            if not self._stopping.is_set():  # else the broker gives them to another worker
                self._take(queue, messages)
        finally:
            self._in_hand.discard(queue)

    def _take(self, queue: str, messages: Sequence[Any]) -> None:
        """What has come in together is done together. Each is acknowledged once its work is committed."""
        by_event, head_start_s = dict[UUID, list[Any]](), 0.0
        for message in messages:
            try:
                event = message.payload
                event_id, wanted_s = UUID(event["id"]), self._police_first.head_start_s(queue, event)
            except Exception as error:  # noqa: BLE001  # whatever a stranger's bytes make the decoder trip over
                self._park_unreadable(queue, message, error)
                continue
            by_event.setdefault(event_id, []).append(message)  # the same event may come twice
            head_start_s = max(head_start_s, wanted_s)
        if not by_event:
            return
        with self._police_first.turn(queue, head_start_s):
            for event_id, outcome in work.run_some(self._ledger, self._handlers, queue, list(by_event)):
                for message in by_event[event_id]:
                    failpoints.hit("before-ack", queue)
                    message.reject() if outcome == "parked" else message.ack()
                    failpoints.hit("after-ack", queue)
                if self._stopping.is_set():
                    return  # what is not acknowledged comes again

    def _park_unreadable(self, queue: str, message: Any, error: Exception) -> None:
        """A message that names no event: noted in the ledger with its reason, then to the dead-letter queue."""
        with self._ledger.begin("park") as uow:
            reason = f"{queue}: unreadable message, {type(error).__name__}, {len(message.body or b'')} bytes"
            alarm(uow, f"unreadable:{uow.now.isoformat()}:{queue}", "unreadable_message", reason)
        message.reject()


def _gather(connection: Any, taken: Sequence[Any]) -> None:
    """Wait for a message; then take those that are there already as well, as many as are done together."""
    patience_s = 1.0
    with suppress(TimeoutError):
        while len(taken) < PREFETCH:
            connection.drain_events(timeout=patience_s)
            if not _more_is_there(connection.connection.sock):
                return
            patience_s = REST_S


def _more_is_there(sock: Any) -> bool:
    """Also what TLS has decrypted already: the socket knows nothing of that any more."""
    pending = getattr(sock, "pending", None)
    return bool((pending and pending()) or select_ready([sock], [], [], 0)[0])


def declare(channel: Any) -> None:
    """Declare the whole topology through an amqp channel; the same at every start, whoever comes first."""
    for name, kind in topology.exchanges():
        channel.exchange_declare(name, kind, durable=True, auto_delete=False)
    for name, arguments in topology.queues():
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=arguments)
    for exchange, queue, key in topology.bindings():
        channel.queue_bind(queue, exchange, key)
