"""Faults on demand: which request, how often, and in which phase of it they strike."""

import re
import threading
from dataclasses import dataclass

PHASES = {
    "before": re.compile(r"404|429(_for_\d+_s)?|500|503|hang|drop_before|2\d{4}"),  # nothing is made
    "after": re.compile(r"hang_after|drop_after"),  # made, and the answer lost
    "fate": re.compile(r"3\d{4}"),  # accepted, then undelivered with that code
    "callbacks": re.compile(r"callbacks_(lost|twice|reversed)"),
}


@dataclass
class Fault:
    kind: str
    to: str | None
    left: int | None
    on: str

    def strikes(self, phase: str, to: str | None, on: str) -> bool:
        return bool(PHASES[phase].fullmatch(self.kind)) and self.to in (None, to) and self.on in ("all", on)


class Faults:
    """Faults in the order in which they were added; at most one of each phase strikes a request."""

    def __init__(self, lock: threading.Condition) -> None:
        self._lock = lock
        self._planned: list[Fault] = []

    def add(self, kind: str, to: str | None = None, times: int | None = 1, on: str = "create") -> None:
        """Plan a fault for the next `times` requests (None: until cleared) to one number, or to all.

        `on`: create (texts), call, or `fetch` for look-ups (the phase "before" only), or `all`.
        """
        if not any(phase.fullmatch(kind) for phase in PHASES.values()) or on not in ("create", "call", "fetch", "all"):
            raise ValueError(f"no such fault: {kind!r} on {on!r}")
        with self._lock:
            self._planned.append(Fault(kind, to, times, on))

    def clear(self, kind: str | None = None) -> None:
        with self._lock:
            self._planned = [fault for fault in self._planned if kind not in (None, fault.kind)]

    def take(self, phase: str, to: str | None, on: str = "create") -> str | None:
        """The kind of the fault that strikes this request now, used up by one; None for none."""
        with self._lock:
            fault = next((fault for fault in self._planned if fault.strikes(phase, to, on)), None)
            if fault is None:
                return None
            if fault.left is not None:
                fault.left -= 1
                if fault.left <= 0:
                    self._planned.remove(fault)
            return fault.kind
