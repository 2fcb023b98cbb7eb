"""Who is told next, and when: pure decisions over a ladder of rungs that repeats until somebody acknowledges.

A step counts on through the repeats: of a ladder with three rungs, step 4 is the second rung of the second round. The
caller asks `decide` for one open obligation at a time and stores what it answers by compare-and-set on its step;
an obligation without any step yet is at step -1. Seconds are counted from `started_at`, an aware UTC time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

TARGETS = (
    *("officer", "backup", "desk", "counselor", "stand_in"),
    *("college_duty", "deputy_secretary", "office", "liaison", "centre"),
)
# what the caller may report of an alert that will reach nobody; `unknown_settled` is an unknown one after its only
# resend, `no_receipt` one that the provider took but no phone confirmed within 60 s, where receipts exist, and
# `over_budget` one that has to wait for others to go out with; `unanswered` one that may have been sent, and of which
# the provider has not been able to say so for a while; `declined` one whose reader has said that they cannot
UNANSWERED, DECLINED = "unanswered", "declined"
HAVE_HAD_IT = frozenset({UNANSWERED, DECLINED})  # perhaps: a round that reached these alone is not said again at once
GONE = HAVE_HAD_IT | {
    *("failed_temporary", "failed_permanent", "undelivered", "unknown_settled", "no_receipt", "over_budget"),
}
LOST = "unknown_settled"  # nobody tries it any more, while what was refused for now goes on being tried
RETRY_S = 10  # between rounds that reached nobody: a healed provider must carry an alert within 15 s (promise 4)
SAID_AGAIN_S = 60  # for so long after its time a step that was lost is said again, every RETRY_S
REMIND_AFTER = timedelta(minutes=10)
MOVE_ON_AFTER = timedelta(minutes=15)
ANSWER_HOLDS = timedelta(minutes=15)  # of 立即处置: by then somebody has to be with the student
NIGHT_BEGINS, NIGHT_ENDS = time(22), time(7)


@dataclass(frozen=True)
class Rung:
    """Whom to tell (names of TARGETS) `after_s` seconds after the round began."""

    after_s: int
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Ladder:
    """Rungs in rising order and the length of a round in seconds, which is more than the last rung's `after_s`."""

    rungs: tuple[Rung, ...]
    repeat_s: int

    def __post_init__(self) -> None:
        afters = [rung.after_s for rung in self.rungs]
        if not afters or afters[0] < 0 or sorted({*afters, self.repeat_s}) != [*afters, self.repeat_s]:
            raise ValueError("a ladder needs rungs in rising order, all before its repeat")


@dataclass(frozen=True)
class Stay:
    """Nothing to do before `until`, unless an alert of this step changes."""

    until: datetime


@dataclass(frozen=True)
class Advance:
    """Go to `to_step` and store `started_at`, which moves when rounds are lost or retried.

    It is the next step, or one with the same rung as a step that was lost; its number has not been used before.
    Of a step that was declined it moves with the next one, which comes before its time.
    """

    to_step: int
    reason: Literal["time", "failed", "empty"]
    started_at: datetime


@dataclass(frozen=True)
class NobodyLeft:
    """A whole round reached nobody: raise the alarm that needs no provider, and decide again at `until`."""

    until: datetime


Decision = Stay | Advance | NobodyLeft

IMMEDIATE = "immediate"  # 立即处置: rings until the centre or the desk answers, and again until somebody is there
UNSAFE = "unsafe"  # 我现在不安全: rings until a contact is recorded, whoever answered

