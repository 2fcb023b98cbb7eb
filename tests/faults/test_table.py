"""The table of the READMEs says what the long runs came to, and nothing of the short ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults import catalogue, table

RUN: dict[str, Any] = {
    "date": "2026-11-25", "kind": "embedded", "seed": 7, "accepted": 6000.0, "replays": 500.0, "lost": 0.0,
    "by_fault": {"kill -9 up": 3, "crash after-commit@report": 2, "provider 429": 4}, "broken": {"4": 1},
    "versions": {"python": "3.11.7"}, "machine": "2 CPUs, 24 GB, Linux",
}  # fmt: skip
OTHER = RUN | {"kind": "separate", "seed": 8, "by_fault": {"kill -9 web": 5}, "broken": {}}


def test_runs_of_both_kinds_are_added_up() -> None:
    none = {"kind": "separate", "seed": 10, "no_verdict": "RuntimeError"}
    drawn = table.table([RUN, RUN, OTHER, RUN | {"accepted": 60.0, "seed": 9, "broken": {}}, none], "en")
    assert "| a process killed (kill -9) | 6 | 5 | 0 | 0 |" in drawn
    assert "| reports accepted, then looked for | 12,000 | 6,000 | 0 | 0 |" in drawn
    assert "| **accepted reports lost** | 0 | 0 | 0 | 0 |" in drawn
    assert "| **other promises broken** | 2 (promise 4) | 0 | 0 | 0 |" in drawn
    assert (
        "3 runs up to 2026-11-25, 1 more without a verdict; seeds emb 7, emb 7, sep 8; python 3.11.7; 2 CPUs" in drawn
    )


def test_a_short_run_counts_when_it_broke_something() -> None:
    short = RUN | {"accepted": 60.0, "broken": {"6": 3}, "versions": {"python": "3.12.1"}}
    drawn = table.table([OTHER, short, RUN], "en")
    assert "| **other promises broken** | 4 (promise 4, 6) | 0 | 0 | 0 |" in drawn
    assert "3 runs" in drawn and "python 3.11.7, 3.12.1;" in drawn


def test_both_languages_have_the_same_rows() -> None:
    english, chinese = (table.table([RUN, OTHER], language) for language in ("en", "zh"))
    assert english.count("\n|") == chinese.count("\n|")


def test_every_fault_belongs_to_a_row() -> None:
    begins = tuple(begin for begin, *_ in table.FAMILIES)
    assert [fault.name for fault in catalogue.ALL if not fault.name.startswith(begins)] == []


def test_only_what_is_between_the_marks_is_rewritten(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- faults -->\nold\n<!-- /faults -->\nafter\n")
    table.rewrite(readme, [RUN], "en")
    table.rewrite(readme, [], "zh")
    none = table.WORDS["zh"]["none"]
    assert readme.read_text() == f"before\n<!-- faults -->\n{none}\n<!-- /faults -->\nafter\n"
    readme.write_text("no place")
    with pytest.raises(AssertionError, match="no place for the table"):
        table.rewrite(readme, [RUN], "en")
