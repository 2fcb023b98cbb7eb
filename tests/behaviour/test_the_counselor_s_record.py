"""The follow-up as its people keep it: one screen a contact, the centre in time, two people to close."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, update

from ledger import codes
from ledger import tables as t
from ledger.pages import care_views
from ledger.police import acknowledgement
from ledger.ready.auditing import audit
from ledger.school import people
from ledger.store import naming
from services.worker import run_open
from tests.behaviour.stories import POSTGRESQL, days_later, only_counselor_rings, read_all
from tests.world import Report, World, another_fraud

HOUR, DAY = 3600, 86400
CENTRE = "P01"


@pytest.fixture(autouse=True)
def each_record_names_its_next_contact(world: World) -> Iterator[None]:
    """After every story: lists are made from what the record says."""
    yield
    owed = "SELECT min(due_at) FROM contacts WHERE follow_up_id = follow_ups.id AND done_at IS NULL"
    found = world.rows(f"SELECT next_due_at, ({owed}) AS owed FROM follow_ups")
    assert found and all(row.next_due_at == row.owed for row in found)


def counselor(world: World) -> FlaskClient:
    return world.user("murong", "counselor", world.phones["counselor"].number)


def centre(world: World) -> FlaskClient:
    return world.user("zhongli", "psychologist", world.phones[CENTRE].number)


def contact(world: World, client: FlaskClient, report: Report, kind: str = "call_30m", **form: str) -> int:
    form = {"contact": kind, "reached": "yes"} | form
    return world.press(client, f"/desk/followups/{report.code}/contact", **form).status_code


def state(world: World) -> str:
    return str(world.rows("SELECT state FROM follow_ups")[0].state)


def said(page: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", " ", page))


def test_the_list_has_what_is_late_then_today_then_the_week(world: World) -> None:
    client = counselor(world)
    report = only_counselor_rings(world)
    page = said(client.get("/desk/followups").text)
    assert "今天1" in page and "已超时" not in page and "测试学生01" in page
    world.clock.advance(31 * 60)
    assert "已超时1" in said(client.get("/desk/followups").text)
    assert contact(world, client, report) == 303
    assert "今后七天1" in said(client.get("/desk/followups").text)
    world.clock.advance(5 * DAY)
    for kind in ("face_24h", "h48", "h72", "d7"):
        contact(world, client, report, kind)
    page = said(client.get("/desk/followups").text)
    assert "另有1名学生未列出" in page and report.code not in page
    read_all(world)


def test_a_full_list_says_that_it_is_full(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is due first is on it; nobody is left out without a word."""
    monkeypatch.setattr(care_views, "SHOWN", 2)
    client, codes = counselor(world), []
    for _ in range(3):
        codes.append(world.report(**another_fraud()).code)
        world.pump()
        world.advance(60)
    page = said(client.get("/desk/followups").text)
    assert [code in page for code in codes] == [True, True, False]
    assert "另有1名学生未列出" in page
    read_all(world)


