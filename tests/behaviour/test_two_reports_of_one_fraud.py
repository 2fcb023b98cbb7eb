"""Two reports of one fraud are shown to be so; neither silences the other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.behaviour.stories import SQLITE, read_all
from tests.world import STUDENT, Report, World

OTHER = "13900000002"
ELSEWHERE = "6217 0000 0000 5525"


def linked(world: World) -> dict[str, str | None]:
    join = "cases later LEFT JOIN cases earlier ON earlier.id = later.linked_to"
    query = f"SELECT later.code AS code, earlier.code AS earlier FROM {join}"
    return {row.code: row.earlier for row in world.rows(query)}


def second(world: World, seconds: float = 60, **changes: Any) -> tuple[Report, Report]:
    first = world.report()
    read_all(world)
    world.advance(seconds)
    read_all(world)
    return first, world.report(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"payee_account": ELSEWHERE, "amount": "10.00"},
        {"phone": OTHER, "student_no": None},
        {"phone": OTHER, "for_whom": "other", "victim_phone": STUDENT, "payee_account": ELSEWHERE},
    ],
    ids=["same victim", "same payment", "on behalf of the same victim"],
)
def test_the_later_report_says_which_it_may_be(world: World, changes: dict[str, Any]) -> None:
    first, later = second(world, **changes)
    read_all(world)
    assert linked(world) == {first.code: None, later.code: first.code}
    assert len(later.events("case.linked.v1")) == len(first.events("case.link_received.v1")) == 1
    assert next(row.facts["same_as"] for row in later.texts()) == first.code


def test_the_officer_reads_the_earlier_code_and_both_ring(world: World) -> None:
    first, later = second(world)
    world.phones["officer"].expects("紧急止付", later.code, f"疑同{first.code}")
    read_all(world)
    world.phones["officer"].replies(later.code).expects("由您接单", later.code)
    assert later.state("police") == "acknowledged"
    assert first.state("police") == "alerted"
    read_all(world)


@SQLITE
@pytest.mark.parametrize(
    ("seconds", "changes"),
    [
        (7201, {}),
        (60, {"phone": OTHER, "student_no": None, "amount": "10.00"}),
        (60, {"phone": OTHER, "student_no": None, "payee_account": ELSEWHERE}),
        (60, {"phone": OTHER, "student_no": None, "payee_account": None}),
    ],
    ids=["two hours on", "another amount", "another account", "no account"],
)
def test_others_are_not_linked(world: World, seconds: float, changes: dict[str, Any]) -> None:
    _, later = second(world, seconds, **changes)
    read_all(world)
    assert linked(world)[later.code] is None


def test_a_third_report_leads_to_the_first(world: World) -> None:
    first, later = second(world)
    read_all(world)
    third = world.report()
    read_all(world)
    assert linked(world) == {first.code: None, later.code: first.code, third.code: first.code}
