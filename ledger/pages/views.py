"""What staff may see: every query filters rows by who asks, so no page can forget to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    RowMapping,
    Select,
    and_,
    false,
    func,
    or_,
    select,
    true,
    union,
)

from ledger import codes, fraud, values
from ledger import tables as t
from ledger.errors import NotFound
from ledger.escalation import IMMEDIATE, UNSAFE
from ledger.police import asking
from ledger.reporting import corrections
from ledger.ringing import match_keys, owing
from ledger.school import people
from ledger.staff.accounts import User
from ledger.states import FIRST_DUTIES
from ledger.store import naming
from ledger.store.crypto import Keys
from ledger.store.statements import one_of

c, o, d = t.cases.c, t.obligations.c, t.deliveries.c
ALL_CASES = ("security", "admin")
_CARE = ("counselor", "dissuade", UNSAFE, IMMEDIATE)  # what a counselor is rung for and has to write down
_REMINDERS = ("follow_up", "counselor_reminder", "lapse")
_ANOTHERS_NOW = ("further", "moved_on")  # what who had a case is told of it: they may be at work on it


def visible(user: User) -> ColumnElement[bool]:
    """The cases whose facts this user may read: officers' alerts, counselors' students, the centre's referrals, the
    keeper's college.

    Asked of one case after another; where a list is made of the cases of one person, `all_of` gives the same ones.
    """
    if user.role in ALL_CASES:
        return true()
    return or_(false(), *(way.where(its_case == c.id).exists() for its_case, way in _ways(user)))


def apart(user: User | None = None) -> ColumnElement[bool]:
    """Of a row of cases: whom the police may question is no victim, and is counted apart.

    To a leader (`user`) it is a case as any other: one that went from a list would tell whom it is about.
    """
    if user and user.role not in ALL_CASES:
        return false()
    return func.coalesce(c.fraud_type, "") == fraud.APART


def own_college(column: ColumnElement[Any], user: User) -> ColumnElement[bool]:
    """For figures: the own college's of a leader, everybody's for the office.

    A leader without a college sees nothing; asked of None, it would be the cases whose college nobody knows.
    """
    if user.role in ALL_CASES:
        return true()
    return column == user.college if user.role == "leader" and user.college else false()


def of_keeper(college: ColumnElement[Any], drill: ColumnElement[bool], user: User) -> ColumnElement[bool]:
    """The own college's cases of a ledger keeper, and no drills; nothing for one without a college, as above."""
    return and_(college == user.college, ~drill) if user.role == "keeper" and user.college else false()


def all_of(user: User, since: ColumnElement[UUID]) -> CompoundSelect[tuple[UUID]] | None:
    """The ids of the same cases, looked up from whose they are; None for who may read every case.

    A list must not ask of every case there is, nor look through all that somebody ever had: `since` is the first case
    it could show. Ids are made in the order of time, so what came before it is not read.
    """
    if user.role in ALL_CASES:
        return None
    return union(select(c.id).where(false()), *(way.where(its_case >= since) for its_case, way in _ways(user)))


@lru_cache(maxsize=256)  # to make its aliases takes a page longer than to ask; it is the same for each look of a user
def _ways(user: User) -> Sequence[tuple[ColumnElement[UUID], Select[tuple[UUID]]]]:
    """Each way in which a case comes to be one that this user may read: the column with its id, and the query."""
    # Aliases throughout: the queries that ask join the same tables themselves.
    duty, mine = t.obligations.alias().c, t.obligations.alias().c
    text, student, referred = t.deliveries.alias().c, t.cases.alias().c, t.follow_ups.alias().c
    if user.role == "psychologist":
        return [(referred.case_id, select(referred.case_id).where(referred.referred_at.is_not(None)))]
    if user.role == "keeper":
        return [(student.id, select(student.id).where(of_keeper(student.college_code, student.drill, user)))]
    if user.person is None or user.role not in ("officer", "counselor"):
        return []
    kinds = FIRST_DUTIES if user.role == "officer" else _CARE
    rung = select(text.case_id).where(text.person_id == user.person, text.alert, text.obligation_id == duty.id)
    # Through the duty desk, or with a code heard from a colleague, somebody may own what never rang them.
    owned = select(mine.case_id).where(mine.owner_id == user.person, mine.kind.in_(kinds))
    theirs = select(student.id).where(student.counselor_id == user.person)
    # Who is told to call a student in somebody's stead has to see whom, and to write down that they did; an officer on
    # duty who hears that a stop of somebody else's ends has to see which.
    note = t.deliveries.alias().c
    reminded = select(note.case_id).where(note.person_id == user.person, one_of(note.kind, _REMINDERS))
    ways = [(text.case_id, rung.where(duty.kind.in_(kinds))), (mine.case_id, owned), (note.case_id, reminded)]
    return ways if user.role == "officer" else [*ways, (student.id, theirs)]


