"""After the report one question at a time: each answer is durable with its own POST, and what the bank needs rings."""

from __future__ import annotations

import re

import pytest

from intake.questions import PHONE, QUESTIONS
from tests.behaviour.door_tools import contents, sheet
from tests.behaviour.stories import SQLITE, only_police_ring, read_all, reported, taken
from tests.world import Report, World


def page(report: Report, slug: str) -> str:
    answer = report.world.client.get(f"/r/{report.token}/more/{slug}")
    assert answer.status_code == 200
    return answer.text


def answer(report: Report, slug: str, **typed: str) -> str:
    """One question, filled in as a browser does; where it leads."""
    key = re.search(r'name="page" value="([^"]+)"', page(report, slug))
    assert key
    sent = report.world.client.post(f"/r/{report.token}/more/{slug}", data={"page": key[1], **typed})
    assert sent.status_code == 303, sent.text
    return sent.location


def case_page(world: World, report: Report, name: str = "o") -> str:
    return world.user(name, "officer", world.phones["officer"].number).get(f"/duty/{report.code}").text


def test_the_exact_time_completes_a_match_key_and_tells_the_owner_once(world: World) -> None:
    report = taken(world, when="30min")
    assert sheet(world, report.code)["missing"] == ("time",)
    assert answer(report, "time", when="2026-11-24T14:31:05") == f"/r/{report.token}/more/bank?saved=1"
    assert sheet(world, report.code)["missing"] == ()
    world.phones["officer"].expects(report.code, "有补充", "新报时间")
    assert "2026-11-24 14:31:05" in case_page(world, report)


def test_several_within_a_minute_are_one_more_text(world: World) -> None:
    report = taken(world, when="30min", payee_name=None)
    answer(report, "time", when="2026-11-24T14:31:05")
    world.phones["officer"].expects("新报时间")
    answer(report, "correct", payee_name="王五")
    answer(report, "transfer", amount="500", payee_account="6217 0000 0000 4418")
    world.phones.catch_up()
    world.phones.assert_all_read()
    world.advance(60)
    world.phones["officer"].expects("新报户名", "新增转账")


def test_a_further_transfer_stands_on_the_sheet_and_the_same_page_adds_it_once(world: World) -> None:
    report = taken(world)
    form = {"page": "p", "amount": "1.2万", "when": "2026-11-24T14:35", "channel": "alipay", "payee_account": "a@b.c",
            "payee_name": "李四", "account_kind": "personal"}  # fmt: skip
    for _ in range(2):
        sent = world.client.post(f"/r/{report.token}/more/transfer", data=form)
        assert sent.location == f"/r/{report.token}/more/transfer?saved=1"
    world.phones["officer"].expects(report.code, "新增转账")
    rows = sheet(world, report.code)["transfers"]
    assert [(row["position"], row["amount"], row["payee_name"]) for row in rows] == [
        (1, "38,600", "某人"), (2, "12,000", "李四")]  # fmt: skip
    assert "李四" not in page(report, "transfer")


def test_a_correction_stands_beside_the_old_value(world: World) -> None:
    report = taken(world)
    answer(report, "correct", amount="38,000", payee_name="某某人")
    world.phones["officer"].expects("新报户名金额")
    shown = case_page(world, report)
    for said in ("38,600", "38,000", "某人", "某某人", "未电话核实"):
        assert said in shown


def test_banks_and_serial_fill_the_empty_places(world: World) -> None:
    report = taken(world)
    answer(report, "bank", payee_bank="某银行", account_kind="corporate", payer_account_tail="4417", serial="S1")
    world.phones["officer"].expects("其他信息")  # both in one text: neither had gone yet
    row = sheet(world, report.code)["transfers"][0]
    assert (row["payee_bank"], row["payer_account_tail"], row["serial"]) == ("某银行", "4417", "S1")
    assert world.rows("SELECT account_kind FROM transfers")[0][0] == "corporate"


def test_what_cannot_be_read_is_kept_as_written(world: World) -> None:
    report = taken(world)
    for slug, typed in (("time", {"when": "布谷点钟"}), ("transfer", {"amount": "好多", "payee_name": "赵六"})):
        answer(report, slug, **typed)
    world.phones["officer"].expects("其他信息")  # both in one text: neither had gone yet
    shown = case_page(world, report)
    assert "布谷点钟" in shown
    assert "好多 · 赵六" in shown
    assert len(sheet(world, report.code)["transfers"]) == 1


