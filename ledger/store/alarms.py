"""Alarms: what a person must see on the pages, in /readyz and in the metrics. No path that may be broken itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update

from ledger import tables as t
from ledger.store.statements import one_of
from ledger.store.unit_of_work import UnitOfWork

a = t.alarms.c
OF_AN_OBLIGATION = ("nobody_reached", "obligation_stuck")  # over as soon as somebody has answered
# Over when whoever runs the service says so (`stopline work retry`): of the first the cause may be mended, the others
# were of one moment.
PROVIDER_REFUSES = "provider_refuses"  # over as soon as it takes a text to the same country, or by hand
KEY_MISSING = "key_missing"  # no process can tell whether another still lacks it
ENDED_BY_HAND = (
    *(PROVIDER_REFUSES, KEY_MISSING, "work_parked", "alert_not_begun"),
    *("reminder_stuck", "unreadable_message", "text_without_words"),
)
_CLEAR = (
    update(t.alarms)
    .where(a.case_id == bindparam("case"), one_of(a.kind, OF_AN_OBLIGATION), a.cleared_at.is_(None))
    .where(a.reason.startswith(bindparam("its")))
    .values(cleared_at=bindparam("now"))
)


def alarm(uow: UnitOfWork, dedup: str, kind: str, reason: str, case_id: UUID | None = None) -> bool:
    """Raise it, or raise it again after it was cleared. False: it is up already, since the time it first came."""
    row: dict[str, Any] = {"dedup": dedup, "kind": kind, "case_id": case_id, "at": uow.now, "reason": reason}
    raised = uow.upsert(t.alarms).values({"id": t.new_id(), **row})
    again = raised.on_conflict_do_update(
        index_elements=["dedup"],
        set_={"at": uow.now, "reason": reason, "cleared_at": None},
        where=a.cleared_at.is_not(None),
    )
    return uow.conn.execute(again.returning(a.id)).first() is not None


def provider_refuses(uow: UnitOfWork, region: str, code: str) -> None:
    """A fault of the account or its settings: every text to these numbers will be refused until it is mended."""
    alarm(uow, _of_region(region), PROVIDER_REFUSES, f"provider: {code}, {region}")


def provider_takes(uow: UnitOfWork, region: str) -> None:
    """It has taken a text to such a number."""
    clear_one(uow, _of_region(region))


def _of_region(region: str) -> str:
    return f"{PROVIDER_REFUSES}:{region}"


def clear(uow: UnitOfWork, case_id: UUID, obligation: str) -> None:
    """Somebody has answered for this obligation: nobody needs to be woken for it any more."""
    uow.conn.execute(_CLEAR, {"case": case_id, "its": f"{obligation}: ", "now": uow.now})


def clear_one(uow: UnitOfWork, dedup: str) -> None:
    """What it was about is over."""
    uow.conn.execute(update(t.alarms).where(a.dedup == dedup, a.cleared_at.is_(None)).values(cleared_at=uow.now))


def clear_kind(uow: UnitOfWork, kind: str) -> None:
    """What all alarms of this kind were about has been taken up."""
    uow.conn.execute(update(t.alarms).where(a.kind == kind, a.cleared_at.is_(None)).values(cleared_at=uow.now))
