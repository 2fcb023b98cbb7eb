"""Only faults that were brought about are counted."""

from __future__ import annotations

from collections import Counter

from tests.faults.checker import Verdict
from tests.faults.history import History
from tests.faults.outcome import Order, Result, missed_faults


def test_what_was_not_brought_about_is_left_out() -> None:
    history = History()
    history.add("info", "point", name="before-call@officer", process="worker-1", reached=False)
    history.add("info", "point", name="after-call@officer", process="worker-1", reached=True)
    history.add("info", "missed", name="broker delete_queue", why="there is none of them")
    missed = missed_faults(history.entries())
    injected = ("crash before-call@officer", "crash after-call@officer", *2 * ("broker delete_queue",))
    result = Result(Verdict({}, {}), (), Order("separate", 1, 4, 1), injected, missed, 1.0)
    assert result.happened == Counter({"crash after-call@officer": 1, "broker delete_queue": 1})
