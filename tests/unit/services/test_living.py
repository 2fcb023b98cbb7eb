"""Who sends from a ledger in a file: the last to die is known to have been the last."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.living import Living

NOW = datetime(2026, 11, 24, 6, 40, tzinfo=UTC)
ANOTHER = """
import sys
from datetime import datetime
from pathlib import Path
from services.living import Living
print(bool(Living(Path(sys.argv[1])).enter(datetime.now)), flush=True)
sys.stdin.read()
"""


def now() -> datetime:
    return NOW


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """One from which somebody has sent before."""
    file = tmp_path / "stopline.db"
    file.touch()
    first = Living(file)
    assert first.enter(now) is None  # who makes the lock cannot know of those who had none
    first.leave()
    return file


@pytest.fixture
def another(ledger: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is one of them."""
    process = subprocess.Popen([sys.executable, "-c", ANOTHER, str(ledger)], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    with process:
        assert process.stdout and process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_a_file_that_is_gone_proves_nothing(ledger: Path) -> None:
    living = Living(ledger)
    assert living.enter(now) == NOW
    Path(f"{ledger}-senders").unlink()
    assert Living(ledger).enter(now) is None


def test_a_ledger_by_another_name_is_the_same(ledger: Path, tmp_path: Path) -> None:
    alias = tmp_path / "alias.db"
    alias.symlink_to(ledger)
    living = Living(alias)
    assert living.enter(now) == NOW
    assert Living(ledger).enter(now) is None


def test_who_comes_while_somebody_lives_is_nobody_s_heir(ledger: Path) -> None:
    first, second, third = Living(ledger), Living(ledger), Living(ledger)
    assert (first.enter(now), second.enter(now)) == (NOW, None)
    first.leave()
    assert third.enter(now) is None  # the second lives
    second.leave()
    third.leave()
    assert Living(ledger).enter(now) == NOW


def test_a_process_that_was_killed_is_dead_and_a_paused_one_not(ledger: Path, another: subprocess.Popen[str]) -> None:
    another.send_signal(signal.SIGSTOP)
    asked = Living(ledger)
    assert asked.enter(now) is None
    asked.leave()
    another.kill()
    another.wait()
    assert Living(ledger).enter(now) == NOW


def test_where_no_file_can_be_made_nobody_is_thought_dead(tmp_path: Path) -> None:
    living = Living(tmp_path / "not there" / "stopline.db")
    assert living.enter(now) is None
    living.leave()


def test_one_that_starts_and_was_stopped_in_it_holds_up_nobody(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.living.BETWEEN_S", 0.0)
    held = os.open(f"{ledger}-senders", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        assert Living(ledger).enter(now) is None
    finally:
        os.close(held)
    assert Living(ledger).enter(now) == NOW
