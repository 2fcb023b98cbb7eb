"""Plain SVG pictures for docs/: bars of time, and bars of ratios. No library, no font but the reader's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, LEFT, RIGHT, ROW, TOP = 760, 230, 110, 24, 44
_INK, _BAR, _OVER, _LINE = "#1d1d1f", "#2f6f8f", "#b5532d", "#9a9a9a"


def waterfall(title: str, steps: Mapping[str, tuple[float, float]]) -> str:
    """A bar for each step, from its beginning to its end in milliseconds."""
    longest = max(end for _, end in steps.values())
    scale = (WIDTH - LEFT - RIGHT) / longest
    rows = [
        _row(n, name, LEFT + begin * scale, (end - begin) * scale, f"{begin:.1f} – {end:.1f}", _BAR)
        for n, (name, (begin, end)) in enumerate(steps.items())
    ]
    return _picture(title, rows, len(steps))


def ratios(title: str, values: Sequence[tuple[str, float, float]]) -> str:
    """(name, ratio, goal): a bar for each ratio, and a mark where its goal is; those beyond it in another colour.

    A goal is the most where it is below 1, and the least where it is above.
    """
    longest = max(max(ratio, goal) for _, ratio, goal in values)
    scale = (WIDTH - LEFT - RIGHT) / longest
    rows = []
    for n, (name, ratio, goal) in enumerate(values):
        reached = ratio <= goal if goal < 1 else ratio >= goal
        rows.append(_row(n, name, LEFT, ratio * scale, f"{ratio:.2f} (goal {goal:g})", _BAR if reached else _OVER))
        x, y = LEFT + goal * scale, TOP + n * ROW
        rows.append(f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{y + ROW - 6}" stroke="{_INK}" stroke-width="2"/>')
    return _picture(title, rows, len(values))


def _row(n: int, name: str, x: float, width: float, said: str, colour: str) -> str:
    y = TOP + n * ROW
    return (
        f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{x:.1f}" y="{y}" width="{max(width, 1):.1f}" height="{ROW - 6}" fill="{colour}"/>'
        f'<text x="{x + max(width, 1) + 6:.1f}" y="{y + 14}">{escape(said)}</text>'
    )


def _picture(title: str, rows: Sequence[str], count: int) -> str:
    height = TOP + count * ROW + 12
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="{_INK}" role="img" aria-label="{escape(title)}">'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
        f'<text x="12" y="24" font-size="14">{escape(title)}</text>'
        f'<line x1="{LEFT}" y1="{TOP - 6}" x2="{LEFT}" y2="{height - 8}" stroke="{_LINE}"/>'
    )
    return head + "".join(rows) + "</svg>\n"
