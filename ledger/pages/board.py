"""The duty desk's board: what nobody has yet, what is late, whom to call. The office sees every case, so no row filter.

The number of statements does not depend on the number of cases, and none reads what is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, and_, func, or_, select, true, type_coerce
from sqlalchemy import case as sql_case

from ledger import escalation, followups, values
from ledger import tables as t
from ledger.pages import danger
from ledger.police import stopped
from ledger.police.stopped import Stop
from ledger.ringing import owing
from ledger.school import people, shifts
from ledger.school.people import Person, StudentsPhone
from ledger.school.shifts import Held
from ledger.states import FIRST_DUTIES
from ledger.store.crypto import Keys
from ledger.store.statements import one_of, word
from ledger.texts import deliveries, waits
from ledger.texts.deliveries import WAITING

SHOWN = 30  # cases in each part; the board says how many more there are
RECENT = timedelta(days=7)  # how far back it looks for a wish to withdraw, and for a ladder that has not begun
TRIES = 4  # of a waiting case, the last ones
DUTIES = ("officer", "backup", "desk", "college_duty", "office")
c, o, d, x, f, k = t.cases.c, t.obligations.c, t.deliveries.c, t.transfers.c, t.follow_ups.c, t.contacts.c


@dataclass(frozen=True)
class Tried:
    """Somebody who was rung, at which step (from 0), and how the text fared (a delivery state, or `declined`)."""

    called: str
    phone: str
    step: int
    state: str


@dataclass(frozen=True)
class Waiting:
    """A case that nobody has. `call`: officers in the order in which to call them; `tried`: the last tries.

    Where nothing was sent yet (kind in_progress) `student` is the phone to call, and `call` who could take it. `again`:
    since when it waits for a stop that came in later; amount, time and tries are of that.
    """

    code: str
    kind: str
    drill: bool
    college: str
    amount: str
    received_at: datetime
    alerted_at: datetime | None
    happened_at: datetime | None
    late: bool
    student: StudentsPhone
    call: list[Person]
    tried: list[Tried]
    earlier: int
    grade: str  # none: from a number that nobody knows, 未核实
    again: datetime | None


@dataclass(frozen=True)
class Late:
    """What is past its time, or must not wait for it.

    what: counselor · owner (taken, and no progress) · again (the same, with what came in since) · dissuade (the same,
    while the money is still there) · unfiled (the reporter was reached, no stop is filed) · referral (unanswered since
    then, and reminded of) · contact · withdrawal.
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
    """`more` real cases wait beyond those listed, and `drills` wait, listed or not: no figure counts both."""

    pressing: list[danger.Pressing]
    waiting: list[Waiting]
    more: int
    drills: int
    late: list[Late]
    ending: list[tuple[Stop, str]]  # stops that end within hours, each with how its owner is called
    on_duty: list[OnDuty]


def board(conn: Connection, keys: Keys, now: datetime, zone: tzinfo) -> Board:
    pressing = danger.rows(conn)
    rows, total, drills = _waiting_rows(conn, now)
    tried = _tried_rows(conn, [row["obligation_id"] for row in rows])
    late = _late_rows(conn, now)
    ending = stopped.running(conn, true(), now, SHOWN, before=now + stopped.EARLY)
    held, names = shifts.at(shifts.read(conn), now.astimezone(zone)), _college_names(conn)
    centre = people.with_role(conn, "psychologist")
    ids = [row["person_id"] for row in tried] + [row["owner_id"] for _, row in late] + held.everybody() + centre
    ids += [it.owner_id for it in ending]
    ids += [row[whose] for row in (*pressing, *rows) for whose in ("victim_id", "counselor_id")]
    ids += [row["owner_id"] for row in pressing]
    known = {person.id: person for person in people.by_id(conn, keys, ids)}
    present = danger.Present(held, known, centre)
    in_danger = [danger.pressing(row, keys, present) for row in pressing]
    waiting = [_waiting(row, tried, keys, held, names, known, now) for row in rows]
    shown = [
        Late(what, row["code"], row["drill"], row["since"], known[owner].called if owner in known else "")
        for what, row in late
        for owner in [row["owner_id"]]
    ]
    on_duty = [
        OnDuty(names[college], role, [known[i] for i in held.of(college, role) if i in known])
        for college in names
        for role in DUTIES
    ]
    more = total - sum(not row.drill for row in waiting)
    ends = [(it, known[it.owner_id].called if it.owner_id in known else "") for it in ending]
    return Board(in_danger, waiting, more, drills, shown, ends, on_duty)


