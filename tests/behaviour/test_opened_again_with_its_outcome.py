"""A case that has its outcome was closed, and the office opens it again: who is asked for progress, and who is not."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from ledger.states import OUTCOMES, REFUSED
from tests.behaviour.stories import SQLITE, opened_again, taken
from tests.world import Report, World


def reopened_after(world: World, office: FlaskClient, outcome: str) -> Report:
    report = taken(world)
    world.press(office, f"/duty/{report.code}/outcome", outcome=outcome, amount="5")
    opened_again(world, office, report)
    assert (report.status()["state"], report.state("police")) == (OUTCOMES[outcome].case, "acknowledged")
    return report


@SQLITE
@pytest.mark.parametrize("outcome", [name for name, it in OUTCOMES.items() if it.case not in (None, REFUSED)])
def test_a_case_with_its_outcome_that_is_opened_again_rings_nobody(
    world: World, office: FlaskClient, outcome: str
) -> None:
    """Where nothing is left to file its owner is not hurried, and no other officer is asked to stop it."""
    reopened_after(world, office, outcome)
    world.advance(1800)
    world.phones.assert_all_read()


@pytest.mark.parametrize("outcome", ["refused_name", "refused_other"])
def test_a_refused_stop_that_is_opened_again_is_to_be_filed_again(
    world: World, office: FlaskClient, outcome: str
) -> None:
    """Its owner is reminded, and then another officer is rung; until it has another outcome it shows the refusal."""
    report, phones = reopened_after(world, office, outcome), world.phones
    world.advance(600)
    for name in ("officer", "office"):
        phones[name].expects(report.code, "尚无进展")
    world.advance(300)
    phones["officer"].expects(report.code, "已转其他警官")
    backup = phones["backup"].expects("紧急止付", report.code)
    assert (report.status()["state"], report.state("police")) == ("refused", "alerted")
    backup.replies(report.code).expects("由您接单")
    phones["officer"].expects("已有人接单")
    assert (report.status()["state"], report.state("police")) == ("refused", "acknowledged")
    world.press(office, f"/duty/{report.code}/outcome", outcome="stopped", amount="5")
    assert (report.status()["state"], report.state("police")) == ("stopped", "done")


@pytest.mark.parametrize("said", [name for name, it in OUTCOMES.items() if it.case is None])
def test_what_decides_nothing_leaves_a_refused_stop_to_be_filed_again(
    world: World, office: FlaskClient, said: str
) -> None:
    """立案, 110已受理: somebody is at it, so nobody is hurried; the case waits for an outcome, as without one."""
    report = reopened_after(world, office, "refused_other")
    world.press(office, f"/duty/{report.code}/outcome", outcome=said, number="A1")
    assert (report.status()["state"], report.state("police")) == ("refused", "acknowledged")
    world.press(office, f"/duty/{report.code}/outcome", progress="filed")
    assert (report.status()["state"], report.state("police")) == ("refused", "filed")
    world.advance(1800)
    world.phones.assert_all_read()
    world.press(office, f"/duty/{report.code}/outcome", outcome="stopped", amount="5")
    assert (report.status()["state"], report.state("police")) == ("stopped", "done")


@SQLITE
def test_what_decides_nothing_is_said_of_a_stop_that_was_refused_again(world: World, office: FlaskClient) -> None:
    report = reopened_after(world, office, "refused_other")
    world.clock.advance(1)
    for said in ("refused_name", "registered"):
        world.press(office, f"/duty/{report.code}/outcome", outcome=said, number="A1")
        assert (report.status()["state"], report.state("police")) == ("refused", "done")


@SQLITE
def test_the_page_says_what_the_case_waits_for_and_chooses_nothing(
    world: World, office: FlaskClient, officer: FlaskClient
) -> None:
    """The number of a 立案 that was told in between goes with no refusal that nobody has given again."""
    report = reopened_after(world, office, "refused_other")
    said = "上次：银行未受理。重新打开后还没有新结果"
    page = officer.get(f"/duty/{report.code}").get_data(as_text=True)
    assert said in page and '<option value="refused_other">' in page
    world.press(officer, f"/duty/{report.code}/outcome", outcome="refused_other")
    page = officer.get(f"/duty/{report.code}").get_data(as_text=True)
    assert said not in page and '<option value="refused_other" selected>' in page
