"""Does a police text wait behind others? Reports one at a time, without and with thousands of other texts waiting.

    python -m bench.backlog [--texts 10000] [--reports 60] [--rounds 3]

The provider takes 50 ms for a call. The texts are written straight into the ledger, for a number of nobody's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest import mock

from sqlalchemy import select

from bench.load import Run
from bench.run import EQUAL_THREADS, SETTLE_S, SLOW_MS, WARM_UP, servers
from bench.sides import OTHERS, OURS, Side, running
from ledger import tables as t
from ledger.events import COUNSELOR, PRIORITY
from ledger.store.unit_of_work import Ledger
from ledger.texts import deliveries
from services.compose import build_ledger
from services.settings import load

NOBODY = "+8613700000000"
BATCH = 50
EVERY_S = 0.3
d = t.deliveries.c


def fill(ledger: Ledger, texts: int) -> None:
    """So many texts of a counselor's urgency, about the cases that are there."""
    with ledger.read() as conn:
        cases = conn.scalars(select(t.cases.c.id)).all()
    for n in range(0, texts, BATCH):
        with ledger.begin("backlog") as uow:
            case = uow.case(cases[n // BATCH % len(cases)])
            facts = {"code": case.code, "at": uow.now.isoformat(), "minutes": 10}
            for each in range(n, min(n + BATCH, texts)):
                soon = uow.now + timedelta(milliseconds=each % BATCH)  # so that one after another is of another case
                deliveries.tell(uow, (NOBODY, "zh"), "acknowledged", facts, case=case, dedup=f"backlog:{each}",
                                priority=PRIORITY[COUNSELOR], after=soon)  # fmt: skip


def one_round(side: Side, double: str, texts: int, reports: int) -> tuple[float, float]:
    """Median milliseconds to the police text, without and with the others waiting."""
    with mock.patch.dict(os.environ, side.environment, clear=True):
        ledger, _ = build_ledger(load())
    to = replace(side.address, who={**side.address.who, NOBODY: OTHERS})
    Run(to, double).burst(WARM_UP, 0)
    time.sleep(SETTLE_S)
    found = []
    for waiting in (0, texts):
        fill(ledger, waiting)
        found.append(statistics.median(Run(to, double).paced(reports, EVERY_S, SLOW_MS)))
        if waiting and not left(ledger):
            raise RuntimeError("the others were through before the reports")
    return found[0], found[1]


def left(ledger: Ledger) -> bool:
    waiting = select(d.id).where(d.dedup.like("backlog:%"), d.state == "pending").limit(1)
    with ledger.read() as conn:
        return conn.execute(waiting).first() is not None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.backlog", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--reports", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    order = parser.parse_args(argv)
    found = []
    for _ in range(order.rounds):
        with servers() as on, tempfile.TemporaryDirectory(prefix="stopline-bench-") as folder, \
                running(OURS, on, Path(folder) / "ours", EQUAL_THREADS) as side:  # fmt: skip
            found.append(one_round(side, on.double, order.texts, order.reports))
        sys.stdout.write(f"police text p50 without and with others: {found[-1][0]:.1f} · {found[-1][1]:.1f} ms\n")
        sys.stdout.flush()
    late = statistics.median(with_ - without for without, with_ in found)
    sys.stdout.write(f"{order.texts} waiting texts delay the police text by {late:.1f} ms, goal < 50\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
