"""The gates of the house: style, types, which room may import which, careless code. `make lint` runs these alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)  # a first mypy run on a busy two-core machine
@pytest.mark.parametrize(
    "command",
    [
        "ruff check --quiet",
        "ruff format --check --quiet",
        "mypy --no-error-summary",
        "lint-imports",
        "bandit --quiet --configfile pyproject.toml --recursive ledger notifier intake desk services",
    ],
)
def test_gate(command: str) -> None:
    name, *arguments = command.split()
    program = shutil.which(name, path=Path(sys.executable).parent)
    assert program, f"{name} is not in this environment"
    done = subprocess.run([program, *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
