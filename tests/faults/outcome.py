"""What was ordered of a fault run, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.checker import Verdict
from tests.faults.history import Entry

RATE = 4.5  # reports a second, which two busy cores carry with everything else they have to do here
CALM_EVERY = 8  # steps; with its faults a calm lasts for a minute, as the eight steps before it do


@dataclass(frozen=True)
class Order:
    """What to run. `calm_every`: how many steps there are between two calms; 0: there is one only, at the beginning."""

    kind: str
    reports: int
    faults: int
    seed: int
    planted: str = ""
    rate: float = RATE
    outage_s: float = 0.0
    calm_every: int = CALM_EVERY
    two_at_once: float = 0.4  # the share of steps in which a second fault is on with the first, if one can be

    @property
    def tag(self) -> str:
        return f"{self.kind[:3]}{self.seed}"


@dataclass(frozen=True)
class Result:
    verdict: Verdict
    missing: tuple[str, ...]  # faults that this machine lacks, a line each
    order: Order
    injected: tuple[str, ...]
    missed: tuple[str, ...]  # of these: those that were not brought about, as crashes at a point never come to
    seconds: float

    @property
    def happened(self) -> Counter[str]:
        """How often each fault was brought about."""
        return Counter(self.injected) - Counter(self.missed)


def missed_faults(history: Sequence[Entry]) -> tuple[str, ...]:
    points = [f"crash {it['name']}" for it in history if it["what"] == "point" and not it["reached"]]
    return (*points, *(it["name"] for it in history if it["what"] == "missed"))


def report(result: Result) -> str:
    """What a person wants to read of a run."""
    figures = result.verdict.figures
    order, happened = result.order, result.happened
    head = (
        f"{order.kind}, seed {order.seed}: {figures['accepted']:.0f} reports accepted, {happened.total()} faults "
        f"of {len(happened)} kinds, {figures['lost']:.0f} lost, {result.seconds:.0f} s"
    )
    missing = [f"  not here: {line}" for line in result.missing]
    missing += [f"  not brought about: {name}" for name in result.missed]
    shown = [f"  {name}: {value:g}" for name, value in figures.items()]
    found = [f"  {breach}" for breach in result.verdict.found()]
    return "\n".join([head, *missing, *result.verdict.lines(), *shown, *found[:40]])
