"""`python -m tests.fuzz --inputs N --seed S`: bad input, widely. Exit 1 when an input broke a promise; its seed is kept
in var/fuzz, and `--only NUMBER` sends that one again."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz import results
from tests.fuzz.databases import databases
from tests.fuzz.run import BATCH, Figures, Range, keep, run, shoot
from tests.world import World

KEPT = Path("var") / "fuzz"


def main(argv: Sequence[str] | None = None) -> int:
    options = _options(argv)
    with tempfile.TemporaryDirectory(prefix="stopline-fuzz-") as name, databases(options.postgresql) as url:
        folder = Path(name)

        def new_world(place: Path) -> World:
            return World.make(url(place), place)

        if options.only is None:
            figures = run(new_world, folder, options.seed, options.inputs)
        else:
            figures = _one(new_world(folder), folder, options.seed, options.only)
    _say(figures, options.seed)
    if options.only is None:
        results.keep("inputs", figures.inputs, len(figures.found), figures.seconds, options)
    return 1 if figures.found else 0


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this input alone, after the first of its batch")
    results.arguments(parser)
    return parser.parse_args(argv)


def _one(world: World, folder: Path, seed: int, number: int) -> Figures:
    figures = Figures()
    try:
        shoot(Range.over(world, folder), seed, range(number, number + 1), figures)
    finally:
        world.close()
    return figures


def _say(figures: Figures, seed: int) -> None:
    write = sys.stdout.write
    rate = figures.inputs / figures.seconds if figures.seconds else 0
    write(f"seed {seed}: {figures.inputs} inputs in {figures.seconds:.0f} s ({rate:.0f}/s, batches of {BATCH}, "
          f"{figures.followed} followed to their end), {len(figures.found)} broke a promise\n")  # fmt: skip
    write("  " + ", ".join(f"{kind} {n}" for kind, n in sorted(figures.kinds.items())) + "\n")
    write("  " + ", ".join(f"{status}: {n}" for status, n in sorted(figures.statuses.items())) + "\n")
    for one in figures.found[:20]:
        write(f"{one}\n")
    if figures.found:
        write(f"all of them: {keep(figures.found, KEPT)}\n")


if __name__ == "__main__":
    sys.exit(main())
