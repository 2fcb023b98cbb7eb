"""Two reports of one fraud are shown to be so: each rings at once, one answer serves both."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, text

from ledger.ringing import linking
from ledger.store.unit_of_work import Case, UnitOfWork
from services.worker import run_open
from tests.behaviour.stories import POSTGRESQL, SQLITE, at_once, read_all
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


def test_an_earlier_report_that_cannot_be_looked_for_holds_no_alert_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.report()
    read_all(world)
    monkeypatch.setattr(linking, "_root", lambda *_: 1 / 0)
    later = world.report()
    world.phones["officer"].expects("紧急止付", later.code)
    assert linked(world) == {first.code: None, later.code: None}
    assert world.alarms() == []
    read_all(world)


@POSTGRESQL
def test_what_the_database_refuses_there_is_left_out_at_the_second_try(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has ended the transaction, and with it the first. SQLite's refusals count as a ledger that is away."""

    def refused(uow: UnitOfWork, case: Case) -> None:
        uow.conn.execute(text("SELECT 1 FROM nowhere"))

    monkeypatch.setattr(linking, "_root", refused)
    report = world.report()
    world.phones["officer"].expects_nothing()
    world.advance(2)
    world.phones["officer"].expects("紧急止付", report.code)
    assert world.alarms() == []
    read_all(world)


@pytest.mark.parametrize("answered", ["first", "later"])
def test_both_are_rung_and_one_answer_serves_both(world: World, answered: str) -> None:
    first, later = second(world)
    world.phones["officer"].expects("紧急止付", later.code, f"疑同{first.code}")
    read_all(world)
    taken, other = (first, later) if answered == "first" else (later, first)
    world.advance(1)
    world.phones["officer"].replies(taken.code)
    for _ in range(2):
        world.phones["officer"].expects("由您接单")
    read_all(world)
    assert (taken.state("police"), other.state("police")) == ("acknowledged", "acknowledged")
    assert [event["via"] for event in other.events("case.acknowledged.v1")] == ["linked"]


def test_a_report_that_comes_after_the_answer_rings_for_itself(world: World) -> None:
    """It may be new money, and the owner's phone may be off by now."""
    first = world.report()
    world.phones["officer"].expects(first.code).replies(first.code).expects("由您接单", first.code)
    read_all(world)
    later = world.report()
    world.phones["officer"].expects("紧急止付", later.code, f"疑同{first.code}").expects_nothing()
    read_all(world)
    assert later.state("police") == "alerted"
    world.advance(120)
    world.phones["backup"].expects(later.code)
    world.phones["officer"].expects("第2次提醒", later.code).replies(later.code).expects("由您接单", later.code)
    read_all(world)


def test_who_was_not_rung_for_the_other_report_is_not_given_it(world: World) -> None:
    first, later = second(world)
    read_all(world)
    office = world.user("office", "security")
    other = world.person("O02")
    world.advance(1)
    assert world.press(office, f"/duty/{first.code}/acknowledge", person=other).status_code == 303
    read_all(world)
    assert (first.state("police"), later.state("police")) == ("acknowledged", "alerted")


def test_each_of_them_rings_again_when_its_owner_falls_silent(world: World) -> None:
    first, later = second(world)
    read_all(world)
    world.advance(1)
    world.phones["officer"].replies(later.code)
    read_all(world)
    assert (first.state("police"), later.state("police")) == ("acknowledged", "acknowledged")
    world.advance(15 * 60)
    read_all(world)
    assert (first.state("police"), later.state("police")) == ("alerted", "alerted")


def test_a_case_that_was_taken_from_its_owner_is_not_given_back(world: World) -> None:
    first, later = second(world)
    read_all(world)
    world.advance(1)
    world.phones["officer"].replies(first.code)
    read_all(world)
    office = world.user("office", "security")
    assert world.press(office, f"/duty/{first.code}/outcome", progress="contacted").status_code == 303
    world.advance(15 * 60)
    read_all(world)
    assert (first.state("police"), later.state("police")) == ("contacted", "alerted")
    world.report()
    read_all(world)
    assert later.state("police") == "alerted"


