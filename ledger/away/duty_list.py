"""The duty list as it was when the ledger was last there, for the officer's text while it is away.

Only the `*` rows: whom a report belongs to cannot be looked up without the ledger, and the default officer and the
24-hour desk are there for everybody whom nobody knows.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import Connection, select

from ledger import tables as t
from ledger.school import people
from ledger.store import durable
from ledger.store.crypto import Keys

log = structlog.get_logger()
TARGETS = ("officer", "desk")


@dataclass(frozen=True)
class Shift:
    """One shift of one person whom a text may go to. `person_id` as text; `phone` is E.164."""

    role: str
    days: str
    start: str
    end: str
    person_id: str
    phone: str
    language: str


def of_ledger(conn: Connection, keys: Keys) -> list[Shift]:
    c = t.duties.c
    query = select(t.duties).where(c.college_code == people.DEFAULT, c.role.in_(TARGETS)).order_by(c.role, c.id)
    rows = conn.execute(query).all()
    known = {person.id: person for person in people.by_id(conn, keys, (row.person_id for row in rows))}
    found = [(row, known[row.person_id]) for row in rows if row.person_id in known]
    return [
        Shift(row.role, row.days, row.start, row.end, str(person.id), person.phone, person.language)
        for row, person in found
        if person.phone
    ]


def on_duty(shifts: Sequence[Shift], roles: Sequence[str], now: datetime, zone: tzinfo) -> list[Shift]:
    """Who has one of these duties now, each person once, in the order of `roles`."""
    local = now.astimezone(zone)
    present = [shift for shift in shifts if people.covers(shift.days, shift.start, shift.end, local)]
    ordered = [shift for role in roles for shift in present if shift.role == role]
    return list({shift.person_id: shift for shift in reversed(ordered)}.values())[::-1]


def keep(path: Path, shifts: Sequence[Shift], keys: Keys) -> None:
    """Sealed and durable: a process that starts anew while the ledger is away finds it."""
    list_id = t.new_id()
    key, wrapped = keys.new_row_key(list_id)
    sealed = key.seal("duty_list", list_id, "shifts", json.dumps([asdict(shift) for shift in shifts])) or b""
    content = {"id": str(list_id), "row_key": _text(wrapped), "sealed": _text(sealed)}
    durable.write(path, json.dumps(content).encode())


def kept(path: Path, keys: Keys) -> list[Shift]:
    """Empty where none was ever kept, or it cannot be read: no door stays shut for that, and the next is taken soon."""
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_bytes())
        key = keys.unwrap(list_id := UUID(content["id"]), base64.b64decode(content["row_key"]))
        opened = key.open("duty_list", list_id, "shifts", base64.b64decode(content["sealed"])) or "[]"
        return [Shift(**shift) for shift in json.loads(opened)]
    except Exception as error:  # noqa: BLE001  # another version's, another key's, or spoiled by a disk in any way
        log.error("duty_list_unreadable", error=type(error).__name__)
        return []


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