@POSTGRESQL
def test_who_comes_into_danger_while_the_list_is_made_is_on_it(world: World) -> None:
    """Each statement sees its own moment; here it happens after the first."""
    client, report = counselor(world), only_counselor_rings(world)

    def after_the_first(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if "follow_ups.next_due_at <=" in statement:
            with world.another() as other, other.ledger.begin("test") as uow:
                uow.conn.execute(update(t.follow_ups).values(immediate=True))

    event.listen(world.parts.ledger.engine, "after_cursor_execute", after_the_first)
    page = said(client.get("/desk/followups").text)
    event.remove(world.parts.ledger.engine, "after_cursor_execute", after_the_first)
    assert "立即处置1" in page
    assert page.count(report.code) == 1
    read_all(world)


def test_those_of_later_are_counted_as_far_as_the_list_says(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care_views, "COUNTED", 2)
    client = counselor(world)
    for count in ("1名", "2+名", "2+名"):
        report = world.report(**another_fraud())
        world.pump()
        days_later(report, 5)
        for kind in ("call_30m", "face_24h", "h48", "h72", "d7"):
            contact(world, client, report, kind)
        assert f"另有{count}学生未列出" in said(client.get("/desk/followups").text)
    read_all(world)


def test_reaching_the_student_stands_down_whoever_else_was_rung(world: World) -> None:
    report = only_counselor_rings(world)
    world.until(600)
    for name in ("stand_in", "college_duty"):
        world.phones[name].expects(report.code)
    assert contact(world, counselor(world), report) == 303
    world.pump()
    for name in ("stand_in", "college_duty"):
        world.phones[name].expects("无需再处理", report.code).expects_nothing()
    assert report.state("counselor") == "contacted"


def test_what_was_heard_is_kept_and_read_by_counselor_and_centre_alone(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    office = world.user("xuanyuan", "security", world.phones["office"].number)
    contact(world, mine, report, sign="sleep", need="food", danger="no", note="室友陪着")
    page = said(mine.get(f"/desk/followups/{report.code}").text)
    assert "睡不好" in page and "需要饭钱" in page and "室友陪着" in page
    shown = said(office.get(f"/desk/followups/{report.code}").text)
    assert "已联系" in shown and "睡不好" not in shown and "室友陪着" not in shown
    assert not world.rows("SELECT 1 FROM contacts WHERE entry_sealed LIKE '%sleep%'")


@pytest.mark.parametrize("danger", ["yes", "refused"])
def test_talk_of_dying_rings_centre_and_desk_until_one_of_them_answers(world: World, danger: str) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, danger=danger)
    world.pump()
    for phone in (world.phones[CENTRE], world.phones["desk"]):
        phone.expects("立即到场", report.code, "不要让其独处")
    page = said(mine.get(f"/desk/followups/{report.code}").text)
    assert "不要让学生独处" in page and "120" in page and state(world) == "referred"
    assert "有生命危险" in world.user("wall", "security").get("/desk/board").text
    contact(world, mine, report, danger=danger)  # the button pressed twice rings nobody twice
    world.pump()
    world.advance(300)
    world.phones["office"].expects("立即到场", report.code)
    world.phones[CENTRE].replies(report.code).expects("由您联系", report.code)
    for name in ("desk", "office"):
        world.phones[name].expects("无需再处理", report.code)


def test_an_answer_holds_for_a_quarter_of_an_hour_and_the_danger_until_somebody_is_there(world: World) -> None:
    report, mine, office = only_counselor_rings(world), counselor(world), world.user("xuanyuan", "security")
    contact(world, mine, report, danger="yes")

    def on_the_board() -> str:
        page = world.user(secrets.token_hex(4), "security").get("/desk/board").text
        return page.split('<div id="pressing"')[1].split('<div id="waiting"')[0]

    world.pump()
    for name in (CENTRE, "desk"):
        world.phones[name].expects("立即到场", report.code)
    sounded = set()
    for _ in range(2):
        sounded |= set(re.findall(r'data-ring="[^"]+"', on_the_board()))
        world.phones["desk"].replies(report.code).expects("由您联系", "15分钟内")
        world.phones[CENTRE].expects("无需再处理", report.code)
        assert "端木值班员已回应" in on_the_board() and "data-ring" not in on_the_board()
        contact(world, mine, report, "extra", danger="yes")  # somebody is on the way
        world.advance(13 * 60)
        world.phones["desk"].replies(report.code).expects("由您联系", "2分钟内")
        world.advance(119)
        world.phones.assert_all_read()
        world.advance(1)
        for name in (CENTRE, "desk"):
            world.phones[name].expects(f"立即到场{report.code}，第")
    assert len(sounded) == 2  # whoever switched the first one off hears the second
    assert world.press(office, f"/desk/followups/{report.code}/safe").status_code == 303
    assert report.code not in on_the_board()
    world.advance(30 * 60)
    world.phones.assert_all_read()


def test_an_answer_that_is_found_late_ends_no_ringing_that_began_since(world: World) -> None:
    report = only_counselor_rings(world)
    contact(world, counselor(world), report, danger="yes")
    world.pump()
    world.phones["desk"].expects("立即到场")
    webhook, world.double.message_webhook = world.double.message_webhook, None
    world.double.reply(world.phones[CENTRE].number, report.code)
    world.double.message_webhook = webhook
    world.phones["desk"].replies(report.code)
    read_all(world)
    world.advance(15 * 60)
    world.advance(31)
    read_all(world)
    assert [row.state for row in world.rows("SELECT state FROM obligations WHERE kind = 'immediate'")] == ["alerted"]


def test_an_answer_that_is_found_late_takes_no_danger_that_was_raised_after_it(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    world.client.post(f"/r/{report.token}/unsafe")
    read_all(world)
    webhook, world.double.message_webhook = world.double.message_webhook, None
    world.double.reply(world.phones["desk"].number, report.code)
    world.double.message_webhook = webhook
    world.clock.advance(10)
    contact(world, mine, report, danger="yes")
    world.advance(31)
    read_all(world)
    assert [row.state for row in world.rows("SELECT state FROM obligations WHERE kind = 'immediate'")] == ["alerted"]
    world.phones["desk"].replies(report.code)
    read_all(world)
    assert [row.state for row in world.rows("SELECT state FROM obligations WHERE kind = 'immediate'")] == [
        "acknowledged"
    ]


def test_that_an_answer_runs_out_is_a_step_that_a_clock_may_not_be_late_with(world: World) -> None:
    report = only_counselor_rings(world)
    contact(world, counselor(world), report, danger="yes")
    world.pump()
    world.phones["desk"].expects("立即到场").replies(report.code)
    read_all(world)
    steps = []
    for seconds in (15 * 60 - 1, 62):
        world.clock.advance(seconds)
        with world.parts.ledger.read() as conn:
            steps.append(audit(conn, world.clock.now()).counts.get("steps", 0))
    assert steps == [0, 1]
    read_all(world)


def test_who_takes_the_student_and_goes_there_hears_of_both(world: World) -> None:
    """One reply may take several obligations at one moment."""
    report = only_counselor_rings(world)
    with world.parts.ledger.begin("answers") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
        (desk,) = people.by_phone(uow.conn, uow.keys, world.phones["desk"].number)
        for kind in ("counselor", "immediate"):
            acknowledgement.answer_owner(uow, case, kind, desk, uow.now, "one moment")
    world.pump()
    told = {world.phones["desk"].expects("由您联系").body for _ in range(2)}
    assert sum("15分钟内" in it for it in told) == 1 and len(told) == 2


def test_one_who_is_in_danger_since_an_earlier_release_can_be_rung_for_again(world: World) -> None:
    """An answer had no end then, and raised again, nobody was rung."""
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, danger="yes")
    world.pump()
    world.phones[CENTRE].expects("立即到场").replies(report.code)
    read_all(world)
    with world.parts.ledger.begin("as before") as uow:
        uow.conn.execute(update(t.obligations).where(t.obligations.c.kind == "immediate").values(next_at=None))
    world.advance(60 * 60)
    read_all(world)
    contact(world, mine, report, "extra", danger="yes")
    world.pump()
    for name in (CENTRE, "desk"):
        world.phones[name].expects("立即到场", report.code)


def test_the_flag_goes_when_somebody_is_there_and_comes_again(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, danger="yes")
    assert world.press(mine, f"/desk/followups/{report.code}/safe").status_code == 303
    world.pump()
    assert "不要让学生独处" not in said(mine.get(f"/desk/followups/{report.code}").text)
    world.advance(30 * 60)
    world.phones.assert_all_read()  # cancelled before anybody was called
    contact(world, mine, report, "face_24h", danger="yes")
    world.pump()
    for phone in (world.phones[CENTRE], world.phones["desk"]):
        phone.expects("立即到场", report.code)


@pytest.mark.parametrize("form", [{"loans": "1"}, {"need": "centre"}])
def test_loans_or_a_wish_refer_the_same_day_once(world: World, form: dict[str, str]) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, **form)
    contact(world, mine, report, "face_24h", **form)
    world.pump()
    world.phones[CENTRE].expects("今天需要心理中心", report.code).expects_nothing()
    assert report.events("followup.referred.v1") == [{"reason": "loans" if "loans" in form else "asked"}]


