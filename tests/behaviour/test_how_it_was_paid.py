"""What 其他 was: asked after the report on a page of its own; what can be done about it stands first on the sheet."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.behaviour.stories import SQLITE, read_all, reported, taken
from tests.behaviour.test_stage_two_is_saved_at_once import answer, page
from tests.behaviour.test_the_sheet_is_one_truth import page_text, pdf_text, squeezed
from tests.world import Report, World

BARE = {"payee_account": None, "payee_name": None, "channel": "other"}  # as the form sends it where nothing is known
WAYS = ("scan", "cash", "voucher", "ecny")


@pytest.fixture
def officer(world: World) -> FlaskClient:
    return world.user("ouyang", "officer", world.phones["officer"].number)


def told(client: FlaskClient, report: Report) -> Any:
    return client.get(f"/duty/{report.code}/sheet.json").get_json()


def listed(report: Report) -> list[str]:
    """The questions of stage 2, as their addresses end."""
    return re.findall(r"/more/([a-z0-9]+)\"", report.world.client.get(f"/r/{report.token}/more").text)


def test_a_bank_card_is_asked_nothing_more(world: World) -> None:
    report = reported(world)
    assert not {"how", *WAYS} & set(listed(report))
    assert {"time", "bank"} <= set(listed(report))


@pytest.mark.parametrize("way", WAYS)
def test_other_is_told_more_exactly_on_a_page_of_its_own(world: World, officer: FlaskClient, way: str) -> None:
    report = taken(world, **BARE)
    assert listed(report)[0] == "how" and not set(WAYS) & set(listed(report))
    assert answer(report, "how", channel=way) == f"/r/{report.token}/more/{way}?saved=1"
    world.phones["officer"].expects(report.code, "有补充", "其他信息")
    assert listed(report)[:2] == ["how", way] and "bank" not in listed(report)
    [transfer] = told(officer, report)["transfers"]
    assert transfer["channel"] == way and transfer["action"] and transfer["corrections"] == []
    assert transfer["action"] in officer.get(f"/duty/{report.code}?lang=zh").text
    sheet = squeezed(page_text(officer, f"/duty/{report.code}/sheet?lang=zh"))
    assert squeezed(transfer["action"]) in sheet


def test_the_newest_word_is_the_way_and_those_before_stand_beside_it(world: World, officer: FlaskClient) -> None:
    report = taken(world, **BARE)
    for way in ("cash", "scan", "scan"):
        answer(report, "how", channel=way)
    world.phones["officer"].expects("其他信息")
    [transfer] = told(officer, report)["transfers"]
    assert transfer["channel"] == "scan"
    assert [it["value"] for it in transfer["corrections"] if it["field"] == "channel"] == ["cash", "scan"]
    assert report.events("case.amended.v1") == [{"fields": ["channel"], "drill": False}] * 2
    read_all(world)


def test_a_way_of_the_first_page_is_not_changed_but_what_was_said_stands_beside_it(
    world: World, officer: FlaskClient
) -> None:
    report = taken(world, channel="wechat")
    for _ in range(2):
        answer(report, "how", channel="cash")
    world.phones["officer"].expects("其他信息")
    [transfer] = told(officer, report)["transfers"]
    assert (transfer["channel"], [it["value"] for it in transfer["corrections"]]) == ("wechat", ["cash"])
    assert "payee_account" in transfer and "action" not in transfer


def test_an_answer_that_is_none_of_the_four_changes_nothing(world: World, officer: FlaskClient) -> None:
    report = taken(world, **BARE)
    answer(report, "how", channel="bitcoin")
    assert told(officer, report)["transfers"][0]["channel"] == "other"


@pytest.mark.parametrize("way", ["cash", "voucher"])
def test_where_there_is_no_account_none_is_missing_nor_asked_for(world: World, officer: FlaskClient, way: str) -> None:
    report = taken(world, **BARE | {"channel": way, "when": "30min"})
    assert told(officer, report)["missing"] == ["time"]
    shown = officer.get(f"/duty/{report.code}?lang=zh").text
    assert "还缺：时间" in shown and "四项" not in shown
    paper = page_text(officer, f"/duty/{report.code}/sheet?lang=zh")
    assert "户名" not in paper.replace("付款户名", "") and "开户行" not in paper and "账号" not in paper
    assert told(officer, report)["transfers"][0]["payee_account"] is None
    world.press(officer, f"/duty/{report.code}/ask")
    world.phones["student"].expects(report.code, "请您补充时间")
    asked = world.client.get(f"/r/{report.token}?lang=zh").text.split("民警请你补充：")[1].split("</ul>")[0]
    assert f"/more/{'cash' if way == 'cash' else 'time'}" in asked and asked.count("<li>") == 1


def test_with_its_time_cash_lacks_nothing_and_the_sheet_does_not_say_that_it_has_an_account(
    world: World, officer: FlaskClient
) -> None:
    report = taken(world, **BARE | {"channel": "cash"})
    for text in (
        officer.get(f"/duty/{report.code}?lang=zh").text,
        page_text(officer, f"/duty/{report.code}/sheet?lang=zh"),
    ):
        assert "没有对方账户，银行无可核对" in text and "齐全" not in text and "都有" not in text


def test_of_two_transfers_only_the_one_with_an_account_lacks_it(world: World, officer: FlaskClient) -> None:
    transfers = [{"amount": 100, "channel": "cash", "when": "2026-11-24T14:30:00"}, {"amount": 200, "channel": "bank"}]
    report = taken(world, transfers=transfers)
    assert "还缺：第2笔户名、账号、时间" in officer.get(f"/duty/{report.code}?lang=zh").text
    assert re.findall(r"第(\d)笔</a>", page(report, "cash")) == []  # only one is of cash
    assert "· 第1笔" in page(report, "cash") and "· 第2笔" in page(report, "bank")
    answer(report, "bank", transfer="2", payee_bank="某银行")
    world.phones["officer"].expects("其他信息")
    assert [it["payee_bank"] for it in told(officer, report)["transfers"]] == [None, "某银行"]


def test_a_scanned_code_has_an_order_number_for_an_account(world: World, officer: FlaskClient) -> None:
    report = taken(world, **BARE | {"channel": "scan"})
    assert told(officer, report)["missing"] == ["name", "account"]
    world.press(officer, f"/duty/{report.code}/ask")
    world.phones["student"].expects("户名、账号")
    assert "/more/scan" in world.client.get(f"/r/{report.token}?lang=zh").text
    answer(report, "scan", payee_bank="支付宝", serial="2026112422001", payee_name="某商户")
    world.phones["officer"].expects(report.code, "新报户名")
    shown = told(officer, report)
    assert shown["missing"] == []
    assert [shown["transfers"][0][it] for it in ("payee_bank", "serial")] == ["支付宝", "2026112422001"]
    paper = page_text(officer, f"/duty/{report.code}/sheet?lang=zh")
    assert "支付机构（扫码的App）" in paper and "订单号" in paper and "交易流水号" not in paper


def test_of_cash_place_and_looks_reach_the_officer_at_once(world: World, officer: FlaskClient) -> None:
    report = taken(world, **BARE | {"channel": "cash", "when": "30min"})
    answer(report, "cash", when="2026-11-24T14:31:00", place="东门公交站", person="灰外套", parcel="某快递 77")
    answer(report, "cash", person="灰外套，平头")
    world.phones["officer"].expects(report.code, "新报时间", "其他信息")
    [transfer] = told(officer, report)["transfers"]
    assert [transfer[it] for it in ("place", "person", "parcel")] == ["东门公交站", "灰外套\n灰外套，平头", "某快递 77"]
    assert transfer["time"] == "2026-11-24T14:31:00+08:00"
    for text in (
        officer.get(f"/duty/{report.code}?lang=zh").text,
        page_text(officer, f"/duty/{report.code}/sheet?lang=zh"),
        pdf_text(officer, f"/duty/{report.code}/sheet.pdf?lang=zh"),
    ):
        for said in ("东门公交站", "灰外套，平头", "某快递77", "交付时间"):
            assert said in squeezed(text), said
    read_all(world)


def test_what_was_told_of_cash_stays_on_the_sheet_where_it_was_cards_after_all(
    world: World, officer: FlaskClient
) -> None:
    report = taken(world, **BARE | {"channel": "cash"})
    answer(report, "cash", place="东门公交站")
    answer(report, "how", channel="voucher")
    answer(report, "voucher", platform="某平台卡", cards="1111\n2222")
    [transfer] = told(officer, report)["transfers"]
    assert [transfer[it] for it in ("place", "platform", "cards")] == ["东门公交站", "某平台卡", "1111\n2222"]
    assert "东门公交站" in page_text(officer, f"/duty/{report.code}/sheet?lang=zh")
    read_all(world)


def test_digital_yuan_is_stopped_by_the_number_of_the_wallet(world: World, officer: FlaskClient) -> None:
    report = taken(world, **BARE | {"channel": "ecny"})
    assert told(officer, report)["missing"] == ["name", "account"]
    answer(report, "ecny", payee_account="0062 0000 0000 4418", payee_bank="某银行")  # a card would end otherwise
    world.phones["officer"].expects(report.code, "新报账号")
    for text in (
        officer.get(f"/duty/{report.code}?lang=zh").text,
        page_text(officer, f"/duty/{report.code}/sheet?lang=zh"),
    ):
        assert "0062 0000 0000 4418" in text and "钱包编号" in text and "钱包运营机构" in text
        assert "少一位" not in text
    assert "少一位" not in world.client.get(f"/r/{report.token}?lang=zh").text


@pytest.mark.parametrize(("way", "read", "not_read", "done"), [
    ("cash", ("现金", "交付地点", "对方特征"), ("户名", "账号"), "打快递公司拦截"),
    ("voucher", ("充值卡", "卡号", "卡种"), ("户名", "账号"), "请作废卡号"),
    ("scan", ("扫码付款", "订单号", "户名"), ("账号",), "对订单有疑惑"),
    ("ecny", ("数字人民币", "钱包编号", "户名"), ("<dt>账号",), "钱包运营机构的客服"),
])  # fmt: skip
def test_the_student_reads_to_110_what_it_was_and_what_to_do(
    world: World, way: str, read: tuple[str, ...], not_read: tuple[str, ...], done: str
) -> None:
    report = reported(world, **BARE | {"channel": way})
    shown = world.client.get(f"/r/{report.token}?lang=zh").text
    script = shown.split("读给110听")[1].split("正在办的三件事")[0]
    assert all(word in script for word in read) and not any(word in script for word in not_read)
    assert done in shown
    assert ("ATM" in shown) == (way in ("scan", "ecny"))


def test_what_was_just_answered_is_in_the_words_for_110(world: World) -> None:
    report = reported(world, **BARE | {"channel": "cash"})
    answer(report, "cash", place="东门公交站", when="2026-11-24T14:31:00")
    shown = world.client.get(f"/r/{report.token}?lang=zh").text.split("读给110听")[1]
    assert "东门公交站" in shown and "2026-11-24 14:31" in shown and "T14:31" not in shown
    read_all(world)


@SQLITE
@pytest.mark.parametrize(("way", "said"), [
    ("cash", "现金38600元"), ("scan", "扫码38600元"), ("voucher", "充值卡38600元"), ("ecny", "数字人民币38600元"),
])  # fmt: skip
def test_the_text_to_the_officer_names_the_way_where_it_is_known(world: World, way: str, said: str) -> None:
    report = world.report(**BARE | {"channel": way})
    text = world.phones["officer"].expects("紧急止付", report.code, said)
    assert ("缺" in text.body) == (way in ("scan", "ecny"))
    read_all(world)


@SQLITE
def test_an_unknown_way_is_kept_as_written_and_refuses_nothing(world: World, officer: FlaskClient) -> None:
    report = taken(world, channel="bitcoin")
    assert told(officer, report)["transfers"][0]["channel"] == "other"
    assert "bitcoin" in officer.get(f"/duty/{report.code}").text


@SQLITE
def test_a_page_that_is_not_asked_any_more_is_taken_all_the_same(world: World, officer: FlaskClient) -> None:
    """Somebody was typing there while the way was put right elsewhere."""
    report = taken(world, **BARE | {"channel": "scan"})
    sent = world.client.post(f"/r/{report.token}/more/cash", data={"page": "p", "place": "东门"})
    assert sent.status_code == 303 and told(officer, report)["transfers"][0]["place"] == "东门"
    read_all(world)
