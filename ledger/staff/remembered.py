"""Remembered phones: where the second factor was shown within 30 days, the password alone signs in."""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select

from ledger import tables as t
from ledger.store.crypto import digest
from ledger.store.unit_of_work import UnitOfWork

LASTS = timedelta(days=30)
r = t.remembered.c


def remember(uow: UnitOfWork, user_id: UUID) -> str:
    """A token for this phone to keep; the ledger keeps only its digest. Those that have run out go."""
    token = secrets.token_urlsafe(24)
    uow.conn.execute(delete(t.remembered).where(r.user_id == user_id, r.until <= uow.now))
    row = {"user_id": user_id, "token_hash": digest(token), "until": uow.now + LASTS}
    uow.conn.execute(insert(t.remembered).values(row))
    return token


def holds(uow: UnitOfWork, user_id: UUID, token: str | None) -> bool:
    """Whether this phone is remembered for this very user."""
    query = select(r.id).where(r.user_id == user_id, r.token_hash == digest(token or ""), r.until > uow.now)
    return uow.conn.execute(query).first() is not None


def forget(uow: UnitOfWork, user_id: UUID, token: str | None = None) -> None:
    """This phone, or without a token every phone of the user."""
    gone = delete(t.remembered).where(r.user_id == user_id)
    uow.conn.execute(gone.where(r.token_hash == digest(token)) if token else gone)
