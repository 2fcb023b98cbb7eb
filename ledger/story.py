"""How the latest cases stand, in one look: what the simulator shows beside its phones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ledger import tables as t

c, o = t.cases.c, t.obligations.c
_ORDER = ("police", "dissuade", "counselor", "care")  # as they are met; later ones follow


@dataclass(frozen=True)
class Told:
    """A case and the state of each obligation it started, by kind."""

    code: str
    received_at: datetime
    states: dict[str, str]


def latest(conn: Connection, limit: int = 3) -> list[Told]:
    """The newest cases first. No drills: no phone rings for them."""
    cases = conn.execute(
        select(c.id, c.code, c.received_at).where(~c.drill).order_by(c.received_at.desc(), c.id.desc()).limit(limit)
    ).all()
    found = conn.execute(select(o.case_id, o.kind, o.state).where(o.case_id.in_([case.id for case in cases])))
    rows = sorted(found, key=lambda row: _ORDER.index(row.kind) if row.kind in _ORDER else len(_ORDER))
    return [
        Told(case.code, case.received_at, {row.kind: row.state for row in rows if row.case_id == case.id})
        for case in cases
    ]
