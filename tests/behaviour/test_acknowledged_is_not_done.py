"""An owner without progress is reminded, then another officer is rung; progress and outcomes stop that and are kept."""

from __future__ import annotations

import pytest

from ledger import codes
from ledger.police import progress as police
from ledger.ringing import pressing
from ledger.store import naming
from tests.behaviour.stories import SQLITE, only_police_ring, taken
from tests.world import Report, World, body

TRANSFER = body()["transfers"][0]


def record(world: World, report: Report, *, progress: str = "", outcome: str = "") -> None:
    """By the office."""
    with world.parts.ledger.begin("record") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
        if progress:
            police.record_progress(uow, case, progress, None, "test")
        if outcome:
            police.record_outcome(uow, case, 1, outcome, 100, None, "test")


def test_ten_minutes_without_progress_are_said_and_after_fifteen_another_is_rung(world: World) -> None:
    report, phones = taken(world), world.phones
    world.until(599)
    phones.assert_all_read()
    world.until(600)
    for name in ("officer", "office"):
        phones[name].expects(report.code, "欧阳警官", "10分钟", "尚无进展", "5分钟后转他人")
    world.until(899)
    phones.assert_all_read()
    assert report.state("police") == "acknowledged"
    world.until(900)
    phones["officer"].expects(report.code, "15分钟无进展", "已转其他警官").expects_nothing()
    phones["backup"].expects("紧急止付", report.code)
    assert report.status()["state"] == report.state("police") == "alerted"
    phones["backup"].replies(report.code).expects("由您接单")
    phones["officer"].expects("已有人接单", "上官警官")
    assert [data["reason"] for data in report.events("alert.escalated.v1")] == ["moved_on"]


