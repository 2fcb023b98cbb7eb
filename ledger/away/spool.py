"""Reports that were taken while the ledger was away: one sealed and fsynced file each, until it has entered the ledger.

A file's name holds what it may be found by (digests, cut short); what is in it opens with the key ring only. Beside
each stands a journal of the calls made for it meanwhile, written before and after each call. Any number of processes
may put reports into one folder; `held()` says which of them looks after it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from ledger import codes, values
from ledger import tables as t
from ledger.errors import Conflict, LedgerAway, Tampered
from ledger.reporting.reportin import ReportIn, TransferIn
from ledger.store import durable, failpoints
from ledger.store.crypto import Keys, RowKey, digest

log = structlog.get_logger()
_SUBMISSION_KEY, _TOKEN = 1, 2  # where a file's name has their digests: id.key.token.report


@dataclass(frozen=True)
class Entry:
    """A report in the spool. `key` seals what hangs on it; `token` opens its status page, now and later."""

    id: UUID
    code: str
    report: ReportIn
    submission_key: str
    body: str
    taken_at: datetime
    key: RowKey

    @property
    def token(self) -> str:
        return self.key.token("status")


@dataclass(frozen=True)
class Called:
    """One text about a spooled report. state: calling (it may have reached the provider) · sent · refused."""

    delivery_id: UUID
    person_id: UUID
    to: str
    language: str
    kind: str
    facts: dict[str, Any]
    body: str
    at: datetime
    state: str = "calling"
    sid: str | None = None


class Spool:
    """One folder; the reports in it belong to this machine, whichever of its processes took them."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self._folder, self._keys = folder, keys
        self._putting = threading.Lock()

    def put(self, report: ReportIn, submission_key: str, body: str, now: datetime) -> tuple[Entry, bool]:
        """(entry, whether the same was there already). Raises LedgerAway where the disk takes nothing either.

        The same key with another body raises Conflict; a form's has changed, and goes in beside under the same code.
        """
        try:
            with self._putting:
                earlier = self._with_key(submission_key)
                if earlier and earlier.body == body:
                    return earlier, True
                if earlier and report.source != "form":
                    raise Conflict
                return self._write(report, submission_key, body, now, earlier.code if earlier else None), False
        except OSError as error:
            raise LedgerAway(f"{LedgerAway.__doc__} (spool: {error.strerror})") from error

    def holds(self, submission_key: str) -> bool:
        return self._with_key(submission_key) is not None

    def find(self, token: str) -> Entry | None:
        """The entry of a status link."""
        found = self._readable(self._named(_TOKEN, token))
        return next((entry for entry in found if entry.token == token), None)

    def entries(self) -> Iterator[Entry]:
        """The oldest first. One that cannot be read is said and left where it is: those behind it must not wait."""
        return self._readable(self._folder / name for name in self._names())

    def waiting(self) -> int:
        return len(self._names())

    def names(self) -> set[str]:
        """Of all reports that wait, readable or not."""
        return set(self._names())

    def writable(self) -> bool:
        """Whether a report could be put in now."""
        probe = self._folder / f".try-{os.getpid()}-{threading.get_ident()}"
        try:
            self._names()  # where it cannot be said whether the report is there already, none is taken
            durable.write(probe, b"?" * 4096)
            probe.unlink()
        except OSError:
            return False
        return True

    def remove(self, entry: Entry) -> None:
        """After it has entered the ledger. The report goes first: a journal alone says nothing, see `sweep`."""
        for path in (*self._folder.glob(f"{entry.id}.*.report"), self._journal(entry)):
            path.unlink(missing_ok=True)

    def leftover(self) -> list[Path]:
        """Journals whose report has entered: whoever removed it died before it came to them."""
        names = self._listed()
        reports = {name.partition(".")[0] for name in names if name.endswith(".report")}
        return [self._folder / it for it in names if it.endswith(".calls") and it.partition(".")[0] not in reports]

    def sweep(self) -> None:
        """Remove them. For who holds the folder: nobody else begins a journal, and its report is there before."""
        for path in self.leftover():
            path.unlink(missing_ok=True)

    def note(self, entry: Entry, called: Called) -> None:
        """Append to the entry's journal, durably."""
        plain = json.dumps({**asdict(called), **{name: str(getattr(called, name)) for name in _AS_TEXT}})
        durable.append(self._journal(entry), base64.b64encode(entry.key.seal("spool", entry.id, "call", plain) or b""))

    def calls(self, entry: Entry) -> list[Called]:
        """What was called for it, each text as it was noted last."""
        if not self._journal(entry).exists():
            return []
        lines = self._journal(entry).read_bytes().split(b"\n")
        found = (_called(entry, line) for line in lines if line)
        return list({called.delivery_id: called for called in found if called}.values())

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Whether this process may look after the folder now: no two ring for one report, or enter it, at a time."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / ".held").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def _names(self) -> list[str]:
        """The oldest first: their ids are ordered by time. Asked for each report that a door takes."""
        return sorted(name for name in self._listed() if name.endswith(".report"))

    def _listed(self) -> list[str]:
        try:
            return os.listdir(self._folder)
        except (FileNotFoundError, NotADirectoryError):  # nothing was put in yet, or can be
            return []

    def _named(self, place: int, text: str) -> list[Path]:
        """Those whose name has the digest of this text in that place."""
        short = [_short(text)]
        return [self._folder / name for name in self._names() if name.split(".")[place : place + 1] == short]

    def _journal(self, entry: Entry) -> Path:
        return self._folder / f"{entry.id}.calls"

    def _with_key(self, submission_key: str) -> Entry | None:
        found = self._readable(self._named(_SUBMISSION_KEY, submission_key))
        return next((entry for entry in found if entry.submission_key == submission_key), None)

    def _readable(self, paths: Iterable[Path]) -> Iterator[Entry]:
        for path in paths:
            try:
                entry = self._read(path)
            except Exception as error:  # noqa: BLE001  # its disk, another version or another key: the others go in
                log.error("spool_unreadable", file=path.name, error=type(error).__name__)
                continue
            if entry:
                yield entry

    def _write(self, report: ReportIn, submission_key: str, body: str, now: datetime, code: str | None) -> Entry:
        entry_id = t.new_id()
        key, wrapped = self._keys.new_row_key(entry_id)
        entry = Entry(entry_id, code or codes.new_code("spool"), report, submission_key, body, now, key)
        plain = {"code": entry.code, "report": _plain(report), "submission_key": submission_key, "body": body}
        sealed = key.seal("spool", entry_id, "report", json.dumps({**plain, "taken_at": now.isoformat()}))
        content = {"row_key": base64.b64encode(wrapped).decode(), "sealed": base64.b64encode(sealed or b"").decode()}
        failpoints.hit("before-spool")
        path = self._folder / f"{entry_id}.{_short(submission_key)}.{_short(entry.token)}.report"
        try:
            durable.write(path, json.dumps(content).encode())
        except OSError:  # it may have got its name, and its folder failed: "nothing was stored" has to be true
            path.unlink(missing_ok=True)
            raise
        failpoints.hit("after-spool")
        return entry

    def _read(self, path: Path) -> Entry | None:
        """None for one that another process has just removed."""
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        entry_id = UUID(path.name.partition(".")[0])
        key = self._keys.unwrap(entry_id, base64.b64decode(content["row_key"]))
        opened = json.loads(key.open("spool", entry_id, "report", base64.b64decode(content["sealed"])) or "")
        taken_at = datetime.fromisoformat(opened["taken_at"])
        report = _report(opened["report"])
        return Entry(entry_id, opened["code"], report, opened["submission_key"], opened["body"], taken_at, key)


