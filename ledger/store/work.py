"""Work rows: one for each event and queue that consumes it, open until its handler's transaction marks it done.

The rows are the truth and the broker only speed: whoever comes to a row first, a worker or the clock, runs it once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import RowMapping, and_, bindparam, or_, select, update

from ledger import tables as t
from ledger.errors import KeyMissing, LedgerAway, where
from ledger.events import COUNSELOR, POLICE, Envelope, ReportConverted, ReportReceived
from ledger.states import FIRST_DUTIES
from ledger.store import failpoints, keyring
from ledger.store.alarms import ENDED_BY_HAND, alarm, clear_kind, clear_one
from ledger.store.statements import among, number, one_of, word
from ledger.store.unit_of_work import ROUTINE, URGENT, Ledger, UnitOfWork

Handler = Callable[[UnitOfWork, Envelope], None]
Handlers = Mapping[tuple[str, str], Handler]  # (queue, event type) → what is done

log = structlog.get_logger()
MAX_ATTEMPTS = 5
# Work that begins an alert: (queue, event type) → the obligations whose ladder the clock begins where it fails. It is
# never given up (docs/decisions/0041).
ALERTS = {
    (POLICE, ReportReceived.type): FIRST_DUTIES,
    (POLICE, ReportConverted.type): FIRST_DUTIES,
    (COUNSELOR, ReportReceived.type): ("counselor",),
}
AFTER_A_FAILURE = timedelta(seconds=10)  # the clock rings, be it tried again or not
EACH = timedelta(minutes=1)  # and after the last of the first tries it is tried once a minute
STALE = timedelta(seconds=3)  # after that the clock does not wait for the broker any longer
w, o = t.work.c, t.obligations.c
_MINE = (w.event_id == bindparam("event"), w.queue == bindparam("from"))
_OPEN = (
    select(t.case_events, w.attempts)
    .join(t.work, w.event_id == t.case_events.c.id)
    .where(*_MINE, w.state == word("open"))
    .with_for_update(of=t.work, skip_locked=True)
)
_NEW_REPORTS = (
    select(t.case_events, w.attempts)
    .join(t.work, w.event_id == t.case_events.c.id)
    .where(among(w.event_id, "events"), w.queue == bindparam("from"), w.state == word("open"))
    .where(t.case_events.c.type == ReportReceived.type)
    .with_for_update(of=t.work, skip_locked=True)
)
_WAITING = (
    select(w.event_id, w.queue)
    .where(w.state == word("open"), w.available_at <= bindparam("before"), ~among(w.event_id, "left"))
    .order_by(w.priority, w.available_at)
    .limit(number(20))
)
_WAITING_IN = _WAITING.where(w.queue == bindparam("from"))
_STILL_OPEN = select(w.event_id).where(
    among(w.event_id, "events"), w.queue == bindparam("from"), w.state == word("open")
)
SOME = 16  # rows at a time, in one transaction where they are new reports
_DONE = (
    update(t.work)
    .where(among(w.event_id, "events"), w.queue == bindparam("from"))
    .values(state="done", attempts=w.attempts + 1)
)


def run(ledger: Ledger, handlers: Handlers, queue: str, event_id: UUID) -> str:
    """Do one row's work: handler and `done` in one transaction. Returns done · gone (not open, or in other hands).

    · open (the clock will try again: the handler failed, or needs a key that this process has not)
    · parked (it failed for good; see `reason`).
    """
    urgency = URGENT if queue == POLICE else ROUTINE
    try:
        with ledger.begin(f"work:{queue}", urgency) as uow:
            row = _claim(uow, queue, event_id)
            if row is None:
                return "gone"
            _handle(uow, handlers, queue, row)
            uow.conn.execute(_DONE, {"events": [event_id], "from": queue})
        return "done"
    except LedgerAway:
        raise
    except KeyMissing as error:
        return _left(ledger, queue, event_id, error) if error.key else _failed(ledger, queue, event_id, error)
    except Exception as error:  # noqa: BLE001  # whatever a handler trips over is kept in the ledger and tried again
        return _failed(ledger, queue, event_id, error)


def run_some(ledger: Ledger, handlers: Handlers, queue: str, event_ids: Sequence[UUID]) -> Iterator[tuple[UUID, str]]:
    """Do the work of several rows; each as soon as it is known, with what `run` returns for it.

    In a burst most are new reports, of which no two are of one case: those that nobody else has in hand share one
    transaction, its statements and its commit. For a case in other hands the first of the others waits, alone; when
    it has had it, the rest may be free as well. If one of them fails, each is done alone: the failure is that one's.
    """
    left, together = list(event_ids), len(event_ids) > 1
    while left:
        busy: list[UUID] = []
        if together:
            done, busy = _new_reports(ledger, handlers, queue, left)
            left = [event_id for event_id in left if event_id not in done]
            gone = _not_open(ledger, queue, left)  # where others were faster, most are
            left = [event_id for event_id in left if event_id not in gone]
            yield from ((event_id, "done") for event_id in done)
            yield from ((event_id, "gone") for event_id in gone)
        if left:
            alone = next((event_id for event_id in busy if event_id in left), left[0])
            left.remove(alone)
            yield alone, run(ledger, handlers, queue, alone)
        together = len(busy) > 1


def _new_reports(
    ledger: Ledger, handlers: Handlers, queue: str, event_ids: Sequence[UUID]
) -> tuple[set[UUID], list[UUID]]:
    """Ids of those that are done, and of those whose case is in other hands: nothing is waited for here."""
    urgency = URGENT if queue == POLICE else ROUTINE
    try:
        with ledger.begin(f"work:{queue}", urgency) as uow:
            failpoints.hit("before-claim", queue)
            rows = uow.conn.execute(_NEW_REPORTS, {"events": list(event_ids), "from": queue}).mappings().all()
            free = uow.try_cases([row["case_id"] for row in rows])
            mine = [row for row in rows if row["case_id"] in free]
            # As they came in: the later of two reports of one fraud is linked to the earlier.
            for row in sorted(mine, key=lambda it: (uow.case(it["case_id"]).row["received_at"], it["case_id"])):
                _handle(uow, handlers, queue, row)
            if mine:
                uow.conn.execute(_DONE, {"events": [row["id"] for row in mine], "from": queue})
        return {row["id"] for row in mine}, [row["id"] for row in rows if row["case_id"] not in free]
    except LedgerAway:
        raise
    except Exception as error:  # noqa: BLE001  # each is done alone now: the one at fault keeps its reason
        log.warning("work_not_together", queue=queue, rows=len(event_ids), reason=where(error))
        return set(), []


def _not_open(ledger: Ledger, queue: str, event_ids: Sequence[UUID]) -> set[UUID]:
    if not event_ids:
        return set()
    with ledger.read() as conn:
        return set(event_ids).difference(conn.scalars(_STILL_OPEN, {"events": event_ids, "from": queue}))


def _handle(uow: UnitOfWork, handlers: Handlers, queue: str, row: RowMapping) -> None:
    envelope = Envelope(row["id"], row["type"], row["at"], row["case_id"], row["data"], row["attempts"])
    handlers[queue, envelope.type](uow, envelope)
    if row["attempts"] >= MAX_ATTEMPTS:
        clear_one(uow, _given_up(queue, envelope.id))


def next_open(
    ledger: Ledger, now: datetime, queue: str | None = None, age: timedelta = timedelta()
) -> list[RowMapping]:
    """Open rows that have waited for `age`, the most urgent first; a few, so that many clocks do not pile up."""
    with ledger.read() as conn:
        asked = {"before": now - age, "from": queue, "left": keyring.left(ledger)}
        return list(conn.execute(_WAITING if queue is None else _WAITING_IN, asked).mappings())


def _row(queue: str, event_id: UUID):  # type: ignore[no-untyped-def]  # an Update; its generics say nothing here
    return update(t.work).where(w.event_id == event_id, w.queue == queue)


def _claim(uow: UnitOfWork, queue: str, event_id: UUID) -> RowMapping | None:
    failpoints.hit("before-claim", queue)
    return uow.conn.execute(_OPEN, {"event": event_id, "from": queue}).mappings().one_or_none()


def _left(ledger: Ledger, queue: str, event_id: UUID, error: KeyMissing) -> str:
    """For a process that has the key. It is no attempt: no row may be given up for a ring that is not whole yet."""
    with ledger.begin("work-left") as uow:
        if not uow.conn.scalars(_STILL_OPEN, {"events": [event_id], "from": queue}).all():
            return "gone"  # such a process has done it meanwhile
        keyring.leave(uow, event_id, error)
    return "open"


def _failed(ledger: Ledger, queue: str, event_id: UUID, error: Exception) -> str:
    """Keep why, wait longer each time, and after the last try park the row where people see it.

    One that begins an alert is left to the clock as well, and tried for as long as it takes.
    """
    reason, e = where(error), t.case_events.c
    with ledger.begin("work-failed") as uow:
        query = select(t.work, e.case_id, e.type).join(t.case_events, e.id == w.event_id)
        row = uow.conn.execute(query.where(w.event_id == event_id, w.queue == queue)).mappings().one_or_none()
        if row is None or row["state"] != "open":
            return "gone"
        attempts, begins = row["attempts"] + 1, ALERTS.get((queue, row["type"]), ())
        last = attempts >= MAX_ATTEMPTS
        state = "parked" if last and not begins else "open"
        again = uow.now + (EACH if last else timedelta(seconds=2.0**attempts))
        values = {"state": state, "attempts": attempts, "reason": reason, "available_at": again}
        uow.conn.execute(_row(queue, event_id).values(values))
        if begins and uow.locks(row["case_id"]):
            _soon(uow, row["case_id"], begins)
        if last:
            kind = "alert_not_begun" if begins else "work_parked"
            alarm(uow, _given_up(queue, event_id), kind, f"{queue}: {reason}", row["case_id"])
        return state


def _soon(uow: UnitOfWork, case_id: UUID, kinds: Collection[str]) -> None:
    """The clock begins these ladders, if nobody has by then."""
    soon = uow.now + AFTER_A_FAILURE
    waits = (o.case_id == case_id, one_of(o.kind, kinds), o.step < 0, o.owner_id.is_(None), o.next_at > soon)
    uow.conn.execute(update(t.obligations).where(*waits).values(next_at=soon))


def _given_up(queue: str, event_id: UUID) -> str:
    return f"parked:{queue}:{event_id}"


def reopen_parked(ledger: Ledger) -> int:
    """Try all parked work again now, and alerts that are tried once a minute, after the cause has been mended. Returns
    how many rows.

    Alarms that only a person can end are cleared with it: what they are about comes up again if it still holds.
    """
    with ledger.begin("reopen") as uow:
        values = {"state": "open", "attempts": 0, "available_at": uow.now}
        failed = or_(w.state == "parked", and_(w.state == "open", w.attempts >= MAX_ATTEMPTS))
        done = uow.conn.execute(update(t.work).where(failed).values(values))
        for kind in ENDED_BY_HAND:
            clear_kind(uow, kind)
        return done.rowcount
