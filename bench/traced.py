"""`stopline VERB …` that notes when it does what: python -m bench.traced FILE VERB …

One line for each moment: nanoseconds of the monotonic clock, which all processes share, and what happened.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ledger.store.unit_of_work import Ledger, UnitOfWork
from notifier.twilio.client import TwilioChannel
from services import cli, relay, worker


def trace(file: Path) -> None:
    out = file.open("w", buffering=1)

    def note(what: str) -> None:
        out.write(f"{time.monotonic_ns()} {what}\n")

    def noted(owner: Any, name: str, before: Callable[..., str], after: str = "") -> None:
        real = getattr(owner, name)

        def call(*args: Any, **named: Any) -> Any:
            note(before(*args))
            try:
                return real(*args, **named)
            finally:
                if after:
                    note(after)

        setattr(owner, name, call)

    begin = Ledger.begin

    @contextmanager
    def noted_begin(ledger: Ledger, label: str, *args: Any) -> Iterator[UnitOfWork]:
        note(f"begin {label}")
        with begin(ledger, label, *args) as uow:
            yield uow
        note(f"end {label}")

    Ledger.begin = noted_begin  # type: ignore[method-assign, assignment]  # this is the place to look in from outside
    noted(relay._Publisher, "_publish_one", lambda _self, event: f"publish {event.type}")
    noted(relay._Publisher, "_on_confirm", lambda *_: "confirm")
    noted(worker.BrokerWorker, "_take", lambda _self, queue, _message: f"take {queue}")
    noted(TwilioChannel, "send", lambda _self, text: f"call {'police' if text.urgent else 'other'}", "called")


if __name__ == "__main__":
    trace(Path(sys.argv[1]))
    sys.exit(cli.main(sys.argv[2:]))
