"""Two reports of one fraud: the later is marked as perhaps the same (疑同) as the earlier. Each is rung at once.

See docs/decisions/0009-linking.md for why this is done beside the alert, and not at the door.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, Select, and_, func, or_, select, union, update

from ledger import tables as t
from ledger.events import CaseLinked, LinkReceived
from ledger.unit_of_work import Case, UnitOfWork

WITHIN = timedelta(hours=2)
c = t.cases.c


def look(uow: UnitOfWork, case: Case) -> None:
    """Link a case to the earliest report of the same fraud, once. Only this case is locked: no deadlock, no waiting."""
    if case.row["linked_to"] or (root := _root(uow.conn, case)) is None:
        return
    uow.conn.execute(update(t.cases).where(c.id == case.id).values(linked_to=root))
    uow.append(case, CaseLinked(str(root)), "ledger")


def note(uow: UnitOfWork, root: UUID, later: UUID) -> None:
    """The earlier case's own chain says it too."""
    uow.append(uow.case(root), LinkReceived(str(later)), "ledger")


def root(conn: Connection, case_id: UUID) -> UUID:
    """The earliest report of the same fraud, perhaps this one."""
    found: UUID = conn.execute(select(func.coalesce(c.linked_to, c.id)).where(c.id == case_id)).scalar_one()
    return found


def members(conn: Connection, case_id: UUID) -> Select[tuple[UUID]]:
    """This case and the open ones of the same fraud."""
    first = root(conn, case_id)
    return select(c.id).where(or_(c.id == first, c.linked_to == first), or_(c.state != "closed", c.id == case_id))


def same_as(conn: Connection, case_id: UUID) -> str | None:
    """The code of the earlier case that this one may be the same as."""
    linked = select(c.linked_to).where(c.id == case_id).scalar_subquery()
    return conn.execute(select(c.code).where(c.id == linked)).scalar_one_or_none()


def _root(conn: Connection, case: Case) -> UUID | None:
    """Each way of being the same goes by an index of its own: a surge must not slow the alert that waits for this."""
    row, e = case.row, t.cases.alias("earlier").c
    mine, theirs = t.transfers.alias("mine").c, t.transfers.alias("theirs").c
    phone = row["phone_index"] if row["for_whom"] == "self" else row["victim_phone_index"]
    paid = and_(mine.payee_account_index == theirs.payee_account_index, mine.amount_fen == theirs.amount_fen)
    same = union(
        select(c.id).where(c.for_whom == "self", c.phone_index == phone),
        select(c.id).where(c.for_whom != "self", c.victim_phone_index == phone),
        select(theirs.case_id).where(mine.case_id == case.id, paid),
    )
    before = or_(e.received_at < row["received_at"], and_(e.received_at == row["received_at"], e.id < case.id))
    query = (
        select(e.id, e.linked_to)
        .where(e.id.in_(same), before, e.received_at >= row["received_at"] - WITHIN)
        .where(e.state != "closed", e.drill == row["drill"])
        .order_by(e.received_at, e.id)
        .limit(1)
    )
    found = conn.execute(query).first()
    return (found.linked_to or found.id) if found else None