def test_a_student_out_of_reach_for_a_day_is_referred(world: World) -> None:
    report = only_counselor_rings(world)
    world.phones["counselor"].replies("收到").expects("由您联系")
    world.until(DAY)
    world.phones[CENTRE].expects("今天需要心理中心", report.code)
    assert [event["reason"] for event in report.events("followup.referred.v1")] == ["unreachable"]
    for name in ("counselor", "stand_in", "college_duty", "office"):
        world.phones[name].expects("尚无联系记录", report.code)
    world.phones["counselor"].expects("24小时面谈到时间了")


def test_the_centre_answers_and_its_notes_are_its_own(world: World) -> None:
    report, mine, theirs = only_counselor_rings(world), counselor(world), centre(world)
    assert theirs.get(f"/desk/care/{report.code}").status_code == 404  # nobody referred anybody
    world.press(mine, f"/desk/followups/{report.code}/refer")
    world.press(mine, f"/desk/followups/{report.code}/background", family="父母务工")
    world.pump()
    world.phones[CENTRE].expects(report.code)
    assert report.code in theirs.get("/desk/care").text
    form = {"note": "金丝雀访谈", "seen": "1"}
    assert world.press(theirs, f"/desk/care/{report.code}/note", **form).status_code == 303
    page = said(theirs.get(f"/desk/care/{report.code}").text)
    assert "金丝雀访谈" in page and "父母务工" in page
    page = said(mine.get(f"/desk/followups/{report.code}").text)
    assert "心理中心：已见面" in page and "金丝雀访谈" not in page and "筛查" not in page
    assert world.press(theirs, f"/desk/followups/{report.code}/background", family="x").status_code == 403


def test_the_centre_has_somebody_go_there_as_well(world: World) -> None:
    report, mine, theirs = only_counselor_rings(world), counselor(world), centre(world)
    world.press(mine, f"/desk/followups/{report.code}/refer")
    world.pump()
    world.phones[CENTRE].expects(report.code)
    for _ in range(2):  # pressed twice
        world.press(theirs, f"/desk/care/{report.code}/note", seen="1", danger="1")
        world.pump()
    for phone in (world.phones[CENTRE], world.phones["desk"]):
        phone.expects("立即到场", report.code, "不要让其独处")
    assert "不要让学生独处" in said(mine.get(f"/desk/followups/{report.code}").text)
    assert "有生命危险" in world.user("wall", "security").get("/desk/board").text
    world.press(theirs, f"/desk/care/{report.code}/note", safe="1")
    for name in (CENTRE, "desk"):
        world.phones[name].expects_nothing()
    assert "有生命危险" not in world.user("wall2", "security").get("/desk/board").text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_office_has_somebody_go_there_as_well(world: World, lang: str) -> None:
    """From the page of the case: the desk may be who hears it first."""
    report, office = only_counselor_rings(world), world.user("xuanyuan", "security")
    path = f"/desk/followups/{report.code}/danger"
    for page in (f"/duty/{report.code}", f"/desk/followups/{report.code}"):
        assert f'action="{path}"' in office.get(f"{page}?lang={lang}").text
    assert {"zh": "不愿回答", "en": "would not say"}[lang] in office.get(f"/duty/{report.code}").text
    world.press(office, path)  # nothing ticked
    assert {"zh": "没有记录", "en": "Not recorded"}[lang] in office.get(f"/desk/followups/{report.code}").text
    assert report.events("followup.immediate.v1") == []
    for _ in range(2):  # pressed twice
        assert world.press(office, path, danger="yes").location.endswith(f"/desk/followups/{report.code}")
    world.pump()
    for phone in (world.phones[CENTRE], world.phones["desk"]):
        phone.expects("立即到场", report.code, "不要让其独处").expects_nothing()
    assert {"zh": "不要让学生独处", "en": "do not leave"}[lang] in office.get(f"/desk/followups/{report.code}").text
    assert len(report.events("followup.immediate.v1")) == 1
    (raised,) = world.rows("SELECT actor FROM case_events WHERE type = 'followup.immediate.v1'")
    (user,) = world.rows("SELECT id FROM users WHERE username = 'xuanyuan'")
    assert raised.actor == f"user:{UUID(str(user.id))}"
    assert world.press(counselor(world), f"/desk/followups/{report.code}/safe").status_code == 303
    read_all(world)


