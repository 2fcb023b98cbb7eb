"""`stopline doctor`: one line for each fault, and who would be called right now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from amqp.exceptions import NotFound
from kombu.connection import Connection as BrokerConnection
from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.away.spool import Spool
from ledger.erasure import retention
from ledger.errors import StoplineError
from ledger.events import QUEUES
from ledger.migrations import triggers
from ledger.pages import views
from ledger.ready.auditing import audit
from ledger.ready.lineup import duty_lines
from ledger.school import people
from ledger.store.alarms import KEY_MISSING, PROVIDER_REFUSES
from ledger.store.unit_of_work import Ledger
from notifier import countries
from notifier.channel import ChannelAway
from notifier.twilio.client import TwilioChannel
from services import compose
from services.settings import BadSettings, Settings, load, no_settings
from services.shapes import LOOPBACK
from services.worker import BROKER_ERRORS, PATIENCE


def run() -> int:
    """Settings are checked by loading them. Exit status 1 with one line per fault."""
    try:
        lines, faults = _looked_at(load())
    except BadSettings as bad:  # what they lead to cannot be looked at
        lines, faults = [], bad.lines
    lines += [f"warning: {line}" for line in _misspelt()]
    for line in lines + [f"FAULT {fault}" for fault in faults]:
        print(line)  # noqa: T201
    print({0: "no faults", 1: "1 fault"}.get(len(faults), f"{len(faults)} faults"))  # noqa: T201
    return 1 if faults else 0


def _looked_at(settings: Settings) -> tuple[list[str], list[str]]:
    """Whatever is wrong with one of them, the others are looked at."""
    try:
        ledger, _ = compose.build_ledger(settings)
        lines, faults = _ledger(ledger, settings)
    except StoplineError as error:
        lines, faults = [], [f"ledger: {error}"]
    except BadSettings as bad:  # a key that is another, or not in the ring; a folder that cannot be made
        lines, faults = [], bad.lines
    return lines, [*faults, *_spool(settings), *_broker(settings), *_provider(settings)]


def _ledger(ledger: Ledger, settings: Settings) -> tuple[list[str], list[str]]:
    """What there is to be said of it, and what is wrong."""
    with ledger.read() as conn:
        lines, faults = duty_lines(conn, ledger.keys, ledger.clock.now(), ledger.zone)
        faults += list(_durability(conn, ledger))
        faults += [f"late: {line}" for line in audit(conn, ledger.clock.now()).late]
        faults += [f"alarm since {row['at']:%m-%d %H:%M} UTC: {_alarm(row)}" for row in views.open_alarms(conn)]
        faults += list(_roster(conn))
        lines += [f"warning: {line}" for line in _wording(conn, ledger, settings)]
        lines += list(_over(conn, ledger, settings.retention_days))
    return lines, faults


def _roster(conn: Connection) -> Iterator[str]:
    if gone := triggers.missing(conn):
        lost = f"roster: triggers {', '.join(gone)} are missing, as after a restore of single tables"
        yield f"{lost}: who was rung before a change would still be; run: stopline db upgrade"


def _over(conn: Connection, ledger: Ledger, days: int) -> Iterator[str]:
    """A hint: nothing is wrong with a ledger that keeps them."""
    if due := sum(not it.bars for it in retention.due(conn, ledger.clock.now(), days)):
        over = f"over for more than {days} days (STOPLINE_RETENTION_DAYS)"
        yield f"hint: cases due for erasure, {over}: {due}; see: stopline retention"


def _alarm(row: Mapping[Any, Any]) -> str:
    said = row["kind"] in (PROVIDER_REFUSES, KEY_MISSING)
    return f"{row['kind']} ({row['reason']})" if said else str(row["kind"])


def _misspelt() -> Iterator[str]:
    try:
        found = no_settings()
    except (OSError, UnicodeDecodeError):  # the file cannot be read, which is among the faults
        return
    for name, meant in found.items():
        yield f"{name}: there is no such setting" + "".join(f"; did you mean {it}?" for it in meant)


def _spool(settings: Settings) -> Iterator[str]:
    spool = Spool(compose.spool_folder(settings), settings.keys)
    if waiting := spool.waiting():
        yield f"spool: {waiting} reports have not entered the ledger; is a web process with this folder running?"
    if not spool.writable():
        yield "spool: cannot be written to; without the database reports would be refused"


def _durability(conn: Connection, ledger: Ledger) -> Iterator[str]:
    for found in compose.forgets(conn, ledger):
        yield f"ledger: PostgreSQL runs with {found}; an accepted report could be lost"


def _wording(conn: Connection, ledger: Ledger, settings: Settings) -> Iterator[str]:
    """Where texts are risky: detailed finance words in a country whose carriers drop them, or people's data abroad."""
    if settings.channel == "simulator":
        if (urlsplit(settings.public_url).hostname or "") not in LOOPBACK:
            yield "STOPLINE_CHANNEL=simulator on a public address: /simulator shows every text to anybody"
        return
    staff = conn.execute(select(t.people).where(t.people.c.role != "student", t.people.c.active)).mappings()
    rows = {countries.for_phone(p.phone) for p in people.readable(ledger.keys, staff) if p.phone}
    for row in sorted(rows, key=lambda row: row.prefix):
        if row.wording == "neutral":
            chosen = "detailed wording is dropped there" if settings.sms_wording == "detailed" else "check its approval"
            yield f"+{row.prefix.lstrip('+')}: texts need approval and finance words are restricted; {chosen}"
        if row.prefix == "+86":
            yield "+86: texts leave the country; an emergency may excuse that, routine reminders need its rules kept"
        if not row.reply:
            yield f"+{row.prefix.lstrip('+')}: no replies; officers use the duty page or the duty desk"


def _broker(settings: Settings) -> Iterator[str]:
    if settings.embedded:
        return
    with BrokerConnection(settings.brokers, connect_timeout=3, transport_options=PATIENCE) as connection:  # type: ignore[no-untyped-call]  # kombu
        try:
            connection.ensure_connection(max_retries=len(settings.brokers) - 1)  # every node once
        except BROKER_ERRORS as error:
            yield f"broker: cannot be reached at STOPLINE_BROKER_URL ({type(error).__name__})"
            return
        for queue in QUEUES:
            yield from queue_faults(connection, queue)


def queue_faults(connection: BrokerConnection, queue: str) -> Iterator[str]:
    try:
        declared = connection.channel().queue_declare(queue, passive=True)  # type: ignore[no-untyped-call]  # kombu
    except NotFound:
        yield f"broker: queue {queue} is not there yet; the first process that is started makes it"
    except BROKER_ERRORS as error:
        yield f"broker: queue {queue} cannot be looked at ({type(error).__name__})"
    else:
        if not declared.consumer_count:
            yield f"broker: queue {queue} has no consumer; is a worker running?"


def _provider(settings: Settings) -> Iterator[str]:
    channel = compose.build_channel(settings)
    if isinstance(channel, TwilioChannel):
        try:
            if not channel.credentials_hold():
                yield "provider: Twilio refuses TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
        except ChannelAway as away:
            yield f"provider: Twilio cannot be asked ({away})"
