"""What can happen to our own processes: killed, stopped, dead at a named point, under a clock that leaps."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.fault import Fault, Heal
from tests.faults.site import COPIES, WHO_SENDS, Site
from tests.one_process import eventually

EMBEDDED, SEPARATE = ("embedded",), ("separate",)
REACHED_S = 12.0  # under load a fail-point is soon come to
BEYOND_THE_LEASE_S = 14.5  # promise 5 speaks of processes that were paused for longer than they held a text
# fail-point → the verb that comes to it
POINTS = {
    "before-claim@police": "worker",
    "before-commit@work:police": "worker",
    "after-commit@work:police": "worker",
    "before-ack@police": "worker",
    "before-call@officer": "worker",
    "after-call@officer": "worker",
    "before-commit@settle:officer": "worker",
    "before-commit@report": "web",
    "after-commit@report": "web",
    "before-publish": "web",
    "after-publish": "web",
}
ONLY_WITH_A_BROKER = ("before-publish", "after-publish", "before-ack@police")
FAKETIME = "libfaketime"


def faults() -> Iterator[Fault]:
    for verb in (*COPIES, "up"):
        kinds, stopped = (EMBEDDED if verb == "up" else SEPARATE), ("pause" if verb in WHO_SENDS else "crash")
        yield Fault(f"kill -9 {verb}", "crash", _kill(verb), kinds, (0.0, 1.0))
        yield Fault(f"pause {verb}", stopped, _pause(verb), kinds, (1.0, 4.0))
    yield Fault("pause worker beyond its lease", "pause", _pause("worker"), SEPARATE, (BEYOND_THE_LEASE_S,) * 2)
    for point, verb in POINTS.items():
        yield Fault(f"crash {point}", "crash", _crash(verb, point), SEPARATE, (0.0, 0.5))
        if point not in ONLY_WITH_A_BROKER:
            yield Fault(f"crash {point}", "crash", _crash("up", point), EMBEDDED, (0.0, 0.5))
    yield Fault("wall clock leaps a day ahead and back", "crash", _leap, lasts_s=(0.5, 1.0), lacking=_no_faketime)


def _kill(verb: str):  # type: ignore[no-untyped-def]  # a Fault's `inject`, as all of these
    def inject(site: Site, chance: random.Random) -> Heal:
        name = chance.choice(site.named(verb))
        site.kill(name)
        return lambda: site.run(name)

    return inject


def _pause(verb: str):  # type: ignore[no-untyped-def]
    def inject(site: Site, chance: random.Random) -> Heal:
        name = chance.choice(site.named(verb))
        site.pause(name)
        return lambda: site.resume(name)

    return inject


def _crash(verb: str, point: str):  # type: ignore[no-untyped-def]
    """The process runs again, armed, and dies at the point; one that never comes to it is killed at the heal."""

    def inject(site: Site, chance: random.Random) -> Heal:
        name = chance.choice(site.named(verb))
        site.kill(name)
        armed = site.begin(name, failpoint=point)
        deadline = time.monotonic() + REACHED_S + 20.0
        ready_at: float | None = None
        while armed.running and time.monotonic() < deadline:
            if ready_at is None and b"ready" in armed.out.read_bytes():
                ready_at = time.monotonic()
                deadline = ready_at + REACHED_S
            time.sleep(0.05)
        site.history.add("info", "point", name=point, process=name, reached=not armed.running)

        def heal() -> None:
            if site.runs(name):
                site.kill(name)
            site.run(name)

        return heal

    return inject


def faketime() -> Path | None:
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def _no_faketime(_site: Site) -> str:
    return "" if faketime() else f"{FAKETIME} is not installed: apt-get install {FAKETIME}"


def _leap(site: Site, chance: random.Random) -> Heal:
    """One process runs under a wall clock that leaps a day ahead, two days back, and home again."""
    name = chance.choice(site.named("up", "clock"))
    file = site.folder / "wall-clock"
    _set(file, "+0")
    site.kill(name)
    library = str(faketime())
    settings = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"}
    started = site.begin(name, **settings, DONT_FAKE_MONOTONIC="1")
    eventually(lambda: not started.running or b"ready" in started.out.read_bytes(), f"{name} hangs")
    for leap in ("+1d", "-1d"):
        _set(file, leap)
        time.sleep(1.5)  # what is due in that time is done under a wrong clock

    def heal() -> None:
        _set(file, "+0")
        site.kill(name)  # it would go on asking a file for the time, at a quarter of its pace
        site.run(name)

    return heal


def _set(file: Path, shift: str) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(shift + "\n")
    draft.replace(file)  # never read half
