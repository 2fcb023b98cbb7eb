"""Two reports of one fraud: the later is marked as perhaps the same (疑同) as the earlier. Each is rung at once.

See docs/decisions/0009-linking.md for why this is done beside the alert, and not at the door.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Interval,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    tuple_,
    union,
)  # fmt: skip
from sqlalchemy import case as sql_case

from ledger import tables as t
from ledger.events import CaseLinked, LinkReceived
from ledger.ringing.match_keys import TRANSFERS
from ledger.store.statements import among, number
from ledger.store.unit_of_work import Case, UnitOfWork

WITHIN = timedelta(hours=2)
c = t.cases.c
# Built once: see statements. The root is asked for through an alias, so that it can stand inside other statements.
_self = t.cases.alias("itself").c
_ROOT = select(func.coalesce(_self.linked_to, _self.id)).where(_self.id == bindparam("this"))
_CODE = select(c.code).where(c.id == bindparam("this"))


def look(uow: UnitOfWork, case: Case) -> UUID | None:
    """The earliest report of the same fraud, of a case that is not linked yet.

    Never of a drill: an answer to one would be the score of another that runs beside it.
    """
    return None if case.row["linked_to"] or case.row["drill"] else _root(uow, case)


def link(uow: UnitOfWork, case: Case, root: UUID) -> None:
    """Only this case is locked: no deadlock, no waiting."""
    case.row, case.changes["linked_to"] = {**case.row, "linked_to": root}, root
    uow.append(case, CaseLinked(str(root)), "ledger")


def note(uow: UnitOfWork, root: UUID, later: UUID) -> None:
    """The earlier case's own chain says it too, where it can be opened: what is done with it is for the later one."""
    if earlier := uow.readable(root):
        uow.append(earlier, LinkReceived(str(later)), "ledger")


def root(conn: Connection, case_id: UUID) -> UUID:
    """The earliest report of the same fraud, perhaps this one."""
    found: UUID = conn.execute(_ROOT, {"this": case_id}).scalar_one()
    return found


def members(this: BindParameter[UUID]) -> Select[tuple[UUID]]:
    """This case and the open ones of the same fraud, for a statement that is built once."""
    first = _ROOT.scalar_subquery()
    return select(c.id).where(or_(c.id == first, c.linked_to == first), or_(c.state != "closed", c.id == this))


def same_as(conn: Connection, case: Case) -> str | None:
    """The code of the earlier case that this one may be the same as."""
    linked = case.row["linked_to"]
    return conn.execute(_CODE, {"this": linked}).scalar_one_or_none() if linked else None


def _root(uow: UnitOfWork, case: Case) -> UUID | None:
    """In PostgreSQL asked of all cases that are done together; it knows nothing of a case that is not written yet."""
    found: UUID | None
    if uow.together(case) and uow.ledger.postgres:  # SQLite has no such intervals, and is in this process
        found = uow.take_rows(_EARLIEST_OF, case)[0]["root"]
    else:
        found = uow.once(("earliest", case.id), lambda: _ask(uow, case))
    earlier = uow.in_hand(found) if found else None  # it may have been linked in this very transaction
    return (earlier and earlier.row["linked_to"]) or found


def _ask(uow: UnitOfWork, case: Case) -> UUID | None:
    row, transfers = case.row, uow.take_rows(TRANSFERS, case)
    uow.put_rows(TRANSFERS, case, transfers)
    phone = row["phone_index"] if row["for_whom"] == "self" else row["victim_phone_index"]
    paid = [(it["payee_account_index"], it["amount_fen"]) for it in transfers if it["payee_account_index"]]
    if len(paid) < 2:
        asked = facts(case.id, phone, row["received_at"], drill=row["drill"], paid=paid)
        return uow.conn.execute(EARLIEST, asked).scalar_one_or_none()
    asked = facts(case.id, phone, row["received_at"], drill=row["drill"])
    asked |= {"paid": paid, "accounts": [account for account, _ in paid]}
    return uow.conn.execute(_EARLIEST_OF_SEVERAL, asked).scalar_one_or_none()


def facts(
    case_id: UUID, phone: bytes | None, at: datetime, *, drill: bool, paid: Sequence[tuple[bytes, int]] = ()
) -> dict[str, Any]:
    """What EARLIEST is asked with; `phone` is the victim's, `paid` the account and amount of at most one transfer."""
    account, amount = paid[0] if paid else (None, None)
    return {"id": case_id, "phone": phone, "at": at, "since": at - WITHIN, "drill": drill, "account": account,
            "amount": amount}  # fmt: skip


def _earliest(
    id_: ColumnElement[Any],
    phone: ColumnElement[Any],
    at: ColumnElement[Any],
    since: ColumnElement[Any],
    drill: ColumnElement[Any],
    paid: Select[UUID],
    of: FromClause | None = None,
) -> Select[UUID]:
    """Each way of being the same goes by an index of its own: a surge must not slow the alert that waits for this.

    `paid`: cases whose money went the same way; `of`: the table that the others are columns of, where they are.
    """
    e = t.cases.alias("earlier").c
    same = union(
        select(c.id).where(c.for_whom == "self", c.phone_index == phone).correlate(of),
        select(c.id).where(c.for_whom != "self", c.victim_phone_index == phone).correlate(of),
        paid,
    )
    # Not the bare column: before PostgreSQL has counted the rows it would go through all reports of the last hours.
    received = func.coalesce(e.received_at, e.closed_at, type_=t.UtcTime)
    before = or_(received < at, and_(received == at, e.id < id_))
    return (
        select(func.coalesce(e.linked_to, e.id))
        .where(e.id.in_(same), before, received >= since)
        .where(e.state != "closed", e.drill == drill)
        .order_by(received, e.id)
        .limit(number(1))
        .correlate(of)
    )


def _earliest_of() -> Select[Any]:
    its = t.cases.alias("its")
    i, mine = its.c, t.transfers.alias("mine").c
    phone = sql_case((i.for_whom == "self", i.phone_index), else_=i.victim_phone_index)
    since = i.received_at - literal(WITHIN, Interval())
    same = and_(mine.payee_account_index == _theirs.payee_account_index, mine.amount_fen == _theirs.amount_fen)
    paid = select(_theirs.case_id).where(mine.case_id == i.id, same).correlate(its)
    root = _earliest(i.id, phone, i.received_at, since, i.drill, paid, its).scalar_subquery()
    return select(i.id.label("case_id"), root.label("root")).where(among(i.id, "cases"))


# Built once: making aliases costs more than asking the database does.
_theirs = t.transfers.alias("_theirs").c
_PAID_ONCE = select(_theirs.case_id).where(
    _theirs.payee_account_index == bindparam("account"), _theirs.amount_fen == bindparam("amount")
)
_PAID = select(_theirs.case_id).where(
    _theirs.payee_account_index.in_(bindparam("accounts", expanding=True)),  # of several pairs SQLite uses no index
    tuple_(_theirs.payee_account_index, _theirs.amount_fen).in_(bindparam("paid", expanding=True)),
)
EARLIEST, _EARLIEST_OF_SEVERAL = (
    _earliest(bindparam("id"), bindparam("phone"), bindparam("at"), bindparam("since"), bindparam("drill"), paid)
    for paid in (_PAID_ONCE, _PAID)
)
_EARLIEST_OF = _earliest_of()
