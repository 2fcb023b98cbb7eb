"""From what the ledger decided to say to the words on the phone."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ledger.clock import Clock
from ledger.deliveries import Draft
from notifier import countries, messages, wording
from services.settings import Settings

log = structlog.get_logger()


def renderer(settings: Settings, clock: Clock) -> Callable[[Draft], str | None]:
    """Puts a draft into words; None where its facts make no text (parked by the caller, never sent half)."""

    def render(draft: Draft) -> str | None:
        try:
            return wording.render(
                messages.load(draft.kind, draft.facts),
                language="en" if draft.language == "en" else "zh",
                country=countries.for_phone(draft.to, simulated=settings.channel == "simulator" or draft.drill),
                wording=settings.sms_wording,
                signature=settings.sms_signature,
                zone=settings.zone,
                now=clock.now(),
                resend=draft.resend,
                drill=draft.drill,
            )
        except (messages.BadFacts, ValueError, KeyError, TypeError) as error:
            log.error("text_without_words", kind=draft.kind, error=type(error).__name__)
            return None

    return render