def _waiting_rows(conn: Connection, now: datetime) -> tuple[list[RowMapping], int, int]:
    """And how many real ones and how many drills there are."""

    def of_transfers(what: Any) -> Any:
        its = (x.case_id == c.id, or_(o.owed_since.is_(None), x.added_at >= o.owed_since))
        return select(what).where(*its).correlate(t.cases, t.obligations).scalar_subquery()

    # One whose ladder has not begun rings nobody yet: the more it belongs here.
    rings = or_(o.next_at.is_not(None), c.received_at > now - RECENT)
    open_ = (one_of(o.kind, FIRST_DUTIES), one_of(o.state, WAITING), rings, c.closed_at.is_(None))
    joined = t.cases.join(t.obligations, o.case_id == c.id)
    query = (
        select(t.cases, o.id.label("obligation_id"), o.alerted_at, o.deadline_at, o.owed_since,
               of_transfers(func.sum(sql_case((x.currency == "CNY", x.amount_fen)))).label("fen"),
               of_transfers(func.min(x.happened_at, type_=t.UtcTime)).label("happened_at"))
        .select_from(joined)
        .where(*open_)
        # A flood of unknown numbers hides no student whom the school knows.
        .order_by(c.drill, c.match_grade == "none", func.coalesce(o.owed_since, c.received_at))
        .limit(SHOWN)
    )  # fmt: skip
    total = select(func.count(sql_case((~c.drill, 1))), func.count(sql_case((c.drill, 1))))
    real, drills = conn.execute(total.select_from(joined).where(*open_)).one()
    return list(conn.execute(query).mappings()), real, drills


def _fared(it: RowMapping) -> str:
    return escalation.DECLINED if waits.cannot(it["declined"], it["person_id"], it["step"]) else str(it["state"])


def _tried_rows(conn: Connection, obligations: list[UUID]) -> list[RowMapping]:
    query = select(d.obligation_id, d.person_id, d.step, d.state, o.declined).join(
        t.obligations, o.id == d.obligation_id
    )
    query = query.where(o.id.in_(obligations), d.alert, d.kind != "call", deliveries.of_this_ring(o, d))
    return list(conn.execute(query.order_by(d.step, d.created_at)).mappings())


def _waiting(
    row: RowMapping, tried: list[RowMapping], keys: Keys, held: Held, names: dict[str, str],
    known: dict[UUID, Person], now: datetime,
) -> Waiting:  # fmt: skip
    mine = [it for it in tried if it["obligation_id"] == row["obligation_id"] and it["person_id"] in known]
    college = row["college_code"] or people.DEFAULT
    dissuade = row["kind"] == "in_progress"
    on_duty = [i for role in (("desk",) if dissuade else ("officer", "backup")) for i in held.of(college, role)]
    rung = [it["person_id"] for it in mine if known[it["person_id"]].role == "officer"]
    call = dict.fromkeys(on_duty + ([row["counselor_id"]] if dissuade else rung))
    amount = "" if row["owed_since"] and row["fen"] is None else values.yuan(row["fen"] or 0)
    return Waiting(
        row["code"], row["kind"], row["drill"], names.get(college, ""), amount,
        row["received_at"], row["alerted_at"], row["happened_at"], row["deadline_at"] <= now,
        people.phone_listed(keys, row, known.get(row["victim_id"])) if dissuade else StudentsPhone(),
        [known[i] for i in call if i in known and known[i].phone],
        [Tried(known[it["person_id"]].called, known[it["person_id"]].phone or "", it["step"], _fared(it))
         for it in mine[-TRIES:]],
        len(mine[:-TRIES]),
        row["match_grade"], row["owed_since"],
    )  # fmt: skip