_AS_TEXT = ("delivery_id", "person_id", "at")


def _called(entry: Entry, line: bytes) -> Called | None:
    """None for a line that a crash cut short: the note goes before the call, so there was none."""
    try:
        opened = json.loads(entry.key.open("spool", entry.id, "call", base64.b64decode(line, validate=True)) or "")
    except (ValueError, Tampered):
        return None
    ids = {name: UUID(opened[name]) for name in ("delivery_id", "person_id")}
    return Called(**{**opened, **ids, "at": datetime.fromisoformat(opened["at"])})


def _short(text: str) -> str:
    return digest(text)[:8].hex()


def _plain(report: ReportIn) -> dict[str, Any]:
    plain = asdict(report)
    for item in plain["transfers"]:
        if item["when"] and item["when"]["at"]:
            item["when"]["at"] = item["when"]["at"].isoformat()
    return plain


def _report(plain: dict[str, Any]) -> ReportIn:
    return replace(ReportIn(**plain), transfers=tuple(_transfer(item) for item in plain["transfers"]))


def _transfer(plain: dict[str, Any]) -> TransferIn:
    when = plain["when"]
    at = datetime.fromisoformat(when["at"]) if when and when["at"] else None
    return TransferIn(**{**plain, "when": values.When(when["bucket"], at) if when else None})
