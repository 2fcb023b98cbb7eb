"""A month's cases registered by the police come into the ledger: what an import would change, and making it so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Connection, delete, insert, select

from ledger import tables as t
from ledger import values
from ledger.figures import registered, registerfile
from ledger.figures.registerfile import Placements, RegisteredRow
from ledger.store import anchors
from ledger.store.unit_of_work import UnitOfWork

r = t.registered_cases.c


@dataclass(frozen=True)
class Change:
    """One line of what an import changes: `before` None where it is new, `after` None where it is gone."""

    month: str
    college: str
    before: RegisteredRow | None
    after: RegisteredRow | None

    @property
    def sign(self) -> str:
        return "~" if self.before and self.after else "+" if self.after else "-"

    def __str__(self) -> str:
        return f"{self.sign} {self.month} {self.college} (" + " → ".join(map(said, self._rows)) + ")"

    @property
    def _rows(self) -> list[RegisteredRow]:
        return [row for row in (self.before, self.after) if row]


def said(row: RegisteredRow) -> str:
    amount = f", {values.yuan(row.amount_fen)} yuan" if row.amount_fen is not None else ""
    return f"{row.cases} case{'' if row.cases == 1 else 's'}{amount}"


def colleges(conn: Connection) -> dict[str, str]:
    """Code → name, by their codes."""
    rows = conn.execute(select(t.colleges.c.code, t.colleges.c.name).order_by(t.colleges.c.code))
    return {row.code: row.name for row in rows}


def changes(conn: Connection, read: Placements, now: datetime, zone: tzinfo) -> list[Change]:
    """What applying these rows would change. Raises BadRegister where they do not fit the roster or each other."""
    return _changes(conn, registerfile.placed(read, colleges(conn), registered.month_of(now, zone)))


def apply(uow: UnitOfWork, read: Placements, actor: str) -> list[Change]:
    """Make it so, in the caller's transaction: a month's rows replace all that month had."""
    rows = registerfile.placed(read, colleges(uow.conn), registered.month_of(uow.now, uow.zone))
    months = sorted({row.month for row in rows})
    for month in months:  # locks it, so that two imports of one month do not end as a mixture of both
        new = uow.upsert(t.registered_months).values(month=month, imported_at=uow.now)
        uow.conn.execute(new.on_conflict_do_update(index_elements=["month"], set_={"imported_at": uow.now}))
    made = _changes(uow.conn, rows)
    uow.conn.execute(delete(t.registered_cases).where(r.month.in_(months)))
    uow.conn.execute(insert(t.registered_cases), [_stored(row) for row in rows])
    anchors.log_reads(uow, actor, "registered.import", [f"month:{month}" for month in months])
    return made


def _stored(row: RegisteredRow) -> dict[str, object]:
    return {"month": row.month, "college_code": row.college, "cases": row.cases, "amount_fen": row.amount_fen}


def _changes(conn: Connection, rows: Sequence[RegisteredRow]) -> list[Change]:
    wanted = {(row.month, row.college): row for row in rows}
    held = _held(conn, sorted({row.month for row in rows}))
    places = sorted(wanted.keys() | held.keys())
    return [
        Change(*place, held.get(place), wanted.get(place)) for place in places if held.get(place) != wanted.get(place)
    ]


def _held(conn: Connection, months: Sequence[str]) -> dict[tuple[str, str], RegisteredRow]:
    found = conn.execute(select(t.registered_cases).where(r.month.in_(months)))
    rows = [RegisteredRow(row.month, row.cases, row.college_code, row.amount_fen) for row in found]
    return {(row.month, row.college): row for row in rows}
