"""What happened to the follow-up of a student."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.events.base import CARE, NOTICE, Event


@dataclass(frozen=True)
class FollowUpOpened(Event):
    """The psychological follow-up is in the ledger, with its dated contacts."""

    type = "followup.opened.v1"
    published = True
    contacts: int


@dataclass(frozen=True)
class ContactRecorded(Event):
    """A contact of the follow-up took place, or was tried."""

    type = "followup.contact_recorded.v1"
    contact: str
    reached: bool


@dataclass(frozen=True)
class ContactPlanned(Event):
    """The counselor wrote down a day on which the student is to be contacted: something falls due then."""

    type = "followup.contact_planned.v1"
    contact: str
    due_at: str


@dataclass(frozen=True)
class ContactMoved(Event):
    """Such a contact is due on another day."""

    type = "followup.contact_moved.v1"
    contact: str
    due_at: str


@dataclass(frozen=True)
class ContactTakenBack(Event):
    """Such a contact is not owed any more."""

    type = "followup.contact_taken_back.v1"
    contact: str


@dataclass(frozen=True)
class ReferralMade(Event):
    """The psychology centre is asked for the same day.

    reason: danger · loans · asked · unreachable · screening (what the centre heard itself asks for it) · declined.
    declined: not for the same day, but whether a student who declines or cannot be reached is to be left in peace.
    """

    type = "followup.referred.v1"
    reason: str


@dataclass(frozen=True)
class ReferralAnswered(Event):
    """The psychology centre has seen the student."""

    type = "followup.seen.v1"


@dataclass(frozen=True)
class ContactWaived(Event):
    """The centre has looked at the record of one who declines or cannot be reached: nobody need press them further."""

    type = "followup.contact_waived.v1"


@dataclass(frozen=True)
class CentreNoted(Event):
    """The psychology centre wrote a note, which only the centre may read: it is kept apart, not with the event."""

    type = "followup.centre_noted.v1"
    note: str


@dataclass(frozen=True)
class ScreeningConsentGiven(Event):
    """The student agrees to be screened by the psychology centre; how and when they said so is kept apart."""

    type = "followup.screening_consent_given.v1"
    consent: str


@dataclass(frozen=True)
class ScreeningConsentRefused(Event):
    """The student does not want to be screened."""

    type = "followup.screening_consent_refused.v1"
    consent: str


@dataclass(frozen=True)
class ScreeningConsentWithdrawn(Event):
    """The student wants no further screening; what was kept before stays with the centre."""

    type = "followup.screening_consent_withdrawn.v1"
    consent: str


@dataclass(frozen=True)
class ScreeningKept(Event):
    """The psychology centre kept answers of a screening, which only the centre may read: apart, not with the event."""

    type = "followup.screening_kept.v1"
    screening: str


@dataclass(frozen=True)
class ImmediateRaised(Event):
    """Somebody spoke of dying, or would not say: centre and duty desk are rung until one of them answers."""

    type = "followup.immediate.v1"


@dataclass(frozen=True)
class ImmediateAcknowledged(Event):
    """Somebody of the centre or the desk is on the way."""

    type = "immediate.acknowledged.v1"
    consumers = (NOTICE,)
    owner: str
    via: str


@dataclass(frozen=True)
class ImmediateEnded(Event):
    """Somebody is with the student, and the danger is over."""

    type = "followup.immediate_ended.v1"


@dataclass(frozen=True)
class HandedOver(Event):
    """Another counselor has the student from now on."""

    type = "followup.handed_over.v1"
    consumers = (CARE,)
    to: str


@dataclass(frozen=True)
class TakenOn(Event):
    """A counselor who answered for a student without one is theirs from now on."""

    type = "followup.taken_on.v1"
    by: str


@dataclass(frozen=True)
class StudentPlaced(Event):
    """The student's own counselor became known while nobody had the student, who is theirs from now on."""

    type = "followup.student_placed.v1"
    counselor: str


@dataclass(frozen=True)
class BackgroundRecorded(Event):
    """Family situation or source of the money were written anew; what they said is sealed with the event."""

    type = "followup.background_recorded.v1"
    fields: tuple[str, ...]


@dataclass(frozen=True)
class BackgroundRead(Event):
    """The keeper of the ledger is shown family situation and source of the money; why is sealed with the event."""

    type = "followup.background_read.v1"


@dataclass(frozen=True)
class FamilyTold(Event):
    """The family was told; by whom, when, with whose consent and why is sealed with the event."""

    type = "followup.family_told.v1"


@dataclass(frozen=True)
class ClosingAsked(Event):
    """The counselor holds the record for complete; a second person has to sign. debt: plan · none."""

    type = "followup.closing_asked.v1"
    debt: str


@dataclass(frozen=True)
class FollowUpClosed(Event):
    """A second person has signed."""

    type = "followup.closed.v1"
    published = True


@dataclass(frozen=True)
class FollowUpReopened(Event):
    """It goes on: a contact is due within a day."""

    type = "followup.reopened.v1"
    published = True
