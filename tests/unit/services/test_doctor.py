"""What `stopline doctor` says of settings that are wrong, and of a broker's queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from amqp.exceptions import AccessRefused, NotFound

from services.cli import main
from services.doctor import queue_faults


def doctor(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Its exit status and the lines that it ends with: faults, and how many."""
    capsys.readouterr()
    status = main(("doctor",))
    lines = capsys.readouterr().out.splitlines()
    return status, [line for line in lines if line.startswith("FAULT")] + lines[-1:]


def test_settings_that_are_wrong_are_faults_a_line_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STOPLINE_CHANNEL", "pigeon")
    monkeypatch.setenv("STOPLINE_TIMEZONE", "Mars/Olympus")
    monkeypatch.setenv("STOPLINE_CHANEL", "twilio")
    status, lines = doctor(capsys)
    assert (status, lines[-1]) == (1, "2 faults")
    named = [line.partition(":")[0] for line in lines[:-1]]
    assert sorted(named) == ["FAULT STOPLINE_CHANNEL", "FAULT STOPLINE_TIMEZONE"]
    main(("doctor",))
    assert "warning: STOPLINE_CHANEL: there is no such setting" in capsys.readouterr().out


def test_a_file_of_settings_that_is_no_text_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_bytes(b"STOPLINE_SCHOOL_NAME=\xff\xfe")
    assert doctor(capsys) == (1, ["FAULT .env: not UTF-8", "1 fault"])


class Broker:
    """One that answers every look at a queue with this error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def channel(self) -> Broker:
        return self

    def queue_declare(self, _name: str, *, passive: bool) -> None:
        assert passive, "a look makes no queue"
        raise self._error


@pytest.mark.parametrize("error, said", [
    (NotFound("no queue"), "broker: queue police is not there yet; the first process that is started makes it"),
    (AccessRefused("no"), "broker: queue police cannot be looked at (AccessRefused)"),
])  # fmt: skip
def test_a_queue_that_no_process_has_made_yet_is_told_from_one_that_is_closed_to_us(error: Any, said: str) -> None:
    assert list(queue_faults(Broker(error), "police")) == [said]  # type: ignore[arg-type]
