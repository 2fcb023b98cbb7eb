"""No thread dies unseen: a loop of ours goes on after a stumble, and any other death ends the process."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
import structlog

from services.threads import DIED, Lasting
from tests.processes import ROOT

PROGRAM = """
import threading
from services.threads import die_with_any_thread
stopping = threading.Event()
{before}
die_with_any_thread(stopping)
threading.Thread(target=lambda: 1 / 0).start()
threading.Event().wait(2)
"""


def test_a_stumble_is_said_and_the_loop_goes_on() -> None:
    stopping, calls = threading.Event(), 0

    def step() -> None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise RuntimeError("a bug")
        stopping.set()

    with structlog.testing.capture_logs() as said:
        thread = Lasting("tried", step, stopping)
        thread.start()
        thread.join(10)
    assert calls == 3
    assert [(entry["event"], entry["thread"]) for entry in said] == [("thread_stumbled", "tried")] * 2


@pytest.mark.parametrize(("before", "status"), [("", DIED), ("stopping.set()", 0)])
def test_a_dead_thread_takes_its_process_with_it_unless_it_is_stopping(before: str, status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == status
    assert "thread_died" in done.stdout + done.stderr
