"""Two reports of one fraud: the later is marked as perhaps the same (疑同) as the earlier. Each is rung at once.

See docs/decisions/0009-linking.md for why this is done beside the alert, and not at the door.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, or_, select, union

from ledger import tables as t
from ledger.events import CaseLinked, LinkReceived
from ledger.unit_of_work import Case, UnitOfWork

WITHIN = timedelta(hours=2)
c = t.cases.c
# Built once: see unit_of_work. The root is asked for through an alias, so that it can stand inside other statements.
_self = t.cases.alias("itself").c
_ROOT = select(func.coalesce(_self.linked_to, _self.id)).where(_self.id == bindparam("this"))
_CODE = select(c.code).where(c.id == bindparam("this"))


def look(uow: UnitOfWork, case: Case) -> None:
    """Link a case to the earliest report of the same fraud, once. Only this case is locked: no deadlock, no waiting."""
    if case.row["linked_to"] or (root := _root(uow.conn, case)) is None:
        return
    case.row = {**case.row, "linked_to": root}
    uow.change(t.cases, case.id, linked_to=root)  # now: the next case of this transaction may be the same fraud too
    uow.append(case, CaseLinked(str(root)), "ledger")


def note(uow: UnitOfWork, root: UUID, later: UUID) -> None:
    """The earlier case's own chain says it too."""
    uow.append(uow.case(root), LinkReceived(str(later)), "ledger")


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


def _root(conn: Connection, case: Case) -> UUID | None:
    row = case.row
    phone = row["phone_index"] if row["for_whom"] == "self" else row["victim_phone_index"]
    at = row["received_at"]
    asked = {"id": case.id, "phone": phone, "at": at, "since": at - WITHIN, "drill": row["drill"]}
    found = conn.execute(_EARLIER, asked).first()
    return (found.linked_to or found.id) if found else None


def _earlier() -> Select[tuple[UUID, UUID | None]]:
    """Each way of being the same goes by an index of its own: a surge must not slow the alert that waits for this."""
    e, mine, theirs = t.cases.alias("earlier").c, t.transfers.alias("mine").c, t.transfers.alias("theirs").c
    id_: BindParameter[UUID] = bindparam("id")
    phone: BindParameter[bytes] = bindparam("phone")
    at: BindParameter[datetime] = bindparam("at")
    paid = and_(mine.payee_account_index == theirs.payee_account_index, mine.amount_fen == theirs.amount_fen)
    same = union(
        select(c.id).where(c.for_whom == "self", c.phone_index == phone),
        select(c.id).where(c.for_whom != "self", c.victim_phone_index == phone),
        select(theirs.case_id).where(mine.case_id == id_, paid),
    )
    before = or_(e.received_at < at, and_(e.received_at == at, e.id < id_))
    return (
        select(e.id, e.linked_to)
        .where(e.id.in_(same), before, e.received_at >= bindparam("since"))
        .where(e.state != "closed", e.drill == bindparam("drill"))
        .order_by(e.received_at, e.id)
        .limit(1)
    )


_EARLIER = _earlier()  # built once: making aliases costs more than asking the database does
