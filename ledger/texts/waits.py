"""Whether escalation still waits for a text, and until when; the next person's turn comes after that. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping

from ledger.escalation import DECLINED, HAVE_HAD_IT, LOST, UNANSWERED

SILENCE = timedelta(seconds=60)  # no delivery receipt by then counts as "phone off"
# Who waits to be asked about is not waited for any more: after the last lease, and after the first doubtful call.
IN_LINE, IN_DOUBT = timedelta(seconds=7), timedelta(seconds=28)
_TRIES_BEFORE_NEXT = 3  # refusals for now, before they count as "this person cannot be reached"


def as_alert(row: RowMapping, now: datetime, declined: Mapping[str, int] | None = None) -> str:
    """A text's state as escalation counts it: refused for now is not yet failed; unheard of for 60 s is phone off.

    One that waits in a bundle because its number's budget is spent is not waited for, nor is whoever has `declined`.
    """
    if cannot(declined, row["person_id"], row["step"]):
        return DECLINED
    if row["state"] == "pending" and row["facts"].get("over_budget"):
        return "over_budget"
    if row["state"] == "failed_temporary" and row["available_at"] and row["tries"] < _TRIES_BEFORE_NEXT:
        return "pending"
    if row["settled"] and row["state"] in ("unknown", "sending"):
        return UNANSWERED if row["available_at"] or row["state"] == "sending" else LOST  # it is asked about on, or not
    over = over_at(row)
    if over is None or now < over:
        return str(row["state"])
    return "no_receipt" if row["state"] == "sent" else UNANSWERED


def cannot(declined: Mapping[str, int] | None, person: UUID | None, step: int) -> bool:
    """Whether a text of this step is to somebody who has said in the same round that they cannot."""
    return declined is not None and step <= declined.get(str(person), -1)


def in_doubt(row: RowMapping, state: str) -> bool:
    """Whether its person may have heard of it, though nobody can say so, or has and cannot; `state` as above. Also of
    one that is not asked about any more, since its person has a newer one."""
    return state in HAVE_HAD_IT or (state == "unknown" and row["available_at"] is None)


def over_at(row: RowMapping) -> datetime | None:
    """When a text is the next person's unless something is heard of it by then; None for one whose time is not set.

    One that was sent: without a receipt. One in doubt, or in a call that may leave it in doubt: though nobody has
    looked it up yet, since many may wait for that; not so where a bundle speaks for it, as with any other doubt.
    """
    sent_at: datetime | None = row["sent_at"] if row["state"] == "sent" else None
    if sent_at:
        return sent_at + SILENCE
    asked_about = row["state"] == "sending" or (row["state"] == "unknown" and row["available_at"])
    return doubted_until(row) if asked_about else None


def doubted_until(row: RowMapping) -> datetime | None:
    """Until when a call may leave its text in doubt; None where it is known already that nobody waits for it."""
    lease_until: datetime | None = row["lease_until"]
    if not lease_until or row["settled"] or row["bundle_id"]:
        return None
    called_at: datetime = row["called_at"]
    return min(lease_until + IN_LINE, called_at + IN_DOUBT)
