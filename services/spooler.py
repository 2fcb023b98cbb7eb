"""While the ledger is away: takes reports into the spool, texts the officer from the last known duty list, and brings
everything into the ledger once it is back."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import text as sql

from ledger import tables as t
from ledger.away import duty_list, spooled
from ledger.away.spool import Called, Entry, Spool
from ledger.errors import LedgerAway, where
from ledger.reporting.reportin import ReportIn
from ledger.reporting.reports import Accepted
from ledger.store import failpoints
from ledger.store.alarms import alarm
from ledger.store.unit_of_work import DOOR, Ledger
from ledger.texts.calls import Draft
from notifier.channel import Accepted as Taken
from notifier.channel import Channel, Outgoing, Refused
from services.sender import ALERT_VALIDITY_S
from services.threads import Lasting

log = structlog.get_logger()
ASK_S = 1.0
RETRY_S = 0.5  # while something is in the spool
LEFTOVERS_S = 2.0  # else; a door that died may have left something in it
SILENT_S = 3.0  # an answer that takes longer counts as none: nobody waits at the door for a ledger that hangs
HANGS_S = 0.3  # a question that is out for so long is not asked a second time: somebody waits to be rung
LIST_EVERY_S = 30.0
BLIP = timedelta(seconds=3)  # away for so short a time, a ledger that has the report after all rings by itself
AGAIN = timedelta(seconds=5)  # after a refusal


class Spooler:
    """Two threads: one asks the ledger whether it is there, the other looks after the spool.

    `render` puts a draft into words, as for senders; `call` is the channel that real texts go through.
    """

    def __init__(
        self, ledger: Ledger, spool: Spool, call: Channel, render: Callable[[Draft], str | None], list_file: Path
    ) -> None:
        self._ledger, self.spool, self._channel, self._render = ledger, spool, call, render
        self._list_file, self._list = list_file, duty_list.kept(list_file, ledger.keys)
        self._listed, self._asked = time.monotonic(), math.inf  # since when a question waits for its answer
        self._answers, self._away_since = True, ledger.clock.now()
        self._stuck: dict[UUID, str] = {}  # what was said to be wrong with an entry
        self._stopping, self._wake = threading.Event(), threading.Event()
        self._threads = [Lasting("ledger-probe", self._ask_on, self._stopping),
                         Lasting("spool", self._look_after, self._stopping)]  # fmt: skip

    def start(self) -> None:
        self.refresh_list()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(SILENT_S)  # the probe may hang in a ledger that does; it holds nothing

    # The door's side

    @property
    def silent(self) -> bool:
        """Whether the ledger is known to be away, so that asking it would only take time."""
        return not self._answers or time.monotonic() - self._asked > SILENT_S

    @property
    def waiting(self) -> float:
        """How many reports wait in the spool; not a number where nobody can tell."""
        try:
            return self.spool.waiting()
        except OSError as error:
            log.error("spool_unreadable", error=error.strerror)
            return math.nan

    @property
    def waits(self) -> bool:
        """Whether reports wait in the spool, or nobody can tell: its disk must keep no report out of the ledger."""
        return self.waiting != 0

    def holds(self, submission_key: str) -> bool:
        """Whether a report with this key waits to enter. A spool that cannot be read keeps none out of the ledger."""
        try:
            return self.spool.holds(submission_key)
        except OSError:
            return False

    def take(self, report: ReportIn, submission_key: str, body: str) -> Accepted:
        """Raises LedgerAway where the spool takes nothing either, Conflict for a key with another body."""
        entry, again = self.spool.put(report, submission_key, body, self._ledger.clock.now())
        log.warning("report_spooled", entry=str(entry.id), code=entry.code, again=again)
        self._wake.set()
        return Accepted(entry.id, entry.code, entry.token, entry.taken_at, duplicate=again)

    def find(self, token: str) -> Entry | None:
        """The report of a status link. Raises LedgerAway where nobody can tell: it may be there, and is not denied."""
        try:
            return self.spool.find(token)
        except OSError as error:
            log.error("spool_unreadable", error=error.strerror)
            raise LedgerAway(f"{LedgerAway.__doc__} (spool: {error.strerror})") from error

    # The probe

    def _ask_on(self) -> None:
        self.ask()
        self._stopping.wait(ASK_S)

    def ask(self) -> None:
        """Whether the ledger is there; and now and then who would be on duty."""
        self._asked = time.monotonic()
        try:
            self._question()
            came_back = self.silent
            self._asked, self._answers = time.monotonic(), True
            if came_back:
                self._wake.set()
            if self._asked - self._listed > LIST_EVERY_S:
                self.refresh_list()
        except LedgerAway:
            self._is_away()
        finally:
            self._asked = math.inf

    def _question(self) -> None:
        with self._ledger.read() as conn:
            conn.execute(sql("SELECT 1"))

    def _is_away(self) -> None:
        if self._answers:
            self._answers, self._away_since = False, self._ledger.clock.now()

    def _stays_away(self) -> bool:
        """Whether this is no blip. A ledger that hangs has been silent for long enough (SILENT_S)."""
        return self._answers or self._ledger.clock.now() - self._away_since >= BLIP

    def _came_back(self) -> bool:
        """Asked before somebody is rung for what was not tried to enter: another door may know it already, and have
        taken the same report. A ledger that hangs, or has just failed, is not waited for again."""
        if self._answers or time.monotonic() - self._asked > HANGS_S:
            return False
        try:
            self._question()
        except LedgerAway:
            return False
        self._answers = True
        return True

    def refresh_list(self) -> None:
        with self._ledger.read() as conn:
            shifts = duty_list.of_ledger(conn, self._ledger.keys)
        self._listed = time.monotonic()
        if shifts != self._list:
            try:
                duty_list.keep(self._list_file, shifts, self._ledger.keys)
            except OSError as error:  # what is in memory still holds
                log.error("duty_list_not_kept", error=error.strerror)
            self._list = shifts

    # The spool

    def _look_after(self) -> None:
        self._wake.wait(RETRY_S if self.tick() else LEFTOVERS_S)
        self._wake.clear()

    def tick(self) -> int:
        """One round over the spool; how many reports are left in it."""
        if not self.spool.waiting() and not self.spool.leftover():
            return 0
        with self.spool.held() as mine:
            known = set[tuple[str, str | None]]()
            for entry in self.spool.entries() if mine else ():
                if self._stopping.is_set():
                    break
                # A form sent again with a change is a second entry of the one report, and rings nobody again. From
                # another phone it is another report (reports.accept).
                name = entry.submission_key, entry.report.phone
                again = name in known
                known.add(name)
                tried = not self.silent
                if not self._attempt(self._enter, entry) and not again and self._stays_away():
                    self._attempt(self._ring if tried else self._enter_or_ring, entry)
            if mine:
                self.spool.sweep()
        return self.spool.waiting()

    def _attempt(self, step: Callable[[Entry], bool], entry: Entry) -> bool:
        """What is wrong with one report is said where people see it, and keeps out none of those behind it."""
        try:
            return step(entry)
        except Exception as error:  # noqa: BLE001  # whatever it is, the others have to be entered and rung for
            if self._stuck.get(entry.id) != where(error):  # once, and not with each round
                self._stuck[entry.id] = where(error)
                log.error("spooled_report_stuck", entry=str(entry.id), reason=where(error))
            with suppress(LedgerAway), self._ledger.begin("spool-stuck") as uow:
                alarm(uow, spooled.stuck(entry), "spool_stuck", f"{entry.code}: {where(error)}")
            return False

    def _enter(self, entry: Entry) -> bool:
        """Whether it is in the ledger now."""
        if self.silent:
            return False
        try:
            self._write(entry)
        except LedgerAway:
            self._is_away()
            return False
        self.spool.remove(entry)
        log.info("spooled_report_entered", entry=str(entry.id))
        return True

    def _write(self, entry: Entry) -> None:
        """With what was called for it, or if that cannot be written, without: a text too many is not a report lost."""
        try:
            with self._ledger.begin("spooled", DOOR) as uow:
                spooled.enter(uow, entry, self.spool.calls(entry))
        except LedgerAway:
            raise
        except Exception as error:  # noqa: BLE001  # see above
            log.error("spooled_calls_unwritten", entry=str(entry.id), reason=where(error))
            with self._ledger.begin("spooled", DOOR) as uow:
                spooled.enter(uow, entry, ())

    def _enter_or_ring(self, entry: Entry) -> bool:
        return (self._came_back() and self._enter(entry)) or self._ring(entry)

    def _ring(self, entry: Entry) -> bool:
        """Once to each who is on duty. What was refused is tried again; what may have gone out waits for the ledger."""
        now = self._ledger.clock.now()
        roles = duty_list.TARGETS if entry.report.kind == "transferred" else duty_list.TARGETS[1:]
        calls = {call.person_id: call for call in self.spool.calls(entry)}
        for shift in duty_list.on_duty(self._list, roles, now, self._ledger.zone):
            before = calls.get(UUID(shift.person_id))
            if before is None or (before.state == "refused" and now - before.at >= AGAIN):
                self._call(entry, shift, before)
        return True

    def _call(self, entry: Entry, shift: duty_list.Shift, before: Called | None) -> None:
        facts = _facts(entry)
        draft = Draft("outage", facts, shift.language, shift.phone, entry.report.drill, sink=False, resend=False)
        body = self._render(draft)
        if body is None:
            return
        delivery = before.delivery_id if before else t.new_id()
        called = Called(delivery, UUID(shift.person_id), shift.phone, shift.language, "outage", facts, body,
                        self._ledger.clock.now())  # fmt: skip
        self.spool.note(entry, called)
        failpoints.hit("before-call", "outage")
        text = Outgoing(str(delivery), shift.phone, body, urgent=True, validity_s=ALERT_VALIDITY_S)
        receipt = self._channel.send(text)
        failpoints.hit("after-call", "outage")
        if isinstance(receipt, Taken):
            self.spool.note(entry, replace(called, state="sent", sid=receipt.sid))
        elif isinstance(receipt, Refused):
            log.warning("text_refused", delivery=str(delivery), code=receipt.code, permanent=receipt.permanent)
            self.spool.note(entry, replace(called, state="refused"))


def _facts(entry: Entry) -> dict[str, object]:
    """As the ledger's own alert says them, as far as the report alone tells."""
    transfers = entry.report.transfers
    first = transfers[0].when if transfers else None
    return {
        "code": entry.code,
        "amount_fen": sum(item.amount_fen for item in transfers if item.currency == "CNY") or None,
        "transfers": max(1, len(transfers)),
        "channel": transfers[0].channel if transfers else "other",
        "when": first.bucket if first else None,
        "happened_at": first.at.isoformat() if first and first.at else None,
        "reported_at": entry.taken_at.isoformat(),
    }
