"""Private throwaway RabbitMQ and PostgreSQL of the installed binaries, on free loopback ports; as root or as a user.

A missing binary skips the test with one line that says how to get it, and fails where STOPLINE_REQUIRE_SERVICES=1.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import psycopg
import pytest

LOOPBACK = "127.0.0.1"
MEMORY, ROOM = Path("/dev/shm"), 4 << 30  # bytes; a container's is often too small
_given_ports = set[int]()
START_S = 60.0  # a busy two-core machine has taken 15


def absent(what: str) -> NoReturn:
    message = f"{what} is not installed: sudo scripts/install-services.sh"
    if os.environ.get("STOPLINE_REQUIRE_SERVICES") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def program(what: str, names: Sequence[str], *directories: str) -> str:
    """The first of these programs in the (globbed) directories, newest version first, else on the PATH."""
    found = [path for pattern in directories for path in Path("/").glob(pattern.lstrip("/"))]
    newest = sorted(found, key=lambda path: [int(part) for part in path.as_posix().split("/") if part.isdecimal()])
    search = os.pathsep.join([*map(str, reversed(newest)), os.environ.get("PATH", "")])
    return next((path for name in names if (path := shutil.which(name, path=search))), None) or absent(what)


def chromium() -> str:
    return program("Chromium", ("chromium", "chromium-browser", "google-chrome"), "/Applications/*.app/Contents/MacOS")


def in_memory() -> Path | None:
    """A folder in memory, where there is room. On a small machine's disk a new database takes 200 ms, there 15."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM else None


def free_port() -> int:
    """One that no outgoing connection takes while its server is down: those come from 32768 and above.

    None twice: whoever was given one may not listen there yet.
    """
    while True:
        port = 12_000 + secrets.randbelow(20_000)
        if port in _given_ports:
            continue
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            _given_ports.add(port)
            return port


def wait_until(reached: Callable[[], bool], otherwise: str) -> None:
    """For what only asking again can tell: servers announce nothing."""
    deadline = time.monotonic() + START_S
    while not reached():
        if time.monotonic() > deadline:
            raise RuntimeError(f"after {START_S} s: {otherwise}")
        time.sleep(0.02)


class Server:
    """A server in the foreground of its own process group, so that it is ended by the ids we started.

    Ports and data stay the same over stop, kill and restart; `close` ends it for good and removes its data.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="stopline-", dir=folder))
        self.directory.chmod(0o711)  # PostgreSQL may run as another user than the tests
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if not self.running:
            self._process = self._launch()
            self._await_ready(self._process)

    def stop(self) -> None:
        """End in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9 for the whole group: nothing is flushed or said goodbye to."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.directory)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _launch(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _ready(self) -> bool:
        raise NotImplementedError

    def _spawn(
        self, command: Sequence[str], env: Mapping[str, str], user: str | None = None
    ) -> subprocess.Popen[bytes]:
        with (self.directory / "out").open("ab") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=env,
                cwd=self.directory,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                start_new_session=True,
            )

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        wait_until(lambda: process.poll() is not None or self._ready(), f"{type(self).__name__} is not ready")
        if process.poll() is not None:
            said = (self.directory / "out").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{type(self).__name__} did not start:\n{said}")

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            (os.killpg if how == signal.SIGKILL else os.kill)(self._process.pid, how)
        self._process.wait(START_S)
        self._process = None


