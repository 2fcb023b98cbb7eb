"""The facts of a case's transfers: those an alert needs, and which of the four match keys (核对要素) are lacking."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from ledger import channels
from ledger import tables as t
from ledger.errors import KeyMissing, Tampered
from ledger.escalation import minutes_between
from ledger.states import REFUSED, endings
from ledger.store.crypto import Keys, Lenient
from ledger.store.statements import among
from ledger.store.unit_of_work import Case, UnitOfWork

Row = Mapping[Any, Any]
Words = tuple[str, str]  # Chinese, English
Lack = tuple[int, str]  # position of a transfer, match key

# The four facts that the bank checks; a stop with one of them wrong is refused (银发〔2016〕86号).
MATCH_KEYS = ("name", "account", "amount", "time")
_KEYS = {
    "name": ("户名", "name"),
    "account": ("账号", "account"),
    "amount": ("金额", "amount"),
    "time": ("时间", "time"),
}
_COLUMNS = {"name": "payee_name_sealed", "account": "payee_account_sealed", "time": "happened_at"}
_GIVEN = ("payee_name", "payee_account", "serial")  # sealed, and part of what is matched
TRANSFERS = select(t.transfers).where(among(t.transfers.c.case_id, "cases")).order_by(t.transfers.c.position)


def transfers(conn: Connection, case_id: object) -> list[RowMapping]:
    return list(conn.execute(TRANSFERS, {"cases": [case_id]}).mappings())


def readable(key: Lenient, rows: Sequence[Row]) -> list[Row]:
    """The same rows, where a match key that was given and does not open any more is one that was not given."""
    found: list[Row] = []
    for row in rows:
        given = (name for name in _GIVEN if row[f"{name}_sealed"] is not None)
        lost = [name for name in given if key.open("transfers", row["id"], name, row[f"{name}_sealed"]) is None]
        found.append({**row, **{f"{name}_sealed": None for name in lost}})
    return found


def of_case(conn: Connection, keys: Keys, case: RowMapping) -> list[Row]:
    """The case's transfers like that, or as they are where the case itself cannot be opened."""
    rows = transfers(conn, case["id"])
    try:
        return readable(keys.unwrap(case["id"], case["row_key"]).lenient(), rows)
    except (KeyMissing, Tampered):
        return [*rows]


def lacking(rows: Sequence[Row]) -> list[Lack]:
    """(position, match key) for each that a transfer still lacks. A bucket such as 30分钟内 is no time."""
    if not rows:
        return [(1, "amount")]
    return [(row["position"], key) for row in rows for key in _COLUMNS if _lacks(row, key)]


def no_account(row: Row) -> bool:
    """Whether a bank has nothing to match: cash or cards, and no account was given all the same. A name alone is none.

    The blind index tells of one that was given and cannot be opened any more.
    """
    given = row["payee_account_sealed"] is not None or row["payee_account_index"] is not None
    return row["channel"] in channels.NO_ACCOUNT and not given


def _lacks(row: Row, key: str) -> bool:
    """Where there is no account, nobody is asked for one; who scans a code sees none, and has an order number."""
    if key != "time" and no_account(row):
        return False
    if key == "account" and row["channel"] == channels.SCAN and row["serial_sealed"] is not None:
        return False
    return row[_COLUMNS[key]] is None


def missing(rows: Sequence[Row]) -> tuple[str, ...]:
    """Match keys that some transfer still lacks."""
    return words_of(lacking(rows))


def words_of(found: Collection[Lack]) -> tuple[str, ...]:
    """The keys alone, in their order."""
    return tuple(key for key in MATCH_KEYS if key in {it for _, it in found})


def written(found: Sequence[Lack]) -> list[str]:
    """As the case keeps what its student was asked for: `1.name`, `2.time`."""
    return [f"{position}.{key}" for position, key in found]


def asked(found: Sequence[Lack], kept: Collection[str] | None) -> list[Lack]:
    """Those of them that the student was asked for. An older ledger kept the key alone: of whichever transfer."""
    return [it for it in found if not {it[1], *written([it])}.isdisjoint(kept or ())]


def named(found: list[Lack], *, several: bool) -> Words:
    """What is lacking, in words; of several transfers, which."""
    of: dict[int, list[Words]] = {}
    for position, key in found:
        of.setdefault(position, []).append(_KEYS[key])
    zh = ((f"第{n}笔" if several else "") + "、".join(key[0] for key in keys) for n, keys in of.items())
    en = (", ".join(key[1] for key in keys) + (f" of transfer {n}" if several else "") for n, keys in of.items())
    return "；".join(zh), "; ".join(en)


def alert_facts(uow: UnitOfWork, case: Case, since: datetime | None = None) -> dict[str, Any]:
    """The facts of an officer's text: no account, no name. Amounts in fen; times ISO 8601.

    `since`: of what came in from then on alone, else of what was refused; earlier money may have gone days ago.
    """
    rows: Sequence[Row] = uow.take_rows(TRANSFERS, case)
    if since:
        open_ = [row for row in rows if row["added_at"] and row["added_at"] >= since and not row["outcome"]]
        rows = open_ or [row for row in rows if REFUSED in endings([row["outcome"]])]
    reported = since or case.row["received_at"]
    facts: dict[str, Any] = {"code": case.code, "reported_at": reported.isoformat()}
    facts["minutes"] = minutes_between(reported, uow.now)
    if rows:
        first = rows[0]
        facts |= {
            # Other currencies are not added up with yuan: the sheet names each.
            "amount_fen": sum(row["amount_fen"] for row in rows if row["currency"] == "CNY") or None,
            "transfers": len(rows),
            "channel": first["channel"],
            "when": first["when_bucket"],
            "happened_at": first["happened_at"].isoformat() if first["happened_at"] else None,
            "missing": list(missing(rows)),
        }
    return facts
