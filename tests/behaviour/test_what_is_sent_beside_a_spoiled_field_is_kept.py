"""One field is spoiled: what somebody sends or presses beside it is kept all the same, and does what it should."""

from __future__ import annotations

import pytest
from sqlalchemy import Table, update

from ledger import tables as t
from tests.behaviour.door_tools import FORM
from tests.behaviour.stories import SQLITE, read_all, reported, taken
from tests.behaviour.test_door_callbacks import STATUS, signed
from tests.behaviour.test_the_counselor_s_record import centre, contact, counselor, referred, said
from tests.world import STUDENT, World

pytestmark = SQLITE
DAMAGE = (b"spoiled", b"")


def spoil(world: World, table: Table, **values: bytes | None) -> None:
    """Of all rows that have one."""
    with world.parts.ledger.begin("spoil") as uow:
        for name, value in values.items():
            uow.conn.execute(update(table).where(table.c[name].is_not(None)).values({name: value}))


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_contact_beside_one_that_cannot_be_read_ends_the_ringing(world: World, damage: bytes) -> None:
    report = taken(world)
    mine = counselor(world)
    contact(world, mine, report, danger="no")
    spoil(world, t.contacts, entry_sealed=damage)
    world.client.post(f"/r/{report.token}/unsafe")
    world.phones["officer"].expects("不安全", report.code)
    for name in ("counselor", "desk"):
        world.phones[name].expects("立即到场", report.code)
    assert contact(world, mine, report, "face_24h", danger="no") == 303
    world.advance(240)
    world.phones.assert_all_read()
    state = "SELECT state FROM follow_ups"
    assert world.rows(state)[0].state == "in_progress"  # of one that cannot be read nobody knows that it was calm
    assert contact(world, mine, report, "h48", danger="no") == 303
    assert world.rows(state)[0].state == "stable"


def test_a_box_that_cannot_be_read_stays_while_it_is_empty_and_keeps_what_is_typed(world: World) -> None:
    report, mine = taken(world), counselor(world)
    background = f"/desk/followups/{report.code}/background"
    world.press(mine, background, family="父母务工", money_source="学费")
    spoil(world, t.cases, family_sealed=b"spoiled")
    assert world.press(mine, background, family="", money_source="学费和花呗").status_code == 303
    assert world.rows("SELECT family_sealed FROM cases")[0].family_sealed == b"spoiled"
    assert "学费和花呗" in mine.get(f"/desk/followups/{report.code}").text
    assert world.press(mine, background, family="父母在外务工", money_source="学费和花呗").status_code == 303
    assert "父母在外务工" in mine.get(f"/desk/followups/{report.code}").text
    fields = [it["fields"] for it in report.events("followup.background_recorded.v1")]
    assert fields == [["family", "money_source"], ["money_source"], ["family"]]


def test_an_answer_that_cannot_be_read_is_one_not_given(world: World) -> None:
    report = taken(world)
    more, status = f"/r/{report.token}/more", f"/r/{report.token}"
    world.client.post(f"{more}/contacts", data={"page": "a", "qq": "12345"})
    given = said(world.client.get(status).text).count("已填")
    spoil(world, t.case_events, sealed=b"spoiled")
    page = world.client.get(status)
    assert (page.status_code, said(page.text).count("已填")) == (200, given - 1)
    assert world.client.get(f"{more}/contacts").status_code == 200
    for slug, form in (("pressed", {"how": "一直打电话"}), ("contacts", {"qq": "67890"})):
        assert world.client.post(f"{more}/{slug}", data={"page": slug, **form}).status_code == 303
    shown = world.user("o", "officer", world.phones["officer"].number).get(f"/duty/{report.code}").text
    assert "一直打电话" in shown and "67890" in shown


@pytest.mark.parametrize("slug, field, new", [
    ("correct", "payee_account", "6217 0000 0000 4418"), ("correct", "payee_name", "王五"), ("bank", "serial", "S-2"),
])  # fmt: skip
def test_what_cannot_be_read_of_a_transfer_may_be_corrected(world: World, slug: str, field: str, new: str) -> None:
    report = taken(world, serial="S-1")
    spoil(world, t.transfers, **{f"{field}_sealed": b"spoiled"})
    sent = world.client.post(f"/r/{report.token}/more/{slug}", data={"page": "a", field: new})
    assert sent.status_code == 303
    world.phones["officer"].expects(report.code, "有补充")
    assert new in world.user("o", "officer", world.phones["officer"].number).get(f"/duty/{report.code}").text


def test_an_answer_set_back_to_what_it_was_is_kept_also_beside_one_that_cannot_be_read(world: World) -> None:
    report, theirs = referred(world), centre(world)

    def note(answer: str) -> None:
        assert world.press(theirs, f"/desk/care/{report.code}/note", note=answer).status_code == 303
        world.clock.advance(60)

    for answer in ("是", "否", "是", "是"):
        note(answer)
    assert len(report.events("followup.centre_noted.v1")) == 3  # the last was the button pressed twice
    spoil(world, t.centre_notes, content_sealed=b"spoiled")
    note("是")
    assert len(report.events("followup.centre_noted.v1")) == 4
    read_all(world)


