"""What everything in one process takes: `stopline up` over SQLite with simulated phones, several times.

    python -m bench.up [--times 5]

Seconds from its start to the first answer that it is ready, files already in memory; memory (PSS) and processor time
while nothing happens, and memory again after some reports.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import urllib3

from bench import machine
from bench.load import a_report
from tests.private_services import free_port

ROOT = Path(__file__).absolute().parent.parent
READY_S, IDLE_S, REPORTS = 30.0, 5.0, 50
STOPLINE = (sys.executable, "-m", "services.cli")


def once(environment: Mapping[str, str], port: int) -> dict[str, float]:
    began = time.monotonic()
    process = subprocess.Popen(
        [*STOPLINE, "up", "--port", str(port)], env=environment, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    try:
        _await_ready(process, port)
        found = {"start s": time.monotonic() - began}
        time.sleep(1.0)
        found["memory MB"], before = machine.memory_mb([process.pid]), machine.cpu_s([process.pid])
        time.sleep(IDLE_S)
        found["idle CPU %"] = (machine.cpu_s([process.pid]) - before) / IDLE_S * 100
        for n in range(REPORTS):
            answer = urllib3.request("POST", f"http://127.0.0.1:{port}/api/v1/reports", json=a_report(n))
            if answer.status != 201:
                raise RuntimeError(f"a report was answered with {answer.status}")
        time.sleep(1.0)
        return {**found, f"memory MB after {REPORTS} reports": machine.memory_mb([process.pid])}
    finally:
        process.terminate()
        process.wait()


def _await_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if urllib3.request("GET", f"http://127.0.0.1:{port}/readyz", retries=False, timeout=2).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.01)
    raise RuntimeError("stopline up ended or is never ready")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.up", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=5)
    order, found = parser.parse_args(argv), []
    with tempfile.TemporaryDirectory(prefix="stopline-bench-") as folder:
        port = free_port()
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "STOPLINE_DATABASE_URL": f"sqlite:///{folder}/stopline.db",
            "STOPLINE_STATE_DIR": f"{folder}/state",
            "STOPLINE_BROKER_URL": "ledger://",
            "STOPLINE_CHANNEL": "simulator",
            "STOPLINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        for verb in (("db", "upgrade"), ("roster", "demo")):
            subprocess.run([*STOPLINE, *verb], env=environment, check=True, stdout=subprocess.DEVNULL)
        found = [once(environment, port) for _ in range(order.times + 1)][1:]  # the first finds nothing in memory
    for name in found[0]:
        some = [it[name] for it in found]
        sys.stdout.write(f"{name}: {statistics.median(some):.3g} ({min(some):.3g}–{max(some):.3g})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
