"""An export of the ledger needs two people: one asks, with a reason and a period, and another signs or refuses.

What is made on the machine, with the keys in hand, is signed afterwards. Each of these acts is in the access log.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, or_, select, true

from ledger import tables as t
from ledger.errors import KeyMissing, NotAllowed, NotFound, Tampered
from ledger.pages.views import ALL_CASES
from ledger.school import people
from ledger.staff import accounts
from ledger.staff.accounts import User
from ledger.store import alarms, anchors
from ledger.store.crypto import Keys, RowKey
from ledger.store.unit_of_work import UnitOfWork

log = structlog.get_logger()
ASKERS = ("counselor", "psychologist", "keeper", *ALL_CASES)
SIGNERS = ALL_CASES
MACHINE = "machine"  # the role of whoever exports on the command line
OPEN_FOR = timedelta(hours=24)
LONGEST, FIRST_YEAR = timedelta(days=366), 2000
MOST = 5000  # records of one export that was asked for on a page
SHOWN = 20  # of one's own
LISTED = 50  # of those that wait for a signature; the oldest come first
x = t.exports.c
_asker, _signer = t.users.alias("asker"), t.users.alias("signer")


@dataclass(frozen=True)
class Span:
    """Reports received from `since` (None: from the beginning) to `until`, both included."""

    since: datetime | None
    until: datetime


@dataclass(frozen=True)
class Period:
    """Days in the school's zone, both included; None: from the beginning, or to the moment of asking."""

    first: date | None
    last: date | None

    def span(self, zone: tzinfo, asked_at: datetime) -> Span:
        """What comes in after somebody has asked is not part of it: nobody has signed for that."""
        since = _midnight(self.first, zone) if self.first else None
        if self.last is None:
            return Span(since, asked_at)
        end = _midnight(self.last + timedelta(days=1), zone) - timedelta(microseconds=1)
        return Span(since, min(end, asked_at))


def _midnight(day: date, zone: tzinfo) -> datetime:
    """In UTC, where the moment before it is one: in some zones the last hour of a day comes twice."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


@dataclass(frozen=True)
class Export:
    """One wish. `asker` and `signer` are user names, `called` is how others see the asker; state: see the table."""

    id: UUID
    asker: str
    called: str
    role: str
    period: Period
    records: int
    reason: str
    asked_at: datetime
    state: str
    signer: str
    decided_at: datetime | None

    def open_until(self, now: datetime) -> datetime | None:
        """Until when the file may be fetched; None where it may not."""
        until = self.decided_at + OPEN_FOR if self.state == "signed" and self.decided_at else None
        return until if until and until > now else None


def period(first: str, last: str, today: date) -> tuple[Period | None, dict[str, str]]:
    """What was typed, as a period of a year at most; or None and what is wrong, by field (first, last).

    Problems: date · future · order · long.
    """
    days = {name: day(text) for name, text in (("first", first), ("last", last))}
    wrong = {name: "date" for name, day in days.items() if day is None}
    wrong |= {name: "future" for name, day in days.items() if day and day > today}
    begin, end = days["first"], days["last"]
    if wrong or begin is None or end is None:
        return None, wrong
    if begin > end:
        return None, {"last": "order"}
    if end - begin >= LONGEST:
        return None, {"first": "long"}
    return Period(begin, end), {}


def day(typed: str) -> date | None:
    """A day as it is typed, 2026-01-31; None for anything else, and for years that no ledger has."""
    try:
        found = date.fromisoformat(unicodedata.normalize("NFKC", typed).strip())
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year < date.max.year else None


def ask(uow: UnitOfWork, user: User, wanted: Period, reason: str, records: int) -> bool:
    """False: the same person asks for the same period in the same role already, and nobody has answered yet."""
    export_id, key = t.new_id(), _key_of(uow, user)
    sealed = key.seal("exports", export_id, "reason", reason)
    made = uow.insert_new(t.exports, [_row(uow, export_id, wanted, records, user.role, user.id, sealed)])
    if made:
        anchors.log_reads(uow, f"user:{user.id}", "export.ask", [f"export:{export_id}"])
    return bool(made)


def made_on_the_machine(uow: UnitOfWork, wanted: Period, records: int) -> None:
    """It waits for a signature as any other does; an alarm says so until somebody of the office has given it."""
    export_id = t.new_id()
    uow.insert_new(t.exports, [_row(uow, export_id, wanted, records, MACHINE)])
    anchors.log_reads(uow, MACHINE, "export.make", [f"export:{export_id}"])
    alarms.alarm(uow, _alarm(export_id), "export_unsigned", f"export {export_id}, {records} records")


def _row(
    uow: UnitOfWork, export_id: UUID, wanted: Period, records: int, role: str,
    asker: UUID | None = None, reason: bytes | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": export_id, "asker_id": asker, "role": role, "asked_at": uow.now, "first_day": wanted.first,
        "last_day": wanted.last, "records": records, "reason_sealed": reason, "state": "asked",
    }  # fmt: skip


def _key_of(uow: UnitOfWork, user: User) -> RowKey:
    wrapped = uow.conn.execute(select(t.users.c.row_key).where(t.users.c.id == user.id)).scalar_one()
    return uow.keys.unwrap(user.id, wrapped)


def _alarm(export_id: UUID) -> str:
    return f"export:{export_id}"


def take_back(uow: UnitOfWork, export_id: UUID, user: User) -> None:
    """One's own, while nobody has answered. Raises NotFound for another's, NotAllowed after an answer."""
    row = _locked(uow, export_id)
    if row["asker_id"] != user.id:
        raise NotFound("no such export")
    if row["state"] == "dropped":
        return  # pressed twice
    if row["state"] != "asked":
        raise NotAllowed("it has been answered")
    uow.change(t.exports, export_id, state="dropped", decided_at=uow.now)
    anchors.log_reads(uow, f"user:{user.id}", "export.drop", [f"export:{export_id}"])


def _locked(uow: UnitOfWork, export_id: UUID) -> RowMapping:
    query = select(t.exports).where(x.id == export_id).with_for_update(of=t.exports)
    row = uow.conn.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("no such export")
    return row


def decide(uow: UnitOfWork, export_id: UUID, user: User, *, sign: bool) -> None:
    """Sign or refuse, once. Raises NotAllowed for the asker, under whichever account, and after another's answer."""
    row = _locked(uow, export_id)
    said = "signed" if sign else "refused"
    if (row["state"], row["signer_id"]) == (said, user.id):
        return  # pressed twice
    if user.role not in SIGNERS or row["state"] != "asked" or accounts.same_person(uow.conn, row["asker_id"], user):
        raise NotAllowed("it needs a second person, once")
    uow.change(t.exports, export_id, state=said, signer_id=user.id, decided_at=uow.now)
    anchors.log_reads(uow, f"user:{user.id}", f"export.{'sign' if sign else 'refuse'}", [f"export:{export_id}"])
    alarms.clear_one(uow, _alarm(export_id))


