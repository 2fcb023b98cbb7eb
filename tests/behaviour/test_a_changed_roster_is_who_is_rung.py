"""Whoever the roster names when a report comes in is rung for it, however it was changed and by whom.

A process keeps ladders and duties from one report to the next; what it keeps is never older than the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from ledger.reporting import reports
from ledger.reporting.reportin import ReportIn, TransferIn
from ledger.school import roster
from ledger.school.schoolrows import DutyRow, LadderRow, School
from ledger.store.kept import Kept
from ledger.store.unit_of_work import Ledger
from services.compose import build_ledger
from tests.behaviour.stories import POSTGRESQL, read_all
from tests.world import World

OFFICER, OTHER = "officer", "desk"  # by the name of their phone
_numbers = count(13_700_000_000)


def number_rung(ledger: Ledger) -> str | None:
    """The index of the number that the first text of a new report goes to; None where nobody is rung."""
    with ledger.begin("report") as uow:
        report = ReportIn(str(next(_numbers)), transfers=(TransferIn(amount_fen=100 * next(_numbers)),))
        made = reports.accept(uow, report, ring=True, new=True)
    with ledger.read() as conn:
        query = text("SELECT to_index FROM deliveries WHERE kind = 'officer' AND case_id = :this ORDER BY id")
        this = made.case_id if ledger.postgres else made.case_id.hex
        found: Any = conn.execute(query, {"this": this}).scalars().first()
    return found if found is None else bytes(found).hex()


def index_of(world: World, name: str) -> str:
    index = world.parts.ledger.keys.blind("phone", world.phones[name].number)
    assert index
    return index.hex()


def key_of(school: School, number: str) -> str:
    return next(person.key for person in school.people if person.phone == number)


def another_on_duty(world: World) -> School:
    other = key_of(world.school, world.phones[OTHER].number)
    duty = [row for row in world.school.duty if row.role != "officer"]
    return replace(world.school, duty=(*duty, DutyRow("*", "officer", other, "1-7", "00:00", "00:00")))


def another_ladder(world: World) -> School:
    others = [row for row in world.school.ladder if row.obligation != "police"]
    return replace(world.school, ladder=(*others, LadderRow("police", "*", 1, 0, ("desk",))))


def numbers_swapped(world: World) -> School:
    """The officer has the desk's telephone from now on."""
    officer, desk = world.phones[OFFICER].number, world.phones[OTHER].number
    swapped = {officer: desk, desk: officer}
    people = tuple(replace(it, phone=swapped.get(it.phone, it.phone)) for it in world.school.people)
    return replace(world.school, people=people)


CHANGES = pytest.mark.parametrize("change", [another_on_duty, another_ladder, numbers_swapped])


@pytest.fixture(autouse=True)
def quiet(world: World) -> Iterator[None]:
    """Texts are looked at where they are written."""
    yield
    read_all(world)


@contextmanager
def another_process(world: World) -> Iterator[Ledger]:
    ledger, _ = build_ledger(world.parts.settings, world.clock)
    try:
        yield ledger
    finally:
        ledger.engine.dispose()


@CHANGES
def test_from_the_next_report_on(world: World, change: Callable[[World], School]) -> None:
    ledger = world.parts.ledger
    assert number_rung(ledger) == index_of(world, OFFICER)
    with ledger.begin("roster") as uow:
        assert roster.apply(uow, change(world))
    assert number_rung(ledger) == index_of(world, OTHER)


@CHANGES
def test_in_every_process(world: World, change: Callable[[World], School]) -> None:
    with another_process(world) as other:
        assert number_rung(other) == index_of(world, OFFICER)
        with world.parts.ledger.begin("roster") as uow:
            roster.apply(uow, change(world))
        assert number_rung(other) == index_of(world, OTHER)


@pytest.mark.parametrize("by_hand", [
    "UPDATE people SET active = false WHERE role = 'officer'",
    "DELETE FROM duties WHERE role = 'officer'",
    "UPDATE duties SET days = '' WHERE false",
])  # fmt: skip
def test_where_somebody_changes_a_table_by_hand(world: World, by_hand: str) -> None:
    """Nobody can be rung any more, or the same as before; not whoever was there."""
    ledger = world.parts.ledger
    assert number_rung(ledger) == index_of(world, OFFICER)
    with ledger.begin("by-hand") as uow:
        uow.conn.execute(text(by_hand))
    with another_process(world) as fresh:
        assert number_rung(ledger) == number_rung(fresh)


