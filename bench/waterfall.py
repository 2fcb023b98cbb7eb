"""Where the milliseconds of one report go: medians over some that come one at a time, as lines and as a picture.

    python -m bench.waterfall [--reports 100] [--picture docs/waterfall.svg]

The processes note their moments themselves (bench/traced.py), which costs each report a few microseconds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import chart
from bench.load import Run
from bench.run import WARM_UP, servers
from bench.sides import OURS, Side

SETTLE_S = 1.0
LONGEST_MS = 500.0


@dataclass(frozen=True)
class Step:
    """From one noted moment to another; `words` are what a reader calls it."""

    words: str
    begins: str
    ends: str


STEPS = (
    Step("door: read and check", "sent", "begin report"),
    Step("door: transaction", "begin report", "end report"),
    Step("door: answer", "end report", "answered"),
    Step("police text: to the provider", "call police", "text police"),
    Step("police text: its answer", "text police", "called"),
    Step("police text: written down", "begin settle:officer", "end settle:officer"),
    Step("relay: to the broker", "end report", "publish report.received.v1"),
    Step("broker: to the worker", "publish report.received.v1", "take police"),
    Step("police: once more, by the queue", "begin work:police", "end work:police"),
    Step("counselor: transaction", "begin work:counselor", "end work:counselor"),
    Step("counselor text: to the provider", "call other", "text counselor"),
    Step("follow-up: transaction", "begin work:care", "end work:care"),
    Step("notice: transaction", "begin work:notice", "end work:notice"),
)


class Traced(Side):
    """Ours, with every process noting its moments into the folder."""

    def _ours(self) -> list[list[str]]:
        return [
            [*command[:2], "bench.traced", str(self._folder / f"{command[3]}.trace"), *command[3:]]
            for command in super()._ours()
        ]

    def moments(self) -> list[tuple[float, str]]:
        """(milliseconds of the monotonic clock, what), in order."""
        lines = [line.split(" ", 1) for file in self._folder.glob("*.trace") for line in file.read_text().splitlines()]
        return sorted((int(at) / 1e6, what) for at, what in lines)


def measure(reports: int) -> dict[str, tuple[float, float]]:
    """For each step the medians of its beginning and of its end, in milliseconds after the report was sent."""
    with servers() as on, tempfile.TemporaryDirectory(prefix="stopline-bench-") as folder:
        side = Traced(OURS, on, Path(folder), 16)
        try:
            side.start()
            Run(side.address, on.double).burst(WARM_UP, 0)
            time.sleep(SETTLE_S)
            run = Run(side.address, on.double)
            measured = run.unloaded(reports)
            time.sleep(SETTLE_S)
        finally:
            side.stop()
        return steps(side.moments(), run.sent, zip(measured.posts, measured.police, measured.counselor, strict=True))


def steps(
    moments: Sequence[tuple[float, str]], sent: Iterable[float], seen: Iterable[tuple[float, float, float]]
) -> dict[str, tuple[float, float]]:
    """`sent`: ms of the monotonic clock; `seen`: ms until the answer, the police text, the counselor text."""
    begins: dict[str, list[float]] = {step.words: [] for step in STEPS}
    ends: dict[str, list[float]] = {step.words: [] for step in STEPS}
    for began, (answered, police, counselor) in zip(sent, seen, strict=True):
        said = {"sent": 0.0, "answered": answered, "text police": police, "text counselor": counselor}
        for at, what in moments:
            if 0 <= at - began < LONGEST_MS:
                said.setdefault(what, at - began)
        for step in STEPS:
            if step.begins in said and step.ends in said:
                begins[step.words].append(said[step.begins])
                ends[step.words].append(said[step.ends])
    return {name: (statistics.median(some), statistics.median(ends[name])) for name, some in begins.items() if some}


def lines(found: Mapping[str, tuple[float, float]]) -> str:
    return "\n".join(f"{begin:7.1f} … {end:5.1f} ms  {name}" for name, (begin, end) in found.items())


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.waterfall", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reports", type=int, default=100)
    parser.add_argument("--picture", type=Path)
    order = parser.parse_args(argv)
    found = measure(order.reports)
    if order.picture:
        order.picture.write_text(chart.waterfall("One report, milliseconds after it was sent", found))
    sys.stdout.write(lines(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
