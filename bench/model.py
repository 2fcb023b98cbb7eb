"""What happens at more reports than one school has: the model of docs/performance.md, run as a simulation.

    python -m bench.model [--rate 10] [--web 1] [--worker 1] [--threads 16] [--provider-ms 50]

A report passes a door (one at a time in each `web`: the interpreter), the broker, then four handlers (one at a time in
each `worker`), whose texts are called by that worker's sender threads, police first. Times are those measured on one
machine (see `COSTS`), spread exponentially, which is worse than life. What the model leaves out: that processes share
cores, which is the first thing to check (`cores` in the table), and retries.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.load import at

# Milliseconds of one interpreter for a report, a little above what bench.waterfall and a burst's processor times say.
COSTS = {"door": 5.0, "police": 4.0, "others": 8.0, "broker": 2.0, "database": 8.0}
TEXTS = {"police": 1.0, "others": 3.0}  # texts that follow from a report: the officer; counselor, student, answers
SENDING_MS = 1.5  # of the worker's interpreter for each text, beside the provider's own time


@dataclass
class Station:
    """Servers with one queue; a lower `priority` goes first, and who is being served is not interrupted."""

    name: str
    servers: int
    busy: int = 0
    worked_ms: float = 0.0
    waiting: list[tuple[int, int, float, Callable[[float], None]]] = field(default_factory=list)


class Simulation:
    """Time in milliseconds; events in their order."""

    def __init__(self, seed: int) -> None:
        self.now, self.chance = 0.0, random.Random(seed)
        self._order, self._events = itertools.count(), list[tuple[float, int, Callable[[], None]]]()

    def after(self, ms: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + ms, next(self._order), what))

    def spread(self, mean_ms: float) -> float:
        return self.chance.expovariate(1 / mean_ms)

    def serve(self, at_: Station, mean_ms: float, then: Callable[[float], None], priority: int = 0) -> None:
        """`then` is called with the time at which service began."""
        heapq.heappush(at_.waiting, (priority, next(self._order), self.spread(mean_ms), then))
        self._begin(at_)

    def _begin(self, station: Station) -> None:
        while station.waiting and station.busy < station.servers:
            _, _, takes_ms, then = heapq.heappop(station.waiting)
            station.busy, station.worked_ms, began = station.busy + 1, station.worked_ms + takes_ms, self.now
            self.after(takes_ms, lambda began=began, then=then: self._end(station, began, then))  # type: ignore[misc]

    def _end(self, station: Station, began: float, then: Callable[[float], None]) -> None:
        station.busy -= 1
        then(began)
        self._begin(station)

    def run(self) -> None:
        while self._events:
            self.now, _, what = heapq.heappop(self._events)
            what()


@dataclass(frozen=True)
class Plan:
    rate: float  # reports a second
    web: int = 1
    worker: int = 1
    threads: int = 16  # of each worker
    provider_ms: float = 50.0
    reports: int = 20_000
    seed: int = 1


@dataclass(frozen=True)
class Outcome:
    """`police_ms`: from a report until its police text is at the provider; `used`: share of each part."""

    police_ms: list[float]
    used: dict[str, float]
    cores: float


def simulate(plan: Plan) -> Outcome:
    run = Simulation(plan.seed)
    door, handlers = Station("web", plan.web), Station("worker", plan.worker)
    senders = Station("sender threads", plan.worker * plan.threads)
    police: list[float] = []

    def text(began: float, priority: int, note: Callable[[float], None]) -> None:
        run.serve(handlers, SENDING_MS, lambda _: run.serve(senders, plan.provider_ms, note, priority), priority)

    def report() -> None:
        came = run.now

        def handled(_: float) -> None:
            run.serve(handlers, COSTS["police"], lambda began: text(began, 0, lambda at_: police.append(at_ - came)))
            for _n in range(int(TEXTS["others"])):
                each = COSTS["others"] / TEXTS["others"]
                run.serve(handlers, each, lambda began: text(began, 1, lambda _at: None), priority=1)

        run.serve(door, COSTS["door"], lambda _: run.after(COSTS["broker"], lambda: handled(run.now)))

    at_ms = 0.0
    for _ in range(plan.reports):
        at_ms += run.spread(1000 / plan.rate)
        run.after(at_ms - run.now, report)
    run.run()
    used = {it.name: it.worked_ms / run.now / it.servers for it in (door, handlers, senders)}
    texts = sum(TEXTS.values())
    return Outcome(police, used, plan.rate * (sum(COSTS.values()) + texts * SENDING_MS) / 1000)


def erlang_c_wait_ms(rate: float, mean_ms: float, servers: int) -> float:
    """The mean time in the queue of M/M/c: what the simulation is checked against."""
    load = rate * mean_ms / 1000
    if load >= servers:
        return math.inf
    terms = [load**k / math.factorial(k) for k in range(servers)]
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(terms) + last) * mean_ms / (servers - load)


def table(plans: Sequence[Plan]) -> str:
    lines = [
        "| reports/s | web | worker | threads | provider ms | police text p50 · p99 ms "
        "| web busy | worker busy | threads busy | cores |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for plan in plans:
        found = simulate(plan)
        shares = " | ".join(f"{share:.0%}" for share in found.used.values())
        lines.append(
            f"| {plan.rate:g} | {plan.web} | {plan.worker} | {plan.threads} | {plan.provider_ms:g} "
            f"| {at(found.police_ms, 50):.0f} · {at(found.police_ms, 99):.0f} | {shares} | {found.cores:.1f} |"
        )
    return "\n".join(lines)


PLANS = (
    Plan(1), Plan(10), Plan(10, provider_ms=500), Plan(10, provider_ms=500, threads=64), Plan(30),
    Plan(30, worker=2), Plan(100, web=2, worker=4), Plan(100, web=2, worker=4, provider_ms=500, threads=64),
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.model", description=(__doc__ or "").splitlines()[0])
    for name, kind in (("rate", float), ("web", int), ("worker", int), ("threads", int), ("provider-ms", float)):
        parser.add_argument(f"--{name}", type=kind)
    given = {name: value for name, value in vars(parser.parse_args(argv)).items() if value is not None}
    sys.stdout.write(table([Plan(**{"rate": 10.0, **given})] if given else PLANS) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
