"""Screenshots: sealed under the case's key, few of them, opened for staff only."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, RowMapping, func, insert, select

from ledger import tables as t
from ledger.errors import NotAllowed, NotFound
from ledger.events import ScreenshotAdded
from ledger.reporting import reports
from ledger.store.crypto import RowKey
from ledger.store.unit_of_work import Case, UnitOfWork

MOST = 10  # of one case
u = t.uploads.c


def add(uow: UnitOfWork, case: Case, jpeg: bytes, size: tuple[int, int]) -> None:
    """Keep a picture that has been decoded and encoded anew. Raises NotAllowed for one too many."""
    if count(uow.conn, case.id) >= MOST:
        raise NotAllowed(f"at most {MOST} screenshots")
    row_id = t.new_id()
    sealed = case.key.seal_bytes("uploads", row_id, "content", jpeg)
    uow.conn.execute(insert(t.uploads).values(id=row_id, case_id=case.id, at=uow.now, width=size[0], height=size[1],
                                              content_sealed=sealed))  # fmt: skip
    uow.append(case, ScreenshotAdded(str(row_id)), reports.ANONYMOUS)


def count(conn: Connection, case_id: UUID) -> int:
    return conn.execute(select(func.count()).where(u.case_id == case_id)).scalar_one()


def of_case(conn: Connection, case_id: UUID) -> list[RowMapping]:
    """(id, at, width, height) in the order in which they came."""
    query = select(u.id, u.at, u.width, u.height).where(u.case_id == case_id).order_by(u.at, u.id)
    return list(conn.execute(query).mappings())


def content(conn: Connection, key: RowKey, case_id: UUID, upload: UUID) -> bytes:
    """The JPEG. Raises NotFound for one that is not this case's."""
    query = select(u.content_sealed).where(u.id == upload, u.case_id == case_id)
    sealed = conn.execute(query).scalar_one_or_none()
    if sealed is None:
        raise NotFound
    return key.open_bytes("uploads", upload, "content", sealed)
