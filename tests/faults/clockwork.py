"""Time as the checker counts it: when something was broken, and the service's own clock, which the run may advance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.history import Entry


@dataclass(frozen=True)
class Spell:
    """One fault, from before it was injected until after it was healed."""

    name: str
    group: str
    began: float
    ended: float


def spells(history: Sequence[Entry], end: float) -> list[Spell]:
    """All faults in the order of their beginning. An advance of the clock counts as one that is over at once: what
    falls due in it falls due all at once."""
    begun: dict[int, Entry] = {}
    found = []
    for entry in history:
        if entry["what"] == "advance":
            found.append(Spell("advance", "advance", entry["t"], entry["t"]))
        elif entry["what"] == "fault" and entry["phase"] == "inject":
            begun[entry["id"]] = entry
        elif entry["what"] == "fault" and entry["phase"] == "heal" and entry["id"] in begun:
            first = begun.pop(entry["id"])
            found.append(Spell(first["name"], first["group"], first["t"], entry["t"]))
    found += [Spell(entry["name"], entry["group"], entry["t"], end) for entry in begun.values()]
    return sorted(found, key=lambda spell: spell.began)


class Time:
    """Of one run. Moments are the machine's monotonic seconds; `service` ones are those of the service's clock."""

    def __init__(self, history: Sequence[Entry]) -> None:
        self.end = history[-1]["t"] if history else 0.0
        self.spells = spells(history, self.end)
        self._leaps = [(float(entry["t"]), float(entry["seconds"])) for entry in history if entry["what"] == "advance"]

    def service(self, t: float) -> float:
        return t + sum(seconds for at, seconds in self._leaps if at <= t)

    def moment(self, service: float) -> float:
        """When the service's clock came to this."""
        ahead = 0.0
        for at, seconds in self._leaps:
            if service - ahead <= at:
                break
            if service - ahead - seconds <= at:
                return at  # in the midst of the leap
            ahead += seconds
        return service - ahead

    def broken(self, since: float, until: float, *groups: str) -> bool:
        """Whether any fault (of these groups, else of all) was on at some time in between."""
        return any(not groups or spell.group in groups for spell in self.among(since, until))

    def among(self, since: float, until: float) -> list[Spell]:
        """The faults that were on at some time in between."""
        return [spell for spell in self.spells if spell.began <= until and spell.ended >= since]

    def grace(self, since: float, seconds: float) -> float:
        """The end of the first stretch of so many seconds, not before `since`, in which nothing was broken."""
        start = since
        for spell in self.spells:
            if spell.began <= start + seconds and spell.ended >= start:
                start = max(start, spell.ended)
        return start + seconds
