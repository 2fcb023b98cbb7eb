"""From the spool into the ledger: once, merged by its submission key, with both codes kept and no second alert."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select, update

from ledger import codes
from ledger import tables as t
from ledger.away.spool import Called, Entry
from ledger.errors import Conflict
from ledger.events import PRIORITY, ReportSpooled
from ledger.reporting import reports
from ledger.store import alarms
from ledger.store.crypto import digest
from ledger.store.statements import one_of
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

s, c, d, o = t.spooled.c, t.cases.c, t.deliveries.c, t.obligations.c
_ACTOR = "spool"


def enter(uow: UnitOfWork, entry: Entry, calls: Sequence[Called]) -> None:
    """Take a spooled report into the ledger, once. It is to be removed from the spool after the commit."""
    alarms.clear_one(uow, stuck(entry))
    if uow.conn.execute(select(s.id).where(s.id == entry.id)).first():
        return
    taken = _accept(uow, entry)
    case = uow.case(taken.case_id)
    uow.conn.execute(
        insert(t.spooled).values(
            id=entry.id, code=entry.code, code_fold=codes.fold(entry.code), token_hash=digest(entry.token),
            case_id=case.id, taken_at=entry.taken_at,
        )
    )  # fmt: skip
    uow.append(case, ReportSpooled(entry.code, entry.taken_at.isoformat()), _ACTOR)
    for called in calls:
        if called.state != "refused":  # nothing was sent: the ladder rings them as it would anyway
            _reconcile(uow, case, called)


def stuck(entry: Entry) -> str:
    """The name of the alarm for one that cannot enter."""
    return f"spooled:{entry.id}"


def _accept(uow: UnitOfWork, entry: Entry) -> reports.Accepted:
    """What was answered with a code is a report, even where its key turns out to have been used for another one."""
    try:
        return reports.accept(uow, entry.report, entry.submission_key, entry.body, received_at=entry.taken_at)
    except Conflict:
        return reports.accept(uow, entry.report, f"spool:{entry.id}", entry.body, received_at=entry.taken_at)


def _reconcile(uow: UnitOfWork, case: Case, called: Called) -> None:
    """The text counts as one of the first rung: who got it is not told again, one of unknown fate is looked up."""
    kind = case.first_obligation
    uow.write_changes()
    obligation = uow.conn.execute(select(o.id).where(o.case_id == case.id, o.kind == kind)).scalar_one()
    sent = called.state == "sent"
    dedup = f"{obligation}:0:{called.person_id}"
    _give_way(uow, dedup, called)
    row: dict[str, Any] = {
        "id": called.delivery_id,
        "dedup": dedup,
        "case_id": case.id,
        "obligation_id": obligation,
        "step": 0,
        "person_id": called.person_id,
        "kind": called.kind,
        "facts": called.facts,
        "language": called.language,
        "to_sealed": case.key.seal("deliveries", called.delivery_id, "to", called.to),
        "to_index": uow.keys.blind("phone", called.to),
        "body_sealed": case.key.seal("deliveries", called.delivery_id, "body", called.body),
        "priority": PRIORITY["police"],
        "channel": "provider",
        "alert": True,
        "state": "sent" if sent else "unknown",
        "tries": 1,
        "available_at": None if sent else uow.now,
        "expires_at": uow.now + deliveries.NOTICE_LIFE,
        "sid": called.sid,
        "created_at": called.at,
        "called_at": called.at,
        "sent_at": uow.now if sent else None,  # its receipt could not reach us: silence counts from now
    }
    if uow.insert_new(t.deliveries, [row]) and sent:
        deliveries.tell_obligation(uow, case, deliveries.locked(uow, [called.delivery_id])[called.delivery_id],
                                   "sent", taken=True)  # fmt: skip


def _give_way(uow: UnitOfWork, dedup: str, called: Called) -> None:
    """The ledger's own text to that phone has reached nobody yet: the case was in it before, and nobody was told so.

    One that a sender has in hand, or that a bundle speaks for, goes its way. A sender that wrote down a refusal and got
    no answer may do so once more: without its token the text stays cancelled.
    """
    same = (d.dedup == dedup, d.to_index == uow.keys.blind("phone", called.to), d.bundle_id.is_(None))
    values = {
        "state": "cancelled",
        "available_at": None,
        "token": None,
        "dedup": f"{dedup}:gave-way:{called.delivery_id}",
    }
    unheard = update(t.deliveries).where(*same, one_of(d.state, ("pending", "failed_temporary")))
    uow.conn.execute(unheard.values(values))
