"""What passes between the ledger and a sender: a text that may be called now, and what its call came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Draft:
    """What has to be put into words: a message kind and its facts, for one phone. `sink`: no phone will see it."""

    kind: str
    facts: dict[str, Any]
    language: str
    to: str
    drill: bool
    sink: bool
    resend: bool


@dataclass(frozen=True)
class Claim:
    """One text that this process may call now. `was`: the state it was found in; `unknown` is looked up first."""

    id: UUID
    case_id: UUID | None
    token: UUID
    was: str
    attempt: int
    priority: int
    draft: Draft
    body: str
    channel: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Outcome:
    """What a call came to. `exhausted`: it was looked up and sent again already, and nobody knows.

    `unanswered`: it is not known, since the provider could not be asked just now.

    `operator`: refused for a fault that whoever runs the service has to mend. `region`: the dialling prefix whose texts
    it speaks for; none for a text that no provider sees.
    """

    claim: Claim
    state: str
    sid: str | None = None
    error: str | None = None
    retry_after_s: float | None = None
    exhausted: bool = False
    unanswered: bool = False
    operator: bool = False
    region: str = ""


Render = Callable[[Draft], str | None]
