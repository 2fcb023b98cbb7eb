"""Too many reports from unknown numbers, or texts to one number: several codes go out in one text, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.events import POLICE, PRIORITY
from ledger.store import limits
from ledger.store.unit_of_work import Ledger
from ledger.texts import bundling, claims
from notifier.countries import for_phone
from notifier.messages import BUNDLE_CODES
from notifier.segments import segments
from services.compose import build_parts
from tests.behaviour.stories import read_all
from tests.world import Report, World, another_fraud, settings_for

BURST = 5


@pytest.fixture
def world(world: World) -> World:
    """As ever, but more than five reports from unknown numbers in ten minutes count as a flood."""
    world.parts.ledger.limits = limits.Limits(burst=limits.burst(f"{BURST}/600"))
    return world


def budget(world: World, texts: int) -> None:
    world.parts.ledger.limits = limits.Limits(per_number=limits.per_number(str(texts), len))


def stranger(world: World, **changes: Any) -> Report:
    """A report from a number that is on no roster; the reporter's own receipt is left aside."""
    report = world.report(**another_fraud(), student_no="", name="", **changes)
    world.pump()
    return report


def to_others(world: World) -> list[str]:
    """Every alert to another officer or the desk."""
    world.phones.catch_up()
    others = [text.body for text in world.double.outbound() if text.to != world.phones["officer"].number]
    return [text for text in others if "止付" in text and "已收到" not in text]


def to_officer(world: World) -> list[str]:
    """Every text to the officer up to now, in order."""
    world.phones.catch_up()
    return [text.body for text in world.double.to(world.phones["officer"].number)]


@pytest.fixture
def flood(world: World) -> list[Report]:
    """As many strangers as are told singly, and three more."""
    return [stranger(world) for _ in range(BURST + 3)]


@pytest.fixture(autouse=True)
def nothing_left(world: World) -> Iterator[None]:
    yield
    read_all(world)


def test_a_burst_is_told_singly_and_what_comes_on_top_in_one_text(world: World, flood: list[Report]) -> None:
    assert len(to_officer(world)) == BURST
    world.advance(30)
    single, bundle = to_officer(world)[:BURST], to_officer(world)[BURST:]
    assert len(bundle) == 1
    assert "未核实止付3件" in bundle[0]
    assert all(report.code in text for report, text in zip(flood, single, strict=False))
    assert all(report.code in bundle[0] for report in flood[BURST:])
    assert {report.state("police") for report in flood} == {"alerted"}


def test_warnings_of_money_that_is_still_there_are_bundled_alike_and_apart(world: World) -> None:
    for _ in range(BURST - 1):
        stranger(world, kind="in_progress", transfers=[])
    paid, *warned = [stranger(world), *(stranger(world, kind="in_progress", transfers=[]) for _ in range(3))]
    known = world.report(kind="in_progress", transfers=[])
    also_paid = stranger(world)
    world.advance(30)
    to_desk = [text.body for text in world.double.to(world.phones["desk"].number)]
    [bundle] = [text for text in to_desk if "未核实" in text]
    assert "未核实劝阻3件：" in bundle and all(report.code in bundle for report in warned)
    assert sum("正被催转账" in text for text in to_desk) == BURST  # those before the flood, and the student we know
    assert any(f"{known.code}：1名学生正被催转账" in text for text in to_desk)
    assert f"紧急止付{paid.code}" in to_officer(world)[0] and "未核实止付1件" in to_officer(world)[1]
    world.phones["desk"].replies(warned[0].code)
    world.advance(180)
    world.advance(30)
    assert [report.state("dissuade") for report in warned] == ["acknowledged", "alerted", "alerted"]
    world.advance(300)
    world.advance(30)
    again = [text.body for text in world.double.to(world.phones["desk"].number) if "未核实劝阻" in text.body][-1]
    assert "未核实劝阻2件，第2次：" in again and warned[0].code not in again
    assert also_paid.code in to_officer(world)[1]


def test_a_known_student_in_the_middle_of_a_flood_is_told_singly_and_at_once(world: World, flood: list[Report]) -> None:
    known = world.report()
    world.pump()
    assert f"紧急止付{known.code}" in to_officer(world)[-1]


def test_no_code_of_a_great_flood_is_left_out(world: World) -> None:
    reports = [stranger(world) for _ in range(BURST + 3 * BUNDLE_CODES + 1)]
    world.advance(30)
    texts = to_officer(world)
    assert len(texts) == BURST + 4
    assert all(sum(report.code in text for text in texts) == 1 for report in reports)
    assert {segments(text) for text in texts} == {1}


def test_a_full_text_does_not_wait(world: World, flood: list[Report]) -> None:
    for _ in range(BUNDLE_CODES - 3):
        stranger(world)
    assert "未核实止付5件" in to_officer(world)[-1]


def test_after_the_flood_reports_are_told_singly_again(world: World, flood: list[Report]) -> None:
    world.advance(601)
    report = stranger(world)
    assert report.code in to_officer(world)[-1]


