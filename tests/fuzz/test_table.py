"""The table of inputs tried says what the recorded runs came to, and both READMEs hold it as it is written."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz import __main__ as fuzz
from tests.fuzz import callbacks, replays, table
from tests.fuzz.results import RESULTS, read, row
from tests.marked import READMES, drawn_in

Main = Callable[[Sequence[str]], int]
RUN: dict[str, Any] = {
    "date": "2026-11-26", "what": "inputs", "tried": 100_000, "seed": 1, "broken": 0, "database": "sqlite",
    "versions": {"commit": "abc1234", "python": "3.11.7", "sqlite": "3.40.1"}, "machine": "2 CPUs, 24 GB, Linux",
}  # fmt: skip
OTHER = RUN | {"what": "replays", "tried": 10_000, "database": "postgresql", "broken": 1}


def test_runs_of_a_kind_are_added_up() -> None:
    later = RUN | {"date": "2026-11-27", "seed": 2, "broken": 3, "versions": RUN["versions"] | {"commit": "def5678+"}}
    drawn = table.table([RUN, OTHER, later], "en")
    assert "| bad input at every door (SQLite) | 200,000 | 1, 2 | abc1234, def5678+ | 2026-11-27 | 3 |" in drawn
    assert "(PostgreSQL) | 10,000 | 1 | abc1234 | 2026-11-26 | 1 |" in drawn
    assert drawn.endswith("\n\npython 3.11.7; sqlite 3.40.1; 2 CPUs, 24 GB, Linux.\n")


def test_both_languages_have_the_same_rows() -> None:
    english, chinese = (table.table([RUN, OTHER], language) for language in READMES)
    assert english.count("\n|") == chinese.count("\n|") == 3


@pytest.mark.parametrize("language", READMES)
def test_the_readme_holds_what_the_table_writes(language: str) -> None:
    assert drawn_in(READMES[language], "inputs") == table.table(read(RESULTS), language), "python -m tests.fuzz.table"


@pytest.mark.parametrize(
    "main, number, what",
    [(fuzz.main, "--inputs", "inputs"), (replays.main, "--replays", "replays"),
     (callbacks.main, "--sequences", "callbacks")],
)  # fmt: skip
def test_each_run_keeps_a_row_that_the_table_can_read(tmp_path: Path, main: Main, number: str, what: str) -> None:
    file = tmp_path / "tried.jsonl"
    assert main([number, "20", "--seed", "7", "--results", str(file)]) == 0
    [kept] = read(file)
    expected = {"what": what, "tried": 20, "seed": 7, "broken": 0, "database": "sqlite"}
    assert {name: kept[name] for name in expected} == expected
    assert "| 20 | 7 |" in table.table([kept], "en")


def test_a_row_says_with_what_it_ran() -> None:
    kept = row("inputs", 5, 0, 1.2, argparse.Namespace(seed=1, postgresql=False))
    assert set(kept["versions"]) == {"commit", "python", "sqlite"}
    assert kept["machine"] and kept["date"]
