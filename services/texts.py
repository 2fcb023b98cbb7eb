"""From what the ledger decided to say to the words on the phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog

from ledger.escalation import minutes_between
from ledger.police import stopped
from ledger.store.clock import Clock
from ledger.texts.calls import Draft
from notifier import countries, messages, wording
from services.settings import Settings

log = structlog.get_logger()
# Kinds whose `minutes` count on until they are sent, and from when: the report, or the referral.
COUNTED_FROM = {"escalation": "reported_at", "counselor_reminder": "reported_at", "referral": "since"}


def renderer(settings: Settings, clock: Clock) -> Callable[[Draft], str | None]:
    """Puts a draft into words; None where its facts make no text (failed by the caller, never sent half)."""

    def render(draft: Draft) -> str | None:
        try:
            return wording.render(
                messages.load(draft.kind, _as_of(clock.now(), draft)),
                language="en" if draft.language == "en" else "zh",
                country=countries.for_phone(draft.to, simulated=settings.channel == "simulator" or draft.sink),
                wording=settings.sms_wording,
                signature=settings.sms_signature,
                zone=settings.zone,
                now=clock.now(),
                resend=draft.resend,
                drill=draft.drill,
            )
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one text's facts must not stop the others
            log.error("text_without_words", kind=draft.kind, error=type(error).__name__)
            return None

    return render


def _as_of(now: datetime, draft: Draft) -> dict[str, Any]:
    """Minutes and hours are those of the sending: a text that waited out an outage must not tell old news."""
    if draft.kind == "lapse" and "at" in draft.facts:
        ends_at = datetime.fromisoformat(draft.facts["at"])
        return {**draft.facts, "hours_left": stopped.hours_left(ends_at, now)}
    since = draft.facts.get(COUNTED_FROM.get(draft.kind, ""))
    return {**draft.facts, "minutes": minutes_between(datetime.fromisoformat(since), now)} if since else draft.facts