def test_one_of_a_bundle_is_taken_by_its_code_and_the_others_ring_on(world: World, flood: list[Report]) -> None:
    world.advance(30)
    taken, *others = flood[BURST:]
    world.phones["officer"].replies(taken.code)
    read_all(world)
    assert taken.state("police") == "acknowledged"
    assert {other.state("police") for other in others} == {"alerted"}
    world.advance(120)
    world.advance(30)
    assert not any(taken.code in text for text in to_others(world))
    assert all(any(other.code in text for text in to_others(world)) for other in others)


def test_a_case_that_was_taken_before_the_text_went_is_not_in_it(world: World, flood: list[Report]) -> None:
    world.phones["officer"].replies(flood[BURST].code)
    world.advance(30)
    bundle = next(text for text in to_officer(world) if "未核实" in text)
    assert "未核实止付2件" in bundle
    assert flood[BURST].code not in bundle


def test_a_bundle_of_cases_that_were_all_taken_is_not_sent(world: World, flood: list[Report]) -> None:
    for report in flood[BURST:]:
        world.phones["officer"].replies(report.code)
    world.advance(30)
    assert not any("未核实" in text for text in to_officer(world))


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "500"])
def test_a_bundle_whose_answer_is_lost_still_reaches_the_officer(world: World, flood: list[Report], fault: str) -> None:
    world.double.faults.add(fault, to=world.phones["officer"].number)
    world.advance(30)
    world.advance(5)
    bundles = [text for text in to_officer(world) if "未核实" in text]
    assert all(report.code in bundles[0] for report in flood[BURST:])
    assert len(bundles) == 1
    assert {report.state("police") for report in flood} == {"alerted"}


def test_a_bundle_that_fails_is_the_next_person_s_at_once(world: World, flood: list[Report]) -> None:
    world.double.faults.add("21610", to=world.phones["officer"].number)
    world.advance(20)
    world.advance(20)
    assert all(any(report.code in text for text in to_others(world)) for report in flood[BURST:])


def test_a_sender_that_dies_with_a_bundle_in_its_hands_costs_one_lease(world: World, flood: list[Report]) -> None:
    world.clock.advance(21)
    with world.another() as dead:
        dead.ledger.limits = world.parts.ledger.limits
        [made] = claims.claim(dead.ledger, 10, PRIORITY[POLICE], dead.sender._render)
        assert made.draft.kind == "bundle"
    world.advance(20)
    world.advance(5)
    assert any("未核实止付3件" in text for text in to_officer(world))


def test_past_a_number_s_budget_the_next_person_is_rung_at_once(world: World) -> None:
    budget(world, 2)
    reports = [stranger(world) for _ in range(4)]
    world.advance(1)
    assert len(to_officer(world)) == 2
    rung = [text for text in to_others(world) if any(report.code in text for report in reports[2:])]
    assert len(rung) == 2
    world.advance(30)
    bundle = to_officer(world)[2:]
    assert len(bundle) == 1
    assert "紧急止付2件" in bundle[0]


def test_where_every_number_is_spent_nobody_is_texted_faster_than_the_ladder_says(world: World) -> None:
    budget(world, 1)
    for _ in range(3):
        stranger(world)
    world.advance(1)
    for _ in range(60):
        world.advance(5)
    mine = len(to_officer(world))
    assert mine <= 6  # one alone, then at most one bundle for each of five minutes' steps
    assert "nobody_reached" not in world.alarms()
    assert all(any(row.code in text for text in to_officer(world)) for row in world.rows("SELECT code FROM cases"))


def test_a_budget_is_a_day_s(world: World) -> None:
    budget(world, 2)
    stranger(world)
    stranger(world)
    office = world.user("office", "security")
    for row in world.rows("SELECT code FROM cases"):
        assert world.press(office, f"/duty/{row.code}/close").status_code == 303
    world.advance(25 * 3600)
    code = stranger(world).code
    assert any(f"紧急止付{code}" in text for text in [*to_officer(world), *to_others(world)])


def test_a_segment_holds_a_bundle() -> None:
    assert bundling.CODES == BUNDLE_CODES
    assert timedelta(seconds=30) > bundling.LONGEST_WAIT


def test_by_default_strangers_are_counted_and_numbers_have_their_country_s_budget(world: World, tmp_path: Path) -> None:
    settings = settings_for(world.parts.settings.database_url, tmp_path, world.double)
    parts = build_parts(settings.model_copy(update={"unverified_burst": "5/600", "number_budget": "auto"}))
    try:
        ledger: Ledger = parts.ledger
        assert ledger.limits.burst == limits.Burst(5, timedelta(minutes=10))
        assert ledger.limits.per_number is not None
        assert ledger.limits.per_number("+8613800000001") == for_phone("+8613800000001").per_number_per_day
    finally:
        parts.sender.stop()
        parts.ledger.engine.dispose()


@pytest.mark.parametrize("text", ["", "5", "0/600", "5/0", "5/600/7", "on", "-5/600", "5 / 600"])
def test_a_burst_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="reports/seconds"):
        limits.burst(text)


@pytest.mark.parametrize("text", ["", "0", "on", "-1", "1.5"])
def test_a_budget_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number of texts"):
        limits.per_number(text, len)
