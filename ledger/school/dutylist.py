"""The duty list between two imports of the roster: a shift is added or taken out, a number of the staff put right.

What is changed here is held to what a file is held to (schoolcheck). What was wrong before it hinders nobody: somebody
is ill tonight, whatever else the roster lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from ledger import tables as t
from ledger.errors import KeyMissing, Tampered
from ledger.school import people, schoolcheck
from ledger.school.people import Person
from ledger.school.schoolcheck import Placed
from ledger.school.schoolrows import COLUMNS, DUTIES, BadRoster, Column, DutyRow, Fault, PersonRow, plain
from ledger.store import anchors
from ledger.store.crypto import Keys
from ledger.store.unit_of_work import UnitOfWork
from ledger.values import parse_phone

p, u = t.people.c, t.duties.c
_ROWS = select(u.id, u.college_code, u.role, p.key, u.days, u.start, u.end).join(t.people, p.id == u.person_id)
_ORDER = {duty: n for n, duty in enumerate(DUTIES)}
_STAFF = select(t.people).where(p.role != "student").order_by(p.key)


@dataclass(frozen=True)
class Line:
    """One shift as it stands. `person` None: they have left the roster, or their row cannot be read."""

    id: UUID
    row: DutyRow
    person: Person | None


@dataclass(frozen=True)
class Member:
    """Somebody of the staff, with the roster's own name for them."""

    key: str
    person: Person


def lines(conn: Connection, keys: Keys) -> list[Line]:
    """Every shift: by college (`*` first), duty (who is rung first stands first) and time."""
    persons = {row.id: row.person_id for row in conn.execute(select(u.id, u.person_id))}
    known = {it.id: it for it in people.by_id(conn, keys, persons.values())}
    found = [Line(shift, row, known.get(persons[shift])) for shift, row in _held(conn).items()]
    return sorted(found, key=lambda it: (it.row.college, _ORDER.get(it.row.role, 99), it.row.start, it.row.person))


def staff(conn: Connection, keys: Keys) -> list[Member]:
    """Whose work it is to answer, as far as they can be read: not students, nor 教职工, who may be thousands."""
    rows = conn.execute(_STAFF.where(p.active, p.role != "staff")).mappings().all()
    named = {row["id"]: row["key"] for row in rows}
    return [Member(named[it.id], it) for it in people.readable(keys, rows)]


def typed(cells: Mapping[str, str]) -> DutyRow:
    """A shift as somebody typed it, by field; read as a file's cells are. Raises BadRoster with every fault."""
    columns = COLUMNS["duty"]
    said = [plain(cells.get(column.field, "")) for column in columns]
    found = [column.read(text) if text else None for column, text in zip(columns, said, strict=True)]
    if faults := [_unread(column) for column, value in zip(columns, found, strict=True) if value is None]:
        raise BadRoster(faults)
    return DutyRow(*map(str, found))


def add(uow: UnitOfWork, row: DutyRow, actor: str) -> bool:
    """False: it is there already. Raises BadRoster for what a file could not say either."""
    _alone(uow)
    colleges = set(uow.conn.scalars(select(t.colleges.c.code)))
    if faults := schoolcheck.check_shifts([(_here(), row)], colleges, _persons(uow.conn)):
        raise BadRoster(faults)
    if row in _held(uow.conn).values():
        return False
    person = uow.conn.execute(select(p.id).where(p.key == row.person)).scalar_one()
    its = {"college_code": row.college, "role": row.role, "person_id": person}
    uow.conn.execute(insert(t.duties).values(**its, days=row.days, start=row.start, end=row.end))
    _note(uow, actor, "roster.shift_added", row)
    return True


def remove(uow: UnitOfWork, shift: UUID, actor: str) -> bool:
    """False: it is gone already. Raises BadRoster where a compulsory duty would be nobody's then."""
    _alone(uow)
    held = _held(uow.conn)
    if (row := held.get(shift)) is None:
        return False
    left = [it for key, it in held.items() if key != shift]
    before = _lacking(list(held.values()))
    if faults := [fault for fault in _lacking(left) if fault not in before]:
        raise BadRoster(faults)
    uow.conn.execute(delete(t.duties).where(u.id == shift))
    _note(uow, actor, "roster.shift_removed", row)
    return True


def renumber(uow: UnitOfWork, person: UUID, typed: str, actor: str) -> bool:
    """Another phone for somebody of the staff. False: they have it already. Raises BadRoster."""
    _alone(uow)
    if (phone := parse_phone(typed)) is None:
        raise BadRoster([Fault("", 0, "phone", "is not a full phone number", "不是完整的电话号码")])
    row = uow.conn.execute(_STAFF.where(p.id == person, p.active)).mappings().one_or_none()
    if row is None:
        raise BadRoster([Fault("", 0, "person", "is not on the roster", "不在名册上")])
    index = uow.keys.blind("phone", phone)
    if row["phone_index"] == index:
        return False
    if uow.conn.execute(_STAFF.where(p.phone_index == index, p.active)).first():
        raise BadRoster([Fault("", 0, "phone", "is somebody else's", "是别人的号码")])
    try:
        sealed = uow.keys.unwrap(person, row["row_key"]).seal("people", person, "phone", phone)
    except (KeyMissing, Tampered):
        unread = Fault("", 0, "person", "cannot be read; import the roster again", "无法读取，请重新导入名册")
        raise BadRoster([unread]) from None
    uow.change(t.people, person, {"phone_sealed": sealed, "phone_index": index})
    anchors.log_reads(uow, actor, "roster.phone_changed", [f"person:{person}"])
    return True


def _alone(uow: UnitOfWork) -> None:
    """One change of the list at a time: of two that each leave somebody at the desk, both together may not."""
    uow.conn.execute(select(t.roster.c.edition).with_for_update())


def _held(conn: Connection) -> dict[UUID, DutyRow]:
    return {row[0]: DutyRow(*row[1:]) for row in conn.execute(_ROWS).all()}


def _persons(conn: Connection) -> dict[str, PersonRow]:
    """The staff as the check wants them; of a phone only whether there is one."""
    rows = conn.execute(select(p.key, p.role, p.phone_index).where(p.role != "student", p.active))
    return {row.key: PersonRow(row.key, "", row.role, "+" if row.phone_index else "") for row in rows}


def _lacking(rows: Sequence[DutyRow]) -> list[Fault]:
    return schoolcheck.check_compulsory([(_here(), row) for row in rows])


def _unread(column: Column) -> Fault:
    return Fault("", 0, column.field, f"expected {column.expected[0]}", f"应为{column.expected[1]}")


def _here() -> Placed:
    """A row that stands in no file."""
    return Placed("", 0, {})


def _note(uow: UnitOfWork, actor: str, action: str, row: DutyRow) -> None:
    what = ":".join((row.college, row.role, row.person, row.days, f"{row.start}-{row.end}"))
    anchors.log_reads(uow, actor, action, [f"shift:{what}"])
