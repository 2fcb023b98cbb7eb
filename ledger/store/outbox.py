"""Events that still have to be published. `publish_after` null: published, or nobody is to be told (any more)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import bindparam, exists, or_, select, update

from ledger import tables as t
from ledger.events import PUBLISHED, TYPES, Envelope
from ledger.store.statements import among, number
from ledger.store.unit_of_work import Ledger

BACK_OFF = timedelta(seconds=5)  # a claimed event is not swept again before
e, w = t.case_events.c, t.work.c

# Built once: see statements.
_overdue = e.publish_after <= bindparam("now")
_ANY = select(e.id).where(_overdue).order_by(e.publish_after).limit(number(1))
_MARK = update(t.case_events).where(among(e.id, "ids")).values(publish_after=bindparam("until"))


def mark_published(ledger: Ledger, ids: list[UUID]) -> None:
    with ledger.begin("published") as uow:
        uow.conn.execute(_MARK, {"ids": ids, "until": None})


def claim_unpublished(ledger: Ledger, limit: int = 200) -> list[Envelope]:
    """Events whose publishing is overdue, claimed for a while; oldest first.

    What is ours alone needs no message once the clock has done its work: such events are let go. What others are told
    they hear from nobody but the broker. An event of a newer version waits for one that knows who is told.
    """
    with ledger.read() as conn:
        if conn.execute(_ANY, {"now": ledger.clock.now()}).first() is None:
            return []
    with ledger.begin("sweep") as uow:
        wanted = or_(e.type.in_(PUBLISHED), exists().where(w.event_id == e.id, w.state == "open"))
        query = (
            select(e.id, e.type, e.at, e.case_id, e.data, wanted.label("wanted"))
            .where(e.publish_after <= uow.now, e.type.in_(TYPES))
            .order_by(e.publish_after)
            .limit(limit)
            .with_for_update(of=t.case_events, skip_locked=True)
        )
        rows = uow.conn.execute(query).all()
        for claimed, until in ((True, uow.now + BACK_OFF), (False, None)):
            ids = [row.id for row in rows if row.wanted is claimed]
            if ids:
                uow.conn.execute(_MARK, {"ids": ids, "until": until})
        return [Envelope(row.id, row.type, row.at, row.case_id, row.data) for row in rows if row.wanted]
