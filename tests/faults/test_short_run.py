"""The short fault run of every change: both kinds of installation, every fault that this machine allows at least once.

Long ones are started by hand: python -m tests.faults.run. STOPLINE_FAULT_SEED gives another order of faults.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults import catalogue
from tests.faults.results import append, row
from tests.faults.run import Order, report, run

SEED = int(os.environ.get("STOPLINE_FAULT_SEED", "20261124"))
# Each accepts a few more than it is asked for: the load goes on until the last fault is healed.
REPORTS = {"embedded": 720, "separate": 1500}
LEAST_REPORTS, LEAST_FAULTS = 2000, 30
TWO_AT_ONCE = 0.7  # a fault more or less in each step costs no time; every kind of them has to come
_accepted: dict[str, float] = {}


@pytest.mark.timeout(1800)  # five to eight minutes each on a machine of their own, twice that on a busy one
@pytest.mark.parametrize("kind", list(REPORTS))
def test_nothing_accepted_is_lost(kind: str, tmp_path: Path) -> None:
    count = len(catalogue.of_kind(kind))
    result = run(Order(kind, REPORTS[kind], count, SEED, calm_every=0, two_at_once=TWO_AT_ONCE), tmp_path)
    append(tmp_path / "results.jsonl", row(result))
    said = f"{report(result)}\nsee {tmp_path}"
    assert result.verdict.kept, said
    lacking = {line.partition(":")[0] for line in result.missing}
    if os.environ.get("STOPLINE_REQUIRE_SERVICES") == "1":
        assert not lacking, said
    assert {fault.name for fault in catalogue.of_kind(kind)} - lacking <= set(result.injected), said
    assert result.verdict.figures["accepted"] >= REPORTS[kind] * 0.9, said  # a few are refused on purpose
    _accepted[kind] = result.verdict.figures["accepted"]
    assert count >= LEAST_FAULTS, said


def test_there_were_enough_reports() -> None:
    if set(_accepted) != set(REPORTS):
        pytest.skip("only when both kinds have been run before, in this session")
    assert sum(_accepted.values()) >= LEAST_REPORTS
