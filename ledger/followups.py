"""The follow-up of a student: when contacts are due, who is reminded of them, and what is missing before closing.

Pure; the cadence and the reminder steps are our proposal, for the psychology centre to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Literal, NamedTuple

Mode = Literal["call", "face", "any"]

STATES: dict[str, str] = {
    "first_contact": "待首联",
    "in_progress": "跟进中",
    "referred": "已转介",
    "stable": "稳定观察",
    "review": "待复核",
    "closed": "已结案",
}
# the state that the care obligation shows outside: anything between the first contact and closing is work
CARE_STATE: dict[str, str] = dict.fromkeys(STATES, "in_progress") | {"first_contact": "open", "closed": "closed"}


class Cadence(NamedTuple):
    """A contact that every report owes, `after` it was opened.

    A talk with the student counts as it from `early` before it is due; one before that is an extra contact, since who
    is called each day of the first week is to be called after ninety days all the same. None: it counts at any time.
    """

    kind: str
    mode: Mode
    after: timedelta
    early: timedelta | None = None


CADENCE = (
    Cadence("call_30m", "call", timedelta(minutes=30)),
    Cadence("face_24h", "face", timedelta(hours=24)),
    Cadence("h48", "any", timedelta(hours=48), timedelta(hours=12)),  # the stop lapses
    Cadence("h72", "any", timedelta(hours=72), timedelta(hours=12)),
    Cadence("d7", "any", timedelta(days=7), timedelta(days=2)),
    Cadence("d14", "any", timedelta(days=14), timedelta(days=3)),
    Cadence("d30", "any", timedelta(days=30), timedelta(days=7)),
    Cadence("d90", "any", timedelta(days=90), timedelta(days=30)),
)
_EARLY = {it.kind: it.early for it in CADENCE}

CENTRE_WITHIN = timedelta(minutes=10)  # where a student must not be left alone
_OWN, _COLLEGE, _OFFICE = ("counselor",), ("stand_in", "college_duty"), ("office",)
# when, from the due time, whom: the first call is asked for once more while there is still time for it
_FIRST_CALL = (
    (timedelta(minutes=-10), _OWN),
    (timedelta(0), _OWN),
    (timedelta(minutes=10), _COLLEGE),
    (timedelta(minutes=30), _OFFICE),
)
_LATER = ((timedelta(0), _OWN), (timedelta(hours=4), _COLLEGE), (timedelta(hours=24), _OFFICE))
_EVENING = time(18)  # a day means before its evening
# Of a day that was written down long before, the counselor hears that morning; nobody is rung at night for it.
_ON_A_DAY = ((timedelta(hours=-9), _OWN), (timedelta(hours=15), _COLLEGE), (timedelta(hours=24), _OFFICE))
_DAYS_EARLY = timedelta(days=3)  # from then on a talk is the one about what falls due
# after which the centre is reminded of a referral that it has not answered, and with it the security office
CENTRE_AGAIN, OFFICE_TOO = timedelta(hours=4), timedelta(hours=24)
UNREACHED_FOR = timedelta(hours=24)  # then a student is referred by itself

AGREED, EXTRA, DATED = "agreed_", "extra_", "dated_"  # how the kinds of contacts begin that are not of the cadence
PURPOSES = ("loan", "police", "card", "fees", "other")  # what falls due on the day of a dated one
BEYOND = "extra"  # what a page asks for that owes none: the contact becomes one of its own
MISSING: dict[str, str] = {
    "contact_d30": "30天联系未完成或未记录谢绝",
    "contact_d90": "90天联系未完成或未记录谢绝",
    "agreed": "约定的联系未完成或未记录谢绝",
    "dated": "定日的联系未完成、未记录谢绝或未取消",
    "two_calm": "最近两次联系需均平稳",
    "debt": "欠款尚无安排（或未记为无需安排）",
    "referral": "转介尚无回复",
    "told": "尚未告知学生结案",
    "second_signer": "需另一人复核签字",
    "immediate": "立即处置尚未解除",
}


@dataclass(frozen=True)
class ContactPlan:
    """A contact that is owed: `kind` names its place in the cadence (or a dated event), `due_at` is UTC."""

    kind: str
    mode: Mode
    due_at: datetime


@dataclass(frozen=True)
class CloseFacts:
    """What closing looks at.

    `settled` are the kinds of contacts done or declined, `owed` the others; `calm` tells of each contact that reached
    the student, oldest first; `debt_settled` means a plan or none needed; `closer` and `second_signer` are ids.
    """

    settled: frozenset[str]
    owed: frozenset[str]
    calm: tuple[bool, ...]
    debt_settled: bool
    open_referrals: int
    student_told: bool
    closer: str
    second_signer: str | None
    immediate: bool = False


@dataclass(frozen=True)
class Reminder:
    """The `number`-th reminder (from 1) of one overdue contact, to these targets (names of escalation.TARGETS)."""

    number: int
    targets: tuple[str, ...]


def contacts_due(opened_at: datetime) -> list[ContactPlan]:
    """The contacts owed after a report of `opened_at`, in order."""
    return [ContactPlan(it.kind, it.mode, opened_at + it.after) for it in CADENCE]


def too_early(kind: str, due_at: datetime, now: datetime) -> bool:
    """Whether a talk now is not yet the contact of this kind, which is due then. One that was agreed on always is."""
    early = _early(kind)
    return early is not None and now < due_at - early


def opens(kind: str, due_at: datetime) -> datetime:
    """From when on the student may be said to have been asked for this contact."""
    return due_at - (_early(kind) or timedelta(0))


def _early(kind: str) -> timedelta | None:
    return _DAYS_EARLY if kind.startswith(DATED) else _EARLY.get(kind)


def agreed(nth: int, due_at: datetime) -> ContactPlan:
    """A contact that counselor and student agreed on beyond the cadence."""
    return ContactPlan(f"{AGREED}{nth}", "any", due_at)


def on_a_day(purpose: str, nth: int, due_at: datetime) -> ContactPlan:
    """A contact about something that falls due then: one of PURPOSES, the `nth` of the record."""
    return ContactPlan(f"{DATED}{purpose}_{nth}", "any", due_at)


def purpose(kind: str) -> str:
    """What the day of a dated contact is about; empty for others."""
    return kind.split("_")[1] if kind.startswith(DATED) else ""


def by_evening(day: date, zone: tzinfo) -> datetime:
    """Until when a contact that was agreed for this day is to be made, in UTC."""
    return datetime.combine(day, _EVENING, zone).astimezone(UTC)


def state_now(state: str, referral_open: bool, calm: tuple[bool, ...]) -> str:
    """The state of an open record after a contact: two calm ones in a row make it stable, one that is not undoes it."""
    if state == "closed":
        return state
    if referral_open:
        return "referred"
    if len(calm) >= 2 and all(calm[-2:]):
        return "review" if state == "review" else "stable"
    return "in_progress" if calm or state != "first_contact" else state


def may_close(facts: CloseFacts) -> list[str]:
    """What is missing before the record may be closed, as keys of MISSING; empty when nothing is."""
    kept = {
        "contact_d30": "d30" in facts.settled,
        "contact_d90": "d90" in facts.settled,
        "agreed": not any(kind.startswith(AGREED) for kind in facts.owed),  # somebody was promised it
        "dated": not any(kind.startswith(DATED) for kind in facts.owed),  # closing would forget the day
        "two_calm": len(facts.calm) >= 2 and all(facts.calm[-2:]),
        "debt": facts.debt_settled,
        "referral": facts.open_referrals == 0,
        "told": facts.student_told,
        "second_signer": facts.second_signer not in (None, "", facts.closer),
        "immediate": not facts.immediate,
    }
    return [rule for rule, holds in kept.items() if not holds]


def _steps(contact: ContactPlan) -> tuple[tuple[timedelta, tuple[str, ...]], ...]:
    if contact.kind.startswith(DATED):
        return _ON_A_DAY
    return _FIRST_CALL if contact.kind == "call_30m" else _LATER


def reminder_at(contact: ContactPlan, reminded_count: int) -> datetime | None:
    """When the next reminder of a contact that is still owed falls due; None after the security office was told.

    The 30-minute call: 10 minutes before, when due, +10 and +30 minutes; every later contact: when due, +4 and +24
    hours; one on a day: in its morning, the next morning and evening.
    """
    steps = _steps(contact)
    return contact.due_at + steps[reminded_count][0] if reminded_count < len(steps) else None


def passed(contact: ContactPlan, now: datetime) -> int:
    """How many reminders would be late by now: who writes down a contact of today need not hear of it at once."""
    return sum(contact.due_at + at <= now for at, _ in _steps(contact))


def reminder(contact: ContactPlan, reminded_count: int, now: datetime) -> Reminder | None:
    """The reminder to send now for a contact still owed, one at a time; None while there is none to send.

    Of several that a late clock finds due for the same people, only the last is sent.
    """
    due = [(number, told) for number, (at, told) in enumerate(_steps(contact), 1)
           if number > reminded_count and now >= contact.due_at + at]  # fmt: skip
    same = [Reminder(number, told) for number, told in due if told == due[0][1]]
    return same[-1] if same else None


def referral_look_at(since: datetime, now: datetime) -> datetime | None:
    """When a referral that nobody has answered is reminded of next; None after the security office was told."""
    return next((since + after for after in (CENTRE_AGAIN, OFFICE_TOO) if since + after > now), None)


def after_contact(record: Mapping[Any, Any], *, heard: bool, tried: bool, now: datetime) -> dict[str, Any]:
    """Columns of a record: since when the student does not answer, and when the clock looks at it for that.

    tried: a contact that is due was, in vain. While a referral waits the clock looks at that.
    """
    values: dict[str, Any] = {}
    if heard:
        values = {"unreached_since": None, "referral_look_at": None}
    elif tried and record["unreached_since"] is None:
        values = {"unreached_since": now, "referral_look_at": now + UNREACHED_FOR}
    if record["same_day_since"]:
        values.pop("referral_look_at", None)
    return values
