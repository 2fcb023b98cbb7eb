"""What can happen to our own processes: killed, stopped, dead at a named point, under a clock that leaps."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.faults.fault import Fault, Heal
from tests.faults.server_faults import BROKER, EMBEDDED, SEPARATE
from tests.faults.site import COPIES, WHO_SENDS, Site
from tests.one_process import eventually

REACHED_S = 12.0  # under load a fail-point is soon come to
START_S = 32.0  # a busy machine is slow to start Python
BEYOND_THE_LEASE_S = 14.5  # promise 5 speaks of processes that were paused for longer than they held a text
# (fail-point, the verb that comes to it)
POINTS = (
    ("before-claim@police", "worker"),
    ("before-commit@work:police", "worker"),
    ("after-commit@work:police", "worker"),
    ("before-ack@police", "worker"),
    ("after-ack@police", "worker"),
    ("before-call@counselor", "worker"),
    ("after-call@counselor", "worker"),
    ("before-commit@report", "web"),
    ("after-commit@report", "web"),
    ("before-call@officer", "web"),
    ("after-call@officer", "web"),
    ("before-commit@settle:officer", "web"),
    ("before-publish", "web"),
    ("after-publish", "web"),
    ("before-commit@look:police", "clock"),
    ("after-commit@look:police", "clock"),
    ("after-commit@sweep", "relay"),
    ("after-publish", "relay"),
    ("before-commit@published", "relay"),
)
ONLY_WITH_A_BROKER = ("before-publish", "after-publish", "before-ack@police", "after-ack@police")
RELAY, LEFT_S = "relay", 2.0  # it has something to do only when others could not publish for a while
ALONE = ("clock", RELAY)  # what one copy may take, another mostly has: the others are dead meanwhile
FAKETIME = "libfaketime"


def faults() -> Iterator[Fault]:
    for verb in (*COPIES, "up"):
        kinds, stopped = (EMBEDDED if verb == "up" else SEPARATE), ("pause" if verb in WHO_SENDS else "crash")
        yield Fault(f"kill -9 {verb}", "crash", _kill(verb), kinds, (0.0, 1.0))
        yield Fault(f"pause {verb}", stopped, _pause(verb), kinds, (1.0, 4.0))
    yield Fault("pause worker beyond its lease", "pause", _pause("worker"), SEPARATE, (BEYOND_THE_LEASE_S,) * 2)
    for point, verb in POINTS:
        name, touches = (f"{point} in relay", (BROKER,)) if verb == RELAY else (point, ())
        yield Fault(f"crash {name}", "crash", _crash(verb, point, name), SEPARATE, (0.0, 0.5), touches=touches)
        if point not in ONLY_WITH_A_BROKER and verb != RELAY:
            yield Fault(f"crash {name}", "crash", _crash("up", point, name), EMBEDDED, (0.0, 0.5))
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


def _crash(verb: str, point: str, called: str):  # type: ignore[no-untyped-def]
    """The process runs again, armed, and dies at the point; one that never comes to it is killed at the heal."""

    def inject(site: Site, chance: random.Random) -> Heal:
        name = chance.choice(site.named(verb))
        copies = site.named(verb) if verb in ALONE else [name]
        for copy in copies:
            site.kill(copy)
        with _broker_out_of_reach(site) if verb == RELAY else nullcontext():
            armed = site.begin(name, failpoint=point)
            wait(lambda: not armed.running or b"ready" in armed.out.read_bytes(), START_S)
        wait(lambda: not armed.running, REACHED_S)
        reached = armed.popen.poll() == -signal.SIGKILL  # one that gave up, as the database was away, was elsewhere
        site.history.add("info", "point", name=called, process=name, reached=reached)

        def heal() -> None:
            if site.runs(name):
                site.kill(name)
            site.run(*copies)

        return heal

    return inject


@contextmanager
def _broker_out_of_reach(site: Site) -> Iterator[None]:
    """Events are left over: nobody could publish them."""
    proxy = site.proxies["rabbitmq"]
    proxy.order("reset")
    time.sleep(LEFT_S)
    try:
        yield
    finally:
        proxy.heal()


def wait(reached: Callable[[], bool], longest_s: float) -> None:
    deadline = time.monotonic() + longest_s
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.05)


def faketime() -> Path | None:
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def _no_faketime(_site: Site) -> str:
    return "" if faketime() else f"{FAKETIME} is not installed: apt-get install {FAKETIME}"


def _leap(site: Site, chance: random.Random) -> Heal:
    """One process runs under a wall clock that leaps a day ahead, two days back, and home again."""
    name = chance.choice(site.named("up", "clock", "run"))
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
