"""What processes take of this machine, and what machine it is. Linux only."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def tree(processes: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """The ids of these and of all that they started."""
    parents = {int(it.name): _parent(it) for it in Path("/proc").iterdir() if it.name.isdecimal()}
    found = [process.pid for process in processes]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one and child not in found]
    return found


def _parent(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def memory_mb(ids: Sequence[int]) -> float:
    """Proportional set size: what several share is counted once."""
    lines = [line for one in ids for line in (Path("/proc") / str(one) / "smaps_rollup").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def cpu_s(ids: Sequence[int]) -> float:
    fields = [(Path("/proc") / str(one) / "stat").read_text().rpartition(")")[2].split() for one in ids]
    return sum(int(it[11]) + int(it[12]) for it in fields) / TICKS


def about() -> dict[str, str]:
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    of = ("flask", "kombu", "pika", "sqlalchemy", "psycopg", "twilio", "celery", "gunicorn")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {int(total.split()[1]) / 2**20:.0f} GB",
        "python": platform.python_version(),
        **{name: version(name) for name in of},
    }
