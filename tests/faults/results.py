"""What the runs came to: one JSON line for each, kept in the repository for the long ones."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.private_services import program
from tests.processes import ROOT

if TYPE_CHECKING:
    from tests.faults.run import Result

RESULTS = ROOT / "docs" / "fault-runs.jsonl"


def row(result: Result) -> dict[str, Any]:
    """`faults` counts each by its name, `broken` the findings against each promise that was not kept."""
    verdict, order = result.verdict, result.order
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "kind": order.kind,
        "seed": order.seed,
        "seconds": round(result.seconds),
        **{name.replace(" ", "_"): value for name, value in verdict.figures.items()},
        "by_fault": dict(sorted(Counter(result.injected).items())),
        "missing": list(result.missing),
        "broken": {str(number): len(found) for number, found in verdict.breaches.items() if found},
        "versions": versions(order.kind),
        "machine": f"{os.cpu_count()} CPUs, {_memory_gb()} GB, {platform.system()}",
    }


def append(file: Path, line: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def versions(kind: str) -> dict[str, str]:
    found = {"commit": _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
             "python": platform.python_version()}  # fmt: skip
    if kind != "embedded":
        postgres = program("PostgreSQL", ["postgres"], "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
        found["postgresql"] = _said(postgres, "--version").split()[2]
        found["rabbitmq"] = _rabbitmq()
    return found


def _rabbitmq() -> str:
    server = Path(program("RabbitMQ", ["rabbitmq-server"], "/usr/lib/rabbitmq/bin")).resolve()
    near = next(server.parent.parent.glob("lib/rabbitmq_server-*"), None) or server.parent.parent
    return near.name.rpartition("-")[2] or "?"


def _said(*command: str) -> str:
    if not shutil.which(command[0]):
        return "?"
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _memory_gb() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
