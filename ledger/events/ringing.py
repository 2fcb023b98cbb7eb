"""Who was rung, who took it, and what they did with the case."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.events.base import NOTICE, Event


@dataclass(frozen=True)
class ObligationAlerted(Event):
    """A provider took the first text of an obligation (2xx)."""

    type = "obligation.alerted.v1"
    obligation: str
    delivery: str


@dataclass(frozen=True)
class AlertEscalated(Event):
    """The next step of the ladder began. reason: time · failed (nobody of it may answer) · empty · moved_on."""

    type = "alert.escalated.v1"
    obligation: str
    step: int
    reason: str
    told: int


@dataclass(frozen=True)
class AlertDeclined(Event):
    """Somebody who was rung says that they cannot: nobody waits for them in this round."""

    type = "alert.declined.v1"
    obligation: str
    step: int
    person: str


@dataclass(frozen=True)
class NobodyReached(Event):
    """A whole round of the ladder found nobody, reached nobody, or nobody who can."""

    type = "alert.nobody_reached.v1"
    obligation: str
    step: int
    reason: str


@dataclass(frozen=True)
class CaseAcknowledged(Event):
    """One officer has the case. via: reply · page · proxy · keypad · linked (with another of the same fraud)."""

    type = "case.acknowledged.v1"
    published = True
    consumers = (NOTICE,)
    owner: str
    via: str


@dataclass(frozen=True)
class CounselorAcknowledged(Event):
    """The counselor, or whoever stands in, has answered."""

    type = "counselor.acknowledged.v1"
    published = True
    consumers = (NOTICE,)
    owner: str
    via: str


@dataclass(frozen=True)
class OwnerReminded(Event):
    """Ten minutes without progress: the owner and the office were told again; or half an hour, and nothing filed."""

    type = "case.owner_reminded.v1"
    owner: str


@dataclass(frozen=True)
class OwnerReleased(Event):
    """Fifteen minutes without progress, or a further transfer while they were not on duty: others are rung."""

    type = "case.owner_released.v1"
    published = True
    owner: str


@dataclass(frozen=True)
class ProgressRecorded(Event):
    """The owner has reached the reporter, or filed, or 110 has it; `known`: of so many transfers, as they came in."""

    type = "progress.recorded.v1"
    published = True
    progress: str
    known: int


@dataclass(frozen=True)
class OutcomeRecorded(Event):
    """What became of one transfer."""

    type = "outcome.recorded.v1"
    published = True
    transfer: int
    outcome: str
    amount_fen: int | None
    stop_ends_at: str | None


@dataclass(frozen=True)
class StopRenewed(Event):
    """再止付: a transfer is stopped once more, for another 48 hours. There is no third time."""

    type = "stop.renewed.v1"
    published = True
    transfer: int
    stop_ends_at: str


@dataclass(frozen=True)
class StopEnding(Event):
    """Six hours, or one, before stops end: so many people were told."""

    type = "stop.ending.v1"
    transfers: tuple[int, ...]
    stop_ends_at: str
    told: int


@dataclass(frozen=True)
class StudentAsked(Event):
    """The reporter was asked for match keys that the sheet still lacks."""

    type = "student.asked.v1"
    missing: tuple[str, ...]


@dataclass(frozen=True)
class KindSet(Event):
    """Whoever has the case says what kind of fraud it is: sealed, as one of them makes a suspect of a student."""

    type = "case.kind_set.v1"


@dataclass(frozen=True)
class VoiceRecorded(Event):
    """Whether the reporter was heard on the phone. voice: called · unreached."""

    type = "voice.recorded.v1"
    voice: str


@dataclass(frozen=True)
class CaseClosed(Event):
    """After a call, by the owner or the office: the police's part is over."""

    type = "case.closed.v1"
    published = True


@dataclass(frozen=True)
class CaseReopened(Event):
    """It goes on where it was, or rings again. by: office, where it was closed too early · reporter, who paid again."""

    type = "case.reopened.v1"
    published = True
    consumers = (NOTICE,)
    by: str


@dataclass(frozen=True)
class CaseReviewed(Event):
    """Afterwards somebody found which step could have been quicker; what they wrote is sealed with the event."""

    type = "case.reviewed.v1"
    step: str


@dataclass(frozen=True)
class DrillEnded(Event):
    """A drill is over; everybody it rang is told so."""

    type = "drill.ended.v1"
    published = True
    consumers = (NOTICE,)
    by: str
