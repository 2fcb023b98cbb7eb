"""Staff accounts: argon2id passwords, a TOTP second factor, few tries, sessions that end when a person is disabled."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

import pyotp
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection, RowMapping, exists, insert, select, update

from ledger import tables as t
from ledger.errors import Conflict, NotFound
from ledger.staff import remembered
from ledger.store.unit_of_work import Ledger, UnitOfWork

ROLES = ("officer", "counselor", "psychologist", "keeper", "leader", "security", "admin")
OF_A_COLLEGE = ("keeper", "leader")  # see what is their college's, and without one nothing
MAX_FAILURES, LOCKOUT = 5, timedelta(minutes=5)
_hasher = PasswordHash((Argon2Hasher(),))
u = t.users.c
_left = exists().where(t.people.c.id == u.person_id, ~t.people.c.active)


@dataclass(frozen=True)
class User:
    """A signed-in member of staff. `person`: the roster row they are, if any."""

    id: UUID
    username: str
    role: str
    college: str | None
    person: UUID | None
    epoch: int


@dataclass(frozen=True)
class Credentials:
    """Shown once, when they are made."""

    username: str
    password: str
    totp_secret: str


def add(uow: UnitOfWork, username: str, role: str, person: UUID | None, college: str | None) -> Credentials:
    user_id, made = t.new_id(), _new(username)
    key, wrapped = uow.keys.new_row_key(user_id)
    row = {
        "id": user_id,
        "username": username,
        "role": role,
        "college_code": college,
        "person_id": person,
        "password_hash": hashed(made.password),
        "totp_sealed": key.seal("users", user_id, "totp", made.totp_secret),
        "row_key": wrapped,
    }
    if uow.conn.execute(select(u.id).where(u.username == username)).first():
        raise Conflict(f"there is a user {username!r} already; `stopline user reset` gives a new password")
    uow.conn.execute(insert(t.users).values(row))
    return made


def reset(uow: UnitOfWork, username: str) -> Credentials:
    """A new password and TOTP secret; ends every session, remembered phone and invitation of this user."""
    row = uow.conn.execute(select(t.users).where(u.username == username)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no user {username!r}")
    made = _new(username)
    key = uow.keys.unwrap(row["id"], row["row_key"])
    uow.conn.execute(
        update(t.users)
        .where(u.id == row["id"])
        .values(
            password_hash=hashed(made.password),
            totp_sealed=key.seal("users", row["id"], "totp", made.totp_secret),
            totp_used=0,
            session_epoch=u.session_epoch + 1,
            failures=0,
            locked_until=None,
            invite_hash=None,
            invite_until=None,
        )
    )
    remembered.forget(uow, row["id"])
    return made


def disable(uow: UnitOfWork, username: str) -> None:
    """Nobody signs in with this account any more; its sessions and remembered phones are over at once."""
    row = uow.conn.execute(select(u.id).where(u.username == username)).one_or_none()
    if row is None:
        raise NotFound(f"no user {username!r}")
    uow.change(t.users, row.id, disabled=True, invite_hash=None, invite_until=None)
    end_sessions(uow, row.id)
    remembered.forget(uow, row.id)


def hashed(password: str) -> str:
    return _hasher.hash(password)


def sign_in(ledger: Ledger, username: str, password: str, otp: str, phone: str | None = None) -> User | None:
    """The user, or None: wrong name, password or code, a code used before, locked or disabled; nobody learns which.

    `phone`: the token of a remembered phone, on which the code may be left out.
    The slow hash runs outside any transaction, so that signing in never holds up a report.
    """
    with ledger.read() as conn:
        row = conn.execute(select(t.users).where(u.username == username)).mappings().one_or_none()
    right = _hasher.verify(password, row["password_hash"] if row else _decoy())
    if row is None:
        return None
    with ledger.begin("sign-in") as uow:
        return judge(uow, row["id"], otp, right, phone)


@cache
def _decoy() -> str:
    """So that an unknown name takes as long as a wrong password; made when first needed, since it takes its time."""
    return _hasher.hash(secrets.token_hex(8))


def judge(uow: UnitOfWork, user_id: UUID, otp: str, right_password: bool, phone: str | None = None) -> User | None:
    """The user, if all is right; a wrong password or code counts as a failure, and five of them lock."""
    query = select(t.users, _left.label("left")).where(u.id == user_id).with_for_update(of=t.users)
    row = uow.conn.execute(query).mappings().one()
    if row["disabled"] or row["left"] or (row["locked_until"] and row["locked_until"] > uow.now):
        return None
    known = right_password and not otp.strip() and remembered.holds(uow, user_id, phone)
    step = row["totp_used"] if known else _matching_step(uow, row, otp) if right_password else None
    mine = update(t.users).where(u.id == user_id)
    if step is None:
        failures = row["failures"] + 1
        locked = uow.now + LOCKOUT if failures >= MAX_FAILURES else None
        uow.conn.execute(mine.values(failures=0 if locked else failures, locked_until=locked))
        return None
    uow.conn.execute(mine.values(failures=0, locked_until=None, totp_used=step))
    return _user(row)


def _matching_step(uow: UnitOfWork, row: RowMapping, otp: str) -> int | None:
    """The 30 s step whose code this is, one step of drift either way; never one at or before the last used."""
    secret = uow.keys.unwrap(row["id"], row["row_key"]).open("users", row["id"], "totp", row["totp_sealed"])
    totp = pyotp.TOTP(secret or "")
    present = int(uow.ledger.authenticators.now().timestamp()) // 30
    typed = unicodedata.normalize("NFKC", otp).replace(" ", "").encode()
    for step in (present, present - 1, present + 1):
        if step > row["totp_used"] and secrets.compare_digest(totp.at(step * 30).encode(), typed):
            return step
    return None


def end_sessions(uow: UnitOfWork, user_id: UUID) -> None:
    """Every session of this user, on every device, is over."""
    uow.conn.execute(update(t.users).where(u.id == user_id).values(session_epoch=u.session_epoch + 1))


def by_session(conn: Connection, user_id: UUID, epoch: int) -> User | None:
    """The user of a session, while it holds: not disabled, not gone from the roster, and not ended since."""
    query = select(t.users).where(u.id == user_id, u.session_epoch == epoch, ~u.disabled, ~_left)
    row = conn.execute(query).mappings().one_or_none()
    return _user(row) if row else None


def same_person(conn: Connection, account: UUID | None, user: User) -> bool:
    """Two accounts of one person are one person."""
    person = conn.execute(select(u.person_id).where(u.id == account)).scalar_one_or_none()
    return account == user.id or (person is not None and person == user.person)


def of_office(conn: Connection, username: str) -> UUID:
    """Whoever answers for what is done on the machine. Raises NotFound for any other account, and a disabled one."""
    mine = select(u.id).where(u.username == username, u.role.in_(("security", "admin")), ~u.disabled, ~_left)
    found: UUID | None = conn.execute(mine).scalar_one_or_none()
    if found is None:
        raise NotFound(f"no account {username!r} of the office (security, admin) 没有这个保卫部或管理员账号")
    return found


def names(conn: Connection, actors: Collection[str]) -> dict[str, str]:
    """Of each actor `user:ID` that account's name; empty for what is none."""
    ids = {UUID(actor[5:]) for actor in actors if actor.startswith("user:")}
    known = {f"user:{row.id}": row.username for row in conn.execute(select(u.id, u.username).where(u.id.in_(ids)))}
    return {actor: known.get(actor, "") for actor in actors}


def _user(row: RowMapping) -> User:
    return User(row["id"], row["username"], row["role"], row["college_code"], row["person_id"], row["session_epoch"])


def _new(username: str) -> Credentials:
    return Credentials(username, secrets.token_urlsafe(12), pyotp.random_base32())
