"""The hours ahead in which a step of some ladder would ring nobody. Pure, over a roster that was read once.

Who is rung changes only where a shift or the night begins or ends, so only these moments are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from uuid import UUID

from ledger.escalation import NIGHT_BEGINS, NIGHT_ENDS
from ledger.ready.lineup import ALL_KINDS, STAFF, Lineup, Standing
from ledger.school.people import DEFAULT
from ledger.school.shifts import Shift

AHEAD = timedelta(days=7)  # shifts repeat each week: what holds for seven days holds until the roster changes
_QUARTERS = {time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)}
_VICTIMS = {None: "student", STAFF: "staff"}  # as for whom is asked


@dataclass(frozen=True)
class Span:
    """From `begins` (not before now) to `ends` (not after the seven days), in UTC."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True)
class Gap:
    """Spans that some colleges (codes, perhaps `*`) have alike.

    `nobody`: no step rings anybody; else only the first is empty. `duties`: which of them would fill it.
    `victims`: student · staff · both where it is the same for them; staff only of ladders that ring a counselor.
    """

    kind: str
    nobody: bool
    duties: tuple[str, ...]
    colleges: tuple[str, ...]
    spans: tuple[Span, ...]
    victims: tuple[str, ...]


# kind, nobody, spans, victim, targets of the first step
_Alike = tuple[str, bool, tuple[Span, ...], UUID | None, tuple[str, ...]]


def moments(shifts: Iterable[Shift], now: datetime, zone: tzinfo) -> list[datetime]:
    """Now, and each later moment within the seven days at which somebody else may be rung, in order."""
    clocks = {NIGHT_BEGINS, NIGHT_ENDS}
    clocks |= {time.fromisoformat(clock) for shift in shifts for clock in (shift.start, shift.end)}
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=n) for n in range(AHEAD.days + 2)]  # the last ends later where an hour was left out
    found = {at for day in days for at in _of_day(day, clocks, zone) if now < at < now + AHEAD}
    return [now, *sorted(found)]


def _of_day(day: date, clocks: set[time], zone: tzinfo) -> Iterable[datetime]:
    # Where clocks are put forward or back, an hour is missing or comes twice: such a day is looked at by the quarter.
    midnights = (datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1))
    changes = len({midnight.utcoffset() for midnight in midnights}) > 1
    for clock in clocks | _QUARTERS if changes else clocks:
        for fold in (0, 1):
            yield datetime.combine(day, clock.replace(fold=fold), zone).astimezone(UTC)


def ahead(lineup: Lineup, standings: Sequence[Standing], colleges: Iterable[str]) -> list[Gap]:
    """The gravest first, then the soonest. `standings`: the roster at each of the `moments`."""
    alike: dict[_Alike, list[str]] = {}
    for college in colleges:
        for kind in ALL_KINDS:
            rungs = lineup.ladders[kind, college].rungs
            for victim in _asked(lineup, [target for rung in rungs for target in rung.targets]):
                seen = [_nobody(standing, kind, college, victim) for standing in standings]
                for nobody in (True, False):
                    if spans := _spans(standings, [it is nobody for it in seen]):
                        alike.setdefault((kind, nobody, spans, victim, rungs[0].targets), []).append(college)
    return sorted(_merged(alike), key=lambda gap: (not gap.nobody, gap.spans[0].begins))


def _asked(lineup: Lineup, targets: Sequence[str]) -> tuple[UUID | None, ...]:
    """None is a student. Only instead of a counselor a member of staff has somebody else."""
    return (None, STAFF) if lineup.staff and "counselor" in targets else (None,)


def _nobody(standing: Standing, kind: str, college: str, victim: UUID | None) -> bool | None:
    """True where nobody at all is rung, False where only the first step is empty, None where all is well."""
    steps = (called for _, called in standing.steps(kind, college, victim))
    return None if next(steps) else not any(steps)


def _merged(alike: Mapping[_Alike, Sequence[str]]) -> Iterable[Gap]:
    """What is empty for students and for staff at the same hours, of the same colleges, is one gap."""
    found: dict[Gap, Gap] = {}
    for (kind, nobody, spans, victim, first), who in alike.items():
        duties = [_filled_by(target, college, victim) for college in who for target in first]
        bare = Gap(kind, nobody, (), tuple(who), spans, ())
        gap = found.get(bare, bare)
        both = tuple(dict.fromkeys((*gap.duties, *duties)))
        found[bare] = replace(gap, duties=both, victims=(*gap.victims, _VICTIMS[victim]))
    return found.values()


def _filled_by(target: str, college: str, victim: UUID | None) -> str:
    """The duty that fills it; see `people.meant`, for somebody without a counselor of their own."""
    if target != "counselor":
        return target
    return "liaison" if victim else "counselor" if college == DEFAULT else "college_duty"


def _spans(standings: Sequence[Standing], holds: Sequence[bool]) -> tuple[Span, ...]:
    """The runs of moments for which it holds, each until the next moment for which it does not."""
    found: list[Span] = []
    begins = [standing.moment for standing in standings]
    for begin, end, it_holds in zip(begins, [*begins[1:], begins[0] + AHEAD], holds, strict=True):
        if it_holds and found and found[-1].ends == begin:
            found[-1] = Span(found[-1].begins, end)
        elif it_holds:
            found.append(Span(begin, end))
    return tuple(found)