@pytest.mark.parametrize("role", ["officer", "counselor", "psychologist", "keeper", "leader"])
def test_from_there_nobody_else_has(world: World, role: str) -> None:
    report = only_counselor_rings(world)
    phone = world.phones[role].number if role in ("officer", "counselor") else None
    client = world.user("somebody", role, phone, "WY" if role in ("keeper", "leader") else None)
    assert world.press(client, f"/desk/followups/{report.code}/danger", danger="yes").status_code == 403
    assert "/danger" not in client.get(f"/duty/{report.code}").text
    assert "/danger" not in client.get(f"/desk/followups/{report.code}").text
    assert report.events("followup.immediate.v1") == []


def test_danger_opens_a_closed_record_again(world: World) -> None:
    """Whoever is rung has to find it on their list."""
    report, _mine, office, close = waits_for_a_signature(world)
    world.press(office, close, sign="1")
    assert state(world) == "closed"
    world.press(office, f"/desk/followups/{report.code}/danger", danger="yes")
    world.pump()
    for phone in (world.phones[CENTRE], world.phones["desk"]):
        phone.expects("立即到场", report.code)
    assert state(world) == "referred" and owed(world)
    read_all(world)


@pytest.mark.parametrize("who", ["counselor", "centre"])
def test_a_page_from_before_ends_no_danger_that_was_raised_since(world: World, who: str) -> None:
    """What the centre writes beside it is kept."""
    report, mine, theirs = only_counselor_rings(world), counselor(world), centre(world)
    contact(world, mine, report, danger="yes")
    client, place, deed = (mine, "followups", "safe") if who == "counselor" else (theirs, "care", "note")
    path, form = f"/desk/{place}/{report.code}", {"safe": "1", "note": "金丝雀"} if deed == "note" else {}

    def raised() -> str:
        (found,) = re.findall(r'name="raised" value="([^"]+)"', client.get(path).text)
        return str(found)

    before = raised()
    world.press(mine, f"/desk/followups/{report.code}/safe", raised=before)
    read_all(world)
    world.clock.advance(60)
    world.press(world.user("xuanyuan", "security"), f"/desk/followups/{report.code}/danger", danger="yes")
    world.pump()
    for phone in (world.phones[CENTRE], world.phones["desk"]):
        phone.expects("立即到场", report.code)
    world.press(client, f"{path}/{deed}", raised=before, **form)
    shown = client.get(path).text
    assert "不要让学生独处" in shown and ("没有记录" if who == "counselor" else "金丝雀") in shown
    world.press(client, f"{path}/{deed}", raised=raised(), **form)
    assert "不要让学生独处" not in client.get(path).text
    assert len(report.events("followup.immediate_ended.v1")) == 2
    read_all(world)


@pytest.mark.parametrize("who", ["counselor", "centre"])
def test_danger_that_was_heard_while_somebody_signed_is_not_lost(world: World, who: str) -> None:
    """The page was open before; what was written into it is kept as well."""
    report, mine, office, close = waits_for_a_signature(world)
    theirs = centre(world)
    note = f"/desk/care/{report.code}/note"
    world.press(mine, f"/desk/followups/{report.code}/refer")
    world.press(theirs, note, seen="1")
    world.press(mine, close, debt="none", told="1")
    read_all(world)
    world.press(office, close, sign="1")
    assert state(world) == "closed"
    if who == "centre":
        assert 'name="danger"' in theirs.get(f"/desk/care/{report.code}").text
    for _ in range(2):  # pressed twice
        if who == "counselor":
            contact(world, mine, report, "extra", danger="yes", note="金丝雀", page="0123abcd")
        else:
            world.press(theirs, note, danger="yes", note="金丝雀")
        world.pump()
    for phone in (world.phones[CENTRE], world.phones["desk"]):
        phone.expects("立即到场", report.code)
    assert "金丝雀" in theirs.get(f"/desk/care/{report.code}").text and state(world) == "referred" and owed(world)
    assert len(report.events("followup.reopened.v1")) == len(report.events("followup.immediate.v1")) == 1
    read_all(world)


def test_before_the_record_is_open_the_page_says_that_nothing_was_done(world: World) -> None:
    report, office = world.report(), world.user("xuanyuan", "security")
    assert world.press(office, f"/desk/followups/{report.code}/danger", danger="yes").status_code == 303
    assert "没有记录" in office.get(f"/desk/followups/{report.code}").text
    world.pump()
    read_all(world)


