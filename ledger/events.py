"""What can happen to a case: past tense, versioned, ids and routing facts only (never names, phones, accounts, notes).

`CONSUMERS` is the whole routing: each queue named there gets one work row for every such event.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

POLICE, COUNSELOR, CARE, NOTICE = QUEUES = ("police", "counselor", "care", "notice")
# Which open work the clock runs first, and which texts a sender calls first.
PRIORITY = {POLICE: 0, CARE: 1, COUNSELOR: 2, NOTICE: 3}


@dataclass(frozen=True)
class Event:
    type: ClassVar[str]
    consumers: ClassVar[tuple[str, ...]] = ()

    def data(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ReportReceived(Event):
    """A report is durable; the three obligations start."""

    type = "report.received.v1"
    consumers = QUEUES
    source: str
    drill: bool


@dataclass(frozen=True)
class ObligationAlerted(Event):
    """A provider took the first text of an obligation (2xx)."""

    type = "obligation.alerted.v1"
    obligation: str
    delivery: str


@dataclass(frozen=True)
class AlertEscalated(Event):
    """The next step of the ladder began. reason: time · failed · empty · moved_on."""

    type = "alert.escalated.v1"
    obligation: str
    step: int
    reason: str
    told: int


@dataclass(frozen=True)
class NobodyReached(Event):
    """A whole round of the ladder found nobody, or reached nobody."""

    type = "alert.nobody_reached.v1"
    obligation: str
    step: int
    reason: str


@dataclass(frozen=True)
class CaseAcknowledged(Event):
    """One officer has the case. via: reply · page · proxy."""

    type = "case.acknowledged.v1"
    consumers = (NOTICE,)
    owner: str
    via: str


@dataclass(frozen=True)
class CounselorAcknowledged(Event):
    """The counselor, or whoever stands in, has answered."""

    type = "counselor.acknowledged.v1"
    consumers = (NOTICE,)
    owner: str
    via: str


@dataclass(frozen=True)
class OwnerReminded(Event):
    """Ten minutes without progress: the owner and the office were told again."""

    type = "case.owner_reminded.v1"
    owner: str


@dataclass(frozen=True)
class OwnerReleased(Event):
    """Fifteen minutes without progress: the case goes to the next officer."""

    type = "case.owner_released.v1"
    owner: str


@dataclass(frozen=True)
class CaseAmended(Event):
    """Something came in after the report: a match key completed, a transfer added, a correction."""

    type = "case.amended.v1"
    consumers = (POLICE,)
    fields: tuple[str, ...]


@dataclass(frozen=True)
class CaseLinked(Event):
    """This report may be of the same fraud as an earlier one (疑同)."""

    type = "case.linked.v1"
    consumers = (NOTICE,)
    earlier: str


@dataclass(frozen=True)
class LinkReceived(Event):
    """A later report may be of the same fraud as this one."""

    type = "case.link_received.v1"
    later: str


@dataclass(frozen=True)
class DetailsGiven(Event):
    """The reporter answered one question of stage 2; what they typed is sealed with the event."""

    type = "case.details_given.v1"
    question: str


@dataclass(frozen=True)
class ScreenshotAdded(Event):
    """A screenshot, encoded anew, is in the ledger."""

    type = "screenshot.added.v1"
    upload: str


@dataclass(frozen=True)
class ReopeningAsked(Event):
    """Code and phone fitted: a code to open the status page elsewhere was texted."""

    type = "reopening.asked.v1"


@dataclass(frozen=True)
class Reopened(Event):
    """The texted code was right: the status page is open somewhere else."""

    type = "case.reopened_elsewhere.v1"


@dataclass(frozen=True)
class ProgressRecorded(Event):
    """The owner has reached the reporter, or filed, or 110 has it."""

    type = "progress.recorded.v1"
    progress: str


@dataclass(frozen=True)
class OutcomeRecorded(Event):
    """What became of one transfer."""

    type = "outcome.recorded.v1"
    transfer: int
    outcome: str
    amount_fen: int | None


@dataclass(frozen=True)
class StudentAsked(Event):
    """The reporter was asked for match keys that the sheet still lacks."""

    type = "student.asked.v1"
    missing: tuple[str, ...]


@dataclass(frozen=True)
class VoiceRecorded(Event):
    """Whether the reporter was heard on the phone. voice: called · unreached."""

    type = "voice.recorded.v1"
    voice: str


@dataclass(frozen=True)
class CaseClosed(Event):
    """After a call, by the owner or the office: the police's part is over."""

    type = "case.closed.v1"


@dataclass(frozen=True)
class CaseReopened(Event):
    """Closed too early: it goes on where it was, or rings again."""

    type = "case.reopened.v1"


@dataclass(frozen=True)
class FollowUpOpened(Event):
    """The psychological follow-up is in the ledger, with its dated contacts."""

    type = "followup.opened.v1"
    contacts: int


@dataclass(frozen=True)
class ContactRecorded(Event):
    """A contact of the follow-up took place, or was tried."""

    type = "followup.contact_recorded.v1"
    contact: str
    reached: bool


@dataclass(frozen=True)
class FeltUnsafe(Event):
    """The student pressed 我现在不安全."""

    type = "student.unsafe.v1"
    consumers = (COUNSELOR,)


@dataclass(frozen=True)
class WithdrawalRequested(Event):
    """The reporter wishes to withdraw; nothing stops by itself."""

    type = "withdrawal.requested.v1"


@dataclass(frozen=True)
class ReportConverted(Event):
    """Money was sent after all: the police obligation starts, nobody dissuades any more."""

    type = "report.converted.v1"
    consumers = (POLICE,)


@dataclass(frozen=True)
class DrillEnded(Event):
    """A drill is over; everybody it rang is told so."""

    type = "drill.ended.v1"
    consumers = (NOTICE,)
    by: str


TYPES: dict[str, type[Event]] = {event.type: event for event in Event.__subclasses__()}
CONSUMERS: dict[str, tuple[str, ...]] = {name: event.consumers for name, event in TYPES.items()}


@dataclass(frozen=True)
class Envelope:
    """An event as it travels: what the relay publishes and a worker receives."""

    id: UUID
    type: str
    at: datetime
    case_id: UUID
    data: dict[str, Any]

    @property
    def queues(self) -> tuple[str, ...]:
        return CONSUMERS[self.type]

    def cloudevent(self) -> dict[str, Any]:
        """CloudEvents 1.0, JSON format."""
        return {
            "specversion": "1.0",
            "id": str(self.id),
            "source": "stopline",
            "type": self.type,
            "time": self.at.isoformat(),
            "subject": str(self.case_id),
            "datacontenttype": "application/json",
            "data": self.data,
        }
