"""Who does not answer: a student for a day, then the centre that was asked to see them (docs/decisions/0033).

`unreached_since` of a record is since when the student does not answer: from the report on, or from the first try of a
contact that is due; any talk, and any answer of the centre, ends it. `same_day_since` is since when the centre is asked
to see them the same day. `referral_look_at`: when the clock must look at that.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import RowMapping

from ledger import followups
from ledger.care import waiving
from ledger.events import CARE, PRIORITY
from ledger.ringing import referrals
from ledger.school import rungs
from ledger.school.people import Person
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

NOBODY_FOR = timedelta(minutes=10)  # then it is looked again whether somebody can be told


def look(uow: UnitOfWork, case: Case) -> None:
    """What the clock does when the time of this case's record has come."""
    row = referrals.follow_up(uow, case)
    if row["referral_look_at"] is None or row["referral_look_at"] > uow.now:
        return
    if row["same_day_since"]:
        _remind(uow, case, row)
        return
    asked = row["referred_at"] and not row["seen_at"]  # whether the student is to be left in peace
    if asked or waiving.stands(uow.conn, case.id):
        referrals.change(uow, case, referral_look_at=None, unreached_since=None)  # a later try begins anew
        return
    referrals.change(uow, case, referral_look_at=None)
    referrals.refer(uow, case, referrals.UNREACHABLE, "clock")


def _remind(uow: UnitOfWork, case: Case, row: RowMapping) -> None:
    """Of two reminders the one whose time it is: what a dead clock left out is not made up for.

    Where nobody can be told, somebody may be in a while.
    """
    since = row["same_day_since"]
    next_at = followups.referral_look_at(since, uow.now)
    facts = {"code": case.code, "since": since.isoformat(), "minutes": (uow.now - since) // timedelta(minutes=1)}
    to = _whom(uow, case, office=uow.now - since >= followups.OFFICE_TOO)
    for person in to:
        dedup = f"{row['id']}:unanswered:{row['referral_look_at'].isoformat()}:{person.id}"
        deliveries.tell(uow, person, referrals.TEXT, facts, case=case, dedup=dedup, priority=PRIORITY[CARE],
                        lasts=next_at - uow.now if next_at else None)  # fmt: skip
    again = uow.now + NOBODY_FOR
    referrals.change(uow, case, referral_look_at=next_at if to else min(again, next_at or again))


def _whom(uow: UnitOfWork, case: Case, *, office: bool) -> list[Person]:
    """The centre; the office too, or where it has nobody the duty desk, after a day or in the centre's stead."""
    to = _called(uow, case, "centre")
    if office or not to:
        to = to + (_called(uow, case, "office") or _called(uow, case, "desk"))
    return list({person.id: person for person in to}.values())


def _called(uow: UnitOfWork, case: Case, target: str) -> list[Person]:
    return rungs.called(uow.conn, uow.keys, (target,), case.row, uow.now, uow.zone, uow.of_roster)