DEFAULTS: dict[str, Ladder] = {
    "police": Ladder((Rung(0, ("officer",)), Rung(120, ("officer", "backup")), Rung(240, ("desk",))), 480),
    "counselor": Ladder(
        (
            Rung(0, ("counselor",)),
            Rung(600, ("stand_in", "college_duty")),
            Rung(1200, ("deputy_secretary",)),
            Rung(1800, ("office",)),
        ),
        3600,
    ),
    # the money is still there: the first minutes count as for the police, and the desk is always awake
    "dissuade": Ladder((Rung(0, ("counselor", "desk")), Rung(180, ("stand_in", "college_duty", "office"))), 480),
    UNSAFE: Ladder((Rung(0, ("counselor", "desk")),), 120),
    # the centre within 10 minutes: the office while there is time left
    IMMEDIATE: Ladder((Rung(0, ("centre", "desk")), Rung(300, ("office",))), 600),
}


def ladder_of(rows: Iterable[tuple[int, tuple[str, ...]]], repeat_s: int | None = None) -> Ladder:
    """A ladder from (after_s, targets) rows of the roster in the order of their steps.

    A last row whose only target is `repeat` gives the length of a round; otherwise it is twice the last `after_s`, at
    least 5 minutes more than it. ValueError when the order is wrong.
    """
    rungs = [Rung(after_s, tuple(targets)) for after_s, targets in rows]
    if rungs and rungs[-1].targets == ("repeat",):
        repeat_s = rungs.pop().after_s
    last = rungs[-1].after_s if rungs else 0
    return Ladder(tuple(rungs), repeat_s if repeat_s is not None else max(2 * last, last + 300))


def for_hour(ladder: Ladder, local_time: time) -> Ladder:
    """From 22:00 to 07:00 the first two rungs as one, at once: the first person may be asleep.

    Choose once, when the obligation starts, by the school's local time: steps of two lengths of ladder do not mix.
    """
    if NIGHT_ENDS <= local_time.replace(tzinfo=None) < NIGHT_BEGINS or len(ladder.rungs) < 2:
        return ladder
    first, second, *later = ladder.rungs
    both = Rung(first.after_s, tuple(dict.fromkeys(first.targets + second.targets)))
    return Ladder((both, *later), ladder.repeat_s)


def rung_of(ladder: Ladder, step: int) -> Rung:
    """The rung of a step ≥ 0."""
    return ladder.rungs[step % len(ladder.rungs)]


def due_at(ladder: Ladder, started_at: datetime, step: int) -> datetime:
    """When a step ≥ 0 is due at the latest."""
    rounds = step // len(ladder.rungs)
    return started_at + timedelta(seconds=rounds * ladder.repeat_s + rung_of(ladder, step).after_s)


def decide(
    ladder: Ladder,
    started_at: datetime,
    step: int,
    now: datetime,
    step_alerts: Sequence[str],
    barren: int = 0,
    entered_at: datetime | None = None,
    lost: Collection[int] = (),
    doubt: bool = False,
) -> Decision:
    """What to do with one open obligation that stands at `step`.

    `step_alerts` are the delivery states of this step's alerts, or the words of GONE. Cancelled ones told nobody and
    are left out of account (hand in the state of the bundle that replaced one); `unknown` may have been read, so it
    advances no step before its time. `barren` counts the steps in a row just before this one that reached nobody
    (empty, or all gone but for HAVE_HAD_IT), `lost` says which of them had a text that was lost, `doubt` whether one
    of the round is of HAVE_HAD_IT; `entered_at` is when this step began, by default when it was due.

    A late clock advances one step at a time and skips none; when more than a round is overdue the schedule moves, so
    that an hour's outage rings everybody once, and not a dozen times.
    """
    if step < 0:
        return _wait_for(ladder, started_at, now)
    following = due_at(ladder, started_at, step + 1)
    if now >= following:
        behind = now - due_at(ladder, started_at, step + len(ladder.rungs))
        return Advance(step + 1, "time", started_at + max(behind, timedelta(0)))
    counting = [state for state in step_alerts if state != "cancelled"]
    if any(state not in GONE for state in counting):
        return Stay(following)
    reason: Literal["failed", "empty"] = "failed" if counting else "empty"
    if (step + 1) % len(ladder.rungs):
        # The steps after it keep their distance; but what was lost is said again by its own time, which must not move.
        moved = DECLINED in counting and LOST not in counting and not lost
        return Advance(step + 1, reason, started_at - (following - now if moved else timedelta(0)))
    entered = entered_at or due_at(ladder, started_at, step)
    if not HAVE_HAD_IT.isdisjoint(counting):
        return _at_their_own_time(ladder, started_at, step, now, following, entered)
    if barren + 1 < len(ladder.rungs):
        again = max(now, entered + timedelta(seconds=RETRY_S))
        rung = _lost_lately(ladder, started_at, {*lost, step} if LOST in counting else lost, again)
        if rung is None and doubt:
            return _at_their_own_time(ladder, started_at, step, now, following, entered)
        return _say_again(ladder, started_at, rung, now, again, following, reason)
    return _after_a_barren_round(ladder, step, now, following, reason, entered)