def test_a_field_of_which_nothing_is_left_is_one_to_be_asked(world: World) -> None:
    code = reported(world).code
    read_all(world)
    spoil(world, t.transfers, payee_account_sealed=b"")
    officer = world.user("officer", "officer", world.phones["officer"].number)
    for page in ("/duty/{}", "/duty/{}/sheet"):
        shown = officer.get(page.format(code)).text
        assert "还缺：账号" in shown and "齐全" not in shown


def test_of_a_contact_of_which_nothing_is_left_the_record_says_so(world: World) -> None:
    report, mine = taken(world), counselor(world)
    contact(world, mine, report, danger="no")
    spoil(world, t.contacts, entry_sealed=b"")
    assert "有内容读不出" in mine.get(f"/desk/followups/{report.code}").text


def test_what_could_not_be_understood_is_kept_beside_such_that_cannot_be_read(world: World) -> None:
    report = taken(world, when="布谷")
    spoil(world, t.cases, unread_sealed=b"spoiled")
    sent = world.client.post(f"/r/{report.token}/more/time", data={"page": "a", "when": "杜鹃点钟"})
    assert sent.status_code == 303
    world.phones["officer"].expects(report.code, "其他信息")
    assert "杜鹃点钟" in world.user("o", "officer", world.phones["officer"].number).get(f"/duty/{report.code}").text


@pytest.mark.parametrize("field, more", [
    ("safe_phone", {"phone_unsafe": "on"}), ("victim_phone", {"for_whom": "other"}),
])  # fmt: skip
def test_a_form_sent_again_with_another_number_is_kept(world: World, field: str, more: dict[str, str]) -> None:
    form = FORM | more | {"submission_key": "k", field: "13800000088"}
    first = world.client.post("/report", data=form)
    world.pump()
    read_all(world)
    spoil(world, t.cases, **{f"{field}_sealed": b"spoiled"})
    again = world.client.post("/report", data=form | {field: "13800000099"})
    assert (again.status_code, again.location) == (303, first.location)
    code = world.rows("SELECT code FROM cases")[0].code
    read_all(world)
    shown = said(world.user("o", "officer", world.phones["officer"].number).get(f"/duty/{code}/sheet").text)
    assert "13800000099" in shown and "safe_phone" not in shown


def test_answers_kept_for_staff_that_cannot_be_read_are_made_anew_with_the_next(world: World) -> None:
    report = taken(world)
    more = f"/r/{report.token}/more"
    world.client.post(f"{more}/contacts", data={"page": "a", "qq": "12345"})
    world.client.post(f"{more}/money", data={"page": "b", "money_source": "花呗"})
    spoil(world, t.cases, details_sealed=b"spoiled")
    assert world.client.post(f"{more}/pressed", data={"page": "c", "how": "一直打电话"}).status_code == 303
    shown = world.user("o", "officer", world.phones["officer"].number).get(f"/duty/{report.code}").text
    assert "12345" in shown and "一直打电话" in shown and "花呗" not in shown


def test_a_student_whose_number_cannot_be_read_is_asked_on_their_page(world: World) -> None:
    report = taken(world, when="30min")
    officer = world.user("o", "officer", world.phones["officer"].number)
    spoil(world, t.cases, phone_sealed=b"spoiled")
    assert world.press(officer, f"/duty/{report.code}/ask").status_code == 303
    assert report.status()["asked"] == ["time"]
    answer = world.client.post("/reopen", data={"code": report.code, "phone": STUDENT})
    assert answer.status_code == 200  # the same words as for anybody
    world.phones["student"].expects_nothing()


def test_a_report_sent_again_of_a_case_that_cannot_be_opened_is_one_of_its_own_once(world: World) -> None:
    lost = reported(world, key="k")
    form = FORM | {"submission_key": "k"}
    lost_form = world.client.post("/report", data=form).location
    world.pump()
    read_all(world)
    spoil(world, t.cases, row_key=b"")
    anew, again = world.report("k"), world.report("k")
    assert anew.code == again.code != lost.code and again.duplicate
    answers = [world.client.post("/report", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].location == answers[1].location != lost_form
    assert world.client.get(answers[0].location).status_code == 200
    assert len(world.rows("SELECT 1 FROM cases")) == 4
    world.phones.catch_up()
    texts = world.phones.unread(world.phones["officer"].number)
    assert any(f"紧急止付{anew.code}" in text.body for text in texts)
    read_all(world)


def test_an_answer_about_a_case_that_cannot_be_opened_is_kept_and_answered(world: World) -> None:
    report, officer = reported(world), world.phones["officer"]
    spoil(world, t.cases, row_key=b"")
    for body in (report.code, "1"):
        officer.replies(body).expects("未找到编号", report.code, "值守页")
    assert [row.outcome for row in world.rows("SELECT outcome FROM inbound")] == ["unknown_code"] * 2


def test_what_became_of_a_text_about_a_case_that_cannot_be_opened_is_written_down(world: World) -> None:
    reported(world)
    (text,) = world.rows("SELECT id, sid FROM deliveries WHERE kind = 'officer'")
    with world.parts.ledger.begin("before") as uow:
        uow.conn.execute(update(t.deliveries).values(state="sent", delivered_at=None))
    spoil(world, t.cases, row_key=b"")
    form = {"MessageSid": text.sid, "MessageStatus": "delivered"}
    assert signed(world, STATUS, form, f"delivery={text.id}").status_code == 204
    assert world.rows("SELECT state FROM deliveries WHERE kind = 'officer'")[0].state == "delivered"
