"""Who is named by the roster and could not be rung: on a shift, as a class's counselor, as a stand-in. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from ledger.ready.lineup import Lineup, Standing


@dataclass(frozen=True)
class OnShift:
    """Somebody who has duties and cannot be rung. why: gone (left the roster) · no_phone · unreadable.

    `places`: (college or `*`, duty), each once.
    """

    who: str
    why: str
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ClassWithout:
    """A class whose students have no counselor to be rung. why: none · gone · no_phone · unreadable."""

    name: str
    college: str
    who: str
    why: str


@dataclass(frozen=True)
class Alone:
    """A class's counselor without a stand-in who can be rung. `step_empty`: at some hour nobody else has that step."""

    who: str
    college: str
    step_empty: bool


def on_shift(lineup: Lineup, colleges: Collection[str]) -> list[OnShift]:
    """Worse than nobody: a college whose shift is held by one who cannot be rung does not get the `*` row's people."""
    places: dict[UUID, set[tuple[str, str]]] = {}
    for shift in lineup.shifts:
        if shift.college in colleges and not lineup.reachable(shift.person):
            places.setdefault(shift.person, set()).add((shift.college, shift.role))
    order = list(lineup.names)
    return [
        OnShift(_name(lineup, person), _why(lineup, person),
                tuple(sorted(its, key=lambda place: (order.index(place[0]), place[1]))))
        for person, its in places.items()
    ]  # fmt: skip


def classes(lineup: Lineup, colleges: Collection[str]) -> list[ClassWithout]:
    return [
        ClassWithout(row.name, row.college_code, _name(lineup, row.counselor_id), _why(lineup, row.counselor_id))
        for row in lineup.classes
        if row.college_code in colleges and not lineup.reachable(row.counselor_id)
    ]


def alone(lineup: Lineup, standings: Sequence[Standing], colleges: Collection[str]) -> list[Alone]:
    """Only where a ladder rings stand-ins."""
    found: dict[UUID, Alone] = {}
    empty = {college: _empty_without(lineup, standings, college) for college in colleges}
    for row in lineup.classes:
        counselor = lineup.reachable(row.counselor_id)
        step_empty = empty.get(row.college_code)
        if counselor and step_empty is not None and not lineup.reachable(counselor.stand_in):
            found.setdefault(counselor.id, Alone(counselor.called, row.college_code, step_empty))
    return list(found.values())


def _empty_without(lineup: Lineup, standings: Sequence[Standing], college: str) -> bool | None:
    """Whether the step that rings stand-ins would at some hour ring nobody without one; None: no step does."""
    rungs = [rung.targets for rung in lineup.ladders["counselor", college].rungs if "stand_in" in rung.targets]
    if not rungs:
        return None
    # Asked as for a student of no known class: there a stand-in is nobody.
    return any(not standing.called(targets, college) for targets in rungs for standing in standings)


def _name(lineup: Lineup, person: UUID | None) -> str:
    """How others call them; the roster's own key where that cannot be opened."""
    if person is None or person not in lineup.rows:
        return ""
    known = lineup.known.get(person)
    return known.called if known else str(lineup.rows[person]["key"])


def _why(lineup: Lineup, person: UUID | None) -> str:
    if person is None or person not in lineup.rows:
        return "none"
    if not lineup.rows[person]["active"]:
        return "gone"
    return "no_phone" if person in lineup.known else "unreadable"
