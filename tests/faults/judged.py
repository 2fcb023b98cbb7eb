"""Judge a run again from what it left in its folder: python -m tests.faults.judged FOLDER."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.faults.checker import judge
from tests.faults.history import read, timeline


def main(folder: Path) -> int:
    history, requests = read(folder / "history.jsonl"), read(folder / "provider.jsonl")
    verdict = judge(history, requests)
    (folder / "timeline.txt").write_text(timeline(history, requests, verdict.found()))
    sys.stdout.write("\n".join([*verdict.lines(), *verdict.found()]) + "\n")
    return 0 if verdict.kept else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.judged", description=__doc__)
    parser.add_argument("folder", type=Path, help="what a run left behind: history.jsonl and provider.jsonl are read, "
                        "timeline.txt is written anew")  # fmt: skip
    sys.exit(main(parser.parse_args().folder))
