"""A further transfer, after all had their outcomes: the case is its owner's again until that one has its own."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger import codes
from ledger import tables as t
from ledger.reporting import reports
from ledger.reporting.reportin import TransferIn
from ledger.store import naming
from tests.behaviour.stories import opened_again, read_all, taken
from tests.behaviour.test_drills_touch_nobody import start
from tests.world import Report, World


def record(world: World, officer: FlaskClient, report: Report, outcome: str = "stopped", n: int = 1) -> None:
    form = {"transfer": str(n), "outcome": outcome, "amount": "100"}
    assert world.press(officer, f"/duty/{report.code}/outcome", **form).status_code == 303


def press(world: World, officer: FlaskClient, report: Report, progress: str) -> None:
    assert world.press(officer, f"/duty/{report.code}/outcome", progress=progress).status_code == 303


def add_another(world: World, report: Report) -> None:
    form = {"page": "another", "amount": "500", "payee_account": "6217 0000 0000 4418", "payee_name": "李四"}
    assert world.client.post(f"/r/{report.token}/more/transfer", data=form).status_code == 303
    world.phones["officer"].expects(report.code, "新增转账")


def states(report: Report) -> tuple[str, str]:
    return report.state("police"), report.status()["state"]


def is_reminded(world: World) -> None:
    """Ten minutes from now, and not before."""
    world.advance(599)
    world.phones.assert_all_read()
    world.advance(1)
    for name in ("officer", "office"):
        world.phones[name].expects("尚无进展")


def test_the_case_is_on_its_owner_s_list_again_and_without_progress_they_are_reminded(
    world: World, officer: FlaskClient
) -> None:
    report = taken(world)
    record(world, officer, report)
    assert states(report) == ("done", "stopped")
    assert f"case-{report.code}" not in officer.get("/duty").text
    world.advance(1800)
    add_another(world, report)
    assert states(report) == ("acknowledged", "acknowledged")
    assert f"case-{report.code}" in officer.get("/duty").text
    is_reminded(world)
    record(world, officer, report, "too_late", 2)
    assert states(report) == ("done", "stopped")  # the best of both
    world.advance(1800)
    world.phones.assert_all_read()


@pytest.mark.parametrize(
    ("progress", "after"),
    [
        ("contacted", ("contacted", "acknowledged")),
        ("filed", ("filed", "filed")),
        ("accepted_110", ("filed", "filed")),
    ],
)
def test_progress_counts_again(world: World, officer: FlaskClient, progress: str, after: tuple[str, str]) -> None:
    report = taken(world)
    record(world, officer, report)
    add_another(world, report)
    press(world, officer, report, progress)
    assert states(report) == after
    world.advance(1799)  # from then on filing is watched
    world.phones.assert_all_read()


@pytest.mark.parametrize(
    ("progress", "after"), [("contacted", ("contacted", "acknowledged")), ("filed", ("filed", "filed"))]
)
def test_it_goes_on_as_far_as_it_had_come(
    world: World, officer: FlaskClient, progress: str, after: tuple[str, str]
) -> None:
    report = taken(world)
    press(world, officer, report, progress)
    record(world, officer, report)
    add_another(world, report)
    assert states(report) == after
    assert f"case-{report.code}" in officer.get("/duty").text


@pytest.mark.parametrize("outcome", ["frozen", "registered"])
def test_another_word_about_the_first_transfer_ends_nothing(world: World, officer: FlaskClient, outcome: str) -> None:
    """It is no progress with the second one either."""
    report = taken(world)
    record(world, officer, report)
    add_another(world, report)
    record(world, officer, report, outcome)
    assert states(report) == ("acknowledged", "acknowledged")
    is_reminded(world)
    record(world, officer, report, "registered", 2)  # decides nothing, but somebody is at work on it
    assert states(report) == ("acknowledged", "acknowledged")
    world.advance(1800)
    world.phones.assert_all_read()


@pytest.mark.parametrize("progress", ["contacted", "filed", "accepted_110"])
def test_progress_in_a_reopened_case_does_not_hide_its_outcome(
    world: World, officer: FlaskClient, office: FlaskClient, progress: str
) -> None:
    report = taken(world)
    record(world, officer, report)
    opened_again(world, office, report)
    assert states(report) == ("acknowledged", "stopped")
    press(world, officer, report, progress)
    assert states(report) == ("contacted" if progress == "contacted" else "filed", "stopped")


def test_a_reopened_case_that_waited_for_nothing_waits_for_the_further_transfer(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = taken(world)
    record(world, officer, report)
    opened_again(world, office, report)
    world.advance(1800)
    add_another(world, report)
    assert states(report) == ("acknowledged", "acknowledged")
    is_reminded(world)


def test_money_that_was_still_here_when_it_was_reported(world: World, officer: FlaskClient) -> None:
    report = world.report(kind="in_progress", transfers=None)
    world.pump()
    world.call_the_student(report)
    world.client.post(f"/r/{report.token}/sent", data={"amount": "3800", "when": "10min"})
    read_all(world)
    world.phones["officer"].replies(report.code).expects("由您接单")
    read_all(world)
    record(world, officer, report)
    assert states(report) == ("done", "stopped")
    add_another(world, report)
    assert states(report) == ("acknowledged", "acknowledged")


def test_a_drill_goes_on_too_and_ends_by_itself(world: World, office: FlaskClient) -> None:
    drill = start(world, college="WY")
    world.pump()
    record(world, office, drill)
    assert states(drill) == ("done", "stopped")
    world.client.post(f"/r/{drill.token}/more/transfer", data={"page": "p", "amount": "500"})
    world.pump()
    assert states(drill) == ("acknowledged", "acknowledged")
    world.advance(3600)
    assert states(drill) == ("done", "closed")
    assert world.double.log == []


def left_done(world: World, officer: FlaskClient) -> Report:
    """As ledgers have it that were kept before such a case was opened again."""
    report = taken(world)
    record(world, officer, report)
    with world.parts.ledger.begin("test") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
        further: dict[str, Any] = reports.transfer_row(uow, case, 2, TransferIn(amount_fen=50_000))
        uow.conn.execute(t.transfers.insert().values(further))
    assert states(report) == ("done", "stopped")
    return report


@pytest.mark.parametrize(
    ("progress", "after"), [("contacted", ("contacted", "acknowledged")), ("filed", ("filed", "filed"))]
)
def test_progress_opens_what_was_left_done(
    world: World, officer: FlaskClient, progress: str, after: tuple[str, str]
) -> None:
    report = left_done(world, officer)
    press(world, officer, report, progress)
    assert states(report) == after
    record(world, officer, report, "stopped", 2)
    assert states(report) == ("done", "stopped")


@pytest.mark.parametrize(("outcome", "n"), [("frozen", 1), ("registered", 2)])
def test_an_outcome_closes_nothing_that_was_left_done(world: World, officer: FlaskClient, outcome: str, n: int) -> None:
    report = left_done(world, officer)
    record(world, officer, report, outcome, n)
    assert states(report) == ("acknowledged", "acknowledged")
    is_reminded(world)
