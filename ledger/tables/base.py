"""What all tables share: ids ordered by time, times in UTC, names of constraints, indexes over what is still open."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, Uuid, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """Timezone-aware UTC in and out; SQLite drops zones, so they are put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): made here, ordered by time, so that indexes grow at one end."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    return UUID(int=value | 0b10 << 62 | random & (1 << 62) - 1)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column(**options: Any) -> Column[UUID]:
    return Column("id", Uuid, primary_key=True, default=new_id, **options)


def reference(name: str, target: str, **options: Any) -> Column[UUID]:
    return Column(name, Uuid, ForeignKey(f"{target}.id"), **options)


def only_while(condition: str) -> dict[str, Any]:
    """A partial index on both databases: it holds what is still open, so its size does not grow with age."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def where_there(column: str) -> dict[str, Any]:
    """A partial index without the rows that have nothing there: each change of a row writes into all that hold it."""
    return only_while(f"{column} IS NOT NULL")
