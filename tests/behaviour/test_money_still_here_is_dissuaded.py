"""`kind: in_progress`: nothing was sent yet, so counselor and duty desk call at once; no police are rung."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from ledger import tables as t
from ledger.deadlines import look_at_one
from ledger.store.unit_of_work import UnitOfWork
from tests.behaviour.stories import read_all, school_without, world_with
from tests.world import Report, World


def test_counselor_and_duty_desk_are_rung_to_dissuade_and_one_of_them_has_it(world: World) -> None:
    report = world.report(kind="in_progress", transfers=None)
    phones = world.phones
    urged = phones["counselor"].expects(report.code, "劝")
    phones["desk"].expects(report.code)
    phones["counselor"].expects(report.code, "30分钟内致电")
    assert "止付" not in phones["student"].expects(report.code, "挂断").body  # nothing was paid
    assert "police" not in report.status()["obligations"]
    assert report.state("dissuade") == "alerted"
    urged.replies()
    assert report.state("dissuade") == "acknowledged"
    # One reply answers both texts, and is answered once.
    assert report.state("counselor") == "acknowledged"
    phones["counselor"].expects("由您联系").expects_nothing()
    phones["desk"].expects("已有人接单", "慕容老师")


def taken_by_the_desk(world: World) -> Report:
    """The desk is to dissuade; the counselor had reached the student before, and is asked for nothing."""
    report = world.report(kind="in_progress", transfers=None)
    phones = world.phones
    urged = phones["desk"].expects(report.code, "劝")
    for name in ("counselor", "counselor", "student"):
        phones[name].expects(report.code)
    world.call_the_student(report)
    urged.replies().expects("由您联系")
    phones["counselor"].expects("已有人接单")
    return report


def owed_since(report: Report) -> object:
    o, c = t.obligations.c, t.cases.c
    query = select(o.owed_since).join(t.cases, c.id == o.case_id).where(c.code == report.code)
    with report.world.parts.ledger.read() as conn:
        return conn.execute(query.where(o.kind.in_(("dissuade", "dissuaded")))).scalar_one()


def test_who_took_it_and_shows_no_progress_is_reminded_then_others_are_rung(world: World) -> None:
    report, phones = taken_by_the_desk(world), world.phones
    world.until(599)
    phones.assert_all_read()
    world.until(600)
    for name in ("desk", "office"):
        text = phones[name].expects(
            report.code, "端木值班员", "接手已10分钟", "尚无进展", "致电学生劝阻", "5分钟后转他人"
        )
        assert "止付" not in text.body and "报案人" not in text.body
    world.until(899)
    phones.assert_all_read()
    world.until(900)
    assert "警官" not in phones["desk"].expects(report.code, "劝阻已15分钟无进展", "已转他人").body
    for name in ("stand_in", "college_duty", "office"):
        phones[name].expects(report.code, "劝")
    phones["desk"].expects_nothing()
    assert report.state("dissuade") == "alerted"
    assert [data["reason"] for data in report.events("alert.escalated.v1")] == ["moved_on"]


def test_it_is_on_the_board_while_it_is_owed(world: World, office: FlaskClient) -> None:
    report = taken_by_the_desk(world)
    page = office.get("/desk/board?lang=zh").text.split('<div id="late"')[1]
    assert "钱还没转，接手后还没有进展" in page and f'<b class="code">{report.code}</b> 端木值班员' in page
    assert "Not sent yet: taken, no progress" in office.get("/desk/board?lang=en").text
    world.press(office, f"/duty/{report.code}/outcome", progress="contacted")
    assert "接手后还没有进展" not in office.get("/desk/board?lang=zh").text


@pytest.mark.parametrize("path, form", [
    ("outcome", {"progress": "contacted"}), ("voice", {"voice": "called"}), ("close", {}),
])  # fmt: skip
def test_every_button_for_it_ends_the_reminders(
    world: World, office: FlaskClient, path: str, form: dict[str, str]
) -> None:
    report = taken_by_the_desk(world)
    assert owed_since(report)
    page = office.get(f"/duty/{report.code}?lang=zh").text
    assert page.count('name="progress"') == 1 and 'value="contacted">已联系报案人' in page
    world.press(office, f"/duty/{report.code}/{path}", **form)
    world.until(3600)
    world.phones.assert_all_read()


def test_a_counselor_who_has_it_ends_them_by_the_record_of_the_call(world: World) -> None:
    """They have no duty page: what they write down is on the page of the follow-up."""
    phones = world.phones
    report = world.report(kind="in_progress", transfers=None)
    phones["counselor"].expects(report.code, "劝").replies()
    read_all(world)
    counselor = world.user("c", "counselor", phones["counselor"].number)
    form = {"contact": "call_30m", "mode": "call", "reached": "no"}
    world.press(counselor, f"/desk/followups/{report.code}/contact", **form)
    assert (report.state("dissuade"), bool(owed_since(report))) == ("acknowledged", True)
    world.press(counselor, f"/desk/followups/{report.code}/contact", **form | {"reached": "yes"})
    assert (report.state("dissuade"), owed_since(report)) == ("contacted", None)
    assert report.events("progress.recorded.v1") == [{"progress": "contacted", "known": 0, "drill": False}]
    world.until(3600)
    phones.assert_all_read()


def test_a_counselor_who_reached_them_ends_it_also_where_nobody_had_answered(world: World) -> None:
    phones = world.phones
    report = world.report(kind="in_progress", transfers=None)
    read_all(world)
    counselor = world.user("c", "counselor", phones["counselor"].number)
    world.press(counselor, f"/desk/followups/{report.code}/contact", contact="call_30m", reached="yes")
    assert (report.state("dissuade"), owed_since(report)) == ("contacted", None)
    phones["desk"].expects("已有人接单", "慕容老师")
    world.until(3600)
    phones.assert_all_read()


def test_money_that_has_gone_after_all_is_the_police_s_and_nobody_dissuades(world: World) -> None:
    report, phones = taken_by_the_desk(world), world.phones
    world.until(300)
    assert world.client.post(f"/r/{report.token}/sent", data={"amount": "3800", "channel": "wechat"}).status_code == 303
    phones["officer"].expects("紧急止付", report.code).replies(report.code).expects("由您接单")
    assert owed_since(report) is None
    world.until(899)  # ten minutes after the officer took it they are reminded
    phones.assert_all_read()


def sent_after_all(world: World, report: Report) -> None:
    sent = world.client.post(f"/r/{report.token}/sent", data={"amount": "3800", "channel": "wechat"})
    assert sent.status_code == 303


def test_that_nobody_was_reached_to_dissuade_is_over_when_the_money_has_gone(database_url: str, tmp_path: Path) -> None:
    with world_with(database_url, tmp_path, school_without("desk", "college_duty", "office")) as world:
        for name in ("counselor", "stand_in"):
            world.double.faults.add("21211", to=world.phones[name].number, times=None)
        report = world.report(kind="in_progress", transfers=None)
        world.phones.catch_up()
        about = "SELECT reason FROM alarms WHERE cleared_at IS NULL AND reason LIKE 'dissuade%'"
        assert world.rows(about)
        sent_after_all(world, report)
        assert not world.rows(about)
        read_all(world)


def test_a_clock_that_comes_to_dissuade_when_the_money_has_just_gone_finds_nothing_to_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read what is due a moment before, and had the case a moment after."""
    report = taken_by_the_desk(world)
    world.clock.advance(600)
    ledger = world.parts.ledger
    begin = ledger.begin

    def gone_before(label: str, *urgency: int) -> AbstractContextManager[UnitOfWork]:
        if label == "look:dissuade":
            monkeypatch.undo()
            sent_after_all(world, report)
        return begin(label, *urgency)

    monkeypatch.setattr(ledger, "begin", gone_before)
    look_at_one(ledger)
    assert report.state("police") == "pending"
    assert world.alarms() == []
    world.phones["officer"].expects("紧急止付", report.code)


def test_one_that_was_closed_too_early_is_owed_again(world: World, office: FlaskClient) -> None:
    report, phones = taken_by_the_desk(world), world.phones
    world.press(office, f"/duty/{report.code}/close")
    world.until(3600)
    phones.assert_all_read()
    world.press(office, f"/duty/{report.code}/reopen")
    assert "钱还没转，接手后还没有进展" in office.get("/desk/board?lang=zh").text
    assert "又有止付" not in office.get("/duty?lang=zh").text + office.get(f"/duty/{report.code}?lang=zh").text
    world.until(4200)
    for name in ("desk", "office"):
        phones[name].expects(report.code, "接手已10分钟", "致电学生劝阻")
    world.press(office, f"/duty/{report.code}/outcome", progress="contacted")
