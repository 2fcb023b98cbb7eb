"""What is measured: ours, and each peer, as processes of their own over one database server, broker and double."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from ledger.school.demo_school import demo_school
from tests.private_services import PostgreSQL, free_port
from tests.processes import SECRETS

ROOT = Path(__file__).absolute().parent.parent
BIN = Path(sys.executable).parent
POLICE, COUNSELOR, OTHERS = "police", "counselor", "others"  # whose a number is; nobody looks at the last
READY_S, END_S = 60.0, 20.0
OURS, PREFORK, THREADS, SPLIT, FLOOR = "ours", "celery, 2 processes", "celery, threads", "celery, split", "no queue"


@dataclass(frozen=True)
class Address:
    """Where a side takes reports, at one door or several alike, and whose each number is."""

    urls: Sequence[str]
    who: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.urls[0]


@dataclass(frozen=True)
class Servers:
    """The database server, and the addresses of the others."""

    postgresql: PostgreSQL
    broker: str
    double: str


class Side:
    """One side while it runs. `seconds_to_start`: from the first process to the first answer.

    `copies`: how many processes of each kind; of ours only.
    """

    def __init__(self, name: str, servers: Servers, folder: Path, threads: int, copies: int = 1) -> None:
        self.name, self._servers, self._folder, self._threads = name, servers, folder, threads
        folder.mkdir(parents=True, exist_ok=True)
        self._ports = [free_port() for _ in range(copies)]
        self._database = servers.postgresql.new_database()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.seconds_to_start = 0.0
        who = ours_are() if name == OURS else {"+15550001111": POLICE, "+15550002222": COUNSELOR}
        self.address = Address([f"http://127.0.0.1:{port}" for port in self._ports], who)

    def start(self) -> None:
        commands = self._ours() if self.name == OURS else self._peers()
        began = time.monotonic()
        for command in commands:
            self._launch(command)
        self._await_answer()
        self.seconds_to_start = time.monotonic() - began

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _ours(self) -> list[list[str]]:
        self._run(["-m", "services.cli", "db", "upgrade"])
        self._run(["-m", "services.cli", "roster", "demo"])
        stopline = [sys.executable, "-m", "services.cli"]
        if len(self._ports) == 1:
            return [[*stopline, "run", "--port", str(self._ports[0])]]
        doors = [[*stopline, "web", "--port", str(port)] for port in self._ports]
        return [*doors, *([*stopline, kind] for kind in ("worker", "clock") for _ in self._ports)]

    def _peers(self) -> list[list[str]]:
        self._run(["-c", "from bench.peer import store; store.prepare()"])
        web = [str(BIN / "gunicorn"), "-w", "2", "-k", "gthread", "--threads", "4", "--keep-alive", "30",
               "-b", f"127.0.0.1:{self._ports[0]}", "--log-level", "error", "bench.peer.web:app"]  # fmt: skip
        worker = [str(BIN / "celery"), "-A", "bench.peer.tasks", "worker", "-l", "ERROR", "--without-gossip",
                  "--without-mingle"]  # fmt: skip
        half = str(self._threads // 2)
        return {
            PREFORK: [web, [*worker, "-Q", "peer", "-c", "2"]],
            THREADS: [web, [*worker, "-Q", "peer", "-P", "threads", "-c", str(self._threads)]],
            SPLIT: [web, [*worker, "-n", "p@%h", "-Q", "peer_police", "-P", "threads", "-c", half],
                    [*worker, "-n", "c@%h", "-Q", "peer_counselor", "-P", "threads", "-c", half]],
            FLOOR: [web],
        }[self.name]  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        ours = {
            **SECRETS,
            "STOPLINE_DATABASE_URL": self._database,
            "STOPLINE_BROKER_URL": self._servers.broker,
            "STOPLINE_PUBLIC_URL": self.address.url,
            "STOPLINE_STATE_DIR": str(self._folder / "state"),
            "STOPLINE_CHANNEL": "twilio",
            "STOPLINE_TWILIO_API_BASE": self._servers.double,
            "STOPLINE_SMS_WORDING": "detailed",
            "STOPLINE_UNVERIFIED_BURST": "off",
            "STOPLINE_NUMBER_BUDGET": "off",
            "STOPLINE_SENDER_THREADS": str(self._threads),
            "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
            "TWILIO_AUTH_TOKEN": "token",
            "TWILIO_FROM": "+15550009999",
        }
        peer = {"PEER_DATABASE": self._database, "PEER_BROKER": self._servers.broker,
                "PEER_PROVIDER": self._servers.double}  # fmt: skip
        flags = {SPLIT: {"PEER_SPLIT": "1"}, FLOOR: {"PEER_DIRECT": "1"}}.get(self.name, {})
        return {**kept, "PYTHONPATH": str(ROOT), **(ours if self.name == OURS else peer | flags)}

    def _run(self, arguments: Sequence[str]) -> None:
        done = subprocess.run([sys.executable, *arguments], env=self.environment, cwd=self._folder,
                              capture_output=True, text=True)  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")

    def _launch(self, command: Sequence[str]) -> None:
        number = len(self.processes)
        with (self._folder / f"{number}.log").open("wb") as out:
            self.processes.append(
                subprocess.Popen(
                    command, env=self.environment, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out
                )
            )

    def _await_answer(self) -> None:
        """Until every door answers at all, and ours says that it is ready."""
        deadline, waiting = time.monotonic() + READY_S, list(self.address.urls)
        while waiting:
            if time.monotonic() > deadline or any(process.poll() is not None for process in self.processes):
                raise RuntimeError(f"{self.name} ended or never answers: see {self._folder}")
            if self._answers(waiting[0]):
                waiting.pop(0)
            else:
                time.sleep(0.02)

    def _answers(self, url: str) -> bool:
        try:
            said = urllib3.request("GET", url + ("/readyz" if self.name == OURS else "/"), retries=False, timeout=2)
        except urllib3.exceptions.HTTPError:
            return False
        return self.name != OURS or (said.status == 200 and "broker" not in said.json().get("degraded", []))


def ours_are() -> dict[str, str]:
    """The made-up school's numbers: officers', and everybody else's."""
    return {it.phone: POLICE if it.role == "officer" else COUNSELOR for it in demo_school().people if it.phone}


@contextmanager
def running(name: str, servers: Servers, folder: Path, threads: int, copies: int = 1) -> Iterator[Side]:
    side = Side(name, servers, folder, threads, copies)
    try:
        side.start()
        yield side
    finally:
        side.stop()
