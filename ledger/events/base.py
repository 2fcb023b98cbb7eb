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

    def data(self) -> dict[str, Any]:
        return asdict(self)
