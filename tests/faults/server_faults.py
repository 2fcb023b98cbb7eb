"""What can happen to the database and the broker; disk_faults has what can happen to their disk."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pika
import psycopg

from tests.faults.fault import Fault, Heal, not_brought_about
from tests.faults.site import FAMILY, QUEUES, Site
from tests.one_process import eventually
from tests.private_services import PostgreSQL, RabbitMQ

EMBEDDED, SEPARATE, ON_SERVERS = ("embedded",), ("separate",), ("separate", FAMILY)
BROKER, DATABASE = "broker", "database"
RUBBISH = (b"\xff\x00 not JSON", b'{"type": "report.received.v1"}', b"[" * 50_000)
RUBBISH_IN_A_QUEUE, QUEUED_S = "broker rubbish in a queue", 10.0
FULL = '{"max-length":1,"overflow":"reject-publish"}'


def faults() -> Iterator[Fault]:
    """Those of the broker take their time: each `rabbitmqctl` is a second or two."""
    for name, inject in (
        ("broker kill -9", _broker_killed),
        ("broker stop_app", _broker_app_stopped),
        ("broker memory alarm", _memory_alarm),
        ("broker close_all_connections", _connections_closed),
        ("broker delete_queue", _queue_deleted),
        ("broker queue full", _queue_full),
        ("broker wiped", _broker_wiped),
        (RUBBISH_IN_A_QUEUE, _rubbish),
    ):
        yield Fault(name, BROKER, inject, ON_SERVERS)
    yield Fault("database immediate stop", DATABASE, database_killed, ON_SERVERS)
    yield Fault("database backends terminated", DATABASE, _backends_terminated, ON_SERVERS, (0.0, 0.5))
    yield Fault("database locked by another", DATABASE, database_locked, EMBEDDED, (2.0, 6.0))


def _broker(site: Site) -> RabbitMQ:
    assert site.rabbitmq
    return site.rabbitmq


def _database(site: Site) -> PostgreSQL:
    assert site.postgresql
    return site.postgresql


def _broker_killed(site: Site, _chance: random.Random) -> Heal:
    with suppress(RuntimeError):  # killed before its queues are on disk, 3.10 has lost them: then the clock does it
        site.await_served()
    _broker(site).kill()
    return _broker(site).start


def _broker_app_stopped(site: Site, _chance: random.Random) -> Heal:
    _broker(site).rabbitmqctl("stop_app")
    return partial(_ctl, site, "start_app")


def _memory_alarm(site: Site, _chance: random.Random) -> Heal:
    _broker(site).rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1")
    return partial(_ctl, site, "set_vm_memory_high_watermark", "0.4")


def _connections_closed(site: Site, _chance: random.Random) -> Heal:
    _broker(site).rabbitmqctl("close_all_connections", "a fault run")
    return lambda: None


def _queue_deleted(site: Site, chance: random.Random) -> Heal:
    for queue in chance.sample(QUEUES, len(QUEUES)):
        with suppress(subprocess.CalledProcessError):  # nobody has declared this one again since the last time
            _broker(site).rabbitmqctl("delete_queue", queue)
            return lambda: None
    not_brought_about(site, "broker delete_queue", "there is none of them")
    return lambda: None


def _queue_full(site: Site, _chance: random.Random) -> Heal:
    _broker(site).rabbitmqctl("set_policy", "full", f"^({'|'.join(QUEUES)})$", FULL, "--apply-to", "queues")
    return partial(_ctl, site, "clear_policy", "full")


def _broker_wiped(site: Site, _chance: random.Random) -> Heal:
    _broker(site).kill()
    _broker(site).wipe()
    return _broker(site).start


def _rubbish(site: Site, chance: random.Random) -> Heal:
    """Three bodies that nobody can read, each confirmed by a queue that took it."""
    for body in RUBBISH:
        try:
            eventually(partial(_queued, site, chance, body), "no queue takes it", QUEUED_S)
        except AssertionError as error:
            not_brought_about(site, RUBBISH_IN_A_QUEUE, str(error))
            break
    return lambda: None


def _queued(site: Site, chance: random.Random, body: bytes) -> bool:
    about = pika.BasicProperties(content_type="application/json")
    with suppress(pika.exceptions.AMQPError), pika.BlockingConnection(pika.URLParameters(_broker(site).url)) as to:
        channel = to.channel()
        channel.confirm_delivery()
        channel.basic_publish("", chance.choice(QUEUES), body, about, mandatory=True)
        return True
    return False


def _ctl(site: Site, *words: str) -> None:
    _broker(site).rabbitmqctl(*words)


def database_killed(site: Site, _chance: random.Random) -> Heal:
    _database(site).kill()
    return partial(database_runs, site)


def database_runs(site: Site) -> None:
    """It may have ended, or be in the midst of ending or recovering. One that does neither is killed for good."""
    server = _database(site)
    server.start()
    try:
        eventually(server._ready, "the database does not come back", 15)
    except AssertionError:
        for pid in database_pids(site):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server._end(signal.SIGKILL)
        server.start()


def _backends_terminated(site: Site, _chance: random.Random) -> Heal:
    with psycopg.connect(_database(site).url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' "
                      "AND pid <> pg_backend_pid() AND backend_type = 'client backend'")  # fmt: skip
    return lambda: None


def database_locked(site: Site, _chance: random.Random) -> Heal:
    """Somebody looks at the file with another program, and keeps it."""
    other = sqlite3.connect(site.disk / "stopline.db", isolation_level=None, check_same_thread=False, timeout=10)
    other.execute("BEGIN IMMEDIATE")

    def heal() -> None:
        other.execute("ROLLBACK")
        other.close()

    return heal


def database_pids(site: Site) -> list[int]:
    parent = eventually(lambda: site.postgresql and site.postgresql._process, "the database is not running").pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [parent, *map(int, children)]
