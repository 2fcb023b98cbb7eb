"""Contacts kept in time are counted once, when their day is over, and the figures of the year read no contact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ledger import deadlines, followups
from ledger import tables as t
from ledger.care import contacts, dated
from ledger.errors import NotAllowed
from ledger.figures import contactdays
from ledger.store.unit_of_work import Case, UnitOfWork
from tests.behaviour.export_tools import all_cells
from tests.behaviour.stories import at_once
from tests.behaviour.test_drills_touch_nobody import start
from tests.behaviour.test_two_numbers import OTHER_STUDENT, PAGE, figures, reports, words
from tests.behaviour.test_two_numbers import world as world  # a fixture
from tests.world import Report, World, another_fraud

DAY = 86400
k, f = t.contacts.c, t.follow_ups.c


def made(world: World, **changes: Any) -> Report:
    """With its record. Nothing is pumped later on, so nobody is rung."""
    report = world.report(**{**another_fraud(), **changes})
    world.pump()
    return report


def days(world: World) -> list[tuple[str, str, int, int]]:
    rows = world.rows("SELECT day, college_code, due, kept FROM contact_days WHERE due > 0 ORDER BY day, college_code")
    return [(str(row.day)[5:], row.college_code, row.due, row.kept) for row in rows]


def count(world: World) -> int:
    """How many days there were to count."""
    counted = 0
    while contactdays.count_one(world.parts.ledger):
        counted += 1
    return counted


def act(world: World, what: Callable[[UnitOfWork, Case], list[str]]) -> list[str]:
    with world.parts.ledger.begin("test") as uow:
        return what(uow, uow.case(uow.conn.execute(select(t.cases.c.id)).scalar_one()))


def later(world: World, days: float) -> None:
    world.clock.advance(days * DAY)


def test_a_day_is_counted_once_it_is_over_by_when_its_contacts_were_kept(world: World) -> None:
    """The call is kept in time, the meeting of the next day is not."""
    world.call_the_student(made(world))
    made(world, student_no=OTHER_STUDENT)
    assert count(world) == 0 and (reports(world).contacts_due, figures(world).counted_to) == (0, None)
    later(world, 1.5)
    assert count(world) == 2
    assert days(world) == [("11-24", "GX", 1, 0), ("11-24", "WY", 1, 1), ("11-25", "GX", 1, 0), ("11-25", "WY", 1, 0)]
    it, other, school = reports(world), reports(world, "GX"), figures(world).school
    assert (it.contacts_kept, it.contacts_due, other.contacts_kept, other.contacts_due) == (1, 2, 0, 2)
    assert school and (school.reports.contacts_kept, school.reports.contacts_due) == (1, 4)
    assert figures(world).counted_to == date(2026, 11, 25)
    assert count(world) == 0


def test_a_day_is_counted_two_hours_after_its_end_with_what_was_entered_late(world: World) -> None:
    """A day is counted once and for good, so what the spool or a parked row held up is waited for."""
    made(world)
    midnight = datetime(2026, 11, 25, tzinfo=world.parts.ledger.zone)
    world.clock.advance((midnight - world.clock.now()).total_seconds() + 2 * 3600 - 60)
    assert count(world) == 0
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(t.contacts.update().where(k.kind == "h48").values(due_at=midnight - timedelta(hours=1)))
    world.clock.advance(61)
    assert (count(world), days(world)) == (1, [("11-24", "WY", 2, 0)])


def test_what_becomes_of_a_contact_later_changes_nothing(world: World) -> None:
    made(world)
    later(world, 1.5)
    count(world)
    with world.parts.ledger.begin("test") as uow:
        case = uow.case(uow.conn.execute(select(t.cases.c.id)).scalar_one())
        contacts.record(uow, case, "face_24h", contacts.Said("yes"), "test")
    assert count(world) == 0 and (reports(world).contacts_kept, reports(world).contacts_due) == (0, 2)
    later(world, 1)
    count(world)
    assert (reports(world).contacts_kept, reports(world).contacts_due) == (0, 3)


def test_nobody_owes_what_was_closed_taken_back_or_beyond_the_plan(world: World) -> None:
    """Taken back, or closed, after it fell due, it was owed all the same."""
    made(world)
    with world.parts.ledger.begin("test") as uow:
        [(record, due)] = uow.conn.execute(select(f.id, k.due_at).join(t.contacts).where(k.kind == "face_24h")).all()
        plan = {"follow_up_id": record, "mode": "any", "due_at": due}
        back = {"dated_loan_1": due - timedelta(hours=1), "dated_loan_2": due + timedelta(hours=1), "extra_1": None}
        for kind, at in back.items():
            row = plan | {"id": t.new_id(), "kind": kind, "taken_back_at": at, "done_at": at or due}
            uow.conn.execute(t.contacts.insert().values(row))
    later(world, 1.9)
    count(world)
    assert days(world) == [("11-24", "WY", 1, 0), ("11-25", "WY", 2, 0)]
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(t.follow_ups.update().values(closed_at=due + timedelta(days=1.5)))
    later(world, 3)
    count(world)
    assert days(world)[2:] == [("11-26", "WY", 1, 0)]


def test_one_moved_when_it_was_late_already_was_late_and_is_another_one(world: World) -> None:
    """Moved in time it is of the other day alone."""
    made(world)
    first, *others = (followups.by_evening(date(2026, 11, day), world.parts.ledger.zone) for day in (24, 26, 27, 28))
    act(world, lambda uow, case: dated.add(uow, case, "loan", first, "test"))
    act(world, lambda uow, case: dated.add(uow, case, "card", first, "test"))
    act(world, lambda uow, case: dated.move(uow, case, "dated_card_2", others[2], "test"))
    later(world, 0.2)
    for _ in range(2):  # the button pressed twice
        assert act(world, lambda uow, case: dated.move(uow, case, "dated_loan_1", others[0], "test")) == []
    with pytest.raises(NotAllowed):
        act(world, lambda uow, case: dated.move(uow, case, "dated_loan_1", others[1], "test"))
    held = [row.kind for row in world.rows("SELECT kind FROM contacts WHERE kind LIKE 'dated%' ORDER BY kind")]
    assert held == ["dated_card_2", "dated_loan_1", "dated_loan_3"]
    later(world, 4.8)
    count(world)
    owed = {day: due for day, _, due, kept in days(world) if not kept}
    assert owed == {"11-24": 2, "11-25": 1, "11-26": 2, "11-27": 1, "11-28": 1}


def test_two_clocks_count_a_day_once(world: World) -> None:
    made(world)
    later(world, 1.2)
    with world.another() as other:
        at_once([lambda: contactdays.count_one(world.parts.ledger), lambda: contactdays.count_one(other.ledger)] * 2)
        count(world)
    assert days(world) == [("11-24", "WY", 1, 0)]


def test_days_without_a_contact_are_counted_too(world: World) -> None:
    made(world)
    later(world, 6)
    assert (count(world), figures(world).counted_to) == (6, date(2026, 11, 29))
    assert [day for day, *_ in days(world)] == ["11-24", "11-25", "11-26", "11-27"]


def test_the_page_warns_where_counting_is_behind(world: World) -> None:
    made(world)
    warned: list[bool] = []
    for day in (1.5, 1, 1):
        later(world, day)
        if not warned:
            count(world)
        warned.append("统计没有跟上" in world.user(f"guard-{len(warned)}", "security").get(PAGE).text)
    assert warned == [False, False, True], "until yesterday, the day before, and the one before that"


def test_it_begins_with_the_first_contact_of_this_year(world: World) -> None:
    made(world)
    later(world, 90.5)
    assert count(world) == 1
    assert days(world) == [("02-22", "WY", 1, 0)]
    assert (reports(world).year, reports(world).contacts_due) == (0, 1)


def test_drills_are_not_counted(world: World) -> None:
    start(world, college="WY", phones="1")
    world.pump()
    world.clock.advance(3600)
    deadlines.end_one_drill(world.parts.ledger)
    later(world, 2)
    count(world)
    assert days(world) == []


def test_the_clock_counts_by_itself_a_day_each_minute(world: World) -> None:
    """However many are to be counted: the thread has open work to do, which rings people."""
    made(world)
    later(world, 2)
    for counted in (["11-24"], ["11-24", "11-25"]):
        for _ in range(2):
            world.parts.clock.tick()
        assert [day for day, *_ in days(world)] == counted
        world.clock.advance(60)


@pytest.mark.parametrize("college", ["WY", "GX"])
def test_a_leader_sees_the_own_college_s(world: World, college: str) -> None:
    world.call_the_student(made(world))
    later(world, 1.5)
    count(world)
    page = words(world.user("dean", "leader", None, college).get(PAGE))
    assert ("1 / 2" in page) == (college == "WY") and "统计到 2026-11-25" in page
    office = world.user("guard", "security")
    assert "1.0, 2.0" in all_cells(office.get(f"{PAGE}.xlsx").data).split("\n")[0]