def test_what_is_closed_is_served_by_nobody(world: World) -> None:
    first = world.report()
    world.pump()
    office = world.user("office", "security")
    assert world.press(office, f"/duty/{first.code}/close").status_code == 303
    read_all(world)
    later = world.report()
    read_all(world)
    assert later.state("police") == "alerted"


def test_officers_who_take_both_at_one_moment_do_not_wait_for_each_other(world: World) -> None:
    first, later = second(world)
    read_all(world)
    desks = [world.user(name, "security") for name in ("one", "another")]
    triples = zip(desks, (first, later), (world.person("O01"), world.person("O02")), strict=True)
    at_once(
        [
            partial(world.press, desk, f"/duty/{report.code}/acknowledge", person=officer)
            for desk, report, officer in triples
        ]
    )
    with world.another() as other:
        at_once([partial(run_open, parts.ledger, world.handlers) for parts in (world.parts, other)])
    read_all(world)
    assert (first.state("police"), later.state("police")) == ("acknowledged", "acknowledged")
    assert len(first.events("case.acknowledged.v1")) == len(later.events("case.acknowledged.v1")) == 1


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


@SQLITE
def test_a_flood_of_one_fraud_costs_each_report_no_more_than_the_first_few(world: World) -> None:
    """Somebody may send the same phone and account a thousand times: others' alerts must not wait for it."""
    asked: list[str] = []
    event.listen(world.parts.ledger.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    costs = []
    for _ in range(30):
        asked.clear()
        world.report()
        run_open(world.parts.ledger, world.handlers)
        costs.append(len(asked))
    world.advance(1)
    read_all(world)
    assert costs[-1] <= costs[4] + 5, costs


def several(*accounts: str) -> list[dict[str, str]]:
    return [{"amount": "500.00", "payee_account": account, "channel": "bank"} for account in accounts]


def test_the_second_of_several_payments_links_as_well(world: World) -> None:
    first = world.report(transfers=several(ELSEWHERE))
    read_all(world)
    world.advance(60)
    later = world.report(phone=OTHER, student_no=None, transfers=several("6217 0000 0000 9900", ELSEWHERE))
    read_all(world)
    assert linked(world)[later.code] == first.code


@SQLITE
@pytest.mark.parametrize("count", [0, 1, 3])
def test_an_earlier_report_is_looked_for_by_indexes_alone(world: World, count: int) -> None:
    """Whatever a report names: the alert waits for this, and in SQLite everybody else does too."""
    asked: list[tuple[str, Any]] = []
    event.listen(world.parts.ledger.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    world.report(transfers=several(*([f"6217 0000 0000 000{n}" for n in range(count)] or [""])))
    run_open(world.parts.ledger, world.handlers)
    [(statement, values)] = {it for it in asked if "AS earlier" in it[0]}
    with world.parts.ledger.read() as conn:
        plan = [row.detail for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    assert [step for step in plan if step.startswith("SEARCH earlier")], plan
    assert not [step for step in plan if step.startswith("SCAN") and "subquery" not in step and "CONSTANT" not in step]
    read_all(world)


def test_a_page_leads_to_the_other_report_only_where_its_reader_may_follow(world: World) -> None:
    """The earlier one is of another college, whose officer was rung; the text and the page name its code alone."""
    first = world.report(phone="13800000002", student_no="2026020101")
    second = world.report(phone="13800000003")
    world.pump()
    mine = world.user("ouyang", "officer", world.phones["officer"].number)
    link = f'href="/duty/{first.code}"'
    assert mine.get(f"/duty/{first.code}").status_code == 404
    page = mine.get(f"/duty/{second.code}").text
    assert first.code in page and link not in page
    assert link in world.user("office", "security").get(f"/duty/{second.code}").text
    read_all(world)
