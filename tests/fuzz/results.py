"""What the long runs tried: one JSON line for each, as the fault runs keep them."""

from __future__ import annotations

import argparse
import sqlite3
from pathlib import Path
from typing import Any

from tests.faults.results import append, machine, postgresql, read, source, today
from tests.processes import ROOT

RESULTS = ROOT / "docs" / "inputs-tried.jsonl"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Those that every kind of run has."""
    parser.add_argument("--seed", type=int, default=110)
    parser.add_argument("--postgresql", action="store_true", help="a private PostgreSQL instead of SQLite")
    parser.add_argument("--results", type=Path, metavar="FILE", help=f"add a line to it: {RESULTS.relative_to(ROOT)}")


def keep(what: str, tried: int, broken: int, seconds: float, options: argparse.Namespace) -> None:
    """Where `--results` was given. `broken`: how many of those that were tried broke a promise."""
    if options.results:
        append(options.results, row(what, tried, broken, seconds, options))


def row(what: str, tried: int, broken: int, seconds: float, options: argparse.Namespace) -> dict[str, Any]:
    database = {"postgresql": postgresql()} if options.postgresql else {"sqlite": sqlite3.sqlite_version}
    return {
        "date": today(),
        "what": what,
        "tried": tried,
        "seed": options.seed,
        "broken": broken,
        "database": next(iter(database)),
        "seconds": round(seconds),
        "versions": source() | database,
        "machine": machine(),
    }


__all__ = ["RESULTS", "arguments", "keep", "read", "row"]
