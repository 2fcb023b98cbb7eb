"""More processes of each kind, and three brokers instead of one: how large a burst is carried in time.

    python -m bench.scale [--rounds 3] [--bursts 50,100,200,400] [--results FILE]

All of it shares the cores of one machine, and so do the servers: this tells whether more processes are of use here, and
what they cost where they are not. Medians of interleaved rounds, each with fresh processes and a fresh database.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import machine
from bench.load import Run
from bench.run import EQUAL_THREADS, SETTLE_S, WARM_UP, servers
from bench.sides import OURS, Servers, running
from bench.table import Figures, keep, table
from tests.faults.clusters import Brokers
from tests.private_services import RabbitMQ

ALONE = 60
VARIANTS: dict[str, tuple[int, Callable[[], RabbitMQ | Brokers]]] = {
    "1 of each": (1, RabbitMQ),
    "2 of each": (2, RabbitMQ),
    "4 of each": (4, RabbitMQ),
    "1 of each, 3 brokers": (1, Brokers),
}


def one_round(on: Servers, folder: Path, copies: int, bursts: Sequence[int]) -> Figures:
    with running(OURS, on, folder, EQUAL_THREADS, copies) as side:
        Run(side.address, on.double).burst(WARM_UP, 0)
        time.sleep(SETTLE_S)
        found = {"alone: police p50 ms": Run(side.address, on.double).unloaded(ALONE).figures()["police p50"]}
        for reports in bursts:
            time.sleep(SETTLE_S)
            burst = Run(side.address, on.double).burst(reports, 0).figures()
            found |= {
                f"{reports} at once: accepted/s": burst["accepted/s"],
                f"{reports} at once: police p99 s": burst["police p99"] / 1000,
                f"{reports} at once: counselor p50 s": burst["counselor p50"] / 1000,
            }
        return found | {"memory MB": machine.memory_mb(machine.tree(side.processes))}


def go(rounds: int, bursts: Sequence[int]) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {name: [] for name in VARIANTS}
    for number in range(rounds):
        for name, (copies, brokers) in VARIANTS.items():
            with servers(brokers) as on, tempfile.TemporaryDirectory(prefix="stopline-bench-") as folder:
                found[name].append(one_round(on, Path(folder), copies, bursts))
            sys.stdout.write(f"round {number + 1}, {name}: done\n")
            sys.stdout.flush()
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bursts", type=lambda it: [int(n) for n in it.split(",")], default=[50, 100, 200, 400])
    parser.add_argument("--results", type=Path, help="where to keep all figures, as JSON")
    order = parser.parse_args(argv)
    found = go(order.rounds, order.bursts)
    keep(found, order.results)
    sys.stdout.write(table(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