def _wait_for(ladder: Ladder, started_at: datetime, now: datetime) -> Decision:
    first = due_at(ladder, started_at, 0)
    return Advance(0, "time", started_at) if now >= first else Stay(first)


def _lost_lately(ladder: Ladder, started_at: datetime, lost: Collection[int], again: datetime) -> int | None:
    """The first of these steps whose time is not long over when it can be said again.

    Whatever the last one came to: a duty desk whose number takes no texts must not hide what was lost before it.
    """
    earliest = again - timedelta(seconds=SAID_AGAIN_S)
    return next((step for step in sorted(lost) if due_at(ladder, started_at, step) >= earliest), None)


def _say_again(
    ladder: Ladder, started_at: datetime, lost: int | None, now: datetime, again: datetime, following: datetime,
    reason: Literal["failed", "empty"],
) -> Decision:  # fmt: skip
    """Somebody in this round may still answer, so the next one keeps its time; only what was lost is said again.

    It is the same rung a round later, by a clock that is set back by a round: so the steps after it keep their times.
    """
    if lost is None or again >= following:
        return Stay(following)
    if now < again:
        return Stay(again)
    return Advance(lost + len(ladder.rungs), reason, started_at - timedelta(seconds=ladder.repeat_s))


def _at_their_own_time(
    ladder: Ladder, started_at: datetime, step: int, now: datetime, following: datetime, entered: datetime
) -> Decision:
    """They may have heard of it, so nobody is rung again before their time; and may not have, so then they are.

    As in `_say_again`: of the rungs that came early the first is said at its time, and those after it keep theirs.
    """
    rungs = len(ladder.rungs)
    early = (it for it in range(step - step % rungs, step + 1) if due_at(ladder, started_at, it) > entered)
    if (first := next(early, None)) is None:
        return NobodyLeft(following)
    due = due_at(ladder, started_at, first)
    if now < due:
        return NobodyLeft(due)
    return Advance(first + rungs, "time", started_at - timedelta(seconds=ladder.repeat_s))


def _after_a_barren_round(
    ladder: Ladder, step: int, now: datetime, following: datetime, reason: Literal["failed", "empty"], entered: datetime
) -> Decision:
    """The next round begins RETRY_S after the last step did; its clock is set anew, so that it is no later than now."""
    retry = min(following, entered + timedelta(seconds=RETRY_S))
    if now < retry:
        return NobodyLeft(retry)
    return Advance(step + 1, reason, now - (due_at(ladder, now, step + 1) - now))


def owner_clock(owed_since: datetime, reminded: bool, now: datetime) -> Literal["remind", "move_on"] | None:
    """An owner without progress: reminded once (with the office) after 10 minutes, then the next officer after 15."""
    held = now - owed_since
    if held < REMIND_AFTER:
        return None
    if held >= MOVE_ON_AFTER:
        return "move_on"
    return None if reminded else "remind"


def minutes_between(start: datetime, end: datetime) -> int:
    """Whole minutes from `start` to `end`, never below 0 (clocks of two machines may differ)."""
    return max(0, int((end - start).total_seconds()) // 60)
