"""Which cases are over for longer than they may be kept. Nothing is erased by itself (docs/decisions/0035)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, exists, or_, select

from ledger import codes
from ledger import tables as t
from ledger.erasure import erasing
from ledger.errors import NotFound
from ledger.events import CaseErased
from ledger.states import FIRST_DUTIES
from ledger.store import naming
from ledger.store.crypto import Keys
from ledger.store.statements import one_of

c, o, f, e, s = t.cases.c, t.obligations.c, t.follow_ups.c, t.case_events.c, t.spooled.c


@dataclass(frozen=True)
class Kept:
    """A case as one who may have to erase it sees it: nobody's name, nothing that was typed.

    `over_since`: when its record was closed. `bars`: keys of erasing.BARS. `lost`: its key is gone already.
    """

    id: UUID
    code: str
    state: str
    received_at: datetime
    over_since: datetime | None
    erased_at: datetime | None
    bars: tuple[str, ...]
    lost: bool


def find(conn: Connection, keys: Keys, code: str, now: datetime) -> Kept:
    """By the ledger's own code, look-alikes allowed. Raises NotFound: one of the spool's may be several cases."""
    fold = codes.fold(code)
    if naming.gave(fold):
        here = conn.scalars(select(c.code).where(c.id.in_(select(s.case_id).where(s.code_fold == fold)))).all()
        raise NotFound(f"{code} was given while the ledger was away; here it is: {', '.join(here) or '-'}")
    row = conn.execute(select(t.cases).where(c.code_fold == fold)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"there is no case {code} 没有这个编号")
    closed = conn.execute(select(f.closed_at).where(f.case_id == row["id"])).scalar_one_or_none()
    erased_at, lost = erasing.erased_at(conn, row["id"]), erasing.key_is_gone(keys, row)
    found = () if erased_at else tuple(erasing.bars(conn, row, now))
    return Kept(row["id"], row["code"], row["state"], row["received_at"], closed, erased_at, found, lost)


@dataclass(frozen=True)
class Due:
    """One whose time is over; with `bars` it stays for as long as they stand."""

    id: UUID
    code: str
    over_since: datetime
    bars: tuple[str, ...]


def due(conn: Connection, now: datetime, days: int) -> list[Due]:
    """Those whose record and whose police's part ended `days` ago and longer, the oldest first; 0: none ever."""
    if not days:
        return []
    before = now - timedelta(days=days)
    lasted = exists().where(
        o.case_id == c.id, one_of(o.kind, FIRST_DUTIES), or_(o.done_at.is_(None), o.done_at > before)
    )
    erased = exists().where(e.case_id == c.id, e.type == CaseErased.type)
    query = (
        select(c.id, c.code, c.drill, c.state, c.unsafe_at, f.closed_at)
        .join(t.follow_ups, f.case_id == c.id)
        .where(~c.drill, f.closed_at <= before, ~lasted, ~erased)
        .order_by(f.closed_at, c.id)
    )
    return [
        Due(row["id"], row["code"], row["closed_at"], tuple(erasing.bars(conn, row, now)))
        for row in conn.execute(query).mappings().all()
    ]