@POSTGRESQL
def test_where_a_backup_s_rows_are_put_back(world: World) -> None:
    """As pg_dump writes them: every table by its schema, and no schema that is looked for by itself."""
    ledger = world.parts.ledger
    assert number_rung(ledger) == index_of(world, OFFICER)
    with ledger.begin("by-hand") as uow:
        uow.conn.execute(text("SET LOCAL search_path TO ''"))
        uow.conn.execute(text("UPDATE public.people SET active = false WHERE role = 'officer'"))
    with another_process(world) as fresh:
        assert number_rung(ledger) == number_rung(fresh) != index_of(world, OFFICER)


def test_a_roster_that_lost_its_edition_is_read_each_time(world: World) -> None:
    """A ledger that was put together by hand rings as well, and whom it should."""
    ledger = world.parts.ledger
    with ledger.begin("by-hand") as uow:
        uow.conn.execute(text("DELETE FROM roster"))
    assert number_rung(ledger) == index_of(world, OFFICER)
    with ledger.begin("roster") as uow:
        roster.apply(uow, another_on_duty(world))
    assert number_rung(ledger) == index_of(world, OTHER)


def test_a_change_that_is_taken_back_changes_nobody(world: World) -> None:
    ledger = world.parts.ledger
    with suppress(ZeroDivisionError), ledger.begin("roster") as uow:
        roster.apply(uow, another_on_duty(world))
        uow.of_roster("kept in vain", lambda: "of a roster that never was")
        raise ZeroDivisionError
    assert number_rung(ledger) == index_of(world, OFFICER)
    with ledger.begin("look") as uow:
        assert uow.of_roster("kept in vain", lambda: "of the one that is") == "of the one that is"


def test_the_dry_run_says_of_everybody_that_another_stands_in_for_them(world: World) -> None:
    """Wherever they stand in the file: for another than before, for the first time, or nobody any more."""
    people = world.school.people
    with world.parts.ledger.begin("alone") as uow:
        lone = next(person for person in people if person.role == "counselor" and person.stand_in)
        roster.apply(uow, replaced(world.school, lone.key, ""))
    before = replaced(world.school, lone.key, "")
    assert said(world, before) == []
    for person in before.people:
        if person.role != "counselor":
            continue
        others = [it.key for it in before.people if it.role == "counselor" and it.key != person.key]
        for stand_in in {others[0], others[-1], ""} - {person.stand_in}:
            expected = [f"~ counselor {person.key} (stand_in)"]
            assert said(world, replaced(before, person.key, stand_in)) == expected, stand_in


def replaced(school: School, key: str, stand_in: str) -> School:
    people = (replace(person, stand_in=stand_in) if person.key == key else person for person in school.people)
    return replace(school, people=tuple(people))


def said(world: World, school: School) -> list[str]:
    with world.parts.ledger.read() as conn:
        return [str(change) for change in roster.changes(conn, world.parts.ledger.keys, school)]


def test_the_hour_decides_among_those_who_are_kept(world: World) -> None:
    """Who has the night is on the same roster as who has the day."""
    other = key_of(world.school, world.phones[OTHER].number)
    officer = key_of(world.school, world.phones[OFFICER].number)
    local = world.clock.now().astimezone(world.parts.ledger.zone)
    now, then = f"{local:%H}:00", f"{(local.hour + 1) % 24:02}:00"
    duty = [row for row in world.school.duty if row.role != "officer"]
    turns = [DutyRow("*", "officer", officer, "1-7", now, then), DutyRow("*", "officer", other, "1-7", then, now)]
    with world.parts.ledger.begin("roster") as uow:
        roster.apply(uow, replace(world.school, duty=(*duty, *turns)))
    assert number_rung(world.parts.ledger) == index_of(world, OFFICER)
    world.clock.advance(3600)
    assert number_rung(world.parts.ledger) == index_of(world, OTHER)


def test_what_was_read_for_an_older_edition_is_not_kept_for_the_next() -> None:
    """One process reads while another edition comes in between."""
    kept = Kept()

    def read_while_it_changes() -> str:
        assert kept.of("second", "ladder", lambda: "new") == "new"
        return "old"

    assert kept.of("first", "ladder", read_while_it_changes) == "old"
    assert kept.of("second", "ladder", lambda: "read once more") == "new"
    assert kept.of("third", "ladder", lambda: "newest") == "newest"