def _late_rows(conn: Connection, now: datetime) -> list[tuple[str, Mapping[Any, Any]]]:
    """Obligations, then what is not filed, then referrals, then contacts, then wishes."""
    facts = (c.code, c.drill)
    unanswered = and_(o.kind == word("counselor"), one_of(o.state, WAITING))
    owed, again = and_(o.owed_since.is_not(None), o.owner_id.is_not(None)), o.owed_since > o.acknowledged_at
    urged = o.kind == word("dissuade")
    # A stop that came in later is past the report's time already: it is there from the first minute. So is a student
    # who is being pressed to pay.
    since = sql_case((or_(again, urged), o.owed_since), else_=o.deadline_at)
    what = sql_case((urged, o.kind), (again, word("again")), (o.owed_since.is_not(None), word("owner")), else_=o.kind)
    obligations = (
        select(*facts, what.label("what"), type_coerce(since, t.UtcTime).label("since"), o.owner_id)
        .join(t.obligations, o.case_id == c.id)
        .where(o.next_at.is_not(None), or_(unanswered, owed), since <= now, c.closed_at.is_(None))
        .order_by(since)
        .limit(4 * SHOWN)
    )
    reported = owing.unfiled_since()
    unfiled = (
        select(*facts, type_coerce(reported, t.UtcTime).label("since"), o.owner_id)
        .join(t.obligations, o.case_id == c.id)
        .where(one_of(o.kind, FIRST_DUTIES), o.state != word("done"), o.state == word("contacted"))
        .where(reported <= now - owing.FILED_WITHIN, c.closed_at.is_(None), ~c.drill)
        .order_by(reported.desc())  # the latest first, so that old ones hide none that can still be stopped
        .limit(SHOWN)
    )
    referrals = (
        select(*facts, f.same_day_since.label("since"), c.counselor_id.label("owner_id"))
        .join(t.follow_ups, f.case_id == c.id)
        # Who is in danger stands above, or somebody is on the way.
        .where(f.same_day_since <= now - followups.CENTRE_AGAIN, ~f.immediate)
        .order_by(f.same_day_since)
        .limit(SHOWN)
    )
    contacts = (
        select(*facts, k.due_at.label("since"), c.counselor_id.label("owner_id"))
        .join(t.follow_ups, f.case_id == c.id)
        .join(t.contacts, k.follow_up_id == f.id)
        # A record that owes a contact by now is found by its index; no other has one that is late.
        .where(k.remind_at.is_not(None), k.done_at.is_(None), k.due_at <= now)
        .where(f.next_due_at <= now, f.closed_at.is_(None))
        .order_by(k.due_at)
        .limit(SHOWN)
    )
    wishes = (
        select(*facts, c.withdrawal_at.label("since"), c.counselor_id.label("owner_id"))
        .where(c.withdrawal_at > now - RECENT, c.state != word("closed"))
        .order_by(c.withdrawal_at)
        .limit(SHOWN)
    )
    return [
        *((row["what"], row) for row in conn.execute(obligations).mappings()),
        *(("unfiled", {**row, "since": row["since"] + owing.FILED_WITHIN}) for row in conn.execute(unfiled).mappings()),
        *(("referral", row) for row in conn.execute(referrals).mappings()),
        *(("contact", row) for row in conn.execute(contacts).mappings()),
        *(("withdrawal", row) for row in conn.execute(wishes).mappings()),
    ]


def _college_names(conn: Connection) -> dict[str, str]:
    """Code → name, and the default row under its own code."""
    rows = conn.execute(select(t.colleges.c.code, t.colleges.c.name))
    return {people.DEFAULT: "", **{row.code: row.name for row in rows}}
