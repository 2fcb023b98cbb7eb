"""The duty desk's board: what nobody has yet, what is late, whom to call. The office sees every case, so no row filter.

The number of statements does not depend on the number of cases, and none reads what is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, func, or_, select

from ledger import people, values
from ledger import tables as t
from ledger.crypto import Keys
from ledger.people import Person

WAITING = ("pending", "alerted")
PRESSING = ("immediate", "unsafe")  # shown from the first moment, before all that is merely late
SHOWN = 30  # cases in each part; the board says how many more there are
RECENT = timedelta(days=7)  # how far back it looks for a wish to withdraw, and for a ladder that has not begun
DUTIES = ("officer", "backup", "desk", "college_duty", "office")
c, o, d, x, f, k = t.cases.c, t.obligations.c, t.deliveries.c, t.transfers.c, t.follow_ups.c, t.contacts.c


@dataclass(frozen=True)
class Tried:
    """Somebody who was rung, at which step (from 0), and how the text fared (a delivery state)."""

    called: str
    phone: str
    step: int
    state: str


@dataclass(frozen=True)
class Waiting:
    """A case that nobody has. `call`: officers in the order in which to call them."""

    code: str
    kind: str
    drill: bool
    college: str
    amount: str
    received_at: datetime
    alerted_at: datetime | None
    happened_at: datetime | None
    late: bool
    call: list[Person]
    tried: list[Tried]


@dataclass(frozen=True)
class Late:
    """An obligation past its time, or one that may not wait.

    what: immediate (danger to life) · unsafe · counselor · owner (taken, and no progress) · contact · withdrawal.
    """

    what: str
    code: str
    drill: bool
    since: datetime
    who: str


@dataclass(frozen=True)
class OnDuty:
    """Who has a duty of a college now; nobody: an empty list."""

    college: str
    role: str
    people: list[Person]


@dataclass(frozen=True)
class Board:
    waiting: list[Waiting]
    more: int
    late: list[Late]
    on_duty: list[OnDuty]


def board(conn: Connection, keys: Keys, now: datetime, zone: tzinfo) -> Board:
    rows, total = _waiting_rows(conn, now)
    tried = _tried_rows(conn, [row["obligation_id"] for row in rows])
    late = _late_rows(conn, now)
    shifts, names = _Shifts.read(conn, now, zone), _college_names(conn)
    ids = [row["person_id"] for row in tried] + [row["owner_id"] for _, row in late] + shifts.everybody()
    known = {person.id: person for person in people.by_id(conn, keys, ids)}
    waiting = [_waiting(row, tried, shifts, names, known, now) for row in rows]
    shown = [
        Late(what, row["code"], row["drill"], row["since"], known[owner].called if owner in known else "")
        for what, row in late
        for owner in [row["owner_id"]]
    ]
    on_duty = [
        OnDuty(names[college], role, [known[i] for i in shifts.of(college, role) if i in known])
        for college in names
        for role in DUTIES
    ]
    return Board(waiting, total - len(rows), shown, on_duty)


def _waiting_rows(conn: Connection, now: datetime) -> tuple[list[RowMapping], int]:
    def of_transfers(what: Any) -> Any:
        return select(what).where(x.case_id == c.id).correlate(t.cases).scalar_subquery()

    # One whose ladder has not begun rings nobody yet: the more it belongs here.
    rings = or_(o.next_at.is_not(None), c.received_at > now - RECENT)
    open_ = (o.kind.in_(("police", "dissuade")), o.state.in_(WAITING), rings, c.closed_at.is_(None))
    joined = t.cases.join(t.obligations, o.case_id == c.id)
    query = (
        select(c.id, c.code, c.kind, c.drill, c.college_code, c.received_at, o.id.label("obligation_id"), o.alerted_at,
               o.deadline_at, of_transfers(func.sum(x.amount_fen)).label("fen"),
               of_transfers(func.min(x.happened_at, type_=t.UtcTime)).label("happened_at"))
        .select_from(joined)
        .where(*open_)
        .order_by(c.drill, c.received_at)
        .limit(SHOWN)
    )  # fmt: skip
    total = select(func.count()).select_from(joined).where(*open_)
    return list(conn.execute(query).mappings()), conn.execute(total).scalar_one()


def _tried_rows(conn: Connection, obligations: list[UUID]) -> list[RowMapping]:
    query = select(d.obligation_id, d.person_id, d.step, d.state).where(
        d.obligation_id.in_(obligations), d.alert, d.kind != "call"
    )
    return list(conn.execute(query.order_by(d.step, d.created_at)).mappings())


def _waiting(
    row: RowMapping, tried: list[RowMapping], shifts: _Shifts, names: dict[str, str], known: dict[UUID, Person],
    now: datetime,
) -> Waiting:  # fmt: skip
    mine = [it for it in tried if it["obligation_id"] == row["obligation_id"] and it["person_id"] in known]
    college = row["college_code"] or people.DEFAULT
    on_duty = [i for role in ("officer", "backup") for i in shifts.of(college, role)]
    call = dict.fromkeys(on_duty + [it["person_id"] for it in mine if known[it["person_id"]].role == "officer"])
    return Waiting(
        row["code"], row["kind"], row["drill"], names.get(college, ""), values.yuan(row["fen"] or 0),
        row["received_at"], row["alerted_at"], row["happened_at"], row["deadline_at"] <= now,
        [known[i] for i in call if i in known and known[i].phone],
        [Tried(known[it["person_id"]].called, known[it["person_id"]].phone or "", it["step"], it["state"])
         for it in mine],
    )  # fmt: skip


def _late_rows(conn: Connection, now: datetime) -> list[tuple[str, RowMapping]]:
    """The most pressing first: a student who is not safe, then obligations, then contacts, then wishes."""
    facts = (c.code, c.drill)
    open_ = select(*facts, o.kind, o.state, o.deadline_at.label("since"), o.acknowledged_at, o.owner_id).join(
        t.obligations, o.case_id == c.id
    ).where(o.next_at.is_not(None), o.kind.in_((*PRESSING, "counselor", "police")), c.closed_at.is_(None))  # fmt: skip
    found: list[tuple[str, RowMapping]] = []
    for row in conn.execute(open_.order_by(o.deadline_at).limit(4 * SHOWN)).mappings():
        if row["kind"] in PRESSING:
            found.append((row["kind"], row))
        elif row["kind"] == "counselor" and row["state"] in WAITING and row["since"] <= now:
            found.append(("counselor", row))
        elif row["kind"] == "police" and row["state"] == "acknowledged" and row["since"] <= now:
            found.append(("owner", row))
    found.sort(key=lambda it: PRESSING.index(it[0]) if it[0] in PRESSING else len(PRESSING))
    contacts = (
        select(*facts, k.due_at.label("since"), f.counselor_id.label("owner_id"))
        .join(t.follow_ups, f.case_id == c.id)
        .join(t.contacts, k.follow_up_id == f.id)
        .where(k.remind_at.is_not(None), k.done_at.is_(None), k.due_at <= now, f.closed_at.is_(None))
        .order_by(k.due_at)
        .limit(SHOWN)
    )
    wishes = select(*facts, c.withdrawal_at.label("since"), c.counselor_id.label("owner_id")).where(
        c.withdrawal_at.is_not(None), c.received_at > now - RECENT, c.state != "closed"
    )
    found += [("contact", row) for row in conn.execute(contacts).mappings()]
    return found + [("withdrawal", row) for row in conn.execute(wishes.limit(SHOWN)).mappings()]


@dataclass(frozen=True)
class _Shifts:
    """Every duty that holds now, read at once: (college, role) → people."""

    held: dict[tuple[str, str], list[UUID]]

    @classmethod
    def read(cls, conn: Connection, now: datetime, zone: tzinfo) -> _Shifts:
        local = now.astimezone(zone)
        held: dict[tuple[str, str], list[UUID]] = {}
        for row in conn.execute(select(t.duties)):
            if people.covers(row.days, row.start, row.end, local):
                held.setdefault((row.college_code, row.role), []).append(row.person_id)
        return cls(held)

    def of(self, college: str, role: str) -> list[UUID]:
        """The college's own people, else those of the compulsory default row."""
        return self.held.get((college, role)) or self.held.get((people.DEFAULT, role), [])

    def everybody(self) -> list[UUID]:
        return [person for held in self.held.values() for person in held]


def _college_names(conn: Connection) -> dict[str, str]:
    """Code → name, and the default row under its own code."""
    rows = conn.execute(select(t.colleges.c.code, t.colleges.c.name))
    return {people.DEFAULT: "", **{row.code: row.name for row in rows}}
