"""Which case a code names: those that the spool gave stay good for ever."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, select

from ledger import tables as t
from ledger.errors import NotFound

c, s = t.cases.c, t.spooled.c


def gave(fold: str) -> bool:
    """Whether this code, as `codes.fold` writes it, was given while the ledger was away: those begin with Z."""
    return fold.startswith("Z")


def named(fold: str | BindParameter[str], *, by_spool: bool | None = None) -> ColumnElement[bool]:
    """Cases with this code, as `codes.fold` writes it. Of one that is not known yet, `by_spool` says who gave it."""
    if gave(fold) if isinstance(fold, str) else by_spool:
        return c.id.in_(select(s.case_id).where(s.code_fold == fold))
    return c.code_fold == fold


# Built once: see statements.
_LATEST = select(c.id).order_by(c.received_at.desc()).limit(1)
_NAMED, _SPOOLED = (_LATEST.where(named(bindparam("fold"), by_spool=it)) for it in (False, True))


def case_by_code(conn: Connection, fold: str) -> UUID:
    found: UUID | None = conn.scalars(_SPOOLED if gave(fold) else _NAMED, {"fold": fold}).one_or_none()
    if found is None:
        raise NotFound
    return found
