"""How a text leaves us: what goes out, and the three kinds of answer that may come back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class ChannelAway(Exception):
    """The provider cannot be asked just now; the question stays open."""


@dataclass(frozen=True)
class Outgoing:
    """One text, or one call, to one phone."""

    delivery_id: str  # UUID text; goes into the callback address
    to: str  # E.164
    body: str  # complete, with its signature
    urgent: bool  # police text: the urgent sender is used, where there is one
    validity_s: int  # after that many seconds the carrier must not deliver it
    spoken: bool = False  # a call: the body is said aloud, and a key pressed acknowledges
    language: str = "zh"  # what a voice speaks: zh | en


@dataclass(frozen=True)
class Accepted:
    """The provider took it (2xx)."""

    sid: str
    state: str  # "sent" | "delivered" | "undelivered" | "failed_temporary" | "failed_permanent"


@dataclass(frozen=True)
class Refused:
    """A definite no: the text was not taken and will not arrive."""

    code: str  # provider's error code, "http-<status>", or "unreachable"
    reason: str
    permanent: bool  # for this number and text; trying again cannot help
    retry_after_s: float | None = None
    operator: bool = False  # no fault of this number: whoever runs the service has to mend it


@dataclass(frozen=True)
class Unknown:
    """The call may have reached the provider: time-out, reset, 5xx, unreadable 2xx. Ask before a resend."""

    reason: str


Receipt = Accepted | Refused | Unknown


@dataclass(frozen=True)
class Beside:
    """Other calls to the same phone: `sids` of those that the provider took, and how many more it may have taken."""

    sids: frozenset[str] = frozenset()
    doubtful: int = 0


@dataclass(frozen=True)
class StatusReport:
    """What became of a text the provider took."""

    sid: str
    state: str  # "sent" | "delivered" | "undelivered" | "failed_temporary" | "failed_permanent"
    error_code: str | None


@dataclass(frozen=True)
class Inbound:
    """One text from a phone to us."""

    sid: str
    sender: str  # E.164
    body: str
    sent_at: datetime | None = None  # where the provider says it


class Channel(Protocol):
    """A way to reach phones. Implementations are safe to share between threads."""

    @property
    def name(self) -> str:
        """The name that STOPLINE_CHANNEL and the ledger use."""

    def send(self, text: Outgoing) -> Receipt:
        """Hand one text to the provider. Never raises for what the network or the provider did."""

    def find(self, text: Outgoing, since: datetime, beside: Callable[[], Beside] = Beside) -> Accepted | None:
        """Look up a text whose call ended unknown; None means it is definitely not there.

        `since` is aware: when our call began. `beside` is asked for a phone call that the provider does not tell from
        others to that phone. Raises ChannelAway when the provider cannot be asked, or cannot tell yet.
        """

    def status(self, sid: str) -> StatusReport | None:
        """What became of a text, None for a sid the provider does not know. Raises ChannelAway."""

    def inbound(self, since: datetime) -> Sequence[Inbound]:
        """Texts received at or after `since` (aware), oldest first. Raises ChannelAway."""
