"""A month's numbers come into the ledger: what an import would change, and making it so. Alike for each sort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, BinaryIO

from sqlalchemy import Connection, Table, delete, insert, select

from ledger import tables as t
from ledger import values
from ledger.figures import monthfile, preventionfile, registered, registerfile
from ledger.figures.monthfile import Kind, Placements, Units
from ledger.figures.preventionfile import PreventionRow
from ledger.figures.registerfile import RegisteredRow
from ledger.school import people
from ledger.store import anchors
from ledger.store.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Sort:
    """One sort of file: how it is read and placed, how a row is said, and which tables keep it.

    table_of: the table of a row, which has columns by its fields' names; the college's is `college_code`.
    """

    name: str
    kind: Kind
    place: Callable[[Placements, Units, str], Sequence[Any]]
    template: Callable[[dict[str, str], str, BinaryIO], None]
    said: Callable[[Any], str]
    months: Table
    tables: Sequence[Table]
    table_of: Callable[[Any], Table]


@dataclass(frozen=True)
class Change:
    """One line of what an import changes: `before` None where it is new, `after` None where it is gone.

    class_code: empty for the whole college.
    """

    month: str
    college: str
    class_code: str
    before: Any | None
    after: Any | None
    said: Callable[[Any], str]

    @property
    def sign(self) -> str:
        return "~" if self.before and self.after else "+" if self.after else "-"

    def __str__(self) -> str:
        place = f"{self.college} {self.class_code}".strip()
        rows = [row for row in (self.before, self.after) if row]
        return f"{self.sign} {self.month} {place} (" + " → ".join(map(self.said, rows)) + ")"


def _said_registered(row: RegisteredRow) -> str:
    amount = f", {values.yuan(row.amount_fen)} yuan" if row.amount_fen is not None else ""
    return f"{row.cases} case{'' if row.cases == 1 else 's'}{amount}"


def _said_prevention(row: PreventionRow) -> str:
    counted = ((field, getattr(row, field)) for field in preventionfile.NUMBERS)
    return ", ".join(f"{field} {number}" for field, number in counted if number is not None)


REGISTERED = Sort(
    "registered", registerfile.KIND, registerfile.placed, registerfile.write_template, _said_registered,
    t.registered_months, (t.registered_cases, t.registered_classes),
    lambda row: t.registered_classes if row.class_code else t.registered_cases,
)  # fmt: skip
PREVENTION = Sort(
    "prevention", preventionfile.KIND, preventionfile.placed, preventionfile.write_template, _said_prevention,
    t.prevention_months, (t.prevention_counts,), lambda _: t.prevention_counts,
)  # fmt: skip
SORTS = {sort.name: sort for sort in (REGISTERED, PREVENTION)}


def read(sort: Sort, name: str, data: bytes) -> Placements:
    """Its rows as they stand in the file. Raises BadMonth with every fault found."""
    return monthfile.read(sort.kind, name, data)


def _units(conn: Connection) -> Units:
    classes = {row.code: (row.college_code, row.name) for row in conn.execute(select(t.classes))}
    return Units(people.colleges(conn), classes)


def write_template(conn: Connection, sort: Sort, now: datetime, zone: tzinfo, out: BinaryIO) -> str:
    """A workbook to fill in for the month that is just over, which is answered."""
    month = registered.last_month(now, zone)
    sort.template(people.colleges(conn), month, out)
    return month


def changes(conn: Connection, sort: Sort, read: Placements, now: datetime, zone: tzinfo) -> list[Change]:
    """What applying these rows would change. Raises BadMonth where they do not fit the roster or each other."""
    return _changes(conn, sort, sort.place(read, _units(conn), registered.month_of(now, zone)))


def apply(uow: UnitOfWork, sort: Sort, read: Placements, actor: str) -> list[Change]:
    """Make it so, in the caller's transaction: a month's rows replace all that month had."""
    rows = sort.place(read, _units(uow.conn), registered.month_of(uow.now, uow.zone))
    months = sorted({row.month for row in rows})
    for month in months:  # locks it, so that two imports of one month do not end as a mixture of both
        new = uow.upsert(sort.months).values(month=month, imported_at=uow.now)
        uow.conn.execute(new.on_conflict_do_update(index_elements=["month"], set_={"imported_at": uow.now}))
    made = _changes(uow.conn, sort, rows)
    for table in sort.tables:
        uow.conn.execute(delete(table).where(table.c.month.in_(months)))
        if its := [_stored(table, row) for row in rows if sort.table_of(row) is table]:
            uow.conn.execute(insert(table), its)
    anchors.log_reads(uow, actor, f"{sort.name}.import", [f"month:{month}" for month in months])
    return made


def _stored(table: Table, row: Any) -> dict[str, object]:
    return {column.name: getattr(row, _field(column.name)) for column in table.c}


def _field(column: str) -> str:
    return "college" if column == "college_code" else column


def _changes(conn: Connection, sort: Sort, rows: Sequence[Any]) -> list[Change]:
    wanted = {_place(row): row for row in rows}
    held = {_place(row): row for row in _held(conn, sort, sorted({row.month for row in rows}))}
    changed = (it for it in sorted(wanted.keys() | held.keys()) if held.get(it) != wanted.get(it))
    return [Change(*place, held.get(place), wanted.get(place), sort.said) for place in changed]


def _place(row: Any) -> tuple[str, str, str]:
    return row.month, row.college, row.class_code


def _held(conn: Connection, sort: Sort, months: Sequence[str]) -> list[Any]:
    found = (conn.execute(select(table).where(table.c.month.in_(months))).mappings() for table in sort.tables)
    return [sort.kind.make(**{_field(name): it for name, it in row.items()}) for rows in found for row in rows]
