"""The composition root: everything is built here, once, by hand, and handed to whoever needs it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from ledger import migrations
from ledger import tables as t
from ledger.away.spool import Spool
from ledger.errors import LedgerAway, LedgerNotReady, trace
from ledger.police import replies
from ledger.school import people
from ledger.store import anchors, failpoints, keyring, limits
from ledger.store.clock import Clock, DemoClock, FileClock, SteadyClock, ahead, wall
from ledger.store.engine import connect
from ledger.store.hands import Committed
from ledger.store.limits import Limits
from ledger.store.unit_of_work import URGENT, Ledger
from ledger.texts import deliveries
from notifier.channel import Channel, Outgoing
from notifier.countries import for_phone
from notifier.registry import build
from notifier.simulator.sink import SinkChannel
from notifier.twilio.client import TwilioConfig
from services.auditor import Auditor
from services.clock import ClockProcess
from services.handlers import HANDLERS
from services.living import Living
from services.lookout import Lookout
from services.relay import Relay
from services.sender import Sender
from services.settings import BadSettings, Settings, make_state_dir, state_dir
from services.spooler import Spooler
from services.texts import renderer
from services.worker import BrokerWorker, LedgerWorker


def logging_as_json(level: int = logging.INFO) -> None:
    """One JSON object a line on stderr; static event names, data in keywords, ids and never personal data."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(lambda error: trace(error[1])),  # a driver's words hold whole rows
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # a line at once: several processes share a log
        cache_logger_on_first_use=False,  # a cached one would outlive what it writes to
    )
    # Libraries' own records can carry addresses and bodies: only their errors are let through, without tracebacks.
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)


def build_clock(settings: Settings, engine: Engine) -> tuple[Clock, SteadyClock]:
    """The process's clock and the part of it that wants a fresh reference now and then."""

    def database_now() -> datetime:
        with engine.connect() as conn:
            return conn.execute(select(func.clock_timestamp(type_=t.UtcTime))).scalar_one()

    file = Path(settings.test_clock or state_dir(settings) / "demo-clock")
    demo = settings.embedded and settings.channel == "simulator" and not settings.test_clock
    if engine.dialect.name == "postgresql":
        steady = SteadyClock(database_now)
    else:
        with engine.connect() as conn:
            newest = conn.execute(select(func.max(t.case_events.c.at, type_=t.UtcTime))).scalar_one()
        # The newest event was dated by a clock that ran ahead already: the steady part must not run ahead once more.
        ran = ahead(file) if settings.test_clock or demo else timedelta()
        steady = SteadyClock(wall, floor=newest - ran if newest else None)
    if settings.test_clock:
        return FileClock(file, steady), steady
    return (DemoClock(file, steady) if demo else steady), steady


def build_ledger(settings: Settings, given: Clock | None = None) -> tuple[Ledger, SteadyClock]:
    """Open the ledger, under a `given` clock in tests. Raises LedgerNotReady for tables of another revision."""
    engine = connect(settings.database_url, pool_size=settings.sender_threads + 8)
    with opening(engine):
        if migrations.current(engine) != migrations.NEWEST:
            raise LedgerNotReady
        clock, steady = build_clock(settings, engine)
        _check_keys(settings, engine)
    make_state_dir(settings)
    ledger = Ledger(
        engine, settings.keys, given or clock, settings.zone, brokered=not settings.embedded, limits=_limits(settings)
    )
    return ledger, steady


@contextmanager
def opening(engine: Engine) -> Iterator[None]:
    """The first steps with a database: what is wrong with it is the operator's to mend, and said in one line."""
    try:
        yield
    except BadSettings:
        engine.dispose()
        raise
    except LedgerNotReady as error:
        engine.dispose()
        raise LedgerNotReady(f"{error} It is {_place(engine)}.") from None
    except DBAPIError as error:
        engine.dispose()
        why = (str(error.orig).splitlines() or [type(error.orig).__name__])[0]
        raise LedgerAway(f"cannot open the ledger {_place(engine)}: {why}") from error


def _place(engine: Engine) -> str:
    """Where it is, without who opens it and how."""
    url = engine.url
    return f"{url.database}" if engine.dialect.name == "sqlite" else f"{url.host or 'here'}/{url.database}"


def _limits(settings: Settings) -> Limits:
    def of_country(phone: str) -> int:
        return for_phone(phone, simulated=settings.channel == "simulator").per_number_per_day

    def voice(phone: str) -> bool:
        return settings.channel == "twilio" and bool(settings.twilio_voice_from) and for_phone(phone).voice

    burst, budget = limits.burst(settings.unverified_burst), limits.per_number(settings.number_budget, of_country)
    return Limits(burst, budget, voice)


def _check_keys(settings: Settings, engine: Engine) -> None:
    """Refuse keys that the ledger was not written with: reports would be taken that nobody can be rung for."""
    with engine.connect() as conn:
        if gone := keyring.missing(conn, settings.keys):
            newest = settings.keys.names[0]
            shape = f"expected it behind the others, for example {newest}:…"
            needs = "STOPLINE_DATA_KEYS: the ledger needs key {0!r} as well; {1},{0}:…"
            raise BadSettings([needs.format(name, shape) for name in gone])
        if wrong := people.wrong_key(conn, settings.keys):
            raise BadSettings([f"{wrong}: the ledger was written with another key; expected that one, from its copy"])


