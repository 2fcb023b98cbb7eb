"""What is due: one unit a call, so that a step is short and any number of clocks can share the work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, bindparam, select, union_all, update

from ledger import tables as t
from ledger.care import closing, opening, unanswered
from ledger.errors import KeyMissing, LedgerAway
from ledger.escalation import IMMEDIATE
from ledger.events import DrillEnded
from ledger.police import lapsing
from ledger.ringing import alerting, owing
from ledger.states import FIRST_DUTIES
from ledger.store import keyring
from ledger.store.alarms import alarm, clear, clear_one
from ledger.store.statements import among, number, one_of, word
from ledger.store.unit_of_work import URGENT, Case, Ledger, UnitOfWork
from ledger.texts.deliveries import WAITING

DRILL_LIFE = timedelta(minutes=60)
PUT_OFF = timedelta(seconds=10)  # what could not be looked at is tried again after this
# Minutes decide while these ring. A counselor has half an hour, and who has taken a case can be reminded a bit later.
URGENT_KINDS = (*FIRST_DUTIES, "unsafe", "immediate")
_FEW = 10  # candidates looked at in one call: those in another clock's hands are passed over
o, k, c, x, f = t.obligations.c, t.contacts.c, t.cases.c, t.transfers.c, t.follow_ups.c

# Built once: see statements. After a while without a clock a great deal is due at once: what cannot wait goes first.
# Each part goes by the index over `next_at`; to put all in one order the whole table might be read.
_urgent = one_of(o.kind, URGENT_KINDS) & (one_of(o.state, WAITING) | (o.kind == word(IMMEDIATE)))
# In a backlog a worker has them in line, and none of these may delay a step of a ladder that rings.
_unbegun = one_of(o.kind, (*FIRST_DUTIES, "counselor")) & (o.step < number(0))
_parts = (_urgent & ~_unbegun, _urgent & _unbegun, ~_urgent & ~_unbegun, ~_urgent & _unbegun)
_due = union_all(
    *(
        select(
            select(o.case_id, o.kind, o.next_at, number(place).label("place"))
            .where(o.next_at <= bindparam("now"), which, ~among(o.case_id, "left"))
            .order_by(o.next_at)
            .limit(number(_FEW))
            .subquery()
        )
        for place, which in enumerate(_parts)
    )
).subquery()
_DUE = select(_due.c.case_id, _due.c.kind).order_by(_due.c.place, _due.c.next_at).limit(number(_FEW))
_CONTACT_DUE = (
    select(k.id).where(k.remind_at <= bindparam("now"), ~among(k.id, "left")).order_by(k.remind_at).limit(number(1))
)
_STOP_DUE = (
    select(x.case_id)
    .where(x.stop_look_at <= bindparam("now"), ~among(x.case_id, "left"))
    .order_by(x.stop_look_at)
    .limit(number(_FEW))
)
_REFERRAL_DUE = (
    select(f.case_id)
    .where(f.referral_look_at <= bindparam("now"), ~among(f.case_id, "left"))
    .order_by(f.referral_look_at)
    .limit(number(_FEW))
)
_DRILL_OVER = (
    select(c.id)
    .where(c.drill, c.closed_at.is_(None), c.received_at <= bindparam("before"))
    .order_by(c.received_at.desc())  # the latest first, so that old ones which cannot be ended hide none
    .limit(number(_FEW))
)


def look_at_one(ledger: Ledger) -> bool:
    """Let one obligation whose time has come go on; whether there was one."""
    with ledger.read() as conn:
        due = conn.execute(_DUE, _asked(ledger)).all()
    return any(_look(ledger, case_id, kind) for case_id, kind in due)


def _asked(ledger: Ledger) -> dict[str, Any]:
    return {"now": ledger.clock.now(), "left": keyring.left(ledger)}


def _left(uow: UnitOfWork, what: UUID, error: Exception) -> bool:
    """Whether it is for a process that has the key, and not to be put off for that one."""
    if not isinstance(error, KeyMissing) or not error.key:
        return False
    keyring.leave(uow, what, error)
    return True


def _look(ledger: Ledger, case_id: UUID, kind: str) -> bool:
    stuck = f"stuck:{case_id}:{kind}"
    try:
        with ledger.begin(f"look:{kind}", URGENT) as uow:
            case = uow.try_case(case_id)
            if case is not None:
                alerting.look(uow, case, kind)
                clear_one(uow, stuck)
            return case is not None
    except LedgerAway:
        raise
    except Exception as error:  # noqa: BLE001  # one that cannot be looked at must not stop the clock for all others
        with ledger.begin("look-failed", URGENT) as uow:
            if not uow.locks(case_id):  # by whoever may just be answering; the alarm last, as they have it
                return False
            its = (o.case_id == case_id, o.kind == kind)
            if _left(uow, case_id, error):  # said where nobody else has come to it either
                due: Executable = select(o.id).where(*its, o.next_at <= uow.now - PUT_OFF)
            else:
                off = update(t.obligations).values(next_at=uow.now + PUT_OFF)
                due = off.where(*its, o.next_at <= uow.now).returning(o.id)
            if uow.conn.execute(due).first():  # not answered or over meanwhile
                alarm(uow, stuck, "obligation_stuck", f"{kind}: {type(error).__name__}", case_id)
        return True


def remind_one(ledger: Ledger) -> bool:
    """Send the reminder of one contact that is due; whether there was one."""
    with ledger.read() as conn:
        due = conn.execute(_CONTACT_DUE, _asked(ledger)).scalar_one_or_none()
    if due is None:
        return False
    try:
        with ledger.begin("remind") as uow:
            opening.remind(uow, due)
            clear_one(uow, f"stuck:{due}")
    except LedgerAway:
        raise
    except Exception as error:  # noqa: BLE001  # as above
        with ledger.begin("remind-failed") as uow:
            if _left(uow, due, error):
                return True
            uow.change(t.contacts, due, remind_at=uow.now + 60 * PUT_OFF)
            alarm(uow, f"stuck:{due}", "reminder_stuck", f"contact: {type(error).__name__}")
    return True


def look_at_a_stop(ledger: Ledger) -> bool:
    """Warn of a stop that ends soon, or be done with one that has ended; whether there was one."""
    with ledger.read() as conn:
        due = dict.fromkeys(conn.scalars(_STOP_DUE, _asked(ledger)))
    return any(_look_at(ledger, case_id, "stops", lapsing.look, _put_off_stops) for case_id in due)


def _put_off_stops(uow: UnitOfWork, case_id: UUID) -> None:
    mine = update(t.transfers).where(x.case_id == case_id, x.stop_look_at <= uow.now)
    uow.conn.execute(mine.where(x.stop_ends_at <= uow.now).values(stop_look_at=None))
    uow.conn.execute(mine.values(stop_look_at=uow.now + 60 * PUT_OFF))


def look_at_a_referral(ledger: Ledger) -> bool:
    """Remind of a referral that nobody answers, or refer a student who does not answer; whether there was one."""
    with ledger.read() as conn:
        due = conn.scalars(_REFERRAL_DUE, _asked(ledger)).all()
    return any(_look_at(ledger, case_id, "referrals", unanswered.look, _put_off_record) for case_id in due)


def _put_off_record(uow: UnitOfWork, case_id: UUID) -> None:
    mine = update(t.follow_ups).where(f.case_id == case_id, f.referral_look_at <= uow.now)
    uow.conn.execute(mine.values(referral_look_at=uow.now + 60 * PUT_OFF))


def _look_at(
    ledger: Ledger, case_id: UUID, what: str,
    look: Callable[[UnitOfWork, Case], None], put_off: Callable[[UnitOfWork, UUID], None],
) -> bool:  # fmt: skip
    stuck = f"stuck:{case_id}:{what}"
    try:
        with ledger.begin(f"look:{what}") as uow:
            case = uow.try_case(case_id)
            if case is not None:
                look(uow, case)
                clear_one(uow, stuck)
            return case is not None
    except LedgerAway:
        raise
    except Exception as error:  # noqa: BLE001  # as above
        with ledger.begin("look-failed") as uow:
            if not uow.locks(case_id):
                return False
            if _left(uow, case_id, error):
                return True
            put_off(uow, case_id)
            alarm(uow, stuck, "reminder_stuck", f"{what}: {type(error).__name__}", case_id)
    return True


def end_one_drill(ledger: Ledger) -> bool:
    """A drill ends by itself after an hour."""
    with ledger.read() as conn:
        due = conn.scalars(_DRILL_OVER, {"before": ledger.clock.now() - DRILL_LIFE}).all()
    return any(_end_drill(ledger, case_id) for case_id in due)


def _end_drill(ledger: Ledger, case_id: UUID) -> bool:
    with ledger.begin("end-drill") as uow:
        case = uow.readable(case_id)
        if case is not None:
            end_drill(uow, case, "clock")
        return case is not None


def end_drill(uow: UnitOfWork, case: Case, by: str) -> None:
    """Close a drill: nothing rings any more, and everybody it rang is told (through the queue, once)."""
    if not case.row["drill"] or case.row["closed_at"] is not None:
        return
    uow.change(t.cases, case.id, state="closed", closed_at=uow.now)
    mine = update(t.obligations).where(o.case_id == case.id)
    uow.conn.execute(mine.values(**owing.NOTHING))
    uow.conn.execute(mine.where(o.kind != "care", o.state != "done").values(state="done", done_at=uow.now))
    for kind in (case.first_obligation, "counselor"):
        clear(uow, case.id, kind)
    closing.end(uow, case)
    uow.append(case, DrillEnded(by), by)
