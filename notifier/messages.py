"""What can be said: one frozen dataclass of primitives per kind of text.

The ledger stores (kind, facts as JSON); the sender renders at send time, so that a text says what is true then.
No kind has a field for a name of a victim, an account, an ID number or a fraud type: what is not here cannot leak.

Times are ISO 8601 strings with an offset; amounts are integer fen; `code` is a case code.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar


class BadFacts(ValueError):
    """A stored message cannot be rebuilt: unknown kind, or a compulsory fact is missing."""


@dataclass(frozen=True)
class Message:
    """Base of every kind; `kind` is the name the ledger stores."""

    kind: ClassVar[str]


@dataclass(frozen=True)
class Officer(Message):
    """The stop-payment alert to an officer."""

    kind: ClassVar[str] = "officer"
    code: str
    amount_fen: int | None = None  # sum of all transfers; None: not readable yet
    transfers: int = 1
    channel: str = "other"  # bank | alipay | wechat | scan | cash | voucher | ecny | other
    when: str | None = None  # bucket: now | 30min | 24h | earlier; printed only while happened_at is None
    happened_at: str | None = None
    missing: tuple[str, ...] = ()  # of name, account, amount, time
    nth: int = 1  # how many times this person is told (neutral wording prints it)
    reported_at: str | None = None  # neutral wording prints it; None: the time of sending
    same_as: str | None = None  # 疑同: an earlier case's code; left out where it would not fit
    transfer: int | None = None  # which further one it rings for: the facts are of that; left out likewise
    again: bool = False  # or it rings for something else that came in after somebody had taken the case


@dataclass(frozen=True)
class Escalation(Message):
    """A repeat of the officer alert, or the first to the next person."""

    kind: ClassVar[str] = "escalation"
    code: str
    amount_fen: int | None = None
    nth: int = 2
    minutes: int = 0  # since the report
    next_minutes: int | None = None  # until the next person is rung; None: nobody is left
    reported_at: str | None = None  # neutral wording; None: now less `minutes`


@dataclass(frozen=True)
class Call(Message):
    """What a voice says to somebody whom the text alone did not bring; a key pressed acknowledges."""

    kind: ClassVar[str] = "call"
    code: str


@dataclass(frozen=True)
class Outage(Message):
    """The alert while the ledger is away: what the report itself says, to whom the last known duty list names."""

    kind: ClassVar[str] = "outage"
    code: str
    amount_fen: int | None = None  # None: nothing was paid yet, or not readable
    transfers: int = 1
    channel: str = "other"
    when: str | None = None
    happened_at: str | None = None
    reported_at: str | None = None


@dataclass(frozen=True)
class StandDown(Message):
    """Somebody else took the case."""

    kind: ClassVar[str] = "stand_down"
    code: str
    owner: str = ""  # as shown to colleagues, e.g. 欧阳警官
    at: str | None = None


@dataclass(frozen=True)
class Acknowledged(Message):
    """To the officer who took the case."""

    kind: ClassVar[str] = "acknowledged"
    code: str
    at: str | None = None
    minutes: int = 10  # until progress is asked for


@dataclass(frozen=True)
class CodeNeeded(Message):
    """A bare reply while several alerts are open (or none: then `codes` is empty)."""

    kind: ClassVar[str] = "code_needed"
    codes: tuple[str, ...]


@dataclass(frozen=True)
class UnknownCode(Message):
    """A reply whose code is nobody's case."""

    kind: ClassVar[str] = "unknown_code"
    code: str


@dataclass(frozen=True)
class Bundle(Message):
    """Several alerts in one text, every code listed; at most BUNDLE_CODES of them fit one segment."""

    kind: ClassVar[str] = "bundle"
    codes: tuple[str, ...]
    unverified: bool = False  # reporters whose numbers are not known
    dissuade: bool = False  # nothing is paid yet
    nth: int = 1  # how many times this person hears of one of them, at most


BUNDLE_CODES = 5


@dataclass(frozen=True)
class Counselor(Message):
    """The first alert to a counselor."""

    kind: ClassVar[str] = "counselor"
    code: str
    minutes: int = 30  # within which to call


@dataclass(frozen=True)
class CounselorReminder(Message):
    """A repeat to a counselor, or the first to the stand-in."""

    kind: ClassVar[str] = "counselor_reminder"
    code: str
    nth: int = 2
    minutes: int = 0  # since the report


@dataclass(frozen=True)
class CounselorAck(Message):
    """Answer to the counselor who took it; with `holds` to whoever goes to a student who must not be alone."""

    kind: ClassVar[str] = "counselor_ack"
    code: str
    holds: int = 0  # for how many minutes nobody else is rung


@dataclass(frozen=True)
class Immediate(Message):
    """A student must not be left alone."""

    kind: ClassVar[str] = "immediate"
    code: str
    nth: int = 1


