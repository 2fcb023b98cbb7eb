"""What every wording needs besides the facts, and the few formats that both languages share."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

_OWNER_UNITS = 8
_UNPRINTABLE = frozenset("¥￥【】[]")  # carriers take these inside a text for advertising, or for a second signature


@dataclass(frozen=True)
class Context:
    """Where and when a text is read."""

    reply: bool  # the phone's country lets people answer
    zone: tzinfo
    now: datetime  # aware

    def moment(self, iso: str | None) -> datetime | None:
        """An ISO 8601 time in the reader's zone; None when absent or unreadable, since a text must go out anyway."""
        try:
            return datetime.fromisoformat(iso).astimezone(self.zone) if iso else None
        except ValueError:
            return None

    def clock(self, iso: str | None) -> str:
        """`14:32`, or nothing."""
        moment = self.moment(iso)
        return f"{moment:%H:%M}" if moment else ""


def shown_owner(owner: str) -> str:
    """An officer's name as it may stand in a text: no signs that carriers drop texts for, and of bounded length."""
    return "".join(char for char in owner if char not in _UNPRINTABLE and char.isprintable()).strip()[:_OWNER_UNITS]


def yuan(amount_fen: int) -> int:
    """Whole yuan, rounded down: the text orders work, the sheet gives the exact amount."""
    return amount_fen // 100
