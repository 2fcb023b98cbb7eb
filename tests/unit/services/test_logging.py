"""Log lines of several processes that share one file or pipe stand each in a line of its own, and say no words but
ours: an error's type and its way, since what a driver says of a row that it refuses holds the row."""

import json
import sys
import threading

import pytest
import structlog

from ledger.errors import Conflict, StoplineError
from services.compose import logging_as_json
from services.threads import Lasting


def test_a_line_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    class Unbuffered:
        """As stderr is under PYTHONUNBUFFERED: each write is one of its own."""

        write = staticmethod(written.append)

        def flush(self) -> None:
            pass

    monkeypatch.setattr(sys, "stderr", Unbuffered())
    logging_as_json()
    structlog.get_logger().warning("something", case="无")
    [line] = written
    assert line.endswith("\n") and json.loads(line)["case"] == "无"


class Refused(Exception):
    """As a driver raises it."""


def trip(outer: type[Exception], said: str) -> None:
    try:
        raise Refused("Failing row contains (13912340001)")
    except Refused as error:
        raise outer(said) from error


def logged(capsys: pytest.CaptureFixture[str], outer: type[Exception], said: str) -> str:
    """What a thread of ours says of such an error."""
    stopping = threading.Event()

    def step() -> None:
        stopping.set()
        trip(outer, said)

    logging_as_json()
    Lasting("t", step, stopping).run()
    return capsys.readouterr().err


def test_of_an_error_its_way_is_said_and_not_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    line = logged(capsys, RuntimeError, "of 13912340001")
    assert "13912340001" not in line and "Failing row" not in line
    first, cause = json.loads(line)["exception"]
    assert first.startswith("RuntimeError at services/threads.py:") and "services/test_logging.py:" in first
    assert first.endswith(" trip") and cause.startswith("Refused at services/test_logging.py:")


def test_of_an_error_of_ours_its_words_are_said_too(capsys: pytest.CaptureFixture[str]) -> None:
    first, cause = json.loads(logged(capsys, Conflict, ""))["exception"]
    assert issubclass(Conflict, StoplineError) and first.endswith(f"trip: {Conflict.__doc__}")
    assert cause.endswith(" trip")
