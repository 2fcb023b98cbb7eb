"""Statements that every table needs, built once: to build one takes longer than to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Insert, Table, Update, bindparam, insert, update
from sqlalchemy.dialects import postgresql, sqlite


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


@cache
def _empty(table: Table) -> dict[str, Any]:
    return {it.name: it.default.arg if it.default and it.default.is_scalar else None for it in table.c}  # type: ignore[attr-defined]  # of a scalar default


def whole(table: Table, **row: Any) -> dict[str, Any]:
    """A new row as it will be read: with its defaults, and None for what is not given."""
    return {**_empty(table), **row}
