"""Promises 9 and 10: what one thing that is broken by itself may cost. Pure; a part of the checker.

Texts are the only channel of a fault run, so that "the next channel" is not seen here; nor is the alarm on the duty
page, which promise 9 wants when nobody at all is reached.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tests.faults import texts
from tests.faults.clockwork import Time
from tests.faults.history import Entry

NEXT_S = 30.0  # promise 9: within which somebody else is tried, or the same one in vain no longer
CALL_S = 10.0  # for so long a sender waits for an answer, and cannot know before that there is none
TOGETHER_S = 2.0  # a step may tell two people: what reached the other one just before reached somebody
ON_TIME_S, HEALED_S = 2.0, 15.0
PROVIDER = "provider"  # the group of faults that promise 9 speaks of
POISON = "broker rubbish in a queue"  # and the fault of promise 10


def left_alone(requests: Sequence[Entry], answered: Mapping[str, float], time: Time) -> Iterable[str]:
    """Police alerts that the provider did not take, and nobody else was tried in time, nor was the case taken."""
    for code, it, helped in _failed(requests, answered, time):
        if not helped:
            yield f"{code}: nobody else was tried within {NEXT_S:.0f} s of {it['to']}: {it['outcome']}"


def judged(requests: Sequence[Entry], answered: Mapping[str, float], time: Time) -> int:
    return sum(1 for _ in _failed(requests, answered, time))


def _failed(requests: Sequence[Entry], answered: Mapping[str, float], time: Time) -> Iterable[tuple[str, Entry, bool]]:
    """(code, request, whether somebody was tried in time) of what failed while the provider alone was broken."""
    tries: defaultdict[str, list[Entry]] = defaultdict(list)
    for it in requests:
        text = texts.read(it["body"] or "") if it["kind"] == "create" else None
        if text and text.kind == "police":
            tries[text.code].append(it)
    for code, some in tries.items():
        for it in some:
            until = it["t"] + NEXT_S + (CALL_S if it["status"] is None else 0.0)
            if it["sid"] or until > time.end or not _provider_alone(it["t"], until, time):
                continue
            yield code, it, answered.get(code, until) < until or any(_helps(other, it, until) for other in some)


def _helps(other: Entry, it: Entry, until: float) -> bool:
    somebody_else = other["to"] != it["to"] and other["t"] >= it["t"] - TOGETHER_S
    reached_at_last = bool(other["sid"]) and other["t"] >= it["t"]
    return other["t"] <= until and (somebody_else or reached_at_last)


def _provider_alone(at: float, until: float, time: Time) -> bool:
    """Rubbish in a queue counts for nothing: it delays nobody (promise 10)."""
    near = [spell for spell in time.among(at - HEALED_S, until) if spell.name != POISON]
    return any(spell.began <= at <= spell.ended for spell in near) and all(it.group == PROVIDER for it in near)


def delayed_by_poison(alerts: Iterable[tuple[str, float, float | None]], time: Time) -> Iterable[str]:
    """`alerts`: whose, accepted when, first told to the police when."""
    for whose, accepted, begun in alerts:
        if beside_poison(accepted, time) and (begun is None or begun > accepted + ON_TIME_S):
            late = "never" if begun is None else f"{begun - accepted:.1f} s after it was accepted"
            yield f"{whose}: first alerted {late}, beside rubbish in a queue"


def beside_poison(accepted: float, time: Time) -> bool:
    """Whether it came while there was rubbish in a queue, and nothing else was broken, nor had been for a while."""
    near = time.among(accepted - HEALED_S, accepted + ON_TIME_S)
    return (
        accepted + ON_TIME_S <= time.end
        and any(spell.began <= accepted <= spell.ended for spell in near)
        and all(spell.name == POISON for spell in near)
    )
