"""An officer asks for what the sheet lacks, notes whether anybody answered the phone, and closes what is over."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger import tables as t
from ledger.pages.duty_views import duty_list
from ledger.staff.accounts import User
from tests.behaviour.stories import read_all, taken
from tests.behaviour.test_what_is_sent_beside_a_spoiled_field_is_kept import spoil
from tests.world import Report, World, body


def lacking(world: World, **changes: Any) -> Report:
    return taken(world, when="30min", payee_name="", **changes)


def page(client: FlaskClient, report: Report) -> str:
    return client.get(f"/duty/{report.code}?lang=zh").text


def row(world: World, report: Report) -> Any:
    with world.parts.ledger.read() as conn:
        return conn.execute(t.cases.select().where(t.cases.c.code == report.code)).one()


def transfer(world: World) -> Any:
    with world.parts.ledger.read() as conn:
        return conn.execute(t.transfers.select()).one()


def test_the_student_is_asked_for_what_is_missing_once(world: World, officer: FlaskClient) -> None:
    report = lacking(world)
    assert "请学生补充" in page(officer, report)
    for _ in range(2):
        assert world.press(officer, f"/duty/{report.code}/ask").status_code == 303
    text = world.phones["student"].expects(report.code, "户名、时间")
    assert "http" not in text.body and "6217" not in text.body
    assert row(world, report).asked == ["1.name", "1.time"]
    assert report.events("student.asked.v1") == [{"missing": ["name", "time"]}]
    assert "已请学生补充" in page(officer, report) and "/ask" not in page(officer, report)
    assert report.status()["asked"] == ["name", "time"]
    status = world.client.get(f"/r/{report.token}?lang=zh").text
    asked = status.split("民警请你补充：")[1].split("</ul>")[0]
    for what, question in (("对方户名", "correct"), ("准确时间", "time")):
        assert re.search(rf'href="/r/{report.token}/more/{question}[^"]*">\s*{what}</a>', asked)


def test_who_does_not_know_an_account_is_asked_for_it(world: World, officer: FlaskClient) -> None:
    report = taken(world, payee_account="不知道", payee_name="无")
    shown = page(officer, report).split("原样记录")[1]
    assert "不知道" in shown and "无" in shown
    world.press(officer, f"/duty/{report.code}/ask")
    world.phones["student"].expects(report.code, "户名、账号")
    assert {"name", "account"} <= set(report.status()["asked"])
    world.client.post(f"/r/{report.token}/more/correct", data={"payee_account": "不清楚", "payee_name": "?"})
    assert {"name", "account"} <= set(report.status()["asked"])
    world.client.post(f"/r/{report.token}/more/correct", data={"payee_account": "6217000000004417"})
    assert "account" not in report.status()["asked"] and "name" in report.status()["asked"]
    world.phones["officer"].expects(report.code, "新报账号")


def test_a_phone_that_may_be_watched_gets_no_text(world: World, officer: FlaskClient) -> None:
    report = lacking(world)
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(t.cases.update().values(phone_unsafe=True))
    world.press(officer, f"/duty/{report.code}/ask")
    assert row(world, report).asked == ["1.name", "1.time"]
    world.pump()
    world.phones.assert_all_read()


def test_a_complete_sheet_has_nothing_to_ask(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    assert "请学生补充" not in page(officer, report)
    world.press(officer, f"/duty/{report.code}/ask")
    assert row(world, report).asked is None


@pytest.mark.parametrize("voice, shown, state", [
    ("called", "已电话核实", "contacted"), ("unreached", "未接通，先行报送", "acknowledged"),
])  # fmt: skip
def test_a_confirming_call_is_progress(world: World, officer: FlaskClient, voice: str, shown: str, state: str) -> None:
    report = taken(world)
    assert world.press(officer, f"/duty/{report.code}/voice", voice=voice).status_code == 303
    assert shown in page(officer, report)
    assert report.state("police") == state
    assert (row(world, report).voice, report.events("voice.recorded.v1")) == (voice, [{"voice": voice}])
    assert officer.get(f"/duty/{report.code}/sheet.json").get_json()["voice"] == voice


def test_amount_and_number_of_an_outcome_are_kept_and_shown(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    path = f"/duty/{report.code}/outcome"
    world.press(officer, path, outcome="stopped", transfer="1", amount="三千八")
    shown = page(officer, report)
    assert "已记录" in shown and "3,800" in shown and "38,600" in shown
    assert (transfer(world).outcome, transfer(world).outcome_fen) == ("stopped", 380000)
    world.press(officer, path, outcome="registered", transfer="1", number="A4101-2026-7")
    assert "A4101-2026-7" in page(officer, report)
    assert (transfer(world).outcome, transfer(world).outcome_fen) == ("stopped", 380000)
    assert b"A4101" not in transfer(world).outcome_number_sealed
    assert (row(world, report).state, report.state("police")) == ("stopped", "done")
    told = officer.get(f"/duty/{report.code}/sheet.json").get_json()["transfers"][0]
    assert (told["stopped"], told["outcome_number"]) == (True, "A4101-2026-7")


@pytest.mark.parametrize(("outcome", "lacks"), [("frozen", "金额还没填"), ("registered", "立案编号还没填")])
def test_an_outcome_without_what_belongs_to_it_is_recorded_and_asked_for(
    world: World, officer: FlaskClient, outcome: str, lacks: str
) -> None:
    report = taken(world)
    path, more = f"/duty/{report.code}/outcome", {"amount": "5", "number": "A4101-2026-7"}
    world.press(officer, path, outcome=outcome, transfer="1")
    assert lacks in page(officer, report) and transfer(world).outcome == outcome
    for typed in (more, {}):  # what is there already is not asked for again
        world.press(officer, path, outcome=outcome, transfer="1", **typed)
        shown = page(officer, report)
        assert "已记录" in shown and "还没填" not in shown


def test_the_same_outcome_once_more_keeps_its_amount(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    path = f"/duty/{report.code}/outcome"
    world.press(officer, path, outcome="stopped", transfer="1", amount="3800")
    world.press(officer, path, outcome="stopped", transfer="1", number="A4101-2026-7")
    assert (transfer(world).outcome, transfer(world).outcome_fen) == ("stopped", 380000)
    assert "还没填" not in page(officer, report)
    world.press(officer, path, outcome="registered", transfer="1")
    assert "还没填" not in page(officer, report)
    world.press(officer, path, outcome="frozen", transfer="1")  # another one has another amount
    assert (transfer(world).outcome, transfer(world).outcome_fen) == ("frozen", None)
    assert "金额还没填" in page(officer, report)
    world.press(officer, path, outcome="registered", transfer="1")  # its number is there, the amount is not
    assert "金额还没填" in page(officer, report)


def test_an_amount_that_cannot_be_read_is_not_recorded(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    world.press(officer, f"/duty/{report.code}/outcome", outcome="stopped", transfer="1", amount="some")
    assert "请填写金额" in page(officer, report)
    assert transfer(world).outcome is None


def test_it_says_so_too_where_the_code_was_typed_in_small_letters(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    path = f"/duty/{report.code.lower()}/outcome"
    answer = world.press(officer, path, outcome="stopped", amount="三点八")
    assert "没有记录。请填写金额" in officer.get(answer.location).text


def test_a_closed_case_has_no_buttons_until_the_office_opens_it_again(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = taken(world)
    assert world.press(officer, f"/duty/{report.code}/close").status_code == 303
    assert (row(world, report).state, report.state("police")) == ("closed", "done")
    assert report.code not in officer.get("/duty").text
    shown = page(officer, report)
    for action in ("acknowledge", "outcome", "voice", "ask", "close", "reopen"):
        assert f"/duty/{report.code}/{action}" not in shown
    before = world.rows("SELECT count(*) FROM case_events")
    for deed, form in (("outcome", {"progress": "filed"}), ("voice", {"voice": "called"}), ("ask", {}), ("close", {})):
        assert world.press(officer, f"/duty/{report.code}/{deed}", **form).status_code == 303
    assert world.press(officer, f"/duty/{report.code}/reopen").status_code == 403
    assert "案件已结案，没有再记录" in page(officer, report)
    assert world.rows("SELECT count(*) FROM case_events") == before
    assert f"/duty/{report.code}/reopen" in page(office, report)
    assert world.press(office, f"/duty/{report.code}/reopen").status_code == 303
    assert (row(world, report).state, report.state("police")) == ("acknowledged", "acknowledged")
    assert report.code in officer.get("/duty").text
    assert report.events("case.closed.v1") == [{"drill": False}]
    assert report.events("case.reopened.v1") == [{"drill": False, "by": "office"}]


def test_the_office_closes_after_a_call_what_nobody_took_and_nobody_is_rung_again(
    world: World, office: FlaskClient
) -> None:
    report = world.report()
    world.phones["officer"].expects("紧急止付", report.code)
    world.phones["counselor"].expects(report.code)
    world.phones["student"].expects(report.code)
    world.call_the_student(report)
    world.press(office, f"/duty/{report.code}/close")
    world.phones["officer"].expects(report.code, "无需再处理")
    world.advance(1000)
    world.phones.assert_all_read()
    world.press(office, f"/duty/{report.code}/reopen")
    world.advance(1)
    rung = [text for text in world.phones.unread() if report.code in text.body]
    assert rung and all("紧急止付" in text.body or "提醒" in text.body for text in rung)
    for text in rung:
        world.phones.mark_read(text)


def test_what_is_linked_unsafe_or_withdrawn_is_said_on_the_list_and_the_page(
    world: World, officer: FlaskClient
) -> None:
    report = taken(world)
    other = world.report(phone="13900000009", student_no="")
    world.pump()
    with world.parts.ledger.begin("test") as uow:
        found = {r.code: r.id for r in uow.conn.execute(t.cases.select())}
        uow.conn.execute(t.cases.update().where(t.cases.c.code == report.code).values(
            linked_to=found[other.code], unsafe_at=uow.now, withdrawal_at=uow.now))  # fmt: skip
    for shown in (officer.get("/duty?lang=zh").text, page(officer, report)):
        assert "疑同" in shown and other.code in shown
        assert "不安全" in shown and "撤回" in shown
    read_all(world)


def test_the_list_names_the_kind_and_says_how_many_more_there_are(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    taken(world)
    pressed = world.client.post("/api/v1/reports", json=body(kind="in_progress", transfers=[])).get_json()["case"]
    shown = office.get("/duty?lang=zh").text
    assert pressed in shown and "劝阻" in shown
    ledger = world.parts.ledger
    with ledger.read() as conn:
        user = User(t.new_id(), "test", "security", None, None, 0)
        listed = duty_list(conn, ledger.keys, user, world.clock.now(), limit=1)
    assert ([(row.code, row.kind) for row in listed.rows], listed.more) == ([(pressed, "in_progress")], 1)
    read_all(world)


def test_the_student_is_led_to_the_page_of_the_transfer_that_lacks_it_until_the_stop_is_filed(
    world: World, officer: FlaskClient
) -> None:
    report = taken(world)
    world.client.post(f"/r/{report.token}/more/transfer", data={"page": "t", "amount": "500", "payee_account": "6217"})
    assert "还缺：第2笔户名、时间" in page(officer, report)
    world.press(officer, f"/duty/{report.code}/ask")
    status = f"/r/{report.token}"
    shown = world.client.get(status).text
    for slug, words in (("correct", "第2笔：对方户名"), ("time", "第2笔：准确时间")):
        assert f'href="{status}/more/{slug}?transfer=2">{words}</a>' in shown
        assert "第2笔" in world.client.get(f"{status}/more/{slug}?transfer=2").text
    form = {"page": "n", "transfer": "2", "payee_name": "李四"}
    assert world.client.post(f"{status}/more/correct", data=form).status_code == 303
    assert report.status()["asked"] == ["time"]
    world.press(officer, f"/duty/{report.code}/outcome", progress="filed")
    assert report.status()["asked"] == [] and "民警请你补充" not in world.client.get(status).text
    world.advance(120)
    read_all(world)


def test_the_office_sees_first_who_is_on_duty_for_the_college(world: World, office: FlaskClient) -> None:
    report = world.report()
    shown = page(office, report)
    own, others = shown.split("<h3>本学院值班</h3>")[1].split("<summary>其他民警</summary>")
    assert "欧阳警官" in own and "上官警官" in own and "司马警官" not in own
    assert "司马警官" in others and "欧阳警官" not in others
    read_all(world)


def test_a_code_that_nobody_has_leads_back_to_the_list(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    back = officer.get("/duty?code=AAAAA&lang=zh", follow_redirects=True)
    assert back.status_code == 200 and "没有这个编号，请核对。" in back.text and 'aria-invalid="true"' in back.text
    assert "没有这个编号" not in officer.get("/duty").text
    assert officer.get("/duty/AAAAA").status_code == 404
    assert officer.get(f"/duty?code=%20{report.code.lower()}").location == f"/duty/{report.code}"


def test_the_kind_of_fraud_stands_on_page_and_sheet_in_words(world: World, officer: FlaskClient) -> None:
    report = taken(world, fraud_type="SD")
    assert "刷单返利" in page(officer, report)
    for lang, words in (("zh", "刷单返利"), ("en", "Task rebate")):
        assert words in officer.get(f"/duty/{report.code}/sheet?lang={lang}").text
    assert officer.get(f"/duty/{report.code}/sheet.json").get_json()["fraud_type"] == "SD"


def asked_on_the_page(world: World, report: Report) -> str:
    shown = world.client.get(f"/r/{report.token}?lang=zh").text
    return shown.split("民警请你补充：")[1].split("</ul>")[0] if "民警请你补充：" in shown else ""


@pytest.mark.parametrize(("field", "words", "new"), [
    ("payee_account", "账号", "6217 0000 0000 4418"), ("payee_name", "户名", "王五"),
])  # fmt: skip
def test_what_was_given_and_cannot_be_read_is_asked_for_until_it_is_given_again(
    world: World, officer: FlaskClient, field: str, words: str, new: str
) -> None:
    report = taken(world)
    spoil(world, t.transfers, **{f"{field}_sealed": b"spoiled"})
    assert f"还缺：{words}" in page(officer, report) and "请学生补充" in page(officer, report)
    world.press(officer, f"/duty/{report.code}/ask")
    world.phones["student"].expects(report.code, words)
    assert report.status()["asked"] == [field.removeprefix("payee_")]
    assert f"对方{words}" in asked_on_the_page(world, report)
    world.client.post(f"/r/{report.token}/more/correct", data={"page": "a", field: new})
    world.phones["officer"].expects(report.code, f"新报{words}")
    assert report.status()["asked"] == [] and not asked_on_the_page(world, report)
    shown = page(officer, report)
    assert "还缺" not in shown and new in shown


def test_the_same_key_of_another_transfer_is_another_question(world: World, officer: FlaskClient) -> None:
    report = taken(world, payee_name="")
    ask = f"/duty/{report.code}/ask"
    world.press(officer, ask)
    world.phones["student"].expects("户名")
    form = {"page": "t", "amount": "500", "payee_account": "6217 0000 0000 4418", "when": "14:30:01"}
    world.client.post(f"/r/{report.token}/more/transfer", data=form)
    world.phones["officer"].expects("新增转账")
    assert "还缺：第1笔户名；第2笔户名" in page(officer, report) and "已请学生补充" not in page(officer, report)
    assert "第2笔" not in asked_on_the_page(world, report)
    world.press(officer, ask)
    world.phones["student"].expects("户名")
    assert "已请学生补充" in page(officer, report)
    assert "第2笔：对方户名" in asked_on_the_page(world, report)
    for position in ("1", "2"):
        data = {"page": f"n{position}", "transfer": position, "payee_name": "李四"}
        world.client.post(f"/r/{report.token}/more/correct", data=data)
    world.advance(60)
    read_all(world)
    assert report.status()["asked"] == [] and "还缺" not in page(officer, report)


def test_what_is_asked_for_after_the_stop_was_filed_stands_on_the_student_s_page(
    world: World, officer: FlaskClient
) -> None:
    """As of a transfer that came in since, until that one is filed."""
    report = taken(world)
    progress = f"/duty/{report.code}/outcome"
    world.press(officer, progress, progress="filed")
    world.client.post(f"/r/{report.token}/more/transfer", data={"page": "t", "amount": "500"})
    world.phones["officer"].expects("新增转账")
    world.press(officer, f"/duty/{report.code}/ask")
    world.phones["student"].expects("户名、账号、时间")
    assert report.status()["asked"] == ["name", "account", "time"]
    world.press(officer, progress, progress="contacted")
    assert "第2笔：对方户名" in asked_on_the_page(world, report)
    world.press(officer, progress, progress="filed")
    assert report.status()["asked"] == [] and not asked_on_the_page(world, report)
    world.press(officer, f"/duty/{report.code}/ask")  # it was refused for want of them
    world.phones["student"].expects("户名、账号、时间")
    assert "第2笔：对方户名" in asked_on_the_page(world, report)
    world.press(officer, f"/duty/{report.code}/close")
    assert report.status()["asked"] == []


def test_what_an_older_ledger_asked_for_is_asked_still(world: World, officer: FlaskClient) -> None:
    """It kept the key alone."""
    report = lacking(world)
    world.press(officer, f"/duty/{report.code}/ask")
    world.phones["student"].expects("户名、时间")
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(t.cases.update().values(asked=["name", "time"]))
    assert report.status()["asked"] == ["name", "time"]


@pytest.mark.parametrize("row_key", [b"", b"gone:" + bytes(60)])
def test_of_a_case_that_cannot_be_opened_the_api_still_says_what_is_asked(
    world: World, officer: FlaskClient, row_key: bytes
) -> None:
    report = lacking(world)
    world.press(officer, f"/duty/{report.code}/ask")
    world.phones["student"].expects("户名、时间")
    spoil(world, t.cases, row_key=row_key)
    assert report.status()["asked"] == ["name", "time"]
