"""What the student reads to 110, word for word: the four facts the bank will check."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, RowMapping

from ledger import values
from ledger.errors import KeyMissing, Tampered
from ledger.reporting import corrections
from ledger.reporting.corrections import Correction
from ledger.ringing import match_keys
from ledger.ringing.match_keys import Row
from ledger.store.crypto import Keys

READABLE = timedelta(minutes=15)  # after that the link adds to the report but gives nothing back
_BUCKETS = {
    "zh": {"now": "刚刚", "30min": "30分钟内", "24h": "24小时内", "earlier": "更早"},
    "en": {"now": "just now", "30min": "within 30 minutes", "24h": "within 24 hours", "earlier": "earlier"},
}


def read_aloud(
    conn: Connection, keys: Keys, case: RowMapping, now: datetime, zone: tzinfo, lang: str
) -> list[dict[str, Any]] | None:
    """For each transfer what is known: amount (text), when, name, account in groups of four; None when hidden again."""
    if now - case["received_at"] > READABLE:
        return None
    key = keys.unwrap(case["id"], case["row_key"]).lenient()  # what cannot be read is left out
    said = corrections.of_case(conn, key, case["id"])
    facts: list[dict[str, Any]] = []
    for row in match_keys.transfers(conn, case["id"]):
        account = values.parse_account(
            key.open("transfers", row["id"], "payee_account", row["payee_account_sealed"]) or ""
        )
        at = row["happened_at"]
        facts.append(
            {
                "amount": values.yuan(row["amount_fen"]),
                "currency": row["currency"],
                "when": f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else _BUCKETS[lang].get(row["when_bucket"] or ""),
                "name": key.open("transfers", row["id"], "payee_name", row["payee_name_sealed"]),
                "account": values.group4(account.text) if account else None,
            }
            | _corrected([it for it in said if it.position == row["position"]], lang)
        )
    return facts


def doubted(conn: Connection, keys: Keys, case: RowMapping, rows: Sequence[Row], now: datetime) -> list[int]:
    """Positions of transfers whose account was entered so lately and looks like a card with a digit wrong."""
    try:
        key = keys.unwrap(case["id"], case["row_key"]).lenient()
    except (KeyMissing, Tampered):
        return []
    entered = {row["position"]: (row["added_at"] or case["received_at"],
                                 key.open("transfers", row["id"], "payee_account", row["payee_account_sealed"]))
               for row in rows}  # fmt: skip
    for it in corrections.of_case(conn, key, case["id"]):
        if it.field == "payee_account":
            entered[it.position] = (it.at, it.value)
    return [place for place, (at, typed) in sorted(entered.items()) if now - at < READABLE and values.doubted(typed)]


def _corrected(said: list[Correction], lang: str) -> dict[str, str]:
    """What was sent later of this transfer counts for what the student says to 110."""
    newest = {correction.field: correction.value for correction in said}
    shown = {"amount": newest.get("amount"), "name": newest.get("payee_name")}
    account = values.parse_account(newest.get("payee_account", ""))
    shown["account"] = values.group4(account.text) if account else None
    time = newest.get("time", "")
    shown["when"] = _BUCKETS[lang].get(time) or time[:16] or None
    return {name: value for name, value in shown.items() if value}
