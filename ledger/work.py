"""Work rows: one for each event and queue that consumes it, open until its handler's transaction marks it done.

The rows are the truth and the broker only speed: whoever comes to a row first, a worker or the clock, runs it once.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, select, update

from ledger import failpoints
from ledger import tables as t
from ledger.alarms import alarm, clear_kind
from ledger.errors import LedgerAway, StoplineError
from ledger.events import Envelope
from ledger.unit_of_work import ROUTINE, URGENT, Ledger, UnitOfWork

Handler = Callable[[UnitOfWork, Envelope], None]
Handlers = Mapping[tuple[str, str], Handler]  # (queue, event type) → what is done

MAX_ATTEMPTS = 5
STALE = timedelta(seconds=3)  # after that the clock does not wait for the broker any longer
w = t.work.c
_MINE = (w.event_id == bindparam("event"), w.queue == bindparam("from"))
_OPEN = (
    select(t.case_events)
    .join(t.work, w.event_id == t.case_events.c.id)
    .where(*_MINE, w.state == "open")
    .with_for_update(of=t.work, skip_locked=True)
)
_WAITING = (
    select(w.event_id, w.queue)
    .where(w.state == "open", w.available_at <= bindparam("before"))
    .order_by(w.priority, w.available_at)
    .limit(20)
)
_WAITING_IN = _WAITING.where(w.queue == bindparam("from"))
_DONE = update(t.work).where(*_MINE).values(state="done", attempts=w.attempts + 1)


def run(ledger: Ledger, handlers: Handlers, queue: str, event_id: UUID) -> str:
    """Do one row's work: handler and `done` in one transaction. Returns done · gone (not open, or in other hands).

    · open (the handler failed and will be tried again by the clock) · parked (it failed for good; see `reason`).
    """
    urgency = URGENT if queue == "police" else ROUTINE
    try:
        with ledger.begin(f"work:{queue}", urgency) as uow:
            row = _claim(uow, queue, event_id)
            if row is None:
                return "gone"
            envelope = Envelope(row["id"], row["type"], row["at"], row["case_id"], row["data"])
            handlers[queue, envelope.type](uow, envelope)
            uow.conn.execute(_DONE, {"event": event_id, "from": queue})
        return "done"
    except LedgerAway:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a handler trips over is kept in the ledger and tried again
        return _failed(ledger, queue, event_id, error)


def next_open(
    ledger: Ledger, now: datetime, queue: str | None = None, age: timedelta = timedelta()
) -> list[RowMapping]:
    """Open rows that have waited for `age`, the most urgent first; a few, so that many clocks do not pile up."""
    with ledger.read() as conn:
        found = conn.execute(_WAITING if queue is None else _WAITING_IN, {"before": now - age, "from": queue})
        return list(found.mappings())


def _row(queue: str, event_id: UUID):  # type: ignore[no-untyped-def]  # an Update; its generics say nothing here
    return update(t.work).where(w.event_id == event_id, w.queue == queue)


def _claim(uow: UnitOfWork, queue: str, event_id: UUID) -> RowMapping | None:
    failpoints.hit("before-claim", queue)
    return uow.conn.execute(_OPEN, {"event": event_id, "from": queue}).mappings().one_or_none()


def _failed(ledger: Ledger, queue: str, event_id: UUID, error: Exception) -> str:
    """Keep why, wait longer each time, and after the last try park the row where people see it."""
    reason = _reason(error)
    with ledger.begin("work-failed") as uow:
        query = select(t.work, t.case_events.c.case_id).join(t.case_events, t.case_events.c.id == w.event_id)
        row = uow.conn.execute(query.where(w.event_id == event_id, w.queue == queue)).mappings().one_or_none()
        if row is None or row["state"] != "open":
            return "gone"
        attempts = row["attempts"] + 1
        state = "parked" if attempts >= MAX_ATTEMPTS else "open"
        again = uow.now + timedelta(seconds=2.0**attempts)
        values = {"state": state, "attempts": attempts, "reason": reason, "available_at": again}
        uow.conn.execute(_row(queue, event_id).values(values))
        if state == "parked":
            alarm(uow, f"parked:{queue}:{event_id}", "work_parked", f"{queue}: {reason}", row["case_id"])
        return state


def _reason(error: Exception) -> str:
    """What went wrong and where. Not what a foreign error says: its words may hold what somebody typed."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    said = f": {error}" if isinstance(error, StoplineError) else ""
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}{said}"[:300]


def reopen_parked(ledger: Ledger) -> int:
    """Try all parked work again, after its cause has been mended; its alarms are cleared. Returns how many rows."""
    with ledger.begin("reopen") as uow:
        values = {"state": "open", "attempts": 0, "available_at": uow.now}
        done = uow.conn.execute(update(t.work).where(w.state == "parked").values(values))
        clear_kind(uow, "work_parked")
        return done.rowcount
