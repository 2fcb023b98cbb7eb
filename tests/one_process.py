"""One process of an installation, and how to wait for what other processes do."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_S, END_S, ASK_EVERY_S = 60.0, 10.0, 0.02  # a busy machine is slow to start Python


def eventually(reached: Callable[[], Any], otherwise: str, timeout: float = 40.0) -> Any:
    """Ask again until it is true; its value. For what other processes do and nobody announces."""
    deadline = time.monotonic() + timeout
    while not (value := reached()):
        assert time.monotonic() < deadline, f"after {timeout:.0f} s: {otherwise}"
        time.sleep(ASK_EVERY_S)
    return value


@dataclass
class Process:
    """One `stopline VERB`, its words kept for the message of a failure."""

    name: str
    popen: subprocess.Popen[bytes]
    out: Path
    err: Path

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    @property
    def said(self) -> str:
        return self.err.read_text(errors="replace")

    def log(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log with this event name."""
        lines = [line for line in self.said.splitlines() if line.startswith("{") and f'"{event}"' in line]
        return [entry for entry in map(json.loads, lines) if entry.get("event") == event]

    def await_ready(self) -> None:
        eventually(lambda: not self.running or b"ready" in self.out.read_bytes(), f"{self.name} not ready", START_S)
        assert b"ready" in self.out.read_bytes(), (
            f"{self.name} ended with {self.popen.returncode}:\n{self.said[-3000:]}"
        )

    def await_end(self, timeout: float = END_S) -> int:
        """Wait until it has ended by itself; its status, negative for a signal."""
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {timeout} s:\n{self.said[-3000:]}") from None

    def send(self, number: signal.Signals) -> None:
        if self.running:
            self.popen.send_signal(number)


@dataclass(frozen=True)
class Answer:
    """What the door said; `status` 0 where it said nothing."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        return str(self.body["case"])

    @property
    def token(self) -> str:
        return str(self.body["status_url"]).rpartition("/")[2]
