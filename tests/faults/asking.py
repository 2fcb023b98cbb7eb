"""Promise 5: how often the provider was asked to send one text. Pure; a part of the checker.

A text is known by the id in its callback address. By its words alone it would be known too, but for its marks.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tests.faults import texts
from tests.faults.clockwork import Time
from tests.faults.history import Entry

LEASE_S = 13.0  # how long a sender holds a text; whoever is paused for longer does not know that it has lapsed
WAKES_S = 3.0  # within which a process that was let go on has made the call it was stopped before
PAUSE = "pause"  # the group of faults that stop processes and let them go on


def repeated(requests: Sequence[Entry], time: Time) -> Iterable[str]:
    """Requests that should not have been made."""
    lists: defaultdict[str, list[float]] = defaultdict(list)
    asked: defaultdict[str, list[Entry]] = defaultdict(list)
    for it in requests:
        if it["kind"] == "list" and it["status"] == 200:
            lists[it["to"] or ""].append(it["t"])
        if it["kind"] == "create" and it["delivery"]:
            asked[it["delivery"]].append(it)
    for delivery, some in asked.items():
        # A definite no (429) may be followed by another try at once: nothing was sent, and nothing has to be asked.
        counting = [it for it in some if not _refused(it)]
        counting, late = _without_late_one(counting, time)
        yield from (f"{delivery}: {said}" for said in _wrong(counting, lists, time))
        if late > 1:
            yield f"{delivery}: {late} late requests by paused processes"


def _refused(it: Entry) -> bool:
    return it["status"] is not None and 400 <= it["status"] < 500


def _without_late_one(some: list[Entry], time: Time) -> tuple[list[Entry], int]:
    """Promise 5 allows one late request by a process that was paused beyond its lease: it is let go on between the
    claim and the call, and cannot know that another has asked and sent since. No lock could prevent it."""
    kept = some[:1]
    for it in some[1:]:
        if not _by_one_that_was_paused(it, time):
            kept.append(it)
    return kept, len(some) - len(kept)


def _by_one_that_was_paused(it: Entry, time: Time) -> bool:
    return any(
        spell.group == PAUSE and spell.ended - spell.began >= LEASE_S and 0 <= it["t"] - spell.ended <= WAKES_S
        for spell in time.spells
    )


def _wrong(some: list[Entry], lists: dict[str, list[float]], time: Time) -> Iterable[str]:
    if len(some) > 2:
        yield f"asked for {len(some)} times: {some[-1]['body']}"
    for before, after in itertools.pairwise(some):
        looked = any(before["t"] < at < after["t"] for at in lists[before["to"] or ""])
        if before["sid"] and not _was_held(before, time):
            yield f"asked for again though the provider had it: {after['body']}"
        elif not looked:
            yield f"asked for again without a look at the provider's list: {after['body']}"
        elif texts.AGAIN not in (after["body"] or ""):
            yield f"asked for again without the mark: {after['body']}"


def _was_held(it: Entry, time: Time) -> bool:
    """A provider that hangs may take a text long after it was asked, when a look has not found it."""
    return any(spell.name == "provider hang" and spell.began <= it["t"] <= spell.ended for spell in time.spells)
