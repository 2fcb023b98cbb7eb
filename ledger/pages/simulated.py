"""What the simulator shows: its phones with their texts, and beside them how the latest cases stand. No row filter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from ledger import tables as t
from ledger.school import people
from ledger.store.crypto import Keys

c, o, d = t.cases.c, t.obligations.c, t.deliveries.c
_ORDER = ("police", "dissuade", "counselor", "care")  # as they are met; later ones follow


@dataclass(frozen=True)
class Told:
    """A case and the state of each obligation it started, by kind."""

    code: str
    received_at: datetime
    states: dict[str, str]


def latest_cases(conn: Connection, limit: int = 3) -> list[Told]:
    """The newest cases first. No drills: no phone rings for them."""
    cases = conn.execute(
        select(c.id, c.code, c.received_at).where(~c.drill).order_by(c.received_at.desc(), c.id.desc()).limit(limit)
    ).all()
    found = conn.execute(select(o.case_id, o.kind, o.state).where(o.case_id.in_([case.id for case in cases])))
    rows = sorted(found, key=lambda row: _ORDER.index(row.kind) if row.kind in _ORDER else len(_ORDER))
    return [
        Told(case.code, case.received_at, {row.kind: row.state for row in rows if row.case_id == case.id})
        for case in cases
    ]


@dataclass(frozen=True)
class PhoneText:
    """One text on a simulated phone, or one sent from it."""

    at: datetime
    body: str
    state: str
    mine: bool
    id: UUID


def phones(conn: Connection, keys: Keys, limit: int = 200) -> dict[tuple[str, str], list[PhoneText]]:
    """The latest texts by (number, who it is), for the simulator: the phone heard from last comes first."""
    query = select(t.deliveries, t.people.c.role).outerjoin(t.people, t.people.c.id == d.person_id)
    rows = conn.execute(query.where(d.body_sealed.is_not(None)).order_by(d.created_at.desc()).limit(limit)).mappings()
    listed = list(rows)
    names = {p.id: (p.called, p.role) for p in people.by_id(conn, keys, [row["person_id"] for row in listed])}
    wrapped = _row_keys(conn, listed)
    phones: dict[tuple[str, str], list[PhoneText]] = {}
    for row in listed:
        key = keys.unwrap(*wrapped[row["case_id"] or row["person_id"]])
        number = key.open("deliveries", row["id"], "to", row["to_sealed"]) or ""
        body = key.open("deliveries", row["id"], "body", row["body_sealed"]) or ""
        who = " ".join(names[row["person_id"]]) if row["person_id"] in names else ""
        text = PhoneText(row["called_at"] or row["created_at"], body, row["state"], False, row["id"])
        phones.setdefault((number, who), []).append(text)
    for (number, _who), texts in phones.items():
        texts += _sent_from(conn, keys, number)
        texts.sort(key=lambda text: text.at)
    return phones


def _sent_from(conn: Connection, keys: Keys, number: str) -> list[PhoneText]:
    i = t.inbound.c
    theirs = (i.from_index == keys.blind("phone", number), i.body_sealed.is_not(None))  # none: erased with its case
    query = select(t.inbound).where(*theirs).order_by(i.at.desc()).limit(20)
    return [
        PhoneText(row["at"], keys.unwrap(row["id"], row["row_key"]).open("inbound", row["id"], "body",
                  row["body_sealed"]) or "", row["outcome"], True, row["id"])
        for row in conn.execute(query).mappings()
    ]  # fmt: skip


def _row_keys(conn: Connection, rows: list[RowMapping]) -> dict[UUID, tuple[UUID, bytes]]:
    found: dict[UUID, tuple[UUID, bytes]] = {}
    for table, column in ((t.cases, "case_id"), (t.people, "person_id")):
        ids = {row[column] for row in rows if row[column]}
        for row_id, wrapped in conn.execute(select(table.c.id, table.c.row_key).where(table.c.id.in_(ids))):
            found[row_id] = (row_id, wrapped)
    return found
