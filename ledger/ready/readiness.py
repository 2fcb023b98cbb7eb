"""If a student reports now, tonight or this week, will somebody answer? What stands in the way, and what is to be done.

To mend is what leaves a first step or a whole ladder with nobody to ring, an answer untried, or work undone
(docs/decisions/0022). Who would be called now is what `stopline doctor` says; gaps are looked for as for a member of
staff and of money that is still there, too. The number of statements does not depend on the number of colleges.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Connection

from ledger.pages import views
from ledger.ready import drills, gaps, lineup, unreachable
from ledger.ready.auditing import audit
from ledger.ready.drills import Drill
from ledger.ready.gaps import Gap
from ledger.ready.lineup import KINDS, Lineup, Standing
from ledger.ready.unreachable import Alone
from ledger.school import people
from ledger.store.crypto import Keys

AREAS = ("now", "ahead", "people", "drills", "system")


@dataclass(frozen=True)
class Thing:
    """One thing to mend. `area`: one of AREAS; `about` is what it is of, by `what`:

    nobody, first_step: a Gap · gone, no_phone, unreadable: OnShift of each person · no_counselor: ClassWithout of each
    class · alone: an Alone of each counselor · no_drill: codes of colleges · untaken: a Drill of each · late: how many
    reports, steps and pieces of work · alarms: kind → how many · no_roster: None.
    """

    area: str
    what: str
    about: Any = None


@dataclass(frozen=True)
class College:
    """`code`: a college's, or `*`. `steps`: obligation → (seconds after the report, names) of each step now."""

    code: str
    name: str
    steps: dict[str, list[tuple[int, list[str]]]]
    drill: Drill | None


@dataclass(frozen=True)
class Readiness:
    """`until`: the end of the week that was looked at. `covered`: without a stand-in, but others are on their step."""

    until: datetime
    things: list[Thing]
    colleges: list[College]
    covered: list[Alone]

    @property
    def empty(self) -> bool:
        """Nobody has been put on the roster yet, so there is nothing else to be said."""
        return any(thing.what == "no_roster" for thing in self.things)

    @property
    def nobody_now(self) -> bool:
        """Whether a report of this minute would for some college ring nobody."""
        return self.empty or any((thing.what, thing.area) == ("nobody", "now") for thing in self.things)

    def of_area(self, area: str) -> list[Thing]:
        """What is the matter now is of the days ahead, too."""
        return [thing for thing in self.things if thing.area == area or (thing.area, area) == ("now", "ahead")]


def readiness(conn: Connection, keys: Keys, now: datetime, zone: tzinfo, only: str | None = None) -> Readiness:
    """Of all colleges and the `*` row; with `only` (a college's code) of that one and the `*` row."""
    roster = lineup.read(conn, keys, zone)
    shown = [code for code in roster.names if only is None or code in (only, people.DEFAULT)]
    standings = [roster.at(moment) for moment in gaps.moments(roster.shifts, now, zone)]
    tried = drills.last(conn, keys, now)
    alone = unreachable.alone(roster, standings, shown)
    things = [Thing("now", "no_roster")]
    if roster.shifts or len(roster.names) > 1:
        things = [
            *_gaps(gaps.ahead(roster, standings, shown), now),
            *_people(roster, shown, [it for it in alone if it.step_empty]),
            *_drills(tried, shown, now),
        ]
    things += _system(conn, now)
    colleges = [_college(standings[0], code, tried.get(code)) for code in shown]
    return Readiness(now + gaps.AHEAD, things, colleges, [it for it in alone if not it.step_empty])


def _college(now: Standing, code: str, drill: Drill | None) -> College:
    steps = {
        kind: [(after_s, [person.called for person in step]) for after_s, step in now.steps(kind, code)]
        for kind in KINDS
    }
    return College(code, now.lineup.names[code], steps, drill)


def _gaps(found: Iterable[Gap], now: datetime) -> Iterator[Thing]:
    for gap in found:
        area = "now" if gap.spans[0].begins == now else "ahead"
        yield Thing(area, "nobody" if gap.nobody else "first_step", gap)


def _people(roster: Lineup, shown: Collection[str], alone: list[Alone]) -> Iterator[Thing]:
    on_shift = unreachable.on_shift(roster, shown)
    for why in ("gone", "no_phone", "unreadable"):
        if these := [it for it in on_shift if it.why == why]:
            yield Thing("people", why, these)
    if without := unreachable.classes(roster, shown):
        yield Thing("people", "no_counselor", without)
    if alone:
        yield Thing("people", "alone", alone)


def _drills(tried: dict[str, Drill], shown: Collection[str], now: datetime) -> Iterator[Thing]:
    if missing := [code for code in shown if code not in tried or now - tried[code].at > drills.DUE]:
        yield Thing("drills", "no_drill", missing)
    if untaken := [tried[code] for code in shown if code in tried and tried[code].untaken]:
        yield Thing("drills", "untaken", untaken)


def _system(conn: Connection, now: datetime) -> Iterator[Thing]:
    if late := audit(conn, now).counts:
        yield Thing("system", "late", late)
    kinds = [alarm["kind"] for alarm in views.open_alarms(conn)]
    if kinds:
        yield Thing("system", "alarms", {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)})
