"""Log lines of several processes that share one file or pipe stand each in a line of its own."""

import json
import sys

import pytest
import structlog

from services.compose import logging_as_json


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
