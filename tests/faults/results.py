"""What the runs came to: one JSON line for each, kept in the repository for the long ones."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.private_services import program
from tests.processes import ROOT

if TYPE_CHECKING:
    from tests.faults.outcome import Order, Result

RESULTS = ROOT / "docs" / "fault-runs.jsonl"


def row(result: Result) -> dict[str, Any]:
    """`by_fault` counts what happened by its name, `broken` the findings against each promise that was not kept."""
    verdict, order = result.verdict, result.order
    return {
        **_of(order),
        "seconds": round(result.seconds),
        **{name.replace(" ", "_"): value for name, value in verdict.figures.items()},
        "faults": result.happened.total(),
        "by_fault": dict(sorted(result.happened.items())),
        "missing": list(result.missing),
        "broken": {str(number): len(found) for number, found in verdict.breaches.items() if found},
    }


def no_verdict(order: Order, why: str) -> dict[str, Any]:
    """A run that went wrong itself proves nothing, but it happened."""
    return {**_of(order), "no_verdict": why}


def _of(order: Order) -> dict[str, Any]:
    return {
        "date": today(),
        "kind": order.kind,
        "seed": order.seed,
        "order": {
            "reports": order.reports,
            "faults": order.faults,
            "rate": order.rate,
            "outage": order.outage_s,
            "calm": order.calm_every,
        },
        "versions": versions(order.kind),
        "machine": machine(),
    }


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def machine() -> str:
    return f"{os.cpu_count()} CPUs, {_memory_gb()} GB, {platform.system()}"


def append(file: Path, line: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def versions(kind: str) -> dict[str, str]:
    servers = {} if kind == "embedded" else {"postgresql": postgresql(), "rabbitmq": _rabbitmq()}
    return source() | servers


def source() -> dict[str, str]:
    """The commit, with a + where files differ from it, and the Python."""
    git = "git", "-C", str(ROOT)
    changed = "+" if _said(*git, "status", "--porcelain", "--untracked-files=no") else ""
    return {"commit": _said(*git, "rev-parse", "--short", "HEAD") + changed, "python": platform.python_version()}


def postgresql() -> str:
    server = program("PostgreSQL", ["postgres"], "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
    return _said(server, "--version").split()[2]


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
