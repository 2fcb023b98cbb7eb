"""Reports of which nobody can know whether their commit was made: it was asked for, and no answer came. Pure.

Seen from outside: a try of theirs was in the air while commits went unanswered, or was itself never answered: its door
died after the commit, say, or the way back was cut, and the database went away before the next try.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.faults.clockwork import Spell, Time
from tests.faults.history import Entry

# Faults under which any commit may go unanswered, and those that end the database at one stroke: after that, nothing is
# begun that could be in doubt.
THROUGHOUT = ("database backends terminated", "database standby lost", "disk full", "fsync fails", "postgresql ",
              "spool full, disk full")  # fmt: skip
AT_ONE_STROKE = ("database immediate stop", "database primary lost", "spool full, database stopped",
                 "spool fsync fails, database stopped")  # fmt: skip
STROKE_S = 1.0
# A door that was stopped believes for a moment what it knew before: that the database is away. What another has taken
# by then it gives to the spool as well, where it is sent to both.
BEHIND, BEHIND_S = "pause web", 1.5


def keys(history: Sequence[Entry], time: Time) -> set[str]:
    unsure = [(spell.began, _ends(spell)) for spell in time.spells if spell.name.startswith(THROUGHOUT + AT_ONE_STROKE)]
    unsure += [(spell.ended, spell.ended + BEHIND_S) for spell in time.spells if spell.name.startswith(BEHIND)]
    found, answered = set[str](), set[str]()
    for key, since, until, status in _tries(history, time.end):
        unanswered = status is None and key not in answered  # once answered, its people know what they know
        if unanswered or any(since <= ends and until >= began for began, ends in unsure):
            found.add(key)
        if status is not None and status < 400:
            answered.add(key)
    return found


def _ends(spell: Spell) -> float:
    return spell.began + STROKE_S if spell.name.startswith(AT_ONE_STROKE) else spell.ended


def _tries(history: Sequence[Entry], end: float) -> Iterator[tuple[str, float, float, int | None]]:
    """(key, when it was sent, when it was over, the answer's status if there was one): in their order for each key."""
    begun: dict[str, float] = {}
    for entry in history:
        if entry["what"] not in ("report", "replay"):
            continue
        if entry["type"] == "invoke":
            begun[entry["key"]] = entry["t"]
        elif entry["key"] in begun:
            yield entry["key"], begun.pop(entry["key"]), entry["t"], entry.get("status")
    yield from ((key, since, end, None) for key, since in begun.items())
