"""What is known of a case's transfers, as alerts and pages need it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ledger import tables as t
from ledger.escalation import minutes_between
from ledger.unit_of_work import Case

# The four facts that the bank checks; a stop with one of them wrong is refused (银发〔2016〕86号).
MATCH_KEYS = ("name", "account", "amount", "time")


def transfers(conn: Connection, case_id: object) -> list[RowMapping]:
    query = select(t.transfers).where(t.transfers.c.case_id == case_id).order_by(t.transfers.c.position)
    return list(conn.execute(query).mappings())


def missing_keys(rows: list[RowMapping]) -> tuple[str, ...]:
    """Match keys that some transfer still lacks. A bucket such as 30分钟内 is no time."""
    lacking = {
        "name": any(row["payee_name_sealed"] is None for row in rows),
        "account": any(row["payee_account_sealed"] is None for row in rows),
        "amount": not rows,
        "time": any(row["happened_at"] is None for row in rows),
    }
    return tuple(key for key in MATCH_KEYS if lacking[key])


def alert_facts(conn: Connection, case: Case, now: datetime) -> dict[str, Any]:
    """The facts of an officer's text: no account, no name. Amounts in fen; times ISO 8601."""
    rows = transfers(conn, case.id)
    facts: dict[str, Any] = {"code": case.code, "reported_at": case.row["received_at"].isoformat()}
    facts["minutes"] = minutes_between(case.row["received_at"], now)
    if rows:
        first = rows[0]
        facts |= {
            "amount_fen": sum(row["amount_fen"] for row in rows),
            "transfers": len(rows),
            "channel": first["channel"],
            "when": first["when_bucket"],
            "happened_at": first["happened_at"].isoformat() if first["happened_at"] else None,
            "missing": list(missing_keys(rows)),
        }
    return facts
