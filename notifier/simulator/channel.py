"""The phone network of the demo: takes every text, and can be made to fail as the real one does."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from notifier.channel import Accepted, Beside, ChannelAway, Inbound, Outgoing, Receipt, Refused, StatusReport

_REMEMBERED = 10_000


class SimulatorChannel:
    """See notifier.channel.Channel. Remembers the last 10,000 texts of this process; shows none (the desk does)."""

    name = "simulator"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accepted: OrderedDict[str, Accepted] = OrderedDict()  # by delivery id
        self._by_sid: dict[str, Accepted] = {}
        self._off: set[str] = set()
        self._down = False

    @property
    def off(self) -> frozenset[str]:
        """Numbers whose phones are switched off."""
        return frozenset(self._off)

    @property
    def down(self) -> bool:
        return self._down

    def switch_off(self, to: str) -> None:
        """Texts to this number are taken and never delivered."""
        self._off.add(to)

    def switch_on(self, to: str) -> None:
        """Undo switch_off; what was sent meanwhile stays undelivered."""
        self._off.discard(to)

    def provider_down(self, down: bool) -> None:
        """While down, texts are refused as unreachable and questions raise ChannelAway."""
        self._down = down

    def send(self, text: Outgoing) -> Receipt:
        if self._down:
            return Refused("unreachable", "simulated provider is down", permanent=False)
        taken = Accepted(f"SIM{uuid4().hex}", "sent" if text.to in self._off else "delivered")
        with self._lock:
            self._accepted[text.delivery_id] = self._by_sid[taken.sid] = taken
            if len(self._accepted) > _REMEMBERED:
                _, oldest = self._accepted.popitem(last=False)
                del self._by_sid[oldest.sid]
        return taken

    def find(self, text: Outgoing, since: datetime, beside: Callable[[], Beside] = Beside) -> Accepted | None:
        self._ask()
        return self._accepted.get(text.delivery_id)

    def status(self, sid: str) -> StatusReport | None:
        self._ask()
        taken = self._by_sid.get(sid)
        return StatusReport(sid, taken.state, None) if taken else None

    def inbound(self, since: datetime) -> Sequence[Inbound]:
        """Nothing: simulated phones answer through the desk."""
        self._ask()
        return []

    def _ask(self) -> None:
        if self._down:
            raise ChannelAway("simulated provider is down")
