"""What every event is, and the queues it may go to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

POLICE, COUNSELOR, CARE, NOTICE = QUEUES = ("police", "counselor", "care", "notice")
# Which open work the clock runs first, and which texts a sender calls first.
PRIORITY = {POLICE: 0, CARE: 1, COUNSELOR: 2, NOTICE: 3}


@dataclass(frozen=True)
class Event:
    type: ClassVar[str]
    consumers: ClassVar[tuple[str, ...]] = ()
    published: ClassVar[bool] = False  # whether other systems are told (docs/events.md)

    def data(self, *, drill: bool) -> dict[str, Any]:
        """What others are told says itself whether it is a drill: they know nothing else of its case."""
        return asdict(self) | ({"drill": drill} if self.published else {})
