"""The medians of all rounds, and ours as a ratio of each peer's."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import machine
from bench.sides import OURS, PREFORK, THREADS

Figures = dict[str, float]
# What ours ÷ Celery's shall be: at the most, or at the least where it is above 1. With a slow provider threads count,
# so that both sides have as many there.
GOALS = (
    ("unloaded police p50", PREFORK, 0.65),
    ("unloaded police p99", PREFORK, 0.9),
    ("at rest police p50", PREFORK, 0.65),
    ("at rest police p99", PREFORK, 0.9),
    ("burst 0 ms post p50", PREFORK, 0.5),
    ("burst 0 ms post p99", PREFORK, 0.5),
    ("burst 0 ms accepted/s", PREFORK, 2.0),
    ("burst 0 ms last police s", PREFORK, 0.5),
    ("burst 50 ms last police s", THREADS, 0.6),
    ("memory MB", PREFORK, 0.6),
)


def table(found: Mapping[str, Sequence[Figures]]) -> str:
    """Markdown: for each figure the median (least–most) of each side, and ours ÷ that side where ours was measured."""
    names = list(found)
    lines = [f"| | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for key in found[names[0]][0]:
        cells = [_cell(found, name, key) for name in names]
        lines.append(f"| {key} | {' | '.join(cells)} |")
    return "\n".join(lines)


def keep(found: Mapping[str, Sequence[Figures]], results: Path | None) -> None:
    """All figures as JSON, where a file for them was named."""
    if results:
        results.write_text(json.dumps({"machine": machine.about(), "rounds": found}, indent=1) + "\n")


def _cell(found: Mapping[str, Sequence[Figures]], name: str, key: str) -> str:
    values = [it[key] for it in found[name]]
    shown = f"{_short(statistics.median(values))}"
    if len(values) > 1:
        shown += f" ({_short(min(values))}–{_short(max(values))})"
    if name == OURS or OURS not in found:
        return shown
    beside = ratio(found, name, key)
    return shown if math.isnan(beside) else f"{shown} · **{beside:.2f}**"


def beside_goals(found: Mapping[str, Sequence[Figures]]) -> list[tuple[str, float, float]]:
    """(figure, ours ÷ the peer's, goal) for each that was measured on both sides."""
    return [(key, ratio(found, side, key), goal) for key, side, goal in GOALS if side in found and OURS in found]


def ratio(found: Mapping[str, Sequence[Figures]], name: str, key: str) -> float:
    """Ours ÷ that side's, of the medians; NaN where that side's is nothing."""
    other = statistics.median(it[key] for it in found[name])
    return statistics.median(it[key] for it in found[OURS]) / other if other else float("nan")


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
