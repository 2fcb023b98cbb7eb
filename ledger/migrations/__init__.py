"""One line of migrations for SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import ColumnClause, Engine, column, inspect, select, table

NEWEST = "0025"  # said here, and not asked of Alembic: every process would carry it only to know this
_revision: ColumnClause[str] = column("version_num")
_CURRENT = select(_revision).select_from(table("alembic_version", _revision))


def upgrade(engine: Engine) -> None:
    """Bring the ledger's tables to this program's revision, and put back what a restore of single ones left out."""
    from alembic import command

    from ledger.migrations import triggers

    command.upgrade(_config(engine), "head")
    with engine.begin() as connection:
        triggers.mend(connection)


def _config(engine: Engine) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["engine"] = engine
    return config


def current(engine: Engine) -> str | None:
    """The revision of the ledger's tables; None where there are none yet."""
    if engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists():
        return None  # SQLite would make an empty file, though only a look was asked for
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(_CURRENT).scalar_one_or_none()
        return found
