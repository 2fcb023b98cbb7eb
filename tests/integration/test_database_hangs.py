"""A database that hangs instead of dying: no time-out of its own ends that, so ours does."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text

from ledger.errors import LedgerAway
from ledger.store import patience
from ledger.store.clock import ManualClock
from ledger.store.engine import connect
from ledger.store.unit_of_work import DOOR, Ledger
from services.settings import Settings
from tests.faults.clusters import Pair
from tests.private_services import PostgreSQL
from tests.processes import SECRETS

pytestmark = pytest.mark.alone  # what it waits for takes milliseconds

AT_LAST_S = 20  # for a machine that is busy with other things; a hang would last for ever


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PING_S", "DOOR_S", "LONGEST_S", "LOOK_S"):
        monkeypatch.setattr(patience, name, 0.2)


def ledger_over(url: str) -> Ledger:
    keys = Settings(_env_file=None, data_keys=SECRETS["STOPLINE_DATA_KEYS"],
                    index_key=SECRETS["STOPLINE_INDEX_KEY"]).keys  # type: ignore[call-arg]  # fmt: skip
    return Ledger(
        connect(url), keys, ManualClock(datetime(2026, 9, 1, tzinfo=UTC)), ZoneInfo("Asia/Shanghai"), brokered=False
    )


@contextmanager
def stopped(engine: Engine) -> Iterator[None]:
    """The server's end of the connection that is used next is stopped: it neither answers nor closes."""
    with engine.connect() as conn:
        pid = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def in_time(ledger: Ledger, statement: str) -> str:
    """What comes of it: done, away, or hangs."""
    came: list[str] = []

    def do() -> None:
        try:
            with ledger.begin("test", DOOR) as uow:
                uow.conn.execute(text(statement))
            came.append("done")
        except LedgerAway:
            came.append("away")

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(AT_LAST_S)
    return came[0] if came else "hangs"


@pytest.mark.usefixtures("impatient")
def test_a_connection_that_gives_no_sign_of_life_is_replaced(postgresql: PostgreSQL) -> None:
    ledger = ledger_over(postgresql.new_database())
    with stopped(ledger.engine):
        assert in_time(ledger, "SELECT 1") == "done"
    ledger.engine.dispose()


@pytest.mark.usefixtures("impatient")
def test_a_statement_without_an_answer_is_given_up(postgresql: PostgreSQL) -> None:
    ledger = ledger_over(postgresql.new_database())
    with ledger.engine.connect() as other, other.begin():
        other.execute(text("SELECT pg_advisory_xact_lock(1)"))
        assert in_time(ledger, "SELECT pg_advisory_xact_lock(1)") == "away"
    assert in_time(ledger, "SELECT 1") == "done"
    ledger.engine.dispose()


@pytest.mark.usefixtures("impatient")
def test_a_commit_that_waits_for_a_lost_standby_is_given_up() -> None:
    pair = Pair()
    try:
        ledger = ledger_over(pair.new_database())
        assert in_time(ledger, "CREATE TABLE kept (n int)") == "done"
        pair.standby.kill()
        assert in_time(ledger, "INSERT INTO kept VALUES (1)") == "away"
        with ledger.read() as conn:
            assert conn.execute(text("SELECT count(*) FROM kept")).scalar_one() in (0, 1)  # nobody knows
        pair._say("ALTER SYSTEM RESET synchronous_standby_names")
        pair._say("SELECT pg_reload_conf()")
        assert in_time(ledger, "INSERT INTO kept VALUES (2)") == "done"
        ledger.engine.dispose()
    finally:
        pair.close()


def test_who_is_done_in_time_is_left_alone(postgresql: PostgreSQL, impatient: None) -> None:
    ledger = ledger_over(postgresql.new_database())
    for _ in range(50):
        assert in_time(ledger, "SELECT pg_sleep(0.01)") == "done"
    assert patience._held == {}
    ledger.engine.dispose()
