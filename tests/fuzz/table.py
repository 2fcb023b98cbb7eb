"""Which inputs were tried, and how many broke a promise: writes the table of both READMEs from the recorded runs.

python -m tests.fuzz.table [--results FILE]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fuzz.results import RESULTS, read
from tests.marked import READMES, put, said_of

Row = dict[str, Any]
# what a run tried → what it is called in each README, in the order of the table
TRIED: dict[str, dict[str, str]] = {
    "inputs": {"en": "bad input at every door", "zh": "各入口的坏输入"},
    "replays": {"en": "submission keys sent again, many at once", "zh": "同时重复提交的键"},
    "callbacks": {"en": "callbacks in any order, repeated, missing", "zh": "乱序、重复、缺失的回调"},
}
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "head": ("what", "how many", "seeds", "commit", "date", "broke a promise"),
        "none": "No run has been recorded yet.",
    },
    "zh": {
        "head": ("输入", "数量", "种子", "提交", "日期", "打破承诺"),
        "none": "还没有运行记录。",
    },
}


def table(rows: Sequence[Row], language: str) -> str:
    """A line for each kind of input and database, however many runs it took."""
    words = WORDS[language]
    if not rows:
        return f"{words['none']}\n"
    lines = [words["head"], ("---", "--:", "---", "---", "---", "--:")]
    for what, names in TRIED.items():
        for database, name in DATABASES.items():
            runs = [row for row in rows if (row["what"], row["database"]) == (what, database)]
            if runs:
                lines.append((f"{names[language]} ({name})", *_added(runs)))
    drawn = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{drawn}\n\n{_under(rows)}\n"


def _added(runs: Sequence[Row]) -> tuple[str, ...]:
    seeds, commits = ([str(said) for said in dict.fromkeys(found)] for found in (
        (run["seed"] for run in runs), (run["versions"]["commit"] for run in runs)
    ))  # fmt: skip
    tried, broken = (f"{sum(run[which] for run in runs):,}" for which in ("tried", "broken"))
    return tried, ", ".join(seeds), ", ".join(commits), max(run["date"] for run in runs), broken


def _under(rows: Sequence[Row]) -> str:
    said = said_of(rows)
    del said["commit"]
    return "; ".join([*(f"{name} {', '.join(versions)}" for name, versions in said.items()), rows[-1]["machine"]]) + "."


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.table", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    rows = read(parser.parse_args(argv).results)
    for language, readme in READMES.items():
        put(readme, "inputs", table(rows, language))
    return 0


if __name__ == "__main__":
    sys.exit(main())
