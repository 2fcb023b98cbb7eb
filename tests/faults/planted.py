"""The service with a bug planted in it: python -m tests.faults.planted BUG VERB …

Each bug replaces one or two functions, as somebody might write them who has not read docs/decisions. The checker has
to catch all of them; a checker that lets one pass would let the real one pass too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from ledger.events import Envelope
from ledger.store import work
from ledger.store.hands import Committed
from ledger.store.unit_of_work import Ledger, UnitOfWork
from ledger.store.work import Handlers
from ledger.texts.calls import Claim
from services import clock, compose, relay, sender
from services.handlers import HANDLERS


def work_rows_bypassed() -> None:
    """Events are handled from memory right after their commit; their rows say `done` before anybody has begun."""
    flush, hands = UnitOfWork.flush, ThreadPoolExecutor(4)

    def flush_as_done(uow: UnitOfWork) -> None:
        for row in uow._work:
            row["state"] = "done"
        flush(uow)

    def handle(ledger: Ledger, queue: str, event: Envelope) -> None:
        with ledger.begin(f"work:{queue}") as uow:
            HANDLERS[queue, event.type](uow, event)

    def after_commit(parts: compose.Parts, done: Committed) -> None:
        for event in done.events:
            for queue in event.queues:
                hands.submit(handle, parts.ledger, queue, event)
        if done.texts:
            parts.sender.wake()

    UnitOfWork.flush = flush_as_done  # type: ignore[method-assign,assignment]
    compose._after_commit = after_commit


def ack_before_commit() -> None:
    """Work is acknowledged when it is taken, and only then done: `done` is committed before what it stands for."""

    def run(ledger: Ledger, handlers: Handlers, queue: str, event_id: UUID) -> str:
        with ledger.begin("taken") as uow:
            row = work._claim(uow, queue, event_id)
            if row is None:
                return "gone"
            uow.conn.execute(work._row(queue, event_id).values(state="done"))
        with ledger.begin(f"work:{queue}") as uow:
            envelope = Envelope(row["id"], row["type"], row["at"], row["case_id"], row["data"])
            handlers[queue, envelope.type](uow, envelope)
        return "done"

    work.run, work._new_reports = run, lambda *_: (set(), [])


def confirms_off() -> None:
    """An event counts as published once it was written to the socket; and the clock does not run what stays open."""
    publish = relay._Publisher._publish_one

    def publish_and_forget(self: Any, event: Envelope) -> None:
        publish(self, event)
        self._confirmed([event.id])

    relay._Publisher._publish_one = publish_and_forget  # type: ignore[method-assign]
    _without_the_clocks_own_runs()


def mark_then_send() -> None:
    """A text is marked as sent, and then the provider is called."""
    call = sender.Sender._call

    def mark_and_call(self: Any, claim: Claim) -> None:
        self._settle(claim, "sent", sid=f"SM{claim.id.hex}")
        call(self, claim)

    sender.Sender._call = mark_and_call  # type: ignore[method-assign]


def _without_the_clocks_own_runs() -> None:
    made = clock.ClockProcess.__init__

    def without_work(self: Any, *given: Any) -> None:
        made(self, *given)
        self.own[:] = [step for step in self.own if step.name != "work"]

    clock.ClockProcess.__init__ = without_work  # type: ignore[method-assign,assignment]


BUGS: dict[str, Callable[[], None]] = {
    "work-rows-bypassed": work_rows_bypassed,
    "ack-before-commit": ack_before_commit,
    "confirms-off": confirms_off,
    "mark-then-send": mark_then_send,
}


def main() -> int:
    from services.cli import main as stopline

    BUGS[sys.argv[1]]()
    return stopline(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
