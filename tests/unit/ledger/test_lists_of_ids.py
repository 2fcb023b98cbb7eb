"""Statements that look for any of several ids go by an index, also in SQLite, which has no booleans."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import sqlite

from ledger import tables as t
from ledger.care import opening
from ledger.export import export_rows
from ledger.ready import lineup
from ledger.ringing import alerting, match_keys
from ledger.school import people
from ledger.store import case, outbox, work
from ledger.texts import deliveries

STATEMENTS = {
    "cases": case.THOSE_FREE,
    "texts": deliveries._LOCKED,
    "people": people.BY_ID,
    "line-up": lineup._NAMED,
    "obligations": alerting.OBLIGATION,
    "transfers": match_keys.TRANSFERS,
    "records": opening._OPENED,
    "new reports": work._NEW_REPORTS,
    "published": outbox._MARK,
    "students of an export": export_rows._STUDENTS,
    "sums of an export": export_rows._SUMS,
    "police of an export": export_rows._POLICE,
    "contacts of an export": export_rows._CONTACTS,
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_table_is_read_whole_for_a_list_of_ids(name: str) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as conn:
        t.metadata.create_all(conn)
        made: Any = STATEMENTS[name].compile(dialect=sqlite.dialect(paramstyle="named"))
        values = dict.fromkeys(made.params)
        plan = [row.detail for row in conn.execute(text(f"EXPLAIN QUERY PLAN {made}"), values)]
    few = ("json_each", "ix_alarms_open")  # the ids themselves; alarms that are open, which are in no other index
    scanned = [step for step in plan if step.startswith("SCAN") and not any(it in step for it in few)]
    assert scanned == [], plan
