"""Bringing the ledger's people, duties and ladders in line with a roster file that has already been checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from ledger import tables as t
from ledger.errors import KeyMissing, Tampered
from ledger.school.schoolrows import PersonRow, School
from ledger.store.crypto import Keys, RowKey
from ledger.store.unit_of_work import UnitOfWork

p = t.people.c
_SEALED = ("name", "called", "phone", "student_no")


@dataclass(frozen=True)
class Change:
    """One line of a dry run. sign: + new · ~ changed · - leaves the roster."""

    sign: str
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.sign} {self.what}" + (f" ({self.detail})" if self.detail else "")


def changes(conn: Connection, keys: Keys, school: School) -> list[Change]:
    """What applying the file would change; names rows by their roster key, never shows a phone."""
    held = _held(conn)
    names = {row["id"]: key for key, row in held.items()}  # also of those that have been compared already
    found: list[Change] = []
    for person in school.people:
        row = held.pop(person.key, None)
        if row is None or not row["active"]:
            found.append(Change("+", f"{person.role} {person.key}"))
        elif differing := _differing(keys, row, person, names):
            found.append(Change("~", f"{person.role} {person.key}", ", ".join(differing)))
    found += [Change("-", f"{row['role']} {key}") for key, row in held.items() if row["active"]]
    found += [Change("~", what) for what, wanted, have in _lists(conn, school) if wanted != have]
    return found


def apply(uow: UnitOfWork, school: School) -> list[Change]:
    """Make it so, in the caller's transaction. People who left are deactivated, never deleted: cases name them."""
    made = changes(uow.conn, uow.keys, school)
    held = _held(uow.conn)
    ids = {person.key: held[person.key]["id"] if person.key in held else t.new_id() for person in school.people}
    for person in school.people:
        _store(uow, person, ids, held.get(person.key))
    gone = [row["id"] for key, row in held.items() if key not in ids]
    if gone:
        uow.conn.execute(update(t.people).where(p.id.in_(gone)).values(active=False))
    _replace(uow, t.colleges, [{"code": row.code, "name": row.name} for row in school.colleges])
    _replace(uow, t.classes, [
        {"code": row.code, "name": row.name, "college_code": row.college, "counselor_id": ids.get(row.counselor)}
        for row in school.classes
    ])  # fmt: skip
    _replace(uow, t.duties, [
        {"college_code": row.college, "role": row.role, "person_id": ids[row.person], "days": row.days,
         "start": row.start, "end": row.end}
        for row in school.duty
    ])  # fmt: skip
    _replace(uow, t.ladders, [
        {"obligation": row.obligation, "college_code": row.college, "step": row.step, "after_s": row.after_s,
         "targets": list(row.targets)}
        for row in school.ladder
    ])  # fmt: skip
    return made


def is_empty(conn: Connection) -> bool:
    return conn.execute(select(p.id).limit(1)).first() is None


def _held(conn: Connection) -> dict[str, RowMapping]:
    return {row["key"]: row for row in conn.execute(select(t.people)).mappings()}


def _plain(person: PersonRow) -> dict[str, Any]:
    return {
        "role": person.role,
        "college_code": person.college or None,
        "class_code": person.class_code or None,
        "language": person.language,
    }


def _differing(keys: Keys, row: RowMapping, person: PersonRow, names: dict[UUID, str]) -> list[str]:
    differing = [name for name, value in _plain(person).items() if row[name] != value]
    if (stored := _opened(keys, row)) is None:
        differing.append("could not be read, sealed anew")
    else:
        differing += [name for name in _SEALED if (stored[name] or "") != getattr(person, name)]
    if names.get(row["stand_in_id"], "") != person.stand_in:
        differing.append("stand_in")
    return differing


def _opened(keys: Keys, row: RowMapping) -> dict[str, str | None] | None:
    """What is sealed in the row of somebody; None where it is spoiled: the file says it all, so it can be mended."""
    try:
        key = keys.unwrap(row["id"], row["row_key"])
        return {name: key.open("people", row["id"], name, row[f"{name}_sealed"]) for name in _SEALED}
    except (KeyMissing, Tampered):
        return None


def _store(uow: UnitOfWork, person: PersonRow, ids: dict[str, UUID], row: RowMapping | None) -> None:
    person_id = ids[person.key]
    key, wrapped = _key(uow, person_id, row)
    values = {
        **_plain(person),
        **({"row_key": wrapped} if wrapped else {}),
        **{f"{n}_sealed": key.seal("people", person_id, n, getattr(person, n) or None) for n in _SEALED},
        "phone_index": uow.keys.blind("phone", person.phone),
        "student_no_index": uow.keys.blind("student_no", person.student_no),
        "stand_in_id": ids.get(person.stand_in),
        "active": True,
    }
    if row is None:
        uow.conn.execute(insert(t.people).values(id=person_id, key=person.key, **values))
    else:
        uow.change(t.people, person_id, values)


def _key(uow: UnitOfWork, person_id: UUID, row: RowMapping | None) -> tuple[RowKey, bytes | None]:
    """Their row's key, and how a new one is stored. While theirs opens it stays: other rows are sealed with it."""
    try:
        return (uow.keys.unwrap(person_id, row["row_key"]), None) if row else uow.keys.new_row_key(person_id)
    except (KeyMissing, Tampered):
        return uow.keys.new_row_key(person_id)


def _replace(uow: UnitOfWork, table: Any, rows: list[dict[str, Any]]) -> None:
    uow.conn.execute(delete(table))
    if rows:
        uow.conn.execute(insert(table), rows)


def _lists(conn: Connection, school: School) -> list[tuple[str, set[Any], set[Any]]]:
    """(what, wanted, held) for the parts that are replaced as a whole."""
    keys = dict(conn.execute(select(p.id, p.key)).all())

    def held(table: Any, *columns: str) -> set[Any]:
        return {tuple(_comparable(row[c], keys) for c in columns) for row in conn.execute(select(table)).mappings()}

    return [
        ("colleges", {(r.code, r.name) for r in school.colleges}, held(t.colleges, "code", "name")),
        ("classes", {(r.code, r.name, r.college, r.counselor or None) for r in school.classes},
         held(t.classes, "code", "name", "college_code", "counselor_id")),
        ("duty", {(r.college, r.role, r.person, r.days, r.start, r.end) for r in school.duty},
         held(t.duties, "college_code", "role", "person_id", "days", "start", "end")),
        ("ladder", {(r.obligation, r.college, r.step, r.after_s, tuple(r.targets)) for r in school.ladder},
         held(t.ladders, "obligation", "college_code", "step", "after_s", "targets")),
    ]  # fmt: skip


def _comparable(value: Any, keys: dict[UUID, str]) -> Any:
    if isinstance(value, UUID):
        return keys.get(value)
    return tuple(value) if isinstance(value, list) else value
