"""An installation with a proxy between every two parts, on small disks of its own, whose parts can be broken.

    client ──▶ web ×2 ──▶ PostgreSQL         relay ×2, worker ×2, clock ×3 ──▶ PostgreSQL, RabbitMQ, Twilio double
    Twilio double ──callbacks──▶ web ×2      embedded: one `up` over SQLite, without a broker
    family: as separate processes, but two `run`, each the parent of a web, a worker and a clock
    cluster: as separate processes, over three brokers and a primary with its standby, whose addresses they all know

Whatever is started here is ended by its own id.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.fakes.twilio_double import TwilioDouble
from tests.faults.clusters import Brokers, Pair
from tests.faults.history import History
from tests.faults.proxy import Proxy
from tests.one_process import Process, eventually
from tests.private_services import PostgreSQL, RabbitMQ, free_port
from tests.processes import EMBEDDED, Installation
from tests.world import sqlite_url

KINDS = ("embedded", "separate")  # in every change's run
FAMILY, CLUSTER = "family", "cluster"
ALL_KINDS = (*KINDS, FAMILY, CLUSTER)
COPIES = {"web": 2, "relay": 2, "worker": 2, "clock": 3}
MEMBERS = ("web", "worker", "clock")  # of each parent
DISK_MB = {"embedded": 512, "separate": 1536, FAMILY: 1536, CLUSTER: 64}
SPOOL_MB = 32  # the spool of a long outage; not the database's disk, so that each can be full by itself
Servers = tuple[PostgreSQL, RabbitMQ] | tuple[Pair, Brokers]
QUEUES = ("police", "counselor", "care", "notice")
WHO_SENDS = ("up", "web", "worker", "clock")  # verbs of the processes that call the provider


class Site(Installation):
    """See the module. `servers` are None in the embedded kind."""

    postgresql: PostgreSQL | None = None
    rabbitmq: RabbitMQ | None = None
    pair: Pair | None = None
    brokers: Brokers | None = None

    def __init__(self, kind: str, folder: Path, disk: Path, spool_disk: Path, double: TwilioDouble, history: History,
                 planted: str = "", servers: Servers | None = None) -> None:  # fmt: skip
        self.kind, self.disk, self.spool_disk, self.history = kind, disk, spool_disk, history
        if planted:
            self.program = ("tests.faults.planted", planted)
        doors = {"embedded": ("up",), FAMILY: ("run-1", "run-2")}.get(kind, ("web-1", "web-2"))
        self.web_ports = {door: free_port() for door in doors}
        webs = self.web_ports.values()
        self.proxies = {"client": Proxy("client", *webs), "callbacks": Proxy("callbacks", *webs),
                        "twilio": Proxy("twilio", double.server.port)}  # fmt: skip
        database, broker = self._use(servers)
        address = {name: f"http://127.0.0.1:{self.proxies[name].port}" for name in ("client", "callbacks", "twilio")}
        super().__init__(database, broker, double, folder,
                         STOPLINE_PUBLIC_URL=address["callbacks"],
                         STOPLINE_STATE_DIR=str(spool_disk),
                         STOPLINE_TWILIO_API_BASE=address["twilio"])  # fmt: skip
        self.public_url = address["client"]
        double.message_webhook = f"{address['callbacks']}/webhooks/twilio/message"

    def _use(self, servers: Servers | None) -> tuple[str, str]:
        """The addresses of database and broker. There is no proxy to the members of a cluster: they fail themselves."""
        if servers is None:
            return sqlite_url(self.disk), EMBEDDED
        database, broker = servers
        if isinstance(database, Pair) or isinstance(broker, Brokers):
            assert isinstance(database, Pair) and isinstance(broker, Brokers)
            self.pair, self.brokers = database, broker
            return database.new_database(), broker.url
        self.postgresql, self.rabbitmq = database, broker
        self.proxies |= {"postgresql": Proxy("postgresql", database.port), "rabbitmq": Proxy("rabbitmq", broker.port)}
        return (through(database.new_database(), self.proxies["postgresql"]),
                through(broker.url.replace("%2F", "/"), self.proxies["rabbitmq"]))  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        """Of every process that has to run."""
        if self.kind in ("embedded", FAMILY):
            return tuple(self.web_ports)
        return tuple(f"{verb}-{n}" for verb, copies in COPIES.items() for n in range(1, copies + 1))

    def named(self, *verbs: str) -> list[str]:
        return [name for name in self.names if name.partition("-")[0] in verbs]

    def member(self, name: str, kind: str) -> int | None:
        """The process of this kind that a parent spoke of last; None before it speaks of any."""
        started = self.processes[name].log("process_started") if name in self.processes else []
        return next((line["pid"] for line in reversed(started) if line["process"] == kind), None)

    def door_pids(self) -> list[int]:
        if self.kind == FAMILY:
            return [pid for name in self.names if (pid := self.member(name, "web"))]
        return [self.processes[name].popen.pid for name in self.web_ports]

    def begin(self, name: str, failpoint: str = "", **settings: str) -> Process:
        """Start one process of ours by its name, and do not wait."""
        port = ("--port", str(self.web_ports[name])) if name in self.web_ports else ()
        return self.launch(name.partition("-")[0], *port, name=name, failpoint=failpoint, **settings)

    def run(self, *names: str) -> None:
        """Start those of these (all by default) that do not run, and wait until each is ready.

        As a supervisor would: one that ends, because the database is away, say, is started again.
        """
        wanted = [name for name in names or self.names if not self.runs(name)]
        for process in [self.begin(name) for name in wanted]:
            if not self._is_ready(process):
                self._insist(process.name)

    def _insist(self, name: str) -> None:
        eventually(lambda: self._is_ready(self.begin(name)), f"{name} never starts", 90)

    @staticmethod
    def _is_ready(process: Process) -> bool:
        """Wait until it says so, a parent for each of its processes, or ends."""
        said = len(MEMBERS) if process.name.startswith("run") else 1

        def ready() -> bool:
            return process.out.read_bytes().count(b"ready") >= said

        eventually(lambda: not process.running or ready(), f"{process.name} hangs", 60)
        return ready()

    def revive(self) -> list[tuple[str, int]]:
        """Start what has ended by itself; its names, and the status of each."""
        dead = [(name, self.processes[name].popen.returncode) for name in self.names
                if name in self.processes and not self.processes[name].running]  # fmt: skip
        for name, status in dead:
            self.history.add("info", "died", process=name, status=status)
        self.run()
        return dead

    def runs(self, name: str) -> bool:
        return name in self.processes and self.processes[name].running

    def close(self) -> None:
        super().close()
        for proxy in self.proxies.values():
            proxy.close()

    def await_served(self) -> None:
        """Until the broker has all queues on its disk: killed before that, RabbitMQ 3.10 loses them for good."""
        if broker := self.rabbitmq or self.brokers:
            broker.await_registered(*QUEUES)


def through(url: str, proxy: Proxy) -> str:
    """The same address, by way of a proxy."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{login}{at}127.0.0.1:{proxy.port}"))


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder that can be filled without harm: a small file system in memory, where this machine lets us mount one."""
    folder = Path(tempfile.mkdtemp(prefix="stopline-disk-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user
    size = f"size={megabytes}m,mode=0711"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], capture_output=True).returncode
    try:
        yield folder
    finally:
        if mounted == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def is_small(folder: Path) -> bool:
    return shutil.disk_usage(folder).total <= max(DISK_MB.values()) << 20


@contextmanager
def servers_on(disk: Path) -> Iterator[tuple[PostgreSQL, RabbitMQ]]:
    """A database that forgets nothing, on the small disk, and a broker."""
    with ExitStack() as stack:
        usual, tempfile.tempdir = tempfile.tempdir, str(disk)  # where a server makes its folder
        try:
            postgresql = PostgreSQL(fsync=True)
        finally:
            tempfile.tempdir = usual
        rabbitmq = RabbitMQ()
        stack.callback(rabbitmq.close)
        stack.callback(postgresql.close)
        postgresql.start()
        rabbitmq.start()
        yield postgresql, rabbitmq


@contextmanager
def cluster() -> Iterator[tuple[Pair, Brokers]]:
    with ExitStack() as stack:
        brokers = Brokers()
        stack.callback(brokers.close)
        brokers.start()
        pair = Pair()
        stack.callback(pair.close)
        yield pair, brokers


@contextmanager
def site(kind: str, folder: Path, history: History, planted: str = "") -> Iterator[Site]:
    """Everything there is of one kind, prepared and started; ended and cleared away at the end."""
    with ExitStack() as stack:
        disk, spool_disk = (stack.enter_context(small_disk(size)) for size in (DISK_MB[kind], SPOOL_MB))
        servers: Servers | None = None
        if kind == CLUSTER:
            servers = stack.enter_context(cluster())
        elif kind in ("separate", FAMILY):
            servers = stack.enter_context(servers_on(disk))
        double = TwilioDouble.start()
        stack.callback(double.close)
        made = Site(kind, folder, disk, spool_disk, double, history, planted, servers)
        stack.callback(made.close)
        made.prepare()
        made.run()
        if servers:
            eventually(lambda: "broker" not in made.request("GET", "/readyz").body.get("degraded", ["broker"]),
                       "the broker is away")  # fmt: skip
        stack.callback(double.release)
        yield made
