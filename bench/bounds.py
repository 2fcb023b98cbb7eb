"""How many reports a second any door could take here: ours by itself, and doors that do ever less.

    python -m bench.bounds [--rounds 3] [--results FILE]

Bursts of 1,000 from 16 clients, in turn. Nobody is told: of Celery's side and of ours nobody waits for the texts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.load import Run
from bench.run import EQUAL_THREADS, SETTLE_S, WARM_UP, servers
from bench.sides import BIN, FLOOR, OURS, PREFORK, Servers, Side
from bench.table import Figures, keep, table

ALONE = "ours, the door alone"
TWO, ONE = "one row, gunicorn ×2", "one row, waitress"
NOTHING_TWO, NOTHING_ONE = "no row, gunicorn ×2", "no row, waitress"
REPORTS = 1000
SIDES = (OURS, ALONE, PREFORK, TWO, ONE, NOTHING_TWO, NOTHING_ONE)


class Bare(Side):
    """One of the sides above: of ours the door without the others, of the peer's the door and nothing behind it."""

    def __init__(self, which: str, on: Servers, folder: Path) -> None:
        self._which = which
        super().__init__({OURS: OURS, ALONE: OURS, PREFORK: PREFORK}.get(which, FLOOR), on, folder, EQUAL_THREADS)

    def _ours(self) -> list[list[str]]:
        [[*stopline, _run, _port, port]] = super()._ours()
        return [[*stopline, "run" if self._which == OURS else "web", "--port", port]]

    def _peers(self) -> list[list[str]]:
        commands = super()._peers()
        if self._which in (ONE, NOTHING_ONE):
            at = f"--listen=127.0.0.1:{self._ports[0]}"
            return [[str(BIN / "waitress-serve"), at, f"--threads={EQUAL_THREADS}", "bench.peer.web:app"]]
        return commands

    @property
    def environment(self) -> dict[str, str]:
        left_out = {TWO: "queue", ONE: "queue", NOTHING_TWO: "row", NOTHING_ONE: "row"}.get(self._which, "")
        return {**super().environment, **({"PEER_WITHOUT": left_out} if left_out else {})}


def one_round(which: str, on: Servers, folder: Path) -> Figures:
    side = Bare(which, on, folder)
    try:
        side.start()
        Run(side.address, on.double).rush(WARM_UP)
        time.sleep(SETTLE_S)
        burst = Run(side.address, on.double)
        per_s = burst.rush(REPORTS)
        return {"accepted/s": per_s, "answer p50 ms": statistics.median(burst.took)}
    finally:
        side.stop()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bounds", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--results", type=Path, help="where to keep all figures, as JSON")
    order = parser.parse_args(argv)
    found: dict[str, list[Figures]] = {which: [] for which in SIDES}
    with servers() as on, tempfile.TemporaryDirectory(prefix="stopline-bench-") as folder:
        for number in range(order.rounds):
            for place, which in enumerate(SIDES):
                found[which].append(one_round(which, on, Path(folder) / f"{number}-{place}"))
                sys.stdout.write(f"round {number + 1}, {which}: done\n")
                sys.stdout.flush()
    keep(found, order.results)
    sys.stdout.write(table(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
