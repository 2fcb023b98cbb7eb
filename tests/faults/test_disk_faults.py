"""A fault of the disk that was not brought about is said to be none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults import disk_faults
from tests.faults.history import History
from tests.faults.outcome import missed_faults

pytestmark = pytest.mark.alone  # it gives processes seconds
SYNCS = """
import os, tempfile, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
while input():
    with tempfile.TemporaryFile() as file:
        try:
            os.fsync(file.fileno())
            print("written", flush=True)
        except OSError as error:
            print(error.strerror, flush=True)
"""


@pytest.fixture
def site() -> Any:
    if why := disk_faults._no_strace(None):  # type: ignore[arg-type]  # it asks the machine, not the site
        pytest.skip(why)
    return SimpleNamespace(history=History())


@contextmanager
def syncing() -> Iterator[subprocess.Popen[str]]:
    """A process with two threads that tries to fsync for every line it is given."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", SYNCS], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdin and process.stdout
    process.stdin.write("again\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def test_every_fsync_fails_from_the_return_on_until_the_heal(site: Any) -> None:
    with syncing() as process:
        detach = disk_faults._without_fsync(site, "fsync fails", [process.pid])
        assert says(process) == "Input/output error"
        detach()
        assert says(process) == "written"
    assert missed_faults(site.history.entries()) == ()


def test_a_process_that_cannot_be_traced_is_no_fault(site: Any) -> None:
    with syncing() as process:
        first = disk_faults._without_fsync(site, "the first", [process.pid])
        disk_faults._without_fsync(site, "the second", [process.pid])()  # one process has one tracer
        first()
    assert missed_faults(site.history.entries()) == ("the second",)