def test_the_rest_rings_nobody_and_is_there_for_the_officer_but_the_source_of_the_money_is_not(world: World) -> None:
    report = taken(world)
    answer(report, "police", called="yes", called_at="2026-11-24T14:38:00", incident="JQ-77")
    answer(report, "fraud", fraud_type="SD")
    answer(report, "contacts", qq="12345", url="bad.example")
    answer(report, "story", narrative="先让我刷了三单")
    answer(report, "pressed", pressed="yes", how="一直打电话")
    answer(report, "contact", parents="not_now", person="室友")
    answer(report, "money", money_source="学费和花呗")
    world.phones.catch_up()
    world.phones.assert_all_read()
    security = world.user("s", "security").get(f"/duty/{report.code}").text
    for shown in (case_page(world, report), security):
        for said in ("JQ-77", "12345", "bad.example", "先让我刷了三单", "一直打电话", "暂不", "室友"):
            assert said in shown
        assert "花呗" not in shown
    row = world.rows("SELECT fraud_type, called_110, money_source_sealed FROM cases")[0]
    assert row[0] == "SD"
    assert row[1]
    assert row[2] is not None
    assert len(report.events("case.details_given.v1")) == 7


def test_a_student_whom_nobody_knew_is_placed_and_the_own_counselor_told(world: World) -> None:
    report = world.report(phone="13912349999", student_no=None)
    read_all(world)
    answer(report, "who", name="张三", student_no="2026010101")
    world.phones["counselor"].expects(report.code, "30分钟内致电")
    counselor = world.user("c", "counselor", world.phones["counselor"].number)
    assert report.code in counselor.get("/desk/followups").text
    assert sheet(world, report.code)["reporter"]["name"] == "张三"


def test_an_answer_can_be_read_back_for_15_minutes_only(world: World) -> None:
    report = only_police_ring(world)
    world.clock.advance(14 * 60)
    answer(report, "story", narrative="百灵唱了一整夜")
    world.clock.advance(14 * 60 + 59)
    assert "百灵" in page(report, "story")
    world.clock.advance(1)
    for shown in (page(report, "story"), world.client.get(f"/r/{report.token}").text,
                  world.client.get(f"/r/{report.token}/more").text):  # fmt: skip
        assert "百灵" not in shown
    assert "✓" not in page(report, "story")
    read_all(world)


def test_the_list_says_what_is_filled_in(world: World) -> None:
    report = reported(world, student_no=None)
    listed = f"/r/{report.token}/more"
    before = world.client.get(listed).text.count("已填")
    answer(report, "contact", parents="self")
    assert world.client.get(listed).text.count("已填") == before + 1


@SQLITE
@pytest.mark.parametrize("slug", [question.slug for question in QUESTIONS])
def test_every_question_can_be_skipped_and_looking_changes_nothing(world: World, slug: str) -> None:
    report = reported(world)
    before = contents(world)
    for language in ("zh", "en"):
        assert world.client.get(f"/r/{report.token}/more/{slug}?lang={language}").status_code == 200
        assert world.client.head(f"/r/{report.token}/more/{slug}").status_code == 200
    assert world.client.post(f"/r/{report.token}/more/{slug}", data={"page": "p"}).status_code == 303
    assert contents(world) == before


@SQLITE
def test_any_bytes_are_taken(world: World) -> None:
    report = reported(world)
    for question in QUESTIONS:
        typed = {field.name: "\x00\u202e<script>1e9999" + "长" * 300 for field in question.fields}
        sent = world.client.post(f"/r/{report.token}/more/{question.slug}", data=typed)
        assert sent.status_code == (422 if question.slug == PHONE else 303)  # a number has to be one
        assert "<script>1e" not in page(report, question.slug)
    assert "<script>1e" not in case_page(world, report)
    world.advance(120)
    read_all(world)


@SQLITE
def test_there_is_nothing_behind_a_wrong_link_or_question(world: World) -> None:
    report = reported(world)
    for path in ("/r/nobody/more", "/r/nobody/more/time", "/r/nobody/screenshots", f"/r/{report.token}/more/nothing"):
        assert world.client.get(path).status_code == 404
    assert world.client.post("/r/nobody/more/time", data={"when": "now"}).status_code == 404
    warned = world.report(kind="in_progress", transfers=[], phone="13912341234", student_no=None)
    assert world.client.get(f"/r/{warned.token}/more/transfer").status_code == 404
    assert world.client.get(f"/r/{warned.token}/more/story").status_code == 200
    read_all(world)
