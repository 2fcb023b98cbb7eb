"""What can happen to a case: past tense, versioned, ids and routing facts only (never names, phones, accounts, notes).

`CONSUMERS` is the whole routing: each queue named there gets one work row for every such event. `PUBLISHED` are the
types that other systems are told of, whether or not a queue of ours is (docs/events.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ledger.events.base import CARE, COUNSELOR, NOTICE, POLICE, PRIORITY, QUEUES, Event
from ledger.events.following import (
    BackgroundRead,
    BackgroundRecorded,
    CentreNoted,
    ClosingAsked,
    ContactMoved,
    ContactPlanned,
    ContactRecorded,
    ContactTakenBack,
    ContactWaived,
    FamilyTold,
    FollowUpClosed,
    FollowUpOpened,
    FollowUpReopened,
    HandedOver,
    ImmediateAcknowledged,
    ImmediateEnded,
    ImmediateRaised,
    ReferralAnswered,
    ReferralMade,
    ScreeningConsentGiven,
    ScreeningConsentRefused,
    ScreeningConsentWithdrawn,
    ScreeningKept,
    StudentPlaced,
    TakenOn,
)
from ledger.events.keeping import CaseErased, CaseHeld, HoldReleased
from ledger.events.reports import (
    CaseAmended,
    CaseLinked,
    DetailsGiven,
    FeltUnsafe,
    LinkReceived,
    Reopened,
    ReopeningAsked,
    ReportConverted,
    ReportReceived,
    ReportSpooled,
    ScreenshotAdded,
    WithdrawalRequested,
)
from ledger.events.ringing import (
    AlertDeclined,
    AlertEscalated,
    CaseAcknowledged,
    CaseClosed,
    CaseReopened,
    CaseReviewed,
    CounselorAcknowledged,
    DrillEnded,
    KindSet,
    NobodyReached,
    ObligationAlerted,
    OutcomeRecorded,
    OwnerReleased,
    OwnerReminded,
    ProgressRecorded,
    StopEnding,
    StopRenewed,
    StudentAsked,
    VoiceRecorded,
)

__all__ = [
    "CARE",
    "CONSUMERS",
    "COUNSELOR",
    "NOTICE",
    "POLICE",
    "PRIORITY",
    "PUBLISHED",
    "QUEUES",
    "TYPES",
    "AlertDeclined",
    "AlertEscalated",
    "BackgroundRead",
    "BackgroundRecorded",
    "CaseAcknowledged",
    "CaseAmended",
    "CaseClosed",
    "CaseErased",
    "CaseHeld",
    "CaseLinked",
    "CaseReopened",
    "CaseReviewed",
    "CentreNoted",
    "ClosingAsked",
    "ContactMoved",
    "ContactPlanned",
    "ContactRecorded",
    "ContactTakenBack",
    "ContactWaived",
    "CounselorAcknowledged",
    "DetailsGiven",
    "DrillEnded",
    "Envelope",
    "Event",
    "FamilyTold",
    "FeltUnsafe",
    "FollowUpClosed",
    "FollowUpOpened",
    "FollowUpReopened",
    "HandedOver",
    "HoldReleased",
    "ImmediateAcknowledged",
    "ImmediateEnded",
    "ImmediateRaised",
    "KindSet",
    "LinkReceived",
    "NobodyReached",
    "ObligationAlerted",
    "OutcomeRecorded",
    "OwnerReleased",
    "OwnerReminded",
    "ProgressRecorded",
    "ReferralAnswered",
    "ReferralMade",
    "Reopened",
    "ReopeningAsked",
    "ReportConverted",
    "ReportReceived",
    "ReportSpooled",
    "ScreeningConsentGiven",
    "ScreeningConsentRefused",
    "ScreeningConsentWithdrawn",
    "ScreeningKept",
    "ScreenshotAdded",
    "StopEnding",
    "StopRenewed",
    "StudentAsked",
    "StudentPlaced",
    "TakenOn",
    "VoiceRecorded",
    "WithdrawalRequested",
]  # fmt: skip

TYPES: dict[str, type[Event]] = {event.type: event for event in Event.__subclasses__()}
CONSUMERS: dict[str, tuple[str, ...]] = {name: event.consumers for name, event in TYPES.items()}
PUBLISHED = frozenset(name for name, event in TYPES.items() if event.published)


@dataclass(frozen=True)
class Envelope:
    """An event as it travels: what the relay publishes and a worker receives."""

    id: UUID
    type: str
    at: datetime
    case_id: UUID
    data: dict[str, Any]
    tries: int = 0  # how often its work was begun before and failed

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