def refuse_a_forgetful_database(ledger: Ledger) -> None:
    """A process that takes reports promises that they outlive a power cut; tests may build their ledgers on less."""
    with ledger.read() as conn:
        if found := forgets(conn, ledger):
            raise BadSettings([f"STOPLINE_DATABASE_URL: PostgreSQL runs with {each}; turn it on" for each in found])


def forgets(conn: Connection, ledger: Ledger) -> list[str]:
    """Settings of PostgreSQL, as name=value, under which an accepted report could be lost.

    Who names a standby relies on it: there a commit that waits for less than its disk could be lost with the primary.
    """
    if not ledger.postgres:
        return []

    def show(name: str) -> str:
        return str(conn.execute(text(f"SHOW {name}")).scalar_one())

    weak = {"off", "local", "remote_write"} if show("synchronous_standby_names") else {"off"}
    bad = {"fsync": {"off"}, "synchronous_commit": weak, "full_page_writes": {"off"}}
    return [f"{name}={value}" for name, values in bad.items() if (value := show(name)) in values]


def build_channel(settings: Settings) -> Channel:
    twilio = TwilioConfig(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token,
        sender=settings.twilio_from,
        messaging_service_sid=settings.twilio_messaging_service_sid,
        urgent_sender=settings.twilio_from_urgent,
        voice_sender=settings.twilio_voice_from,
        api_base=settings.twilio_api_base,
        callback_base=settings.public_url,
    )
    return build(settings.channel, twilio if settings.channel == "twilio" else None)


def spool_folder(settings: Settings) -> Path:
    return state_dir(settings) / "spool"


def anchor_file(settings: Settings) -> Path:
    return state_dir(settings) / "anchors.log"


@dataclass
class Parts:
    """What a process may start: each is built, none is running yet."""

    settings: Settings
    ledger: Ledger
    steady: SteadyClock
    channel: Channel
    sender: Sender
    clock: ClockProcess
    spooler: Spooler
    auditor: Auditor
    relay: Relay | None = None
    worker: LedgerWorker | BrokerWorker | None = None
    running: ExitStack = field(default_factory=ExitStack)  # what to stop, in the order of starting

    def start(self, *names: str) -> None:
        for name in names:
            part = getattr(self, name)
            if part is not None:
                part.start()
                self.running.callback(part.stop)

    def stop(self) -> None:
        """Finish what is in hand: doors first, so that nothing new comes in behind them."""
        self.running.close()  # each, even when one of them fails
        self.ledger.engine.dispose()


def build_parts(
    settings: Settings,
    *,
    queues: tuple[str, ...] = (),
    sweep: bool = False,
    at_door: bool = False,
    clock_looks: bool = False,
    given: Clock | None = None,
) -> Parts:
    """Everything over one ledger.

    `queues`: what a worker serves; `sweep`: whether the relay also catches up; `at_door`: whether its senders call only
    what this process writes; `clock_looks`: whether the clock runs beside them, and looks each second for all.
    """
    failpoints.arm(settings.failpoint or None)
    ledger, steady = build_ledger(settings, given)
    channel = build_channel(settings)
    channels: dict[str, Channel] = {"provider": channel, "sink": SinkChannel(_drill_answers(ledger))}
    render, lookout = renderer(settings, ledger.clock), Lookout() if clock_looks else None
    sender = Sender(ledger, channels, render, settings.sender_threads, at_door=at_door, lookout=lookout,
                    living=Living(state_dir(settings) / "senders"))  # fmt: skip
    folder = spool_folder(settings)
    spooler = Spooler(ledger, Spool(folder, ledger.keys), channel, render, folder / "duty-list")
    clock = ClockProcess(ledger, HANDLERS, channel, lambda: anchors.anchor(ledger, anchor_file(settings)), lookout)
    auditor = Auditor(ledger, spooler.spool, settings.heartbeat_url)
    parts = Parts(settings, ledger, steady, channel, sender, clock, spooler, auditor)
    if settings.embedded:
        parts.worker = LedgerWorker(ledger, HANDLERS, lookout or Lookout())
    else:
        parts.relay = Relay(ledger, settings.brokers, sweep=sweep, lookout=lookout)
        parts.worker = BrokerWorker(ledger, HANDLERS, settings.brokers, queues) if queues else None
    ledger.on_commit.append(lambda done: _after_commit(parts, done))
    return parts


def _after_commit(parts: Parts, done: Committed) -> None:
    """Speed only: what is forgotten here by a crash is found in the ledger a second or three later."""
    if done.events:
        if parts.relay:
            parts.relay.submit(done.events)
        elif isinstance(parts.worker, LedgerWorker):
            parts.worker.wake([queue for event in done.events for queue in event.queues])
    if done.texts:
        parts.sender.wake()


def _drill_answers(ledger: Ledger) -> Callable[[Outgoing], None]:
    """The sink of a drill answers each alert as a person would: through the inbound path, with the code."""

    def answer(text: Outgoing) -> None:
        with ledger.begin("drill-reply", URGENT) as uow:
            code = deliveries.rung_code(uow.conn, UUID(text.delivery_id))
            if code and code in text.body:
                replies.take(uow, f"SINK{text.delivery_id}", text.to, code)

    return answer
