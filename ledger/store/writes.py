"""What a transaction has to write, gathered and sent together.

To PostgreSQL as one statement with a JSON document for each table: a round trip, a plan and the driver's work for each
row cost more than storing it does. To SQLite, which is in this process, table by table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Table

from ledger.errors import AlreadyThere
from ledger.store.statements import by_id, insert_into, insert_new, one_or_many

Row = dict[str, Any]


class _Part(NamedTuple):
    """Rows of one table with the same columns. verb: insert · new (where nothing unique stands in the way) · change."""

    verb: str
    table: Table
    columns: tuple[str, ...]


@dataclass
class Writes:
    """Rows and changes that the database does not know of yet, each row once: a change of a new row is made in it."""

    _new: dict[tuple[Table, bool], list[Row]] = field(default_factory=dict)  # (table, whether others may have it)
    _changed: dict[Table, dict[UUID, Row]] = field(default_factory=dict)
    _unwritten: dict[tuple[Table, UUID], Row] = field(default_factory=dict)
    _first: UUID | None = None

    def __bool__(self) -> bool:
        return bool(self._new or self._changed)

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]], *, new: bool = False) -> None:
        """Copies of these rows, with the table's defaults. `new`: those that are there already are left out."""
        for row in rows:
            whole = {**_defaults(table, frozenset(row)), **row}
            self._new.setdefault((table, new), []).append(whole)
            if "id" in whole:
                self._unwritten[table, whole["id"]] = whole

    def insert_first(self, table: Table, row: Mapping[str, Any]) -> None:
        """A row that all others depend on: where something unique stands in its way, nothing is written at all."""
        if self:
            raise ValueError("not the first")
        self.insert(table, [row], new=True)
        self._first = row["id"]

    def change(self, table: Table, row: UUID, values: Mapping[str, Any]) -> None:
        if (table, row) in self._unwritten:
            self._unwritten[table, row].update(values)
        else:
            self._changed.setdefault(table, {}).setdefault(row, {}).update(values)

    def send(self, conn: Connection) -> set[UUID]:
        """Write everything; the ids of those `new` rows that were not there before. Raises AlreadyThere."""
        parts, first, new = self._take_parts(), self._first, set[UUID]()
        self._first = None
        if conn.dialect.name == "postgresql":
            new = _at_once(conn, parts, depending=first is not None) if parts else new
        else:
            for part, rows in parts.items():
                new |= _one_table(conn, part, rows)
                if first and first not in new:
                    break
        if first and first not in new:
            raise AlreadyThere
        return new

    def _take_parts(self) -> dict[_Part, list[Row]]:
        """Nothing is left to be written, also where writing fails: then the transaction is over."""
        parts: dict[_Part, list[Row]] = {}
        for (table, new), rows in self._new.items():
            for row in rows:
                parts.setdefault(_Part("new" if new else "insert", table, tuple(row)), []).append(row)
        for table, changes in self._changed.items():
            for row_id, values in changes.items():
                parts.setdefault(_Part("change", table, tuple(sorted(values))), []).append({"id": row_id, **values})
        for gathered in (self._new, self._changed, self._unwritten):
            gathered.clear()
        return parts


@cache
def _default_of(table: Table) -> dict[str, Any]:
    return {it.name: it.default for it in table.c if it.default is not None}


def _defaults(table: Table, given: frozenset[str]) -> Row:
    missing = {name: default for name, default in _default_of(table).items() if name not in given}
    return {name: it.arg(None) if it.is_callable else it.arg for name, it in missing.items()}


def _one_table(conn: Connection, part: _Part, rows: list[Row]) -> set[UUID]:
    if part.verb == "change":
        conn.execute(by_id(part.table), one_or_many([{"this": row.pop("id"), **row} for row in rows]))
    elif part.verb == "insert":
        conn.execute(insert_into(part.table), one_or_many(rows))
    else:
        return set(conn.scalars(insert_new(part.table, postgres=False), one_or_many(rows)))
    return set()


def _at_once(conn: Connection, parts: dict[_Part, list[Row]], *, depending: bool) -> set[UUID]:
    asked: dict[str, Any] = {}
    for n, (part, rows) in enumerate(parts.items()):
        asked[f"rows{n}"] = json.dumps(rows, ensure_ascii=False, default=_plain)
        if part.verb == "change":
            asked[f"ids{n}"] = [row["id"] for row in rows]
    return {row.id for row in conn.exec_driver_sql(_statement(tuple(parts), depending), asked)}


@cache
def _statement(parts: tuple[_Part, ...], depending: bool) -> str:
    """One part does not see what another writes; that references hold is looked at when all are done.

    `depending`: on whether the first part wrote its row, which it returns.
    """
    if_first = " EXISTS (TABLE part0)"
    written = ", ".join(f"part{n} AS ({_sql(n, part, if_first if depending and n else '')})"
                        for n, part in enumerate(parts))  # fmt: skip
    new = [f"TABLE part{n}" for n, part in enumerate(parts) if part.verb == "new"]
    return f"WITH {written} {' UNION ALL '.join(new) or 'SELECT NULL AS id WHERE false'}"


def _sql(n: int, part: _Part, condition: str) -> str:
    """Of tables and columns by their own names; all values are in the document."""
    names, table = [f'"{name}"' for name in part.columns], part.table.name
    given = f"json_populate_recordset(NULL::{table}, %(rows{n})s) given"
    if part.verb == "change":
        changes = ", ".join(f"{name} = given.{name}" for name in names)
        # The ids once more, apart: else a hundred rows are reckoned with, and a small table is read whole.
        # Behind a SELECT, as in statements.among.
        those = f"{table}.id = given.id AND {table}.id = ANY((SELECT %(ids{n})s::uuid[])::uuid[])"
        those += f" AND{condition}" if condition else ""
        return f"UPDATE {table} SET {changes} FROM {given} WHERE {those}"  # noqa: S608  # see above
    columns = ", ".join(names)
    insert = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {given}"  # noqa: S608  # see above
    insert += f" WHERE{condition}" if condition else ""
    return insert + (" ON CONFLICT DO NOTHING RETURNING id" if part.verb == "new" else "")


def _plain(value: object) -> str:
    """A value as PostgreSQL reads it in a JSON document."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return f"\\x{value.hex()}"
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no way to write a {type(value).__name__}")
