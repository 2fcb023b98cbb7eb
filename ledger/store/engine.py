"""The database of either kind, as the ledger opens it, and its errors in the ledger's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy import exc as sql_errors

from ledger.errors import LedgerAway
from ledger.store import patience


@contextmanager
def translated() -> Iterator[None]:
    """Raises LedgerAway for whatever the database or the way to it may be to blame for."""
    try:
        yield
    # InternalError: a transaction ended by its idle time-out, or a standby that is read-only until it is promoted.
    except (sql_errors.OperationalError, sql_errors.InterfaceError, sql_errors.InternalError,
            sql_errors.TimeoutError) as error:  # fmt: skip
        # The driver's text can hold values; only its kind goes further.
        raise LedgerAway(f"{LedgerAway.__doc__} ({type(error.__cause__ or error).__name__})") from error


def connect(url: str, pool_size: int = 16) -> Engine:
    """An engine for SQLite (WAL, fsync on every commit, writers announce themselves) or PostgreSQL (psycopg 3)."""
    if make_url(url).get_backend_name() == "postgresql":
        # A process that is paused inside a transaction must not hold its locks for ever.
        options = "-c lock_timeout=5000 -c statement_timeout=15000 -c idle_in_transaction_session_timeout=10000"
        # Disks have no heads any more: with PostgreSQL's own figure of 4 it reads tables whole that have long grown.
        options += " -c random_page_cost=1.1"
        # Where it expects much of a statement it compiles it and calls helpers first: 30 to 60 ms of what has to ring.
        options += " -c jit=off -c max_parallel_workers_per_gather=0"
        arguments = {
            "connect_timeout": 3,
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "options": options,
        }
        # Last in, first out: a few stay warm, with their statements prepared and no sign of life to ask for.
        pool = {"pool_size": pool_size, "max_overflow": 16, "pool_timeout": 5, "pool_use_lifo": True}
        engine = create_engine(url, **pool, pool_pre_ping=True, connect_args=arguments, hide_parameters=True)
        patience.ping_patiently(engine)
        return engine
    engine = create_engine(url, pool_size=pool_size, max_overflow=48, connect_args={"timeout": 5}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # this file begins transactions itself
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(conn: Connection) -> None:
    # A reader that becomes a writer in mid-transaction fails at once under WAL, so writers say so at the beginning.
    reading = conn.get_execution_options().get("stopline_read", False)
    conn.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
