"""Ours and its peers in turn on one machine, and one table of the medians and their ratios.

    python -m bench.run [--rounds 5] [--unloaded 200] [--burst 1000] [--sides "ours;no queue"] [--results FILE]
                        [--picture FILE]
    python -m bench.run --quick          two minutes: one short round beside Celery's processes

Only ratios within one run mean anything: another day the same machine gives other figures.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import urllib3

from bench import chart, machine
from bench.load import GAP_S, REST_S, Run
from bench.sides import FLOOR, OURS, PREFORK, SPLIT, THREADS, Servers, Side, running
from bench.table import Figures, beside_goals, keep, table
from tests.faults.clusters import Brokers
from tests.private_services import PostgreSQL, RabbitMQ, free_port

ALL = (OURS, PREFORK, THREADS, SPLIT, FLOOR)
SLOW_MS = 50.0  # what a provider may take for one call
EQUAL_THREADS = 16
WARM_UP = 40
SETTLE_S, IDLE_S = 1.0, 5.0


@contextmanager
def servers(brokers: Callable[[], RabbitMQ | Brokers] = RabbitMQ) -> Iterator[Servers]:
    with ExitStack() as stack:
        postgresql, broker = PostgreSQL(fsync=True), brokers()
        for server in (postgresql, broker):
            stack.callback(server.close)
            server.start()
        port = free_port()
        double = subprocess.Popen([sys.executable, "-m", "bench.double", str(port)])
        stack.callback(double.wait)
        stack.callback(double.terminate)
        address = f"http://127.0.0.1:{port}"
        _await(address)
        yield Servers(postgresql, broker.url, address)


def _await(address: str) -> None:
    http = urllib3.PoolManager(retries=urllib3.Retry(50, backoff_factor=0.05, backoff_max=0.2))
    http.request("GET", f"{address}/texts")


def one_round(name: str, on: Servers, folder: Path, order: argparse.Namespace) -> Figures:
    """Everything that is measured of one side, started anew."""
    found: Figures = {}
    with running(name, on, folder, EQUAL_THREADS) as side:
        found["start s"] = side.seconds_to_start
        found |= _idle(side)
        Run(side.address, on.double).burst(WARM_UP, 0)
        time.sleep(SETTLE_S)
        for how, gap_s in (("unloaded", GAP_S), ("at rest", REST_S)):
            alone = Run(side.address, on.double).unloaded(order.unloaded, gap_s).figures()
            found |= {f"{how} {key}": value for key, value in alone.items() if key.endswith(("p50", "p99"))}
        for service_ms in (0.0, SLOW_MS):
            time.sleep(SETTLE_S)
            burst = Run(side.address, on.double).burst(order.burst, service_ms)
            found |= {f"burst {service_ms:.0f} ms {key}": value for key, value in burst.figures().items()}
            if burst.refused or burst.doubled:
                raise RuntimeError(f"{name}: {burst.refused} refused, {burst.doubled} doubled")
        found["memory MB"] = machine.memory_mb(machine.tree(side.processes))
    return found


def _idle(side: Side) -> Figures:
    time.sleep(SETTLE_S)
    ids = machine.tree(side.processes)
    before = machine.cpu_s(ids)
    time.sleep(IDLE_S)
    return {"idle CPU %": (machine.cpu_s(ids) - before) / IDLE_S * 100}


def go(order: argparse.Namespace) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {name: [] for name in order.sides}
    with servers() as on, tempfile.TemporaryDirectory(prefix="stopline-bench-") as folder:
        for number in range(order.rounds):
            for name in order.sides:
                found[name].append(one_round(name, on, Path(folder) / f"{number}-{name.replace(' ', '-')}", order))
                sys.stdout.write(f"round {number + 1}, {name}: done\n")
                sys.stdout.flush()
    return found


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--unloaded", type=int, default=200, help="reports, one at a time, in each round")
    parser.add_argument("--burst", type=int, default=1000)
    parser.add_argument("--sides", type=lambda it: it.split(";"), default=list(ALL), help=f"of {'; '.join(ALL)}")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--results", type=Path, help="where to keep all figures, as JSON")
    parser.add_argument("--picture", type=Path, help="where to draw the ratios beside their goals, as SVG")
    order = parser.parse_args(argv)
    if order.quick:
        order.rounds, order.unloaded, order.burst, order.sides = 1, 100, 400, [OURS, PREFORK]
    return order


def main(argv: Sequence[str] | None = None) -> int:
    order = arguments(argv)
    found = go(order)
    keep(found, order.results)
    beside = beside_goals(found)
    if order.picture:
        order.picture.write_text(chart.ratios("Ours ÷ Celery, and the goal", beside))
    sys.stdout.write(table(found) + "\n\n")
    sys.stdout.write("".join(f"{name}: {ratio:.2f}, goal {goal:g}\n" for name, ratio, goal in beside))
    return 0


if __name__ == "__main__":
    sys.exit(main())
