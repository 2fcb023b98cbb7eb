"""Screenings by the psychology centre, and the student's consent to them: sealed, for the centre alone.

No answer is kept without a consent that holds; what the answers ask for is done in the same transaction, or nothing of
both (docs/decisions/0032-answers-ask-for-actions.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, RowMapping, insert, select

from ledger import tables as t
from ledger.care import closing, screening
from ledger.care.screening import Answers
from ledger.events import (
    ScreeningConsentGiven,
    ScreeningConsentRefused,
    ScreeningConsentWithdrawn,
    ScreeningKept,
)
from ledger.ringing import referrals
from ledger.staff.accounts import User
from ledger.store.crypto import Keys
from ledger.store.unit_of_work import Case, UnitOfWork

GIVEN, REFUSED, WITHDRAWN = "given", "refused", "withdrawn"
HOW = ("phone", "writing", "person")
_EVENTS = {
    GIVEN: ScreeningConsentGiven,
    REFUSED: ScreeningConsentRefused,
    WITHDRAWN: ScreeningConsentWithdrawn,
}
log = structlog.get_logger()
s, w, e, f = t.screening_consents.c, t.screenings.c, t.case_events.c, t.follow_ups.c


@dataclass(frozen=True)
class Consent:
    """What the student said, and when. `how` is one of HOW; of a withdrawal, and where it cannot be read, empty."""

    state: str
    at: datetime
    how: str = ""
    asker: str = ""


@dataclass(frozen=True)
class Screening:
    """`answers` is None where they cannot be read. `action`: what they ask for (ledger/care/screening.py)."""

    at: datetime
    answers: Answers | None
    action: str | None


@dataclass(frozen=True)
class Screenings:
    """Of one case, the newest first. `consent` is the last word of the student, if they were asked."""

    consents: list[Consent]
    made: list[Screening]

    @property
    def consent(self) -> Consent | None:
        return self.consents[0] if self.consents else None

    @property
    def allowed(self) -> bool:
        return self.consent is not None and self.consent.state == GIVEN


@dataclass(frozen=True)
class Kept:
    """Whether answers were kept, and what was done about them: IMMEDIATE, SAME_DAY or None."""

    kept: bool
    done: str | None


def say(uow: UnitOfWork, case: Case, state: str, user: User, about: dict[str, str] | None = None) -> None:
    """The student agrees, does not, or no longer does. `about`: how, when (ISO 8601; empty: now), asker.

    Said twice it is said once; where no consent holds there is none to withdraw.
    """
    record = referrals.follow_up(uow, case)["id"]
    last, text = _last(uow, record), json.dumps(about or {}, ensure_ascii=False)
    now = last["state"] if last else None
    if state == WITHDRAWN and now != GIVEN:
        return
    if state == now and text == referrals.just_written(uow, case, t.screening_consents, record, user.id):
        return
    consent, number = t.new_id(), last["number"] + 1 if last else 1
    sealed = case.key.seal("screening_consents", consent, "content", text)
    row = {"id": consent, "follow_up_id": record, "number": number, "state": state, "at": uow.now, "user_id": user.id}
    uow.conn.execute(insert(t.screening_consents).values(**row, content_sealed=sealed))
    uow.append(case, _EVENTS[state](str(consent)), f"user:{user.id}")


def keep(uow: UnitOfWork, case: Case, answers: Answers, user: User) -> Kept:
    """The answers, once however often they are sent, and what they ask for. Without a consent that holds they are not
    kept; that somebody thinks of dying right now is acted upon all the same: it waits for no form."""
    row = referrals.follow_up(uow, case)
    said, wanted = _last(uow, row["id"]), screening.action(answers)
    consent = said["id"] if said and said["state"] == GIVEN else None
    if consent:
        _keep(uow, case, row["id"], consent, answers, user)
    elif wanted != screening.IMMEDIATE:
        wanted = None
    if case.row["drill"] and row["closed_at"]:
        wanted = None  # it is over, and stays so
    if wanted:
        _act(uow, case, wanted, f"user:{user.id}")
    return Kept(consent is not None, wanted)


def _keep(uow: UnitOfWork, case: Case, record: UUID, consent: UUID, answers: Answers, user: User) -> None:
    text = json.dumps(answers)
    if text == referrals.just_written(uow, case, t.screenings, record, user.id):
        return
    made = t.new_id()
    row = {"id": made, "follow_up_id": record, "consent_id": consent, "at": uow.now, "user_id": user.id}
    sealed = case.key.seal("screenings", made, "content", text)
    uow.conn.execute(insert(t.screenings).values(**row, content_sealed=sealed))
    uow.append(case, ScreeningKept(str(made)), f"user:{user.id}")


def _act(uow: UnitOfWork, case: Case, wanted: str, actor: str) -> None:
    """A closed record is opened again: what is owed has to be on somebody's list."""
    if wanted == screening.IMMEDIATE:
        closing.raise_immediate(uow, case, actor)
    else:
        closing.reopen_if_closed(uow, case, actor)
        referrals.refer(uow, case, referrals.SCREENED, actor)


def _last(uow: UnitOfWork, record: UUID) -> RowMapping | None:
    """The student's last word: by its number, since clocks of two machines differ."""
    query = select(t.screening_consents).where(s.follow_up_id == record).order_by(s.number.desc()).limit(1)
    return uow.conn.execute(query).mappings().one_or_none()


def of_case(conn: Connection, keys: Keys, user: User, case: RowMapping) -> Screenings:
    """Of a case that `views.find_case` gave to this user; nobody but the centre reads any."""
    if user.role != "psychologist":
        return Screenings([], [])
    key = keys.unwrap(case["id"], case["row_key"]).lenient()

    def content(table: str, row: RowMapping) -> Any:
        text = key.open(table, row["id"], "content", row["content_sealed"])
        return None if text is None else json.loads(text)

    def its(table: Any) -> Any:
        return select(table).join(t.follow_ups, f.id == table.c.follow_up_id).where(f.case_id == case["id"])

    said = conn.execute(its(t.screening_consents).order_by(s.number.desc())).mappings()
    consents = [_consent(row, content("screening_consents", row) or {}) for row in said]
    rows = conn.execute(its(t.screenings).order_by(w.at.desc(), w.id.desc())).mappings()
    made = [(row["at"], content("screenings", row)) for row in rows]
    if key.failed:
        log.error("record_unreadable", case=str(case["id"]), fields=sorted(set(key.failed)))
    return Screenings(consents, [Screening(at, it, screening.action(it) if it else None) for at, it in made])


def _consent(row: RowMapping, about: dict[str, str]) -> Consent:
    when = datetime.fromisoformat(about["when"]) if about.get("when") else row["at"]
    return Consent(row["state"], when, about.get("how", ""), about.get("asker", ""))
