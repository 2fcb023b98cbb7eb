"""Judge a run again from what it left in its folder: python -m tests.faults.judged FOLDER."""

from __future__ import annotations

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
    sys.exit(main(Path(sys.argv[1])))
