"""Statements that every table needs, built once: to build one takes longer than to run it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Insert,
    Integer,
    Table,
    Text,
    Update,
    Uuid,
    bindparam,
    insert,
    literal_column,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


@cache
def by_id(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam("this"))


@cache
def insert_into(table: Table) -> Insert:
    return insert(table)


@cache
def insert_new(table: Table, postgres: bool) -> Insert:
    known = postgresql.insert(table) if postgres else sqlite.insert(table)
    return known.on_conflict_do_nothing().returning(table.c.id)


def one_or_many(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A single row without the driver's way of sending many, which takes a round trip more."""
    return rows[0] if len(rows) == 1 else rows


def one_of(column: ColumnElement[Any], words: Collection[str]) -> ColumnElement[bool]:
    """Whether it is one of these words of our own, which stand in the statement as they stand in partial indexes.

    Bound values make SQLAlchemy write an IN anew each time, which takes as long as the database does; so does a bound
    LIMIT, see `number`.
    """
    return column.in_([word(it) for it in words])


def word(said: str) -> ColumnElement[str]:
    if not said.replace("_", "").isalpha():
        raise ValueError("not a word of our own")
    return literal_column(f"'{said}'", Text)


def number(n: int) -> ColumnElement[int]:
    """For a LIMIT. PostgreSQL then plans for any value, so what is asked for has to be ordered by its index."""
    return literal_column(str(n), Integer)


@cache
def _empty(table: Table) -> dict[str, Any]:
    return {it.name: it.default.arg if it.default and it.default.is_scalar else None for it in table.c}  # type: ignore[attr-defined]  # of a scalar default


def whole(table: Table, **row: Any) -> dict[str, Any]:
    """A new row as it will be read: with its defaults, and None for what is not given."""
    return {**_empty(table), **row}


class _Ids(TypeDecorator[Sequence[UUID]]):
    """Any number of ids as one value."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(Uuid()) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: Sequence[UUID] | None, dialect: Dialect) -> Any:
        ids = list(value or ())
        return ids if dialect.name == "postgresql" else json.dumps([it.hex for it in ids])


class _Among(FunctionElement[bool]):
    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> _Among:
        """As it stands: for SQLite, which has no booleans, SQLAlchemy would add `= 1`, and no index answers that."""
        return self


def among(column: Any, name: str) -> _Among:
    """Whether the column is one of these ids, the value of `name`: one statement however many there are.

    IN has a place for each, so it is another statement for each number of them, to be built and prepared anew.
    """
    return _Among(column, bindparam(name, type_=_Ids()))


@compiles(_Among)
def _in_sqlite(element: _Among, compiler: Any, **named: Any) -> str:
    column, ids = (compiler.process(part, **named) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608  # both are SQLAlchemy's own


@compiles(_Among, "postgresql")
def _in_postgresql(element: _Among, compiler: Any, **named: Any) -> str:
    column, ids = (compiler.process(part, **named) for part in element.clauses)
    # Behind a SELECT their number is not seen, so PostgreSQL has one plan for any and need not make it each time.
    return f"{column} = ANY ((SELECT {ids})::UUID[])"  # as above
