"""What was tried, how often, and what was lost: writes the table of both READMEs from the results of the long runs.

python -m tests.faults.table [--results FILE]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.faults.results import RESULTS, read
from tests.faults.site import ALL_KINDS
from tests.marked import READMES, put, said_of

Row = dict[str, Any]
# Accepted reports; a shorter run proves little and is not counted, unless it broke something. A much longer one would
# test how many reminders one machine can write: ten minutes after an officer's answer each case asks for progress,
# which nobody here records.
LONG = 2500
# how a fault's name begins → what it is called in each README, in the order of the table
FAMILIES: tuple[tuple[str, str, str], ...] = (
    ("kill -9", "a process killed (kill -9)", "进程被强杀（kill -9）"),
    ("pause", "a process paused, some beyond their lease", "进程被暂停，部分超过租约"),
    ("crash", "a process dead at a named point", "进程在指定位置崩溃"),
    ("wall clock", "the wall clock a day ahead and back", "系统时间前后跳一天"),
    (
        "broker",
        "broker killed, stopped, full, alarmed, wiped, fed rubbish, cut off",
        "消息代理被杀、停、满、告警、清空、灌垃圾、失联",
    ),
    (
        "database",
        "database stopped, locked, lost to its standby, its connections cut",
        "数据库停机、被锁、切到备库、断连",
    ),
    ("disk full", "disk full", "磁盘写满"),
    ("fsync", "fsync fails", "fsync 出错"),
    ("spool", "the spool's disk full or failing while the database is away", "数据库离线时暂存盘写满或出错"),
    ("postgresql", "way to the database broken, answer to a commit lost", "数据库链路故障、提交应答丢失"),
    ("rabbitmq", "way to the broker broken", "消息代理链路故障"),
    ("twilio", "way to the provider broken", "短信商链路故障"),
    ("client", "way from the reporter broken", "报案人链路故障"),
    ("callbacks", "way of the provider's callbacks broken", "短信商回调链路故障"),
    ("provider", "provider refuses, fails, hangs, loses answers or callbacks", "短信商拒绝、出错、挂起、丢应答或回调"),
)
WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "head": ("what was tried", "embedded", "separate processes", "under one parent", "clusters"),
        "reports": "reports accepted, then looked for",
        "replays": "submission keys sent again",
        "lost": "**accepted reports lost**",
        "broken": "**other promises broken**",
        "which": " (promise {which})",
        "under": "{runs} runs up to {date}, {none} more without a verdict; seeds {seeds}; {versions}; {machine}.",
        "none": "No long run has been recorded yet.",
    },
    "zh": {
        "head": ("试了什么", "单进程", "分进程", "同一父进程下", "集群"),
        "reports": "已受理并逐一核对的报案",
        "replays": "重复提交的键",
        "lost": "**丢失的已受理报案**",
        "broken": "**其他承诺被打破**",
        "which": "（承诺 {which}）",
        "under": "截至{date}共{runs}次运行，另有{none}次没有结论；种子 {seeds}；{versions}；{machine}。",
        "none": "还没有长时间运行的记录。",
    },
}


def table(rows: Sequence[Row], language: str) -> str:
    words = WORDS[language]
    judged = [row for row in rows if "no_verdict" not in row]
    long = [row for row in judged if row["accepted"] >= LONG or row["lost"] or row["broken"]]
    if not long:
        return f"{words['none']}\n"
    counts = {kind: _count(row for row in long if row["kind"] == kind) for kind in ALL_KINDS}
    name = 1 if language == "en" else 2
    lines = [
        words["head"],
        ("---", *("--:" for _ in ALL_KINDS)),
        *(_line(family[name], family[0], counts) for family in FAMILIES),
    ]
    lines += [_line(words[what], what, counts) for what in ("reports", "replays", "lost")]
    lines.append((words["broken"], *(_broken(counts[kind], words["which"]) for kind in ALL_KINDS)))
    drawn = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{drawn}\n\n{_under(long, len(rows) - len(judged), words['under'])}\n"


def _count(rows: Iterable[Row]) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in rows:
        for fault, times in row["by_fault"].items():
            total[next((begin for begin, *_ in FAMILIES if fault.startswith(begin)), fault)] += times
        total["reports"] += int(row["accepted"])
        total["replays"] += int(row["replays"])
        total["lost"] += int(row["lost"])
        for promise, times in row["broken"].items():
            total[f"broken {promise}"] += times
    return total


def _line(words: str, what: str, counts: dict[str, Counter[str]]) -> tuple[str, ...]:
    return (words, *(f"{counts[kind][what]:,}" for kind in ALL_KINDS))


def _broken(counts: Counter[str], which: str) -> str:
    """Promise 1 has a line of its own: what is lost."""
    found = {what.split()[1]: times for what, times in sorted(counts.items()) if what.startswith("broken ")}
    found.pop("1", None)
    return f"{sum(found.values()):,}" + (which.format(which=", ".join(found)) if found else "")


def _under(rows: Sequence[Row], none: int, words: str) -> str:
    return words.format(
        runs=len(rows),
        none=none,
        date=max(row["date"] for row in rows),
        seeds=", ".join(f"{row['kind'][:3]} {row['seed']}" for row in rows),
        versions="; ".join(f"{name} {', '.join(said)}" for name, said in said_of(rows).items()),
        machine=rows[-1]["machine"],
    )


def rewrite(readme: Path, rows: Sequence[Row], language: str) -> None:
    put(readme, "faults", table(rows, language))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.table", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    rows = read(parser.parse_args(argv).results)
    for language, readme in READMES.items():
        rewrite(readme, rows, language)
    return 0


if __name__ == "__main__":
    sys.exit(main())
