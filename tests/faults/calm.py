"""Stretches of a run in which at most one thing is broken, and probes: without them little could be judged strictly.

A run of faults that follow each other at once is broken nearly all the time, and what waits for something broken has
its time from the heal on. So now and then nothing is injected for a while, then one thing that others must not be
delayed by, and then nothing again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from tests.faults.checker import HEALED_S
from tests.faults.fault import Fault
from tests.faults.load import Load
from tests.faults.ringing import STEPS
from tests.faults.server_faults import RUBBISH_IN_A_QUEUE

SETTLED_S = HEALED_S + 1.0  # after this no allowance is left of what was broken before
# Together half a minute: what fails in the first seconds of the provider's fault has it for the next person. At its end
# no allowance is left, and the ladder is judged to the second.
REFUSING_S, NEXT_S = 12.0, 20.0
REFUSING = ("provider 429", "provider 500", "provider hang", "provider drop before", "provider drop after")
COMING_S = 30.0  # no step of faults lasts longer as a rule: one that begins later ends before the probes' step is due
AFTER_S = 3.0
STRICT_AGAIN_S = 62.0  # from the first fault of a calm on, until its last has been over for SETTLED_S
PROBED = ("kill -9 worker", "kill -9 clock", "kill -9 up", "kill -9 parent")
PROBES_EACH = 3


class Calm:
    """`strike` brings faults about and heals them, `revive` starts what has died by itself."""

    def __init__(self, faults: Sequence[Fault], chance: random.Random, strike: Callable[[Sequence[Fault]], None],
                 revive: Callable[[], object]) -> None:  # fmt: skip
        self._poison = [fault for fault in faults if fault.name == RUBBISH_IN_A_QUEUE]
        self._refusing = [replace(it, lasts_s=(REFUSING_S,) * 2) for it in faults if it.name in REFUSING]
        self._killed = [fault for fault in faults if fault.name in PROBED]
        self._chance, self._strike, self._revive = chance, strike, revive

    def begin(self) -> None:
        """Each by itself: what may delay nobody, a provider that takes nothing, a dead process and with it the probes.

        Probes of a process that dies among other faults are judged less strictly: their ladders may begin in trouble.
        """
        if self._poison:
            self._strike(self._poison)
            time.sleep(AFTER_S)
        if self._refusing:
            self._strike([self._chance.choice(self._refusing)])
            time.sleep(NEXT_S)
        if self._killed:
            self._strike([self._chance.choice(self._killed)])
            time.sleep(AFTER_S)

    def breathe(self, step_in_s: float) -> None:
        """`step_in_s`: until the probes' step, which is waited for rather than met by one of the calm's own faults."""
        self._revive()
        near = step_in_s < SETTLED_S + STRICT_AGAIN_S
        time.sleep(max(SETTLED_S, step_in_s + AFTER_S) if near else SETTLED_S)
        self.begin()

    def await_step(self, in_s: float) -> None:
        """Until the probes' step has been taken, if it is so near that a fault would meet it, and not too near."""
        if SETTLED_S < in_s < COMING_S:
            self._revive()
            time.sleep(in_s + AFTER_S)


class Probes:
    """Reports that nobody takes, begun while a process is dead: the ladder has to go on as if it were not."""

    def __init__(self, load: Load, tag: str) -> None:
        self._load, self._tag = load, tag
        self._threads: list[threading.Thread] = []
        self._due: list[float] = []

    def begin(self, faults: Iterable[Fault]) -> None:
        """By threads of their own: the door may be shut for as long as the faults last."""
        if any(fault.name in PROBED for fault in faults):
            for _ in range(PROBES_EACH):
                name = f"{self._tag}-killed-{len(self._threads)}"
                self._threads.append(threading.Thread(target=self._report, args=(name,), name=name, daemon=True))
                self._threads[-1].start()

    def due_in(self) -> float:
        """Seconds until the second step of one is due; inf: none is."""
        now = time.monotonic()
        return min((at - now for at in list(self._due) if at > now), default=float("inf"))

    def finish(self, patience_s: float) -> None:
        for thread in self._threads:
            thread.join(patience_s)

    def _report(self, name: str) -> None:
        if self._load.probe(name):
            self._due.append(time.monotonic() + STEPS[0][0])


__all__: Sequence[str] = ["Calm", "Probes"]
