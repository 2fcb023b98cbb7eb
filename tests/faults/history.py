"""What happened in a run, in Jepsen's manner: who asked for what and what came of it, one JSON line for each.

`invoke` says that something was asked, `ok` that it was done, `fail` that it certainly was not, `info` that nobody
knows (no answer, 5xx) or that the run itself did something: a fault, its heal, a leap of the service's clock.
Times are seconds of the machine's monotonic clock, which the provider double's log keeps too: no fault moves it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

Entry = dict[str, Any]
TYPES = ("invoke", "ok", "fail", "info")


class History:
    """Written by any thread; kept in memory, and on disk at once so that a run that dies leaves it behind."""

    def __init__(self, file: Path | None = None) -> None:
        self._lock, self._entries = threading.Lock(), list[Entry]()
        self._file: IO[str] | None = file.open("a") if file else None

    def add(self, type_: str, what: str, **data: Any) -> Entry:
        """`what`: report, replay, reply, status, fault, point, missed, died, advance, phase."""
        assert type_ in TYPES, type_
        with self._lock:  # the time is taken inside: the file is in the order of its times
            entry = {"t": round(time.monotonic(), 4), "type": type_, "what": what, **data}
            self._entries.append(entry)
            if self._file:
                self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
                self._file.flush()
        return entry

    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def close(self) -> None:
        if self._file:
            self._file.close()


def read(file: Path) -> list[Entry]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def timeline(history: Sequence[Entry], requests: Sequence[Entry], faults_found: Iterable[str] = ()) -> str:
    """For a person: what was found wrong, then everything in its order, seconds from the beginning of the run.

    `requests` are those of the provider double, with the same clock.
    """
    lines = ["What was found wrong:", *(f"  {found}" for found in faults_found), "", "What happened:"]
    began = history[0]["t"] if history else 0.0
    told = [(entry["t"], _said(entry)) for entry in history] + [(it["t"], _asked(it)) for it in requests]
    lines += [f"{t - began:9.3f}  {words}" for t, words in sorted(told)]
    return "\n".join(lines) + "\n"


def _said(entry: Entry) -> str:
    facts = " ".join(f"{key}={value}" for key, value in entry.items() if key not in ("t", "type", "what"))
    mark = {"fault": "!! ", "advance": ">> ", "phase": "-- "}.get(entry["what"], "   ")
    return f"{mark}{entry['type']:6} {entry['what']:7} {facts}"


def _asked(it: Entry) -> str:
    said = (it.get("body") or "").replace("\n", " ")
    return f"   provider {it['kind']:6} {it.get('to') or ''} {it['outcome']} {it.get('status') or ''} {said}"
