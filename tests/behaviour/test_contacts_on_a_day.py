"""A loan falls due, the police decide: on that day the student is contacted, as far away as it may be."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.behaviour.stories import only_counselor_rings, read_all
from tests.behaviour.test_the_counselor_s_record import (
    complete,
    contact,
    counselor,
    each_record_names_its_next_contact,
    owed,
    said,
    state,
)
from tests.world import Report, World

HOUR, DAY = 3600, 86400
__all__ = ["each_record_names_its_next_contact"]  # after every story here, too


def add(world: World, client: FlaskClient, report: Report, day: str, purpose: str = "loan", **form: str) -> int:
    typed = {"purpose": purpose, "day": day} | form
    return world.press(client, f"/desk/followups/{report.code}/dated", **typed).status_code


def page(client: FlaskClient, report: Report, query: str = "") -> str:
    return client.get(f"/desk/followups/{report.code}{query}").text


def dated(world: World) -> list[tuple[str, str]]:
    rows = world.rows("SELECT kind, due_at FROM contacts WHERE kind LIKE 'dated%' ORDER BY kind")
    return [(row.kind, str(row.due_at)[:16]) for row in rows]


def at_evening(world: World, day: date) -> None:
    """18:00 of a day in Shanghai."""
    world.advance((datetime(day.year, day.month, day.day, 10, tzinfo=UTC) - world.clock.now()).total_seconds())


def settled(world: World) -> tuple[Report, FlaskClient]:
    """The contacts of the first month are done, and the next one of the plan is far away."""
    report, mine = only_counselor_rings(world), counselor(world)
    complete(world, mine, report)
    return report, mine


def test_it_is_reminded_of_that_morning_then_goes_up_as_the_others_do(world: World) -> None:
    report, mine = settled(world)
    for _ in range(2):  # the button pressed twice
        assert add(world, mine, report, "2027-01-01") == 303
    assert dated(world) == [("dated_loan_1", "2027-01-01 10:00")]
    assert report.events("followup.contact_planned.v1") == [
        {"contact": "dated_loan_1", "due_at": "2027-01-01T10:00:00+00:00"}
    ]
    shown = said(page(mine, report))
    assert "贷款到期2027-01-01" in shown and "未到" in shown
    world.phones.assert_all_read()
    at_evening(world, date(2026, 12, 31))
    assert "今后七天1" in said(mine.get("/desk/followups").text)
    world.advance(15 * HOUR)  # 9:00 of New Year's Day
    world.phones["counselor"].expects(report.code, "约定联系到时间了").expects_nothing()
    assert "今天1" in said(mine.get("/desk/followups").text)
    world.advance(9 * HOUR + 60)
    assert "已超时1" in said(mine.get("/desk/followups").text)
    world.phones.assert_all_read()  # nobody is rung at night
    world.advance(15 * HOUR)
    for name in ("stand_in", "college_duty"):
        world.phones[name].expects(report.code, "约定联系已逾期")
    world.advance(9 * HOUR)
    world.phones["office"].expects(report.code, "约定联系已逾期")


def test_a_talk_in_time_settles_it_and_one_long_before_does_not(world: World) -> None:
    report, mine = settled(world)
    add(world, mine, report, "2026-12-25", "police")
    contact(world, mine, report, "dated_police_1", danger="no")
    assert owed(world) == ["dated_police_1"] and "另加联系" in page(mine, report)
    assert "还没到时候" in page(mine, report)
    at_evening(world, date(2026, 12, 22))
    contact(world, mine, report, "dated_police_1", danger="no", note="还没立案")
    assert owed(world) == []
    world.advance(5 * DAY)
    world.phones.assert_all_read()


def test_it_is_moved_and_asked_for_anew_and_taken_back_each_with_a_name(world: World) -> None:
    report, mine = settled(world)
    add(world, mine, report, "2026-12-25")
    at_evening(world, date(2026, 12, 25))
    world.phones["counselor"].expects("约定联系到时间了")
    move = {"contact": "dated_loan_1"}
    for _ in range(2):
        assert add(world, mine, report, "2027-01-05", **move) == 303
    assert dated(world) == [("dated_loan_1", "2027-01-05 10:00")]
    assert [it["due_at"][:10] for it in report.events("followup.contact_moved.v1")] == ["2027-01-05"]
    at_evening(world, date(2027, 1, 5))
    world.phones["counselor"].expects("约定联系到时间了")
    for _ in range(2):
        assert add(world, mine, report, "", back="1", **move) == 303
    assert report.events("followup.contact_taken_back.v1") == [{"contact": "dated_loan_1"}] and owed(world) == []
    actors = world.rows("SELECT actor FROM case_events WHERE type LIKE 'followup.contact\\_%' ESCAPE '\\' ORDER BY seq")
    assert all(row.actor.startswith("user:") for row in actors[-3:])
    world.advance(3 * DAY)
    world.phones.assert_all_read()
    shown = said(page(mine, report))
    assert "贷款到期2027-01-05已取消" in shown and "改期、取消" not in shown
    assert add(world, mine, report, "2027-02-01", **move) == 303  # an old page: nothing is done, and it says so
    assert "没有记录" in page(mine, report) and owed(world) == []
    contact(world, mine, report, "dated_loan_1", note="来过电话")  # nor is a talk lost that it was open for
    assert len(world.rows("SELECT 1 FROM contacts WHERE kind LIKE 'extra%' AND note_sealed IS NOT NULL")) == 1
    shown = page(mine, report)
    assert "来过电话" in shown and "已取消" in shown
    add(world, mine, report, "2027-01-15")  # the same once more is another one
    assert owed(world) == ["dated_loan_2"]


def test_two_of_one_evening_are_one_row_of_the_list_and_an_agreed_call_is_no_reason_to_forget_either(
    world: World,
) -> None:
    report, mine = settled(world)
    add(world, mine, report, "2026-11-25")
    add(world, mine, report, "2026-11-25", "fees")
    contact(world, mine, report, "extra", next="1", page="0123abcd")
    assert len(owed(world)) == 3 and set(owed(world)) > {"dated_loan_1", "dated_fees_2"}
    assert mine.get("/desk/followups").text.count(f'class="code">{report.code}') == 1
    add(world, mine, report, "2026-11-25", contact="dated_fees_2")  # where it is
    add(world, mine, report, "2026-11-26", "loan")
    assert add(world, mine, report, "2026-11-26", contact="dated_loan_1") == 303
    assert "这天已经有一个同样的联系" in page(mine, report)
    read_all(world)


def test_those_of_one_day_are_one_text_to_each(world: World) -> None:
    """A carrier rejects the third of the same words; and what is taken back leaves the others."""
    report, mine = settled(world)
    for purpose in ("loan", "fees", "card"):
        add(world, mine, report, "2026-12-25", purpose)
    add(world, mine, report, "2026-12-26", "police")
    at_evening(world, date(2026, 12, 25))
    world.phones["counselor"].expects("约定联系到时间了").expects_nothing()
    mine = world.user("again", "counselor", world.phones["counselor"].number)
    add(world, mine, report, "", back="1", contact="dated_loan_1")
    world.advance(15 * HOUR)
    for name in ("stand_in", "college_duty"):
        world.phones[name].expects("约定联系已逾期").expects_nothing()
    world.phones["counselor"].expects("约定联系到时间了").expects_nothing()  # the next day's


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"day": "2026-11-23"}, ("这天已经过去", "That day is over")),
        ({"day": "2028-11-25"}, ("最远两年", "Two years at most")),
        ({"day": "明年"}, ("请填日期", "Enter a date")),
        ({"day": ""}, ("请填日期", "Enter a date")),
        ({"day": "2027-01-31", "purpose": "\x00"}, ("请选为了什么", "Choose what it is for")),
    ],
)
def test_a_wrong_day_is_said_and_given_back(
    world: World, lang: str, typed: dict[str, str], problem: tuple[str, str]
) -> None:
    report, mine = settled(world)
    mine.set_cookie("lang", lang)
    answer = world.press(mine, f"/desk/followups/{report.code}/dated", **{"purpose": "fees", **typed})
    assert answer.status_code == 422 and problem[lang == "en"] in answer.text
    assert f'value="{typed["day"]}"' in answer.text
    assert ('value="fees" required checked' in answer.text) == ("purpose" not in typed)
    assert dated(world) == []
    add(world, mine, report, "2027-01-31")
    answer = world.press(mine, f"/desk/followups/{report.code}/dated", contact="dated_loan_1", **typed)
    if "purpose" not in typed:
        assert answer.status_code == 422 and f'value="{typed["day"]}"' in answer.text
        assert re.search(r'id="day-dated_loan_1"[^>]*aria-invalid', answer.text)


def test_today_is_a_day_until_its_evening_and_who_writes_it_down_is_not_told_at_once(world: World) -> None:
    report, mine = settled(world)
    assert add(world, mine, report, "2026-11-24") == 303
    world.pump()
    world.phones.assert_all_read()
    at_evening(world, date(2026, 11, 24))
    assert add(world, mine, report, "2026-11-24", "fees") == 422
    world.advance(15 * HOUR)
    for name in ("stand_in", "college_duty"):
        world.phones[name].expects("约定联系已逾期")


def test_an_open_one_keeps_the_record_open_and_taken_back_does_not(world: World) -> None:
    report, mine = settled(world)
    office = world.user("xuanyuan", "security", world.phones["office"].number)
    close = f"/desk/followups/{report.code}/close"
    add(world, mine, report, "2028-01-31")
    world.press(mine, close, debt="plan", told="1")
    assert "还缺：定日的联系（做完、谢绝或取消）。" in said(page(mine, report)) and state(world) == "stable"
    add(world, mine, report, "", contact="dated_loan_1", back="1")
    world.press(mine, close, debt="plan", told="1")
    assert state(world) == "review"
    add(world, mine, report, "2027-06-30", "card")  # before somebody signs: then it is not the whole record
    world.press(office, close, sign="1")
    assert state(world) == "review"
    add(world, mine, report, "", contact="dated_card_2", back="1")
    world.press(office, close, sign="1")
    assert state(world) == "closed"
    assert add(world, mine, report, "2027-06-30") == 303 and owed(world) == []
    assert "跟进已结案" in page(mine, report)


def test_the_office_sees_that_there_is_one_and_not_what_falls_due(world: World) -> None:
    report, mine = settled(world)
    office = world.user("xuanyuan", "security", world.phones["office"].number)
    add(world, mine, report, "2026-11-27")
    shown = page(office, report) + office.get("/desk/followups").text
    assert "定日联系" in shown and "贷款" not in shown
    assert (
        world.press(office, f"/desk/followups/{report.code}/dated", purpose="loan", day="2027-01-01").status_code == 403
    )
    read_all(world)


def test_there_is_an_end_to_how_many(world: World) -> None:
    report, mine = settled(world)
    first = date(2027, 1, 1)
    for n in range(51):
        add(world, mine, report, str(first + timedelta(days=n)), "other")
    assert len(dated(world)) == 50 and "定日联系太多了" in page(mine, report)
    assert max(len(kind) for kind, _ in dated(world)) <= 16


def test_of_a_drill_nobody_is_reminded(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    with world.parts.ledger.begin("drill") as uow:
        uow.conn.exec_driver_sql("UPDATE cases SET drill = true")
    add(world, mine, report, "2026-11-27")
    (row,) = world.rows("SELECT remind_at FROM contacts WHERE kind LIKE 'dated%'")
    assert row.remind_at is None
    read_all(world)
