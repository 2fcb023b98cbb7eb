"""What the student reads to 110, word for word: the four facts the bank will check, or what there is instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, RowMapping

from ledger import channels, values
from ledger.errors import KeyMissing, Tampered
from ledger.reporting import additions, corrections
from ledger.reporting.corrections import Correction
from ledger.ringing import match_keys
from ledger.ringing.match_keys import Row
from ledger.store.crypto import Keys, RowKey

READABLE = timedelta(minutes=15)  # after that the link adds to the report but gives nothing back
_BUCKETS = {
    "zh": {"now": "刚刚", "30min": "30分钟内", "24h": "24小时内", "earlier": "更早"},
    "en": {"now": "just now", "30min": "within 30 minutes", "24h": "within 24 hours", "earlier": "earlier"},
}
_NAME, _ACCOUNT = ("name", "户名", "Name"), ("account", "账号", "Account")
_AMOUNT, _WHEN, _HOW = ("amount", "金额", "Amount"), ("when", "时间", "Time"), ("how", "怎么付的", "Paid by")
_BY_ACCOUNT = (_NAME, _ACCOUNT, _AMOUNT, _WHEN)
_LINES: dict[str, tuple[tuple[str, str, str], ...]] = {  # how it went → (key, Chinese, English) in the order of reading
    channels.SCAN: (_HOW, ("bank", "App", "App"), ("serial", "订单号", "Order number"), _NAME, _AMOUNT, _WHEN),
    channels.ECNY: (_HOW, _NAME, ("account", "钱包编号", "Wallet"), ("bank", "运营机构", "Its bank"), _AMOUNT, _WHEN),
    **{
        way: (_HOW, _AMOUNT, _WHEN, *((name, *words) for name, words in named.items()))
        for way, named in channels.DETAILS.items()
    },
}


def read_aloud(
    conn: Connection, keys: Keys, case: RowMapping, now: datetime, zone: tzinfo, lang: str
) -> list[dict[str, Any]] | None:
    """For each transfer what is known: amount (text), when, name, account in groups of four …; None when hidden again.

    `lines`: which of it is read, in their order, each with its words.
    """
    if now - case["received_at"] > READABLE:
        return None
    key = keys.unwrap(case["id"], case["row_key"]).lenient()  # what cannot be read is left out
    said = corrections.of_case(conn, key, case["id"])
    rows, facts = match_keys.transfers(conn, case["id"]), list[dict[str, Any]]()
    asked = any(row["channel"] in channels.DETAILS for row in rows)
    given = additions.of_case(conn, key, case["id"]) if asked else []
    for row in rows:
        account = values.parse_account(
            key.open("transfers", row["id"], "payee_account", row["payee_account_sealed"]) or ""
        )
        at = row["happened_at"]
        fact = (
            {
                "amount": values.yuan(row["amount_fen"]),
                "currency": row["currency"],
                "when": f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else _BUCKETS[lang].get(row["when_bucket"] or ""),
                "name": key.open("transfers", row["id"], "payee_name", row["payee_name_sealed"]),
                "account": values.group4(account.text) if account else None,
            }
            | _of_its_way(key, row, given, lang)
            | _corrected([it for it in said if it.position == row["position"]], lang)
        )
        facts.append(fact | {"lines": _lines(row["channel"], fact)})
    return facts


def _lines(way: str, fact: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Name and account are read wherever they are known, also where nobody asks for them."""
    first, *rest = _LINES.get(way, _BY_ACCOUNT)
    asked = {key for key, *_ in (first, *rest)}
    return first, *(it for it in (_NAME, _ACCOUNT) if it[0] not in asked and fact[it[0]]), *rest


def _of_its_way(key: RowKey, row: Row, given: Sequence[additions.Answered], lang: str) -> dict[str, Any]:
    """110 answers in Chinese: on an English page both are read."""
    way = row["channel"]
    zh, en = channels.WORDS.get(way, (way, way))
    said = additions.joined(given, way, row["position"])
    return {
        "how": zh if lang == "zh" else f"{zh} {en}",
        "bank": key.open("transfers", row["id"], "payee_bank", row["payee_bank_sealed"]),
        "serial": key.open("transfers", row["id"], "serial", row["serial_sealed"]),
        **{name: said.get(name) for name in channels.DETAILS.get(way, ())},
    }


def doubted(conn: Connection, keys: Keys, case: RowMapping, rows: Sequence[Row], now: datetime) -> list[int]:
    """Positions of transfers whose account was entered so lately and looks like a card with a digit wrong."""
    try:
        key = keys.unwrap(case["id"], case["row_key"]).lenient()
    except (KeyMissing, Tampered):
        return []
    entered = {row["position"]: (row["added_at"] or case["received_at"],
                                 key.open("transfers", row["id"], "payee_account", row["payee_account_sealed"]))
               for row in rows if row["channel"] != channels.ECNY}  # fmt: skip
    for it in corrections.of_case(conn, key, case["id"]):
        if it.field == "payee_account" and it.position in entered:
            entered[it.position] = (it.at, it.value)
    return [place for place, (at, typed) in sorted(entered.items()) if now - at < READABLE and values.doubted(typed)]


def _corrected(said: list[Correction], lang: str) -> dict[str, str]:
    """What was sent later of this transfer counts for what the student says to 110."""
    newest = {correction.field: correction.value for correction in said}
    names = {"amount": "amount", "name": "payee_name", "bank": "payee_bank", "serial": "serial"}
    shown = {name: newest.get(field) for name, field in names.items()}
    account = values.parse_account(newest.get("payee_account", ""))
    shown["account"] = values.group4(account.text) if account else None
    time = newest.get("time", "")
    shown["when"] = _BUCKETS[lang].get(time) or time[:16] or None
    return {name: value for name, value in shown.items() if value}