@dataclass(frozen=True)
class Referral(Message):
    """To the psychology centre: a student needs it today, or a record waits for its word on whether to press on."""

    kind: ClassVar[str] = "referral"
    code: str
    today: bool = True
    minutes: int = 0  # since it was asked, where it has not answered: to the security office as well


@dataclass(frozen=True)
class Handover(Message):
    """To the counselor who has a student from now on."""

    kind: ClassVar[str] = "handover"
    code: str


@dataclass(frozen=True)
class Dissuade(Message):
    """Nothing is paid yet, but the student is being pressed: call at once."""

    kind: ClassVar[str] = "dissuade"
    code: str
    nth: int = 1


@dataclass(frozen=True)
class Student(Message):
    """The receipt to the reporter."""

    kind: ClassVar[str] = "student"
    code: str
    paid: bool = True  # False: the money is still there


@dataclass(frozen=True)
class Reopening(Message):
    """To the reporter's own number: opens the status page on another device."""

    kind: ClassVar[str] = "reopening"
    code: str
    digits: str
    minutes: int = 10  # that it holds


@dataclass(frozen=True)
class Ask(Message):
    """To the reporter: these match keys are still missing."""

    kind: ClassVar[str] = "ask"
    code: str
    missing: tuple[str, ...] = ()  # of name, account, amount, time


@dataclass(frozen=True)
class Amended(Message):
    """Something arrived after the alert."""

    kind: ClassVar[str] = "amended"
    code: str
    added: tuple[
        str, ...
    ] = ()  # of name, account, amount, time, transfer, unsafe, phone; anything else prints 其他信息
    nth: int = 1


@dataclass(frozen=True)
class Further(Message):
    """A further transfer rings whoever is on duty: to who had the case, and of a closed one to the office."""

    kind: ClassVar[str] = "further"
    code: str
    closed: bool = False  # it was, and has opened by itself


@dataclass(frozen=True)
class Progress(Message):
    """Acknowledged, or acknowledged before and then something came in, but nothing recorded since: to the owner and
    the office."""

    kind: ClassVar[str] = "progress"
    code: str
    owner: str = ""
    minutes: int = 10  # since then
    next_minutes: int | None = None  # until it goes to another officer
    transfer: int | None = None  # which one was added
    again: bool = False  # or something else is to be done that was not when it was taken
    dissuade: bool = False  # the money is still there
    unfiled: bool = False  # the reporter was reached, and no stop is filed so many minutes after the report


@dataclass(frozen=True)
class MovedOn(Message):
    """The case went to another officer for want of progress."""

    kind: ClassVar[str] = "moved_on"
    code: str
    minutes: int = 15
    dissuade: bool = False  # as there


@dataclass(frozen=True)
class Lapse(Message):
    """The 48 hours of a stop run out."""

    kind: ClassVar[str] = "lapse"
    code: str
    at: str | None = None  # when it lapses
    hours_left: int = 0
    again: int = 0  # how many more times it may be stopped: 1 or 0
    transfer: int | None = None  # of which transfer, where the case has several
    transfers: int = 1  # or of so many, of which the first ends then


@dataclass(frozen=True)
class FollowUp(Message):
    """A follow-up contact is due or overdue."""

    kind: ClassVar[str] = "follow_up"
    code: str
    contact: str = ""  # 30min | 24h | 48h | 72h | 7d | 14d | 30d | 90d; anything else prints as a dated contact
    overdue: bool = False


@dataclass(frozen=True)
class Drill(Message):
    """The officer alert of a drill."""

    kind: ClassVar[str] = "drill"
    code: str
    amount_fen: int | None = None
    happened_at: str | None = None
    nth: int = 1


@dataclass(frozen=True)
class DrillEnd(Message):
    """The drill is over."""

    kind: ClassVar[str] = "drill_end"
    code: str


KINDS: dict[str, type[Message]] = {kind.kind: kind for kind in Message.__subclasses__()}


def load(kind: str, facts: Mapping[str, Any]) -> Message:
    """Rebuild a message from what the ledger stored.

    Facts that the kind does not know are ignored and missing ones take their default, so that rows written by an
    older or newer release still go out. Raises BadFacts for an unknown kind or a missing compulsory fact.
    """
    if kind not in KINDS:
        raise BadFacts(f"unknown message kind {kind!r}; known: {', '.join(sorted(KINDS))}")
    known = {field.name: field for field in fields(KINDS[kind])}
    absent = [name for name, field in known.items() if field.default is MISSING and facts.get(name) is None]
    if absent:
        raise BadFacts(f"message {kind!r} needs {', '.join(absent)}")
    given = {name: value for name, value in facts.items() if name in known}
    return KINDS[kind](**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()})
