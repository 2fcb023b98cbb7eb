"""The clock: what the ledger says is due, one unit a step; any number of copies may run beside each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from ledger import claims, deadlines, work
from ledger.errors import LedgerAway
from ledger.unit_of_work import Ledger
from ledger.work import Handlers
from notifier.channel import Channel, ChannelAway
from services import inquiries
from services.threads import Lasting
from services.worker import run_open

log = structlog.get_logger()
TICK_S = 1.0
INQUIRE_EVERY_S = 30.0


@dataclass
class Step:
    """Something to look after. `run` does one unit and says whether to go again at once."""

    name: str
    run: Callable[[], bool]
    every_s: float = 0.0
    due: datetime | None = None


class ClockProcess:
    def __init__(self, ledger: Ledger, handlers: Handlers, channel: Channel, anchor: Callable[[], bool]) -> None:
        self._ledger, self._channel = ledger, channel
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = Lasting("clock", self._serve, self._stopping)
        self.steps = [
            Step("work", lambda: run_open(ledger, handlers, age=work.STALE)),
            Step("leases", lambda: claims.lapse(ledger) > 0),
            Step("obligations", lambda: deadlines.look_at_one(ledger)),
            Step("contacts", lambda: deadlines.remind_one(ledger)),
            Step("drills", lambda: deadlines.end_one_drill(ledger), every_s=10),
            Step("inquiries", self._inquire, every_s=INQUIRE_EVERY_S),
            Step("anchor", anchor, every_s=60),
        ]

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def tick(self) -> None:
        """Every step that is due, until it has nothing more to do; one that fails does not hold up the others."""
        now = self._ledger.clock.now()
        for step in self.steps:
            if step.due and now < step.due:
                continue
            if step.every_s:
                step.due = now + timedelta(seconds=step.every_s)
            self._run(step)

    def _run(self, step: Step) -> None:
        try:
            while step.run() and not self._stopping.is_set():
                pass
        except LedgerAway as away:
            log.warning("clock_ledger_away", step=step.name, error=str(away))
        except ChannelAway as away:
            log.warning("clock_provider_away", step=step.name, error=str(away))
        except Exception:  # an error in one duty of the clock must not stop the others: said, and again next tick
            log.exception("clock_step_failed", step=step.name)

    def _serve(self) -> None:
        self.tick()
        self._wake.wait(TICK_S)
        self._wake.clear()

    def _inquire(self) -> bool:
        """Ask the provider itself about texts and replies, in case its callbacks were lost."""
        return inquiries.ask(self._ledger, self._channel)