def mine(conn: Connection, keys: Keys, user: User) -> list[Export]:
    """What this user has asked for, newest first."""
    return _read(conn, keys, _listed().where(x.asker_id == user.id).order_by(x.asked_at.desc(), x.id).limit(SHOWN))


def to_sign(conn: Connection, keys: Keys, user: User) -> list[Export]:
    """What waits for somebody else's signature, oldest first; empty for those who sign nothing."""
    if user.role not in SIGNERS:
        return []
    others = or_(x.asker_id.is_(None), _others(user))
    return _read(conn, keys, _listed().where(x.state == "asked", others).order_by(x.asked_at, x.id).limit(LISTED))


def _others(user: User) -> ColumnElement[bool]:
    """Not their own, under whichever account."""
    if user.person is None:
        return x.asker_id != user.id
    return (x.asker_id != user.id) & func.coalesce(_asker.c.person_id != user.person, true())


def of_asker(conn: Connection, keys: Keys, user: User, export_id: UUID) -> Export:
    """One of this user's own. Raises NotFound for another's."""
    found = _read(conn, keys, _listed().where(x.asker_id == user.id, x.id == export_id))
    if not found:
        raise NotFound("no such export")
    return found[0]


def signed(conn: Connection, keys: Keys, user: User, now: datetime, export_id: UUID | None = None) -> Export | None:
    """What this user may fetch now, this one or the one signed last. A signature is for the role that asked."""
    if export_id:
        of_asker(conn, keys, user, export_id)
    query = _listed().where(x.asker_id == user.id, x.state == "signed", x.decided_at > now - OPEN_FOR)
    query = query.where(x.role == user.role, x.id == export_id if export_id else true())
    found = _read(conn, keys, query.order_by(x.decided_at.desc()).limit(1))
    return found[0] if found else None


def _listed() -> Select[Any]:
    return (
        select(t.exports, _asker.c.username.label("asker"), _asker.c.person_id, _asker.c.row_key,
               _signer.c.username.label("signer"))
        .outerjoin(_asker, _asker.c.id == x.asker_id)
        .outerjoin(_signer, _signer.c.id == x.signer_id)
    )  # fmt: skip


def _read(conn: Connection, keys: Keys, query: Select[Any]) -> list[Export]:
    rows: Sequence[RowMapping] = conn.execute(query).mappings().all()
    known = {person.id: person.called for person in people.by_id(conn, keys, [row["person_id"] for row in rows])}
    return [
        Export(row["id"], row["asker"] or "", known.get(row["person_id"], ""), row["role"],
               Period(row["first_day"], row["last_day"]), row["records"], _reason(keys, row), row["asked_at"],
               row["state"], row["signer"] or "", row["decided_at"])
        for row in rows
    ]  # fmt: skip


def _reason(keys: Keys, row: RowMapping) -> str:
    if row["reason_sealed"] is None:
        return ""
    try:
        key = keys.unwrap(row["asker_id"], row["row_key"])
        return key.open("exports", row["id"], "reason", row["reason_sealed"]) or ""
    except (KeyMissing, Tampered) as error:  # one spoiled wish must not keep the others from their signature
        log.error("export_reason_unreadable", export=str(row["id"]), error=type(error).__name__)
        return ""
