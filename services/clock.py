"""The clock: what the ledger says is due, one unit a step; any number of copies may run beside each other.

One thread looks each second whether there is anything (ledger/store/glance.py) and wakes those that do it, each in a
thread of its own for what may not wait for the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from ledger import deadlines
from ledger.errors import LedgerAway
from ledger.figures import contactdays
from ledger.store import work
from ledger.store.glance import EVERYTHING, glance
from ledger.store.unit_of_work import Ledger
from ledger.store.work import Handlers
from ledger.texts import claims
from notifier.channel import Channel, ChannelAway
from services import inquiries
from services.lookout import Lookout
from services.threads import Lasting
from services.worker import run_open

log = structlog.get_logger()
TICK_S = 1.0
STOP_S = 10.0
UNITS = 20  # of one step in one tick, where nothing else is said
INQUIRE_EVERY_S = 30.0


@dataclass
class Step:
    """Something to look after. `run` does one unit and says whether to go again at once.

    Without `every_s`, when a glance at the ledger finds something of its name.
    """

    name: str
    run: Callable[[], bool]
    every_s: float = 0.0
    units: int = UNITS  # in one tick
    due: datetime | None = None


class ClockProcess:
    """One thread that looks and one for each group of steps. `anchor` writes the chains' heads outside the database."""

    def __init__(
        self,
        ledger: Ledger,
        handlers: Handlers,
        channel: Channel,
        anchor: Callable[[], bool],
        lookout: Lookout | None = None,
    ) -> None:
        self._ledger, self._channel, self._lookout = ledger, channel, lookout or Lookout()
        self._stopping = threading.Event()
        # Escalation waits for nothing: neither for open work, which in a backlog has no end and takes its turns behind
        # everybody else's, nor for the provider, which takes as long as it likes to.
        self.escalation = [
            Step("obligations", lambda: deadlines.look_at_one(ledger)),
            Step("leases", lambda: claims.lapse(ledger) > 0),
        ]
        self.own = [
            Step("work", lambda: run_open(ledger, handlers, age=work.STALE), units=1),  # one unit is twenty rows
            Step("contacts", lambda: deadlines.remind_one(ledger)),
            Step("referrals", lambda: deadlines.look_at_a_referral(ledger)),
            Step("stops", lambda: deadlines.look_at_a_stop(ledger)),
            Step("drills", lambda: deadlines.end_one_drill(ledger), every_s=10),
            Step("contact days", lambda: contactdays.count_one(ledger), every_s=60, units=1),  # `work` rings people
            Step("anchor", anchor, every_s=60),
        ]
        self.asking = [Step("inquiries", self._inquire, every_s=INQUIRE_EVERY_S)]
        self._groups = [(steps, threading.Event()) for steps in (self.escalation, self.own, self.asking)]
        self._threads = [Lasting("clock", self._look, self._stopping)]
        for name, (steps, wake) in zip(("escalation", "own", "asks"), self._groups, strict=True):
            self._threads.append(Lasting(f"clock-{name}", partial(self._serve, steps, wake), self._stopping))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for _, wake in self._groups:
            wake.set()
        deadline = time.monotonic() + STOP_S
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))  # a ledger or a provider may hang; nothing is held

    def tick(self, steps: Sequence[Step] | None = None) -> bool:
        """Every step that is due, some units of each; whether there may be more to do at once.

        No step may keep the others waiting, be it by an error or by having a great deal to do.
        """
        now, more = self._ledger.clock.now(), False
        for step in steps or (*self.escalation, *self.own, *self.asking):
            if step.due and now < step.due:
                continue
            if step.every_s:
                step.due = now + timedelta(seconds=step.every_s)
            more |= self._run(step)
        return more

    def _run(self, step: Step) -> bool:
        try:
            return all(step.run() and not self._stopping.is_set() for _ in range(step.units))
        except LedgerAway as away:
            log.warning("clock_ledger_away", step=step.name, error=str(away))
        except ChannelAway as away:
            log.warning("clock_provider_away", step=step.name, error=str(away))
        except Exception:  # an error in one duty of the clock must not stop the others: said, and again next tick
            log.exception("clock_step_failed", step=step.name)
        return False

    def _look(self) -> None:
        """Wake everybody who has something to do."""
        found = self.seen()
        for steps, wake in self._groups:
            if self.is_due(steps, found):
                wake.set()
        self._lookout.tell(found)
        self._stopping.wait(TICK_S)

    def seen(self) -> frozenset[str]:
        """What is due, by the names of a glance; everything where that cannot be told, and each looks for itself."""
        try:
            return glance(self._ledger)
        except LedgerAway as away:
            log.warning("clock_ledger_away", error=str(away))
        except Exception:  # whatever keeps one table from being looked at must not stop the duties of the others
            log.exception("clock_sees_nothing")
        return EVERYTHING

    def is_due(self, steps: Sequence[Step], found: frozenset[str]) -> bool:
        """Whether any of these has something to do."""
        now = self._ledger.clock.now()
        return any(now >= step.due if step.due else step.every_s or step.name in found for step in steps)

    def _serve(self, steps: Sequence[Step], wake: threading.Event) -> None:
        self._lookout.wait(wake)
        wake.clear()
        while not self._stopping.is_set() and self.tick(steps):
            pass

    def _inquire(self) -> bool:
        """Ask the provider itself about texts and replies, in case its callbacks were lost."""
        return inquiries.ask(self._ledger, self._channel)
