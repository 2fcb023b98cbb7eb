"""What a reporter did: the report, what they added, that they are unsafe."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.events.base import COUNSELOR, NOTICE, POLICE, QUEUES, Event


@dataclass(frozen=True)
class ReportReceived(Event):
    """A report is durable; the three obligations start."""

    type = "report.received.v1"
    published = True
    consumers = QUEUES
    source: str
    drill: bool


@dataclass(frozen=True)
class ReportSpooled(Event):
    """This report was taken while the ledger was away, under another code."""

    type = "report.spooled.v1"
    code: str
    taken_at: str


@dataclass(frozen=True)
class CaseAmended(Event):
    """Something came in after the report: a match key completed, a transfer added, a correction."""

    type = "case.amended.v1"
    published = True
    consumers = (POLICE,)
    fields: tuple[str, ...]


@dataclass(frozen=True)
class CaseLinked(Event):
    """This report may be of the same fraud as an earlier one (疑同)."""

    type = "case.linked.v1"
    published = True
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
    published = True
    consumers = (POLICE,)