def test_a_student_handed_over_rings_the_next_counselor(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    to = world.person("C03")
    assert world.press(mine, f"/desk/followups/{report.code}/handover", person=to).status_code == 303
    world.pump()
    world.phones["stand_in"].expects("30分钟内致电", report.code).replies("收到").expects("由您联系", report.code)
    world.phones["counselor"].expects("无需再处理", report.code)
    world.until(20 * 60)  # the reminder of the first call goes to the new one
    world.phones["stand_in"].expects("第2次提醒", report.code)
    theirs = world.user("gongsun", "counselor", world.phones["stand_in"].number)
    assert contact(world, theirs, report) == 303


def test_once_the_student_was_reached_a_handover_is_one_text(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report)
    world.press(mine, f"/desk/followups/{report.code}/handover", person=world.person("C03"))
    world.advance(HOUR)
    world.phones["stand_in"].expects("已转交给您", report.code).expects_nothing()


@pytest.mark.parametrize("who, status", [("C02", 303), ("O01", 303), ("nobody", 400)])
def test_a_student_is_not_handed_to_just_anybody(world: World, who: str, status: int) -> None:
    """C02 is another college's counselor, O01 an officer."""
    report, mine = only_counselor_rings(world), counselor(world)
    to = world.person(who) if who != "nobody" else who
    assert world.press(mine, f"/desk/followups/{report.code}/handover", person=to).status_code == status
    assert report.events("followup.handed_over.v1") == []


def test_a_day_agreed_with_the_student_is_reminded_of(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    for _ in range(2):  # the button pressed twice
        contact(world, mine, report, next="1")
    assert len(world.rows("SELECT 1 FROM contacts WHERE kind LIKE 'agreed%'")) == 1
    world.until(DAY)
    world.phones["counselor"].expects("24小时面谈")
    world.until(DAY + 3 * HOUR + 20 * 60)  # 18:00 of the next day
    world.phones["counselor"].expects("约定联系到时间了", report.code)


def owed(world: World) -> list[str]:
    return [row.kind for row in world.rows("SELECT kind FROM contacts WHERE done_at IS NULL ORDER BY due_at")]


def test_who_is_called_each_day_is_called_after_ninety_days_all_the_same(world: World) -> None:
    """Ten talks in the first week are ten contacts, and those of the months to come are owed as before."""
    report, mine = only_counselor_rings(world), counselor(world)
    for kind in ("call_30m", "face_24h"):
        contact(world, mine, report, kind, danger="no")
    plan = owed(world)
    for day in range(8):
        world.clock.advance(20 * HOUR)
        page = mine.get(f"/desk/followups/{report.code}").text
        once = re.search(r'name="page" value="(\w+)"', page)
        contact(world, mine, report, owed(world)[0], danger="no", note=f"第{day}天", page=once[1] if once else "")
    assert plan == ["h48", "h72", "d7", "d14", "d30", "d90"] and owed(world) == ["d14", "d30", "d90"]
    page = said(mine.get(f"/desk/followups/{report.code}").text)
    assert page.count("另加联系") == 5 and all(f"第{day}天" in page for day in range(8))
    assert "还没到时候" in page and state(world) == "stable"
    read_all(world)


def test_an_early_talk_is_kept_with_its_needs_and_once_however_often_it_is_sent(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    for kind in ("call_30m", "face_24h"):
        contact(world, mine, report, kind, danger="no")
    for _ in range(2):
        contact(world, mine, report, "h48", need="food", sign="tears", note="没饭钱", page="0123abcd")
    assert owed(world)[0] == "h48" and len(world.rows("SELECT 1 FROM contacts WHERE kind LIKE 'extra%'")) == 1
    page = said(mine.get(f"/desk/followups/{report.code}").text)
    assert "另加联系" in page and "没饭钱" in page and "需要饭钱" in page
    contact(world, mine, report, "h48", page="no key of ours")  # of an older page, or none: kept as well
    assert len(world.rows("SELECT 1 FROM contacts WHERE kind LIKE 'extra%'")) == 2


def test_talk_of_dying_rings_at_once_however_early_it_is_heard(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    for kind in ("call_30m", "face_24h"):
        contact(world, mine, report, kind, danger="no")
    contact(world, mine, report, "h48", danger="yes")
    world.pump()
    for name in (CENTRE, "desk"):
        world.phones[name].expects("立即到场", report.code)


def test_who_wants_no_more_contacts_declines_the_next_one_at_any_time(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    for kind in ("call_30m", "face_24h"):
        contact(world, mine, report, kind, danger="no")
    contact(world, mine, report, "h48", reached="declined")
    assert owed(world)[0] == "h72"


def complete(world: World, mine: FlaskClient, report: Report) -> None:
    """After three months."""
    days_later(report, 91)
    for kind in ("call_30m", "face_24h", "h48", "h72", "d7", "d14", "d30", "d90"):
        contact(world, mine, report, kind, danger="no")


def test_it_closes_when_nothing_is_missing_and_a_second_person_signs(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    office = world.user("xuanyuan", "security", world.phones["office"].number)
    close = f"/desk/followups/{report.code}/close"
    world.press(mine, close, debt="none", told="1")
    assert state(world) != "review"  # the contacts are still owed
    shown = said(mine.get(f"/desk/followups/{report.code}").text)
    assert "还缺：30天联系、90天联系、最近两次联系平稳。" in shown  # and the page says which
    complete(world, mine, report)
    assert state(world) == "stable"
    world.press(office, close, sign="1")
    assert state(world) == "stable"  # nobody has asked
    world.press(mine, close, debt="none", told="1")
    assert state(world) == "review"
    world.press(mine, close, sign="1")
    assert state(world) == "review"  # the same person
    world.press(office, close, sign="1")
    assert (state(world), report.state("care")) == ("closed", "closed")
    assert contact(world, mine, report, "d90") == 303
    assert report.state("care") == "closed"  # nothing is written into a closed record
    world.press(mine, f"/desk/followups/{report.code}/reopen")
    assert (state(world), report.state("care")) == ("in_progress", "in_progress")
    world.advance(timedelta(hours=24).total_seconds())
    world.phones["counselor"].expects("约定联系", report.code)


def test_what_is_heard_after_the_last_contact_has_a_place_and_can_close_it(world: World) -> None:
    """The last contact was not calm, and none is owed any more."""
    report, mine = only_counselor_rings(world), counselor(world)
    complete(world, mine, report)
    world.clock.advance(60)
    contact(world, mine, report, "d90", sign="tears", danger="no")
    assert owed(world) == [] and state(world) == "in_progress"
    for n, form in enumerate(({"reached": "no", "note": "没接"}, {"danger": "no"}, {"danger": "no", "note": "好多了"})):
        world.clock.advance(60)
        page = mine.get(f"/desk/followups/{report.code}").text
        asked = re.search(r'name="contact" value="(\w+)"', page)
        assert asked and "没有待办联系" in page
        for _ in range(2):  # the button pressed twice
            contact(world, mine, report, asked[1], page=f"0000000{n}", **form)
    page = said(mine.get(f"/desk/followups/{report.code}").text)
    assert page.count("另加联系") == 4 and "没接" in page and "好多了" in page and owed(world) == []
    world.press(mine, f"/desk/followups/{report.code}/close", debt="none", told="1")
    assert state(world) == "review"


def test_nobody_signs_under_another_account_what_they_asked_to_close(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    also_mine = world.user("murong-office", "security", world.phones["counselor"].number)
    complete(world, mine, report)
    close = f"/desk/followups/{report.code}/close"
    world.press(mine, close, debt="none", told="1")
    assert "签字结案" not in said(also_mine.get(f"/desk/followups/{report.code}").text)
    world.press(also_mine, close, sign="1")
    assert state(world) == "review"
    world.press(world.user("xuanyuan", "security", world.phones["office"].number), close, sign="1")
    assert state(world) == "closed"


def waits_for_a_signature(world: World) -> tuple[Report, FlaskClient, FlaskClient, str]:
    """A report whose record the counselor asked to close; counselor and office, and where one signs."""
    report, mine, office = only_counselor_rings(world), counselor(world), world.user("xuanyuan", "security")
    complete(world, mine, report)
    close = f"/desk/followups/{report.code}/close"
    world.press(mine, close, debt="none", told="1")
    return report, mine, office, close


def test_what_waits_for_a_signature_is_told_from_what_nobody_has_asked_to_close(world: World) -> None:
    mine, reports = counselor(world), []
    for _ in range(3):
        reports.append(world.report(**another_fraud()))
        world.pump()
        complete(world, mine, reports[-1])
        world.clock.advance(60)
    first, second, third = reports
    for report in (third, first):
        world.press(mine, f"/desk/followups/{report.code}/close", debt="none", told="1")
    for client in (mine, world.user("xuanyuan", "security", world.phones["office"].number)):
        page = said(client.get("/desk/followups").text)
        signing, done = page.index("等待复核签字2"), page.index("没有待办联系1")
        assert signing < page.index(first.code) < page.index(third.code) < done < page.index(second.code)
        assert page.count("待申请结案") == 1
    assert "慕容老师" in page and "示例文学院" in page  # the office sees whose each is
    asked, unasked = (said(client.get(f"/desk/followups/{it.code}").text) for it in (first, second))
    assert "签字结案" in asked and "辅导员申请结案后" in unasked
    read_all(world)


def test_what_was_agreed_is_kept_before_it_closes_and_late_it_is_overdue(world: World) -> None:
    report, mine, office, close = waits_for_a_signature(world)
    world.clock.advance(60)
    contact(world, mine, report, "d90", danger="no", next="1")
    assert state(world) == "review"
    assert "等待复核签字1" in said(office.get("/desk/followups").text)
    world.press(office, close, sign="1")
    assert state(world) == "review"  # somebody was promised a call
    assert "还缺：约定的联系。" in said(office.get(f"/desk/followups/{report.code}").text)
    world.clock.advance(2 * DAY)
    page = said(office.get("/desk/followups").text)
    assert "已超时1" in page and "等待复核签字" not in page
    (agreed,) = world.rows("SELECT kind FROM contacts WHERE kind LIKE 'agreed%'")
    contact(world, mine, report, agreed.kind, danger="no")
    world.press(office, close, sign="1")
    assert state(world) == "closed"
    read_all(world)


def test_a_call_agreed_for_the_hour_of_the_last_one_is_written_down(world: World) -> None:
    """Every agreed call is due at six; today's is made before, and the next agreed for the same day."""
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, next="1")
    (agreed,) = world.rows("SELECT kind FROM contacts WHERE kind LIKE 'agreed%'")
    for _ in range(2):  # the button pressed twice
        contact(world, mine, report, agreed.kind, next="1")
    owed = world.rows("SELECT kind FROM contacts WHERE kind LIKE 'agreed%' AND done_at IS NULL")
    assert len(owed) == 1 and owed[0].kind != agreed.kind


def test_whoever_is_told_to_call_in_somebody_s_stead_finds_the_record(world: World) -> None:
    """The counselor is away: the stand-in is told that a contact is overdue, and makes it."""
    report = only_counselor_rings(world)
    theirs = world.user("gongsun", "counselor", world.phones["stand_in"].number)
    world.phones["counselor"].replies(report.code)
    assert theirs.get(f"/desk/followups/{report.code}").status_code == 404
    world.advance(41 * 60)
    world.phones["stand_in"].expects("尚无联系记录", report.code)
    assert report.code in theirs.get("/desk/followups").text
    assert contact(world, theirs, report) == 303
    assert world.rows("SELECT done_at FROM contacts WHERE kind = 'call_30m'")[0].done_at
    read_all(world)


def test_not_safe_opens_a_closed_record_again_and_keeps_one_open(world: World) -> None:
    report, mine, office, close = waits_for_a_signature(world)
    assert world.client.post(f"/r/{report.token}/unsafe").status_code == 303
    world.pump()
    world.press(office, close, sign="1")
    assert state(world) == "review"
    world.call_the_student(report)
    world.press(office, close, sign="1")
    assert state(world) == "closed"
    assert world.client.post(f"/r/{report.token}/unsafe").status_code == 303
    world.pump()
    page = said(mine.get("/desk/followups").text)
    assert "立即处置1" in page and report.code in page
    (owed,) = world.rows("SELECT kind FROM contacts WHERE done_at IS NULL")
    contact(world, mine, report, owed.kind)
    world.clock.advance(300)
    world.pump()
    assert world.rows("SELECT state FROM obligations WHERE kind = 'unsafe'")[0].state == "done"
    read_all(world)


def test_a_handover_is_told_also_after_a_night_without_the_provider(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report)  # nobody has to be rung for it any more
    world.press(mine, f"/desk/followups/{report.code}/handover", person=world.person("C03"))
    run_open(world.parts.ledger, world.handlers)
    world.clock.advance(10 * HOUR)
    world.pump()
    world.phones["stand_in"].expects("已转交给您", report.code)
    read_all(world)


def test_danger_to_life_stands_above_who_only_says_not_safe(world: World) -> None:
    mine = counselor(world)
    unsafe, danger = (world.report(**another_fraud()) for _ in range(2))
    world.pump()
    assert world.client.post(f"/r/{unsafe.token}/unsafe").status_code == 303
    world.pump()
    world.clock.advance(60)
    contact(world, mine, danger, danger="yes")
    page = said(mine.get("/desk/followups").text)
    assert "立即处置2" in page and page.index(danger.code) < page.index(unsafe.code)
    read_all(world)


@pytest.mark.parametrize("last", [{"sign": "tears"}, {"danger": ""}, {"danger": "refused"}])
def test_one_contact_that_is_not_calm_keeps_it_open(world: World, last: dict[str, str]) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    complete(world, mine, report)
    world.clock.advance(60)
    contact(world, mine, report, "d90", **{"danger": "no", **last})
    world.press(mine, f"/desk/followups/{report.code}/close", debt="plan", told="1")
    assert state(world) == ("referred" if last.get("danger") else "in_progress")
    world.pump()
    for name in (CENTRE, "desk") if last.get("danger") else ():
        world.phones[name].expects("立即到场", report.code)


def test_who_must_not_be_left_alone_comes_first_and_is_not_called_late(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, danger="yes")
    page = said(mine.get("/desk/followups").text)
    assert "立即处置1" in page and "已超时" not in page
    world.clock.advance(DAY + 60)
    assert "联系已超时" in said(mine.get("/desk/followups").text)
    read_all(world)


def test_that_nobody_answered_takes_nothing_away_from_what_was_heard(world: World) -> None:
    """The stand-in has reached the student; the counselor, whose page is older, has not."""
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, sign="sleep", need="food", danger="no", note="室友陪着")
    contact(world, mine, report, reached="no")
    page = said(mine.get(f"/desk/followups/{report.code}").text)
    assert "睡不好" in page and "需要饭钱" in page and "室友陪着" in page
    assert [event["reached"] for event in report.events("followup.contact_recorded.v1")] == [True, False]
    (kept,) = world.rows("SELECT reached, done_at FROM contacts WHERE kind = 'call_30m'")
    assert kept.reached and kept.done_at


def test_who_wants_no_more_contacts_was_reached_and_is_not_referred_as_out_of_reach(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, reached="declined", danger="no")
    assert state(world) == "in_progress"
    world.until(DAY)
    world.phones["counselor"].expects("24小时面谈")
    assert report.events("followup.referred.v1") == []


def referred(world: World) -> Report:
    report = only_counselor_rings(world)
    world.press(counselor(world), f"/desk/followups/{report.code}/refer")
    world.pump()
    world.phones[CENTRE].expects(report.code)
    return report


def test_what_one_of_the_centre_wrote_is_kept_though_another_has_answered_before(world: World) -> None:
    report, theirs, other = referred(world), centre(world), world.user("second", "psychologist")
    note = f"/desk/care/{report.code}/note"
    world.press(theirs, note, note="第一位", seen="1")
    world.press(other, note, note="金丝雀访谈", seen="1")
    page = said(other.get(f"/desk/care/{report.code}").text)
    assert "金丝雀访谈" in page and "第一位" in page and "没有记录" not in page
    assert len(report.events("followup.seen.v1")) == 1


def test_a_note_of_the_centre_s_that_is_pressed_twice_is_one(world: World) -> None:
    report, theirs, other = referred(world), centre(world), world.user("second", "psychologist")
    note, rows = f"/desk/care/{report.code}/note", "SELECT 1 FROM centre_notes"
    for _ in range(2):
        world.press(theirs, note, note="金丝雀访谈", seen="1")
    assert len(world.rows(rows)) == len(report.events("followup.centre_noted.v1")) == 1
    world.press(other, note, note="金丝雀访谈")
    assert len(world.rows(rows)) == 2
    world.clock.advance(HOUR)
    world.press(theirs, note, note="金丝雀访谈")  # the same answers another time are another screening
    assert len(world.rows(rows)) == 3
    read_all(world)


@pytest.mark.parametrize(
    ("deed", "form"), [("refer", {}), ("background", {"family": "父母务工"}), ("handover", {"person": "C03"})]
)
def test_an_old_page_of_a_record_that_was_closed_says_that_nothing_was_done(
    world: World, deed: str, form: dict[str, str]
) -> None:
    report, mine, office, close = waits_for_a_signature(world)
    world.press(office, close, sign="1")
    mine.get(f"/desk/followups/{report.code}")
    form = {name: world.person(typed) if name == "person" else typed for name, typed in form.items()}
    world.press(mine, f"/desk/followups/{report.code}/{deed}", **form)
    page = said(mine.get(f"/desk/followups/{report.code}").text)
    assert "跟进已结案，没有再记录" in page and "父母务工" not in page
    for event_type in ("followup.referred.v1", "followup.handed_over.v1", "followup.background_recorded.v1"):
        assert report.events(event_type) == []
    world.pump()


def test_a_signature_that_is_pressed_twice_is_one_and_the_page_says_that_it_is_closed(world: World) -> None:
    report, _mine, office, close = waits_for_a_signature(world)
    world.press(office, close, sign="1")
    office.get(f"/desk/followups/{report.code}")
    world.press(office, close, sign="1")
    assert "跟进已结案，没有再记录" in said(office.get(f"/desk/followups/{report.code}").text)
    assert len(report.events("followup.closed.v1")) == 1
    read_all(world)


def test_who_hands_on_a_student_that_was_handed_to_them_is_told_so_on_their_list(world: World) -> None:
    """Nobody rang them for the student, so with the hand-over the record is not theirs to read any more."""
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report)
    hand_over = f"/desk/followups/{report.code}/handover"
    world.press(mine, hand_over, person=world.person("C03"))
    theirs = world.user("gongsun", "counselor", world.phones["stand_in"].number)
    answer = world.press(theirs, hand_over, person=world.person("C01"))
    page = theirs.get(answer.location)
    assert (page.status_code, page.request.path) == (200, "/desk/followups") and report.code not in page.text
    assert "已转交" in page.text
    assert theirs.get(f"/desk/followups/{report.code}").status_code == 404
    read_all(world)


def test_a_handover_that_is_pressed_twice_is_one_and_nobody_hears_that_it_failed(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    for _ in range(2):
        world.press(mine, f"/desk/followups/{report.code}/handover", person=world.person("C03"))
    assert "没有记录" not in said(mine.get(f"/desk/followups/{report.code}").text)
    assert len(report.events("followup.handed_over.v1")) == 1
    read_all(world)


def test_an_older_page_of_the_background_takes_away_nothing_that_somebody_wrote_meanwhile(world: World) -> None:
    """Student and counselor, or counselor and stand-in, at one time; pressed twice it stands once."""
    report, mine = only_counselor_rings(world), counselor(world)
    background = f"/desk/followups/{report.code}/background"
    old = {"shown_family": "", "shown_money_source": ""}
    world.press(mine, background, **old, family="", money_source="学费")
    for _ in range(2):
        world.press(
            mine, background, **old, family="父母务工", money_source=""
        )  # not touched, and empty when it was opened
    assert stored(world, report) == ("父母务工", "学费")
    for _ in range(2):
        world.press(mine, background, **old, family="单亲", money_source="花呗")
    assert stored(world, report) == ("父母务工\n单亲", "学费\n花呗")
    seen = {"shown_family": "父母务工\r\n单亲", "shown_money_source": "学费\r\n花呗"}
    for _ in range(2):
        world.press(mine, background, **seen, family="单亲", money_source="")
    assert stored(world, report) == ("单亲", "")
    world.press(mine, background, **seen, family="单亲", money_source="学费一千")
    assert stored(world, report) == ("单亲", "学费一千")
    read_all(world)


def stored(world: World, report: Report) -> tuple[str, str]:
    """家庭情况 and 被骗资金来源 as the record has them."""
    with world.parts.ledger.begin("test") as uow:
        [row] = world.rows(f"SELECT id FROM cases WHERE code = '{report.code}'")
        case = uow.case(UUID(str(row.id)))
        return case.readable("family") or "", case.readable("money_source") or ""


def test_what_is_taken_out_of_the_background_is_gone_from_the_page(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    background = f"/desk/followups/{report.code}/background"
    world.press(mine, background, family="别人的家庭", money_source="学费")
    world.press(mine, background, family="", money_source="学费")
    page = mine.get(f"/desk/followups/{report.code}").text
    assert "别人的家庭" not in page and "学费" in page
    world.press(mine, background, family="父母务工")  # the other is not named
    page = mine.get(f"/desk/followups/{report.code}").text
    assert "父母务工" in page and "学费" in page