@pytest.mark.parametrize("ended", ["mended", "progress", "outcome"])
def test_that_an_owner_cannot_be_reminded_is_said_until_they_can_or_need_not_be(
    world: World, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    report = taken(world)
    with monkeypatch.context() as patched:
        patched.setattr(pressing, "press", lambda *_: 1 / 0)
        world.until(600)
        assert world.alarms() == ["obligation_stuck"]
        if ended != "mended":
            record(world, report, **{ended: {"progress": "filed", "outcome": "stopped"}[ended]})
            assert world.alarms() == []
    world.until(700)
    for name in ("officer", "office") if ended == "mended" else ():
        world.phones[name].expects(report.code, "尚无进展")
    assert world.alarms() == []


def test_after_the_release_the_ladder_goes_on(world: World) -> None:
    report, phones = taken(world), world.phones
    world.until(600)
    phones["office"].expects("尚无进展")
    phones["officer"].expects("尚无进展")
    world.until(900)
    phones["officer"].expects("已转其他警官")
    phones["backup"].expects(report.code)
    world.until(1019)
    phones.assert_all_read()
    world.until(1020)
    phones["desk"].expects("紧急止付", report.code)
    world.until(1260)  # the next round rings the first officer like everybody else
    phones["officer"].expects("提醒", report.code)


def test_the_new_owner_has_clocks_of_their_own(world: World) -> None:
    report, phones = taken(world), world.phones
    world.until(600)
    phones["office"].expects("尚无进展")
    phones["officer"].expects("尚无进展")
    world.until(900)
    phones["officer"].expects("已转其他警官")
    phones["backup"].expects(report.code)
    phones["backup"].replies(report.code).expects("由您接单")
    phones["officer"].expects("已有人接单")
    world.until(1499)
    phones.assert_all_read()
    world.until(1500)
    for name in ("backup", "office"):
        phones[name].expects("上官警官", "尚无进展")


def test_a_clock_that_was_away_releases_at_once(world: World) -> None:
    report, phones = taken(world), world.phones
    world.clock.advance(1000)
    phones["officer"].expects("已转其他警官").expects_nothing()
    phones["backup"].expects(report.code)


def test_an_owner_whom_nobody_can_replace_is_not_rung_in_their_own_stead(world: World) -> None:
    """Taken at the desk's step, the next round begins with an officer who has had no chance yet."""
    report, phones = only_police_ring(world), world.phones
    world.until(240)
    for name in ("officer", "backup", "desk"):  # the clock slept through the second step: one text each
        phones[name].expects(report.code)
    phones["desk"].replies(report.code).expects("由您接单")
    for name in ("officer", "backup"):
        phones[name].expects("已有人接单")
    world.until(840)
    for name in ("desk", "office"):
        phones[name].expects("尚无进展")
    world.until(1140)
    phones["desk"].expects("已转其他警官")
    phones["officer"].expects("提醒", report.code)
    assert report.state("police") == "alerted"


@pytest.mark.parametrize(
    ("progress", "police", "case"),
    [("contacted", "contacted", "acknowledged"), ("filed", "filed", "filed"), ("accepted_110", "filed", "filed")],
)
def test_progress_stops_the_owner_s_clocks(world: World, progress: str, police: str, case: str) -> None:
    report = taken(world)
    officer = world.user("ouyang", "officer", world.phones["officer"].number)
    world.until(590)
    assert world.press(officer, f"/duty/{report.code}/outcome", progress=progress).status_code == 303
    world.until(1799)  # from then on filing is watched
    world.phones.assert_all_read()
    assert (report.state("police"), report.status()["state"]) == (police, case)
    assert report.events("progress.recorded.v1") == [{"progress": progress, "known": 1, "drill": False}]


@SQLITE
@pytest.mark.parametrize(
    ("outcomes", "case"),
    [
        (("stopped",), "stopped"),
        (("stopped_empty",), "stopped_empty"),
        (("refused_name",), "refused"),
        (("refused_other",), "refused"),
        (("already_stopped",), "stopped"),
        (("too_late",), "too_late"),
        (("not_fraud",), "not_fraud"),
        (("false_report",), "false_report"),
        (("too_late", "stopped"), "stopped"),
        (("refused_name", "too_late"), "refused"),
        (("stopped", "frozen"), "stopped"),
    ],
)
def test_outcomes_of_all_transfers_make_the_state_of_the_case(
    world: World, outcomes: tuple[str, ...], case: str
) -> None:
    report = taken(world, transfers=[TRANSFER] * len(outcomes))
    officer = world.user("ouyang", "officer", world.phones["officer"].number)
    for position, outcome in enumerate(outcomes, 1):
        assert report.state("police") == "acknowledged"
        form = {"transfer": str(position), "outcome": outcome, "amount": "100"}
        assert world.press(officer, f"/duty/{report.code}/outcome", **form).status_code == 303
    assert report.status()["state"] == case
    assert report.state("police") == "done"
    recorded = report.events("outcome.recorded.v1")
    assert [(data["transfer"], data["outcome"]) for data in recorded] == list(enumerate(outcomes, 1))
    assert recorded[0]["amount_fen"] == 10_000
    world.until(3600)
    world.phones.assert_all_read()


def test_what_110_has_taken_decides_nothing_yet(world: World) -> None:
    report = taken(world)
    officer = world.user("ouyang", "officer", world.phones["officer"].number)
    world.press(officer, f"/duty/{report.code}/outcome", transfer="1", outcome="accepted_110")
    assert (report.state("police"), report.status()["state"]) == ("acknowledged", "acknowledged")
    world.press(officer, f"/duty/{report.code}/outcome", transfer="1", outcome="stopped")
    assert report.status()["state"] == "stopped"


@pytest.mark.parametrize("progress", ["contacted", "filed", "accepted_110"])
def test_progress_that_is_pressed_after_the_outcome_takes_nothing_away(world: World, progress: str) -> None:
    """From a page that was open before, or by the buttons that stay on it."""
    report = taken(world)
    officer = world.user("ouyang", "officer", world.phones["officer"].number)
    outcome = f"/duty/{report.code}/outcome"
    world.press(officer, outcome, transfer="1", outcome="stopped", amount="100")
    world.press(officer, outcome, progress=progress)
    assert (report.state("police"), report.status()["state"]) == ("done", "stopped")


def test_only_the_owner_or_the_office_records(world: World) -> None:
    report, phones = only_police_ring(world), world.phones
    world.until(120)
    phones["officer"].expects("第2次提醒")
    phones["backup"].expects(report.code)
    officer = world.user("ouyang", "officer", phones["officer"].number)
    world.press(officer, f"/duty/{report.code}/outcome", progress="filed")  # nobody has it yet
    assert report.state("police") == "alerted"
    phones["backup"].replies(report.code).expects("由您接单")
    phones["officer"].expects("已有人接单")
    world.press(officer, f"/duty/{report.code}/outcome", progress="filed")
    assert report.state("police") == "acknowledged"
    stranger = world.user("sima", "officer", phones["O03"].number)
    assert world.press(stranger, f"/duty/{report.code}/outcome", progress="filed").status_code == 404
    office = world.user("office", "security", phones["office"].number)
    world.press(office, f"/duty/{report.code}/outcome", progress="filed")
    assert report.state("police") == "filed"


def test_progress_of_a_dissuasion_is_kept_too(world: World) -> None:
    phones = world.phones
    report = world.report(kind="in_progress", transfers=None)
    urged = phones["desk"].expects(report.code)
    phones["counselor"].expects(report.code, "劝")
    phones["counselor"].expects(report.code)
    phones["student"].expects(report.code)
    world.call_the_student(report)
    urged.replies().expects("由您联系")
    phones["counselor"].expects("已有人接单")
    office = world.user("office", "security", phones["desk"].number)
    world.press(office, f"/duty/{report.code}/outcome", progress="contacted")
    assert report.status()["obligations"]["dissuade"]["state"] == "contacted"