class RabbitMQ(Server):
    """One node with its own name, cookie and epmd; no plugins. Starts in about 4 s, nearly all of it Erlang's boot."""

    def __init__(self) -> None:
        self._server = program(
            "RabbitMQ", ["rabbitmq-server"], "/usr/lib/rabbitmq/bin"
        )  # Debian's on the PATH is root's
        super().__init__()
        self._epmd: subprocess.Popen[bytes] | None = None
        self._env = self._environment(free_port())
        self._prepare()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}/%2F"  # kombu would take "//" for "/", pika does not

    def rabbitmqctl(self, *arguments: str) -> str:
        """Run it and return what it says; about 1 s a call."""
        command = [str(Path(self._server).with_name("rabbitmqctl")), "--quiet", *arguments]
        return subprocess.run(command, env=self._env, check=True, capture_output=True, text=True, timeout=60).stdout

    def await_registered(self, *queues: str) -> None:
        """Wait until new quorum queues are safe from `kill`, up to 1 s after they were declared.

        RabbitMQ 3.10 keeps their registration in a file it writes late; killed before that, it brings the queue
        back without a leader, for good: every get and publish on it times out.
        """

        def registered() -> bool:
            files = Path(self._env["RABBITMQ_MNESIA_BASE"]).glob("*/quorum/*/names.dets")
            known = b"".join(path.read_bytes() for path in files)
            return all(queue.encode() in known for queue in queues)

        wait_until(registered, f"{queues} are not on disk")

    def wipe(self) -> None:
        """Throw its data away; only while it is not running."""
        assert not self.running
        shutil.rmtree(self._env["RABBITMQ_MNESIA_BASE"])

    def close(self) -> None:
        if self._epmd:
            self._epmd.kill()
            self._epmd.wait()
        super().close()

    def _environment(self, epmd_port: int) -> dict[str, str]:
        home = self.directory
        return {
            "PATH": f"{Path(self._server).parent}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "HOME": str(home),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(epmd_port),
            "RABBITMQ_NODENAME": f"stopline{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
            "RABBITMQ_CONFIG_FILE": str(home / "none"),  # its defaults will do, and reading a file costs 0.5 s
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _prepare(self) -> None:
        (self.directory / "plugins").write_text("[].")
        cookie = self.directory / ".erlang.cookie"
        cookie.write_text(uuid4().hex)
        cookie.chmod(0o400)

    def _launch(self) -> subprocess.Popen[bytes]:
        if self._epmd is None:  # else the node starts one as a daemon, which outlives it
            epmd = program("RabbitMQ's epmd", ["epmd"], "/usr/lib/erlang/bin")
            self._epmd = self._spawn([epmd, "-port", self._env["ERL_EPMD_PORT"], "-address", LOOPBACK], self._env)
        return self._spawn([self._server], self._env)

    def _ready(self) -> bool:
        """Its listener opens last; a greeting that is answered with a frame shows that it serves."""
        try:
            with socket.create_connection((LOOPBACK, self.port), 5) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False


class PostgreSQL(Server):
    """A cluster of its own; ready in less than 1 s. With `fsync` off it survives `kill`, but not a power cut; it stands
    in memory then, where there is room."""

    def __init__(self, fsync: bool = False) -> None:
        self._bin = (
            Path(program("PostgreSQL", ["initdb"], "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")).resolve().parent
        )
        super().__init__(None if fsync else in_memory())
        self._fsync = fsync
        self._user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
        self._data = self.directory / "cluster"
        self._env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        self._initialise()

    @property
    def url(self) -> str:
        return self._url("postgres")

    def new_database(self, template: str | None = None) -> str:
        """The address of a fresh database, or of a copy of another that nobody is connected to; about 30 ms."""
        name = f"db_{uuid4().hex[:12]}"
        self._ask(f"CREATE DATABASE {name}" + (f" TEMPLATE {template}" if template else ""))
        return self._url(name)

    def drop(self, url: str) -> None:
        """Each takes 9 MB, and a folder in memory is small."""
        self._ask(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def _ask(self, statement: str) -> None:
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement.encode())

    def dump(self, url: str) -> bytes:
        """A database as a backup has it; in statements, where a backslash stands once, as it was stored."""
        command = [str(self._bin / "pg_dump"), "--inserts", url.replace("+psycopg", "")]
        return subprocess.run(command, env=self._env, check=True, capture_output=True, timeout=60).stdout

    def stop(self) -> None:
        self._end(signal.SIGINT)  # "fast": SIGTERM would wait for every client to leave

    def kill(self) -> None:
        """ "Immediate": every process dies at once and recovery runs at the next start.

        kill -9 of the parent alone would leave children behind that hold the memory and forbid a restart.
        """
        self._end(signal.SIGQUIT)

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://app@{LOOPBACK}:{self.port}/{name}"

    def _initialise(self) -> None:
        self._data.mkdir(mode=0o700)
        if self._user:
            shutil.chown(self._data, self._user, self._user)
        self._fill()

    def _fill(self) -> None:
        command = [str(self._bin / "initdb"), "-D", str(self._data), "-A", "trust", "-U", "app", "-E", "UTF8"]
        if self._spawn([*command, "--locale=C.UTF-8", "--no-sync"], self._env, self._user).wait(START_S):
            raise RuntimeError((self.directory / "out").read_text(errors="replace"))

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {
            "port": self.port,
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": 300,
            "fsync": "on" if self._fsync else "off",
            "max_wal_size": "1GB" if self._fsync else "256MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._spawn([str(self._bin / "postgres"), "-D", str(self._data), *options], self._env, self._user)

    def _ready(self) -> bool:
        try:
            psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True
