"""What can happen to processes of one parent (`stopline run`): to one of them, or to the parent and so to all."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

from tests.faults.fault import Fault, Heal
from tests.faults.process_faults import BEYOND_THE_LEASE_S, POINTS, REACHED_S, RELAY, START_S, wait
from tests.faults.site import FAMILY, MEMBERS, Site
from tests.one_process import eventually

BACK_S = 40.0  # one that died young is started anew after a pause; a busy machine is slow
KINDS = (FAMILY,)


def faults() -> Iterator[Fault]:
    yield Fault("kill -9 parent", "crash", _kill_parent, KINDS, (0.0, 1.0))
    yield Fault("pause parent", "crash", _pause_parent, KINDS, (1.0, 4.0))
    for member in MEMBERS:
        yield Fault(f"kill -9 {member} of a parent", "crash", _kill(member), KINDS, (0.0, 1.0))
        yield Fault(f"pause {member} of a parent", "pause", _pause(member), KINDS, (1.0, 4.0))
    yield Fault(
        "pause worker of a parent beyond its lease", "pause", _pause("worker"), KINDS, (BEYOND_THE_LEASE_S,) * 2
    )
    for point in sorted({point for point, verb in POINTS if verb != RELAY}):
        yield Fault(f"crash {point} under a parent", "crash", _crash(point), KINDS, (0.0, 0.5))


def _kill_parent(site: Site, chance: random.Random) -> Heal:
    """The others end by themselves, after what they have in hand."""
    name = chance.choice(site.names)
    site.kill(name)
    return lambda: site.run(name)


def _pause_parent(site: Site, chance: random.Random) -> Heal:
    """One of its processes dies meanwhile: nobody starts it anew."""
    name = chance.choice(site.names)
    dying = site.member(name, chance.choice(MEMBERS))
    site.pause(name)
    _send(dying, signal.SIGKILL)
    return lambda: site.resume(name)


def _kill(member: str):  # type: ignore[no-untyped-def]  # a Fault's `inject`, as all of these
    """Its parent heals it."""

    def inject(site: Site, chance: random.Random) -> Heal:
        name = chance.choice(site.names)
        before = site.member(name, member)
        _send(before, signal.SIGKILL)

        def back() -> bool:
            return not site.runs(name) or site.member(name, member) not in (None, before)

        return lambda: eventually(back, f"{member} of {name} is not back", BACK_S)

    return inject


def _pause(member: str):  # type: ignore[no-untyped-def]
    def inject(site: Site, chance: random.Random) -> Heal:
        pid = site.member(chance.choice(site.names), member)
        _send(pid, signal.SIGSTOP)
        return lambda: _send(pid, signal.SIGCONT)

    return inject


def _crash(point: str):  # type: ignore[no-untyped-def]
    """All of them armed: whichever comes to the point dies there, and again when it is started anew."""

    def inject(site: Site, chance: random.Random) -> Heal:
        name = chance.choice(site.names)
        site.kill(name)
        armed = site.begin(name, failpoint=point)
        wait(lambda: not armed.running or b"ready" in armed.out.read_bytes(), START_S)

        def reached() -> bool:
            return any(line["status"] == -signal.SIGKILL for line in armed.log("process_died"))

        wait(lambda: not armed.running or reached(), REACHED_S)
        site.history.add("info", "point", name=f"{point} under a parent", process=name, reached=reached())
        time.sleep(chance.uniform(0.0, 2.0))  # so that it may come to it once more

        def heal() -> None:
            if site.runs(name):
                site.kill(name)
            site.run(name)

        return heal

    return inject


def _send(pid: int | None, number: signal.Signals) -> None:
    """To a process that has ended, or is just being started anew, there is nothing to be done."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
