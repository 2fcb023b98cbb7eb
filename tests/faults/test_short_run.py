"""The short fault run of every change: both kinds of installation, every fault that this machine allows at least once.

Long ones are started by hand: python -m tests.faults.run. STOPLINE_FAULT_SEED gives another order of faults.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.faults import catalogue
from tests.faults.results import append, row
from tests.faults.run import Order, Result, report, run

SEED = int(os.environ.get("STOPLINE_FAULT_SEED", "20261124"))
# Each accepts a few more than it is asked for: the load goes on until the last fault is healed.
REPORTS = {"embedded": 720, "separate": 1500}
LEAST_REPORTS, LEAST_FAULTS = 2000, 30
RATE = 3.5  # reports a second of each: at 4.5 a slower machine is still catching up when the time after a heal is over
TWO_AT_ONCE = 0.7  # a fault more or less in each step costs no time; every kind of them has to come


@pytest.mark.alone
@pytest.mark.timeout(1800)  # eight minutes on a machine of their own, twice that on a busy one
def test_nothing_accepted_is_lost(tmp_path: Path) -> None:
    """Both at once, each in a process of its own: most of the time they wait for something to be broken or late."""
    with ProcessPoolExecutor(len(REPORTS), get_context("spawn")) as pool:
        results = list(pool.map(run, map(_order, REPORTS), [tmp_path / kind for kind in REPORTS]))
    for result in results:
        append(tmp_path / "results.jsonl", row(result))
        _assert_kept(result, tmp_path)
    assert sum(result.verdict.figures["accepted"] for result in results) >= LEAST_REPORTS


def _order(kind: str) -> Order:
    faults = len(catalogue.of_kind(kind))
    return Order(kind, REPORTS[kind], faults, SEED, rate=RATE, calm_every=0, two_at_once=TWO_AT_ONCE)


def _assert_kept(result: Result, folder: Path) -> None:
    kind, said = result.order.kind, f"{report(result)}\nsee {folder}"
    assert result.verdict.kept, said
    lacking = {line.partition(":")[0] for line in result.missing}
    if os.environ.get("STOPLINE_REQUIRE_SERVICES") == "1":
        assert not lacking, said
    assert {fault.name for fault in catalogue.of_kind(kind)} - lacking <= set(result.injected), said
    assert result.verdict.figures["accepted"] >= REPORTS[kind] * 0.9, said  # a few are refused on purpose
    assert result.order.faults >= LEAST_FAULTS, said
