"""The watcher's watcher: every half minute it compares what was accepted with what was done, and lets a monitor know.

The heartbeat is a plain GET to any uptime monitor. It is withheld while something is late, and by whatever keeps this
process from running; so silence means: look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

import structlog
import urllib3

from ledger.away.spool import Spool
from ledger.errors import LedgerAway
from ledger.ready.auditing import BEGUN_WITHIN, Audit, audit
from ledger.store.unit_of_work import Ledger
from services.threads import Lasting

log = structlog.get_logger()
EVERY_S, PATIENCE_S = 30.0, 10.0


class Auditor:
    """A thread of its own: neither a slow monitor nor a slow ledger keeps the clock waiting."""

    def __init__(
        self, ledger: Ledger, spool: Spool, heartbeat_url: str, beat: Callable[[str], None] | None = None
    ) -> None:
        self._ledger, self._spool, self._url, self._beat = ledger, spool, heartbeat_url, beat or _get
        self._stopping = threading.Event()
        self._thread = Lasting("auditor", self._round, self._stopping)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(PATIENCE_S)

    def _round(self) -> None:
        self.look()
        self._stopping.wait(EVERY_S)

    def look(self) -> Audit | None:
        """One comparison, and a heartbeat if nothing is late; None while the ledger is away."""
        try:
            with self._ledger.read() as conn:
                now = self._ledger.clock.now()
                found = audit(conn, now)
        except LedgerAway as away:
            log.error("audit_ledger_away", error=str(away))
            return None
        found = replace(found, late=(*found.late, *self._spooled(now)))
        if found.late:
            log.error("obligations_late", late=found.late, unsettled=found.unsettled, oldest_s=round(found.oldest_s))
        elif self._url:
            self._send()
        return found

    def _spooled(self, now: datetime) -> Iterator[str]:
        """Reports that stay in this machine's spool although the ledger is there; one that cannot be read is late."""
        try:
            before, oldest = self._spool.names(), next(self._spool.entries(), None)
            stayed = before & self._spool.names()  # others entered, or came, while we looked
        except OSError as error:
            yield f"the spool cannot be read ({error.strerror})"
            return
        if stayed and (oldest is None or now - oldest.taken_at > BEGUN_WITHIN):
            yield f"{len(stayed)} reports in the spool have not entered the ledger"

    def _send(self) -> None:
        try:
            self._beat(self._url)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # Its address may hold a secret: only the host is said.
            log.warning("heartbeat_failed", host=urlsplit(self._url).hostname, error=type(error).__name__)


def _get(url: str) -> None:
    with urllib3.PoolManager(timeout=PATIENCE_S, retries=False) as pool:
        answer = pool.request("GET", url, redirect=False)
    if answer.status >= 400:
        raise urllib3.exceptions.HTTPError(f"status {answer.status}")
