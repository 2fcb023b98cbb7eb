"""What `stopline doctor` says of a broker's queue."""

from __future__ import annotations

from typing import Any

import pytest
from amqp.exceptions import AccessRefused, NotFound

from services.doctor import queue_faults


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
