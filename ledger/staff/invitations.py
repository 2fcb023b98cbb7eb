"""Invitations: a link for one person, with which they choose a password and set up their authenticator, once."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select, update

from ledger import tables as t
from ledger.errors import Expired, NotFound
from ledger.staff import accounts
from ledger.staff.accounts import User
from ledger.store.crypto import Keys, digest
from ledger.store.unit_of_work import Ledger, UnitOfWork

LASTS = timedelta(hours=72)
MIN_PASSWORD = 10
u = t.users.c


@dataclass(frozen=True)
class Invited:
    """Whom an open invitation is for, and what their authenticator needs."""

    username: str
    totp_secret: str


def invite(uow: UnitOfWork, username: str, role: str, person: UUID | None, college: str | None) -> str:
    """A new account that opens only by the invitation returned here, a token for `/invite/<token>`."""
    accounts.add(uow, username, role, person, college)  # with a password that nobody sees
    return again(uow, username)


def again(uow: UnitOfWork, username: str) -> str:
    """Another invitation for an account: the former one, its password and its sessions end."""
    accounts.reset(uow, username)
    token = secrets.token_urlsafe(24)
    values = {"invite_hash": digest(token), "invite_until": uow.now + LASTS}
    uow.conn.execute(update(t.users).where(u.username == username).values(values))
    return token


def invited(ledger: Ledger, token: str) -> Invited:
    """Raises NotFound for a link that never was or was used, Expired for one past its 72 hours."""
    with ledger.read() as conn:
        row = _row(conn, token)
    if row["invite_until"] <= ledger.clock.now():
        raise Expired("the invitation has expired")
    return Invited(row["username"], _secret(ledger.keys, row))


def accept(ledger: Ledger, token: str, password: str, otp: str) -> User | None:
    """The user, who now has a password and a tried authenticator; None while the code does not match.

    Raises NotFound and Expired as `invited`, ValueError for a password under MIN_PASSWORD characters.
    """
    if len(password) < MIN_PASSWORD:
        raise ValueError(f"at least {MIN_PASSWORD} characters")
    kept = accounts.hashed(password)  # slow on purpose, so outside the transaction
    with ledger.begin("invitation") as uow:
        row = _row(uow.conn, token, lock=True)
        if row["invite_until"] <= uow.now:
            raise Expired("the invitation has expired")
        user = accounts.judge(uow, row["id"], otp, right_password=True)
        if user:
            done = {"password_hash": kept, "invite_hash": None, "invite_until": None}
            uow.change(t.users, row["id"], done)
        return user


def _row(conn: Connection, token: str, *, lock: bool = False) -> RowMapping:
    query = select(t.users).where(u.invite_hash == digest(token), ~u.disabled)
    row = conn.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("no such invitation")
    return row


def _secret(keys: Keys, row: RowMapping) -> str:
    return keys.unwrap(row["id"], row["row_key"]).open("users", row["id"], "totp", row["totp_sealed"]) or ""
