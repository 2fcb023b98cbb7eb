"""An installation as an operator would run it: processes of their own over a database, a broker and a Twilio double.

Everything is started and ended by its own id. Time runs ahead by the seconds in a file that all processes read.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import urllib3
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from ledger.school.demo_school import demo_school
from ledger.texts.claims import LEASE
from tests.fakes.phones import Phones
from tests.fakes.twilio_double import TwilioDouble
from tests.one_process import Answer, Process, eventually
from tests.private_services import free_port
from tests.world import body

ROOT = Path(__file__).absolute().parent.parent
EMBEDDED = "ledger://"
SEPARATE = ("web", "relay", "worker", "clock")
# The same for all, so that a database may be a copy of another that was made ready before.
SECRETS = {
    "STOPLINE_SECRET_KEY": "s" * 40,
    "STOPLINE_DATA_KEYS": "k1:" + "QUFB" * 10 + "QUE=",
    "STOPLINE_INDEX_KEY": "QkJC" * 10 + "QkI=",
}
# Who is on duty by day for the student of tests/world.py.
ROLES = {
    "officer": "O01", "backup": "O02", "desk": "D01", "counselor": "C01", "stand_in": "C03", "college_duty": "C02",
    "deputy_secretary": "S01", "office": "B01", "student": "2026010101",
}  # fmt: skip


def is_about(code: str, body: str) -> bool:
    """A later report of the same fraud names the earlier one too (疑同); its text is not about that one."""
    return code in body.replace(f"疑同{code}", "")


class Installation:
    """Settings, processes and phones of one installation. `folder` keeps its files; `more` are further settings."""

    program: tuple[str, ...] = ("services.cli",)  # the module to run, and what comes before the verb

    def __init__(self, database_url: str, broker_url: str, double: TwilioDouble, folder: Path, **more: str) -> None:
        self.database_url, self.broker_url, self.double, self.folder = database_url, broker_url, double, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.public_url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, Process] = {}
        self._started = 0
        self._ahead = _seconds_until_morning()
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=2, read=20), maxsize=16)
        self._engine = create_engine(database_url, poolclass=NullPool)
        self.environment = self._environment(more)
        self.advance(0)
        double.now, double.message_webhook = self.now, f"{self.public_url}/webhooks/twilio/message"
        people = {person.key: person.phone for person in demo_school().people if person.phone}
        self.phones = Phones(double, {**people, **{role: people[key] for role, key in ROLES.items()}}, timeout=20)

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            **SECRETS,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "TMPDIR": str(self.folder),
            "STOPLINE_DATABASE_URL": self.database_url,
            "STOPLINE_BROKER_URL": self.broker_url,
            "STOPLINE_PUBLIC_URL": self.public_url,
            "STOPLINE_STATE_DIR": str(self.folder / "state"),
            "STOPLINE_TEST_CLOCK": str(self.folder / "clock"),
            "STOPLINE_CHANNEL": "twilio",
            "STOPLINE_TWILIO_API_BASE": self.double.base_url,
            "STOPLINE_SMS_WORDING": "detailed",
            "STOPLINE_UNVERIFIED_BURST": "off",
            "STOPLINE_NUMBER_BUDGET": "off",
            "TWILIO_ACCOUNT_SID": self.double.account_sid,
            "TWILIO_AUTH_TOKEN": self.double.auth_token,
            "TWILIO_FROM": self.double.number,
            **more,
        }

    # Its time

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead)

    def advance(self, seconds: float) -> None:
        """Time passes, for all processes and the double at once."""
        self._ahead += seconds
        draft = self.folder / "clock.draft"
        draft.write_text(f"{self._ahead:.3f}")
        draft.replace(self.folder / "clock")  # a process never reads half a number

    # Its processes

    def command(self, *arguments: str, timeout: float = 60.0, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments],
            env={**self.environment, **settings}, cwd=self.folder, capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip

    def prepare(self) -> None:
        """Tables and the made-up school."""
        for verb in (("db", "upgrade"), ("roster", "demo")):
            done = self.command(*verb)
            assert done.returncode == 0, done.stdout + done.stderr

    def launch(self, verb: str, *arguments: str, name: str = "", failpoint: str = "", **settings: str) -> Process:
        """Start a process and do not wait; `name` tells copies of a verb apart."""
        name = name or verb
        assert name not in self.processes or not self.processes[name].running, f"{name} runs already"
        self._started += 1
        out, err = (self.folder / f"{self._started:03}-{name}.{kind}" for kind in ("out", "err"))
        address = ("--port", str(self.port)) if verb in ("web", "up", "run") else ()
        with out.open("wb") as stdout, err.open("wb") as stderr:
            popen = subprocess.Popen(
                [sys.executable, "-m", *self.program, verb, *address, *arguments],
                env={**self.environment, "STOPLINE_FAILPOINT": failpoint, **settings},
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            )  # fmt: skip
        self.processes[name] = Process(name, popen, out, err)
        return self.processes[name]

    def start(self, *verbs: str, **options: str) -> None:
        """Start these, beside each other, and wait until each says that it is ready."""
        for process in [self.launch(verb, **options) for verb in verbs]:
            process.await_ready()

    def start_all(self) -> None:
        self.start(*(("up",) if self.broker_url == EMBEDDED else SEPARATE))

    def stop(self, *names: str) -> dict[str, int]:
        """SIGTERM, to all unless some are named, and wait; the status that each ended with."""
        ending = {name: self.processes.pop(name) for name in names or tuple(self.processes)}
        for process in ending.values():
            process.send(signal.SIGTERM)
        return {name: process.await_end() for name, process in ending.items()}

    def kill(self, name: str) -> None:
        self.processes[name].send(signal.SIGKILL)
        self.processes.pop(name).await_end()

    def pause(self, name: str) -> None:
        self.processes[name].send(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self.processes[name].send(signal.SIGCONT)

    def close(self) -> None:
        for process in self.processes.values():
            process.send(signal.SIGKILL)
            process.popen.wait()
        self._http.clear()
        self._engine.dispose()

    def faults_said(self) -> str:
        """Errors in the logs of what runs, for the message of a failure."""
        logs = [f"{process.name}: {line}" for process in self.processes.values() for line in process.said.splitlines()]
        return "\n".join(line for line in logs if '"level": "error"' in line or line.partition(": ")[2][:1] != "{")

    def await_broker(self) -> None:
        """Wait until the door's own relay may publish."""
        eventually(lambda: "broker" not in self.request("GET", "/readyz").body.get("degraded", ["broker"]),
                   "the broker is away")  # fmt: skip

    # What is done to it

    def report(self, key: str | None = None, **changes: Any) -> Answer:
        """One try at reporting; see tests.world.body for `changes`. No answer at all gives status 0."""
        changes.setdefault("when", (self.now() - timedelta(minutes=5)).isoformat())
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return self.request("POST", "/api/v1/reports", json.dumps(body(**changes)), headers)

    def accepted(self, key: str | None = None, **changes: Any) -> Answer:
        answer = self.report(key, **changes)
        assert answer.taken, f"{answer}\n{self.faults_said()}"
        return answer

    def request(self, method: str, path: str, body: str | None = None, headers: Mapping[str, str] = {}) -> Answer:
        try:
            said = self._http.request(method, self.public_url + path, body=body, headers=headers, redirect=False)
        except (urllib3.exceptions.HTTPError, OSError):
            return Answer(0, {}, {})
        is_json = "json" in said.headers.get("Content-Type", "")
        shown = json.loads(said.data) if is_json else {"text": said.data.decode(errors="replace")}
        return Answer(said.status, shown, said.headers)

    def status(self, token: str) -> dict[str, Any]:
        answer = self.request("GET", f"/api/v1/reports/{token}")
        assert answer.status == 200, answer
        return answer.body

    def state(self, token: str, kind: str) -> str:
        return str(self.status(token)["obligations"][kind]["state"])

    def texts(self, role: str, code: str) -> list[str]:
        """The texts about a case that reached somebody's phone, oldest first."""
        on_phone = [text for text in self.double.to(self.phones[role].number) if text.reaches_phone]
        return [text.body for text in on_phone if is_about(code, text.body)]

    def rows(self, query: str, **values: Any) -> list[Any]:
        """Look into the ledger."""
        with self._engine.connect() as conn:
            return list(conn.execute(text(query), values).all())

    def unsettled(self, *, may_give_up: bool = False) -> dict[str, int]:
        """What still waits to be done, of every kind; empty when every obligation has had its first step.

        `may_give_up`: a text whose sender was killed twice may have been read, and nobody sends it a third time.
        """
        given_up = "state = 'unknown' AND settled" if may_give_up else "FALSE"
        queries = {
            "work": "SELECT count(*) FROM work WHERE state <> 'done'",
            "texts": "SELECT count(*) FROM deliveries WHERE state NOT IN ('sent', 'delivered', 'cancelled') "
            f"AND NOT ({given_up})",
            "alerts": "SELECT count(*) FROM obligations WHERE kind <> 'care' AND alerted_at IS NULL",
            "follow-ups": "SELECT count(*) FROM cases c WHERE NOT EXISTS "
            "(SELECT 1 FROM case_events e WHERE e.case_id = c.id AND e.type = 'followup.opened.v1')",
        }
        return {name: rows[0][0] for name, query in queries.items() if (rows := self.rows(query))[0][0]}

    def lapse_leases(self) -> None:
        """Let the calls of dead processes lapse. A living one's must not lapse with them: it ends well before that."""

        def only_the_dead_call() -> bool:
            since = [_utc(row[0]) for row in self.rows("SELECT lease_until FROM deliveries WHERE state = 'sending'")]
            waiting = self.rows("SELECT 1 FROM deliveries WHERE state = 'pending'")
            old = all(lease < self.now() + timedelta(seconds=LEASE.total_seconds() - 2) for lease in since)
            return old and not waiting and "work" not in self.unsettled()

        eventually(only_the_dead_call, "work or texts wait, or calls do not end")
        self.advance(LEASE.total_seconds() + 1)

    def await_settled(self, timeout: float = 40.0, *, may_give_up: bool = False) -> None:
        left: dict[str, int] = {}

        def settled() -> bool:
            left.clear()
            left.update(self.unsettled(may_give_up=may_give_up))
            return not left

        try:
            eventually(settled, "not settled", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {left}\n{self.faults_said()[-4000:]}") from None
        self.double.settle()


@contextmanager
def installed(database_url: str, broker_url: str, folder: Path, **more: str) -> Iterator[Installation]:
    """An installation with a double of its own; its database is ready. Nothing of it is left running."""
    double = TwilioDouble.start()
    made = Installation(database_url, broker_url, double, folder, **more)
    try:
        yield made
    finally:
        made.close()
        double.close()


def _utc(at: Any) -> datetime:
    """SQLite gives a time as text, without a zone."""
    moment = datetime.fromisoformat(str(at))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _seconds_until_morning() -> float:
    """The tests live at ten o'clock in Shanghai: duty and the counselors' ladder know day and night."""
    local = datetime.now(ZoneInfo("Asia/Shanghai"))
    morning = local.replace(hour=10, minute=0, second=0, microsecond=0)
    return ((morning - local) % timedelta(days=1)).total_seconds()


__all__ = ["EMBEDDED", "SEPARATE", "Answer", "Installation", "Process", "eventually", "installed"]
