"""Submission keys sent again and again, many at once, through the real server: `python -m tests.fuzz.replays`.

Each key is one page or one app that tries until somebody answers; it must find its own case each time.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from services.web import WebServer
from tests.fuzz import results
from tests.fuzz.databases import databases
from tests.world import World, body

PER_KEY, AT_ONCE = 20, 16
FORM = {"amount": "3800", "when": "30min", "payee_account": "6217 0000 0000 4417"}


@dataclass
class Outcome:
    """What each key was answered with; `made` how often as new. `stored` cases stand in the ledger in the end."""

    sent: int = 0
    answers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    made: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    stored: int = 0
    seconds: float = 0.0

    @property
    def duplicates(self) -> int:
        return max(0, self.stored - len(self.answers))

    @property
    def faults(self) -> list[str]:
        several = [key for key, answers in self.answers.items() if len(answers) != 1]
        twice = [key for key, times in self.made.items() if times != 1]
        refused = {status: n for status, n in self.statuses.items() if status not in (200, 201, 303)}
        said = {"keys with several answers": several, "keys that were new twice": twice, "refused": refused}
        faults = [f"{what}: {which}" for what, which in said.items() if which]
        if self.stored != len(self.answers):
            faults.append(f"{self.stored} cases for {len(self.answers)} keys")
        return faults


@contextmanager
def serving(world: World) -> Iterator[int]:
    """The port of the real server in front of this world's doors."""
    server = WebServer(world.client.application, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.close()
        thread.join(10)


def replay(world: World, replays: int, seed: int) -> Outcome:
    """So many sends in all, each key's own spread over them: half of them side by side, half anywhere."""
    chance, outcome, lock, local = random.Random(seed), Outcome(), threading.Lock(), threading.local()
    keys = [f"{kind}-{n}" for n, kind in zip(range(max(1, replays // PER_KEY)), _kinds(), strict=False)]
    beside = [key for key in keys for _ in range(PER_KEY // 2)]
    anywhere = [keys[n % len(keys)] for n in range(replays - len(beside))]
    chance.shuffle(anywhere)

    opened: list[http.client.HTTPConnection] = []

    def send(key: str) -> None:
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            opened.append(local.connection)
        status, said, new = _send(local.connection, key)
        with lock:
            outcome.sent += 1
            outcome.statuses[status] += 1
            outcome.answers[key].add(said)
            outcome.made[key] += new

    before, begun = _cases(world), time.monotonic()
    with serving(world) as port, ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(send, beside + anywhere))
        for connection in opened:
            connection.close()
    outcome.seconds, outcome.stored = time.monotonic() - begun, _cases(world) - before
    outcome.made = Counter({key: times for key, times in outcome.made.items() if key.startswith("api")})
    return outcome


def _kinds() -> Iterator[str]:
    while True:
        yield from ("api", "form", "warn")


def _send(connection: http.client.HTTPConnection, key: str) -> tuple[int, str, bool]:
    """(status, which case it was answered with, whether as a new one)."""
    phone = f"139{int(key.rpartition('-')[2]):08}"
    if key.startswith("api"):
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        connection.request("POST", "/api/v1/reports", json.dumps(body(phone=phone, payee_account=phone)), headers)
        answer = connection.getresponse()
        made = json.loads(answer.read())
        return answer.status, f"{made.get('case')} {made.get('token')}", made.get("duplicate") is False
    form = {"phone": phone, "submission_key": key} | (FORM if key.startswith("form") else {})
    path = "/report" if key.startswith("form") else "/warn"
    connection.request("POST", path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.headers["Location"] or "", False


def _cases(world: World) -> int:
    return int(world.rows("SELECT count(*) FROM cases")[0][0])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.replays")
    parser.add_argument("--replays", type=int, default=10_000)
    results.arguments(parser)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="stopline-replays-") as name, databases(options.postgresql) as url:
        world = World.make(url(Path(name)), Path(name))
        try:
            outcome = replay(world, options.replays, options.seed)
        finally:
            world.close()
    sys.stdout.write(
        f"seed {options.seed}: {outcome.sent} sends of {len(outcome.answers)} keys, {AT_ONCE} at once, in "
        f"{outcome.seconds:.0f} s: {outcome.stored} cases, {outcome.duplicates} duplicates\n"
    )
    for fault in outcome.faults:
        sys.stdout.write(f"  {fault}\n")
    results.keep("replays", outcome.sent, len(outcome.faults), outcome.seconds, options)
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