def find_case(conn: Connection, user: User, code: str) -> RowMapping:
    """A case by its code, look-alikes allowed. Raises NotFound also for one that is not this user's."""
    if not codes.looks_like_code(code):
        raise NotFound
    query = select(t.cases).where(naming.named(codes.fold(code)), or_(visible(user), _had_by(user)))
    row = conn.execute(query.order_by(c.received_at.desc()).limit(1)).mappings().one_or_none()
    if row is None:
        raise NotFound
    return row


def _had_by(user: User) -> ColumnElement[bool]:
    """A case that an officer had without having been rung, through the desk, and may take again by its code."""
    if user.role != "officer" or user.person is None:
        return false()
    told = (d.case_id == c.id, d.person_id == user.person, one_of(d.kind, _ANOTHERS_NOW))
    return select(func.count()).select_from(t.deliveries).where(*told).correlate(t.cases).scalar_subquery() > 0


def case_sheet(conn: Connection, keys: Keys, user: User, case: RowMapping) -> dict[str, Any]:
    """The stop-payment facts (止付信息单), opened, in the order in which they are typed.

    `linked`: the code of the case that this may be the same as, and whether this user may read that one. `owed`: which
    transfers came in that its owner owes progress with (none: all, anew), or None where nothing came in. `missing`:
    match keys; `waits`: the student was asked for just these; `seen`: how many transfers came in, listed or not;
    `anew`: which were refused, and are to be filed again.
    """
    key = keys.unwrap(case["id"], case["row_key"]).lenient()

    def opened(table: str, row: RowMapping, *names: str) -> dict[str, str | None]:
        return {name: key.open(table, row["id"], name, row[f"{name}_sealed"]) for name in names}

    rows = match_keys.transfers(conn, case["id"])
    first = select(t.obligations).where(o.case_id == case["id"], o.kind.in_(FIRST_DUTIES))
    police = conn.execute(first).mappings().one()
    owner = people.by_id(conn, keys, [police["owner_id"]])
    lacking = match_keys.lacking(match_keys.readable(key, rows))
    return {
        "case": case,
        "police": police,
        "owner": owner[0].called if owner else "",
        "owed": _owed(police, rows),
        "anew": owing.to_file_anew(conn, case["id"], rows),
        "seen": len(rows) + len(owing.unlisted(conn, case["id"])),
        "missing": match_keys.words_of(lacking),
        "waits": asking.waits_for(conn, case, lacking),
        "linked": _linked(conn, user, case["linked_to"]),
        "corrections": corrections.of_case(conn, key, case["id"]),
        "reporter": opened("cases", case, "phone", "victim_phone", "name", "student_no", "narrative", "unread"),
        "transfers": [_transfer(row, opened("transfers", row, "payee_name", "payee_account", "payee_bank",
                                            "payer_bank", "payer_account_tail", "serial", "outcome_number"))
                      for row in rows],
    }  # fmt: skip


def _owed(police: RowMapping, rows: Sequence[RowMapping]) -> list[owing.Stop] | None:
    added = owing.waiting(police, rows)
    return added if added or owing.again(police) else None


def _linked(conn: Connection, user: User, case_id: UUID | None) -> RowMapping | None:
    if case_id is None:
        return None
    query = select(c.code, visible(user).label("theirs")).where(c.id == case_id)
    return conn.execute(query).mappings().one_or_none()


def _transfer(row: RowMapping, opened: dict[str, str | None]) -> dict[str, Any]:
    account = values.parse_account(opened["payee_account"] or "")
    return {
        "position": row["position"],
        "amount": values.yuan(row["amount_fen"]),
        "currency": row["currency"],
        "channel": row["channel"],
        "no_account": match_keys.no_account(row),
        "happened_at": row["happened_at"],
        "bucket": row["when_bucket"],
        "account_kind": row["account_kind"],
        "outcome": row["outcome"],
        "stop_ends_at": row["stop_ends_at"],
        "stop_renewed": row["stop_renewed"],
        "outcome_amount": values.yuan(row["outcome_fen"]) if row["outcome_fen"] else "",
        **opened,
        "account_grouped": values.group4(account.text) if account else None,
    }


def officers(conn: Connection, keys: Keys) -> list[people.Person]:
    """Whom the duty desk may acknowledge for: every active officer."""
    ids = conn.scalars(select(t.people.c.id).where(t.people.c.role == "officer", t.people.c.active))
    return people.by_id(conn, keys, ids)


def open_alarms(conn: Connection) -> list[RowMapping]:
    a = t.alarms.c
    query = (
        select(a.kind, a.at, a.reason, c.code)
        .outerjoin(t.cases, c.id == a.case_id)
        .where(a.cleared_at.is_(None))
        .order_by(a.at.desc())
        .limit(20)
    )
    return list(conn.execute(query).mappings())
