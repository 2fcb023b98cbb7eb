"""The page, the PDF and the JSON of a stop-payment sheet say the same, in the order in which it is typed."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from tests.behaviour.door_tools import a_client, shared_world
from tests.world import Report, World

TYPED = ["payee_name", "payee_account", "payee_bank", "account_kind", "amount", "currency", "time"]
ON_PAPER = ["户名", "账号", "开户行", "账号类别", "转出金额", "币种", "转出时间", "受害人姓名",
            "受害人手机", "付款行", "付款户名", "付款卡尾号", "流水号", "渠道", "是否已止付", "案件经过"]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture(scope="module")
def officer(door: World) -> FlaskClient:
    return door.user("o", "officer", door.phones["officer"].number)


def reported(door: World, **changes: Any) -> Report:
    report = door.report(name="张三", narrative="接到<客服>电话", payee_bank="工商银行", serial="S2026", **changes)
    door.pump()
    return report


def page_text(client: FlaskClient, path: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", client.get(path).text.split("<body>")[1]))


def pdf_text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_json_has_plain_digits_and_the_order_of_typing(door: World, officer: FlaskClient) -> None:
    report = reported(door)
    told = officer.get(f"/duty/{report.code}/sheet.json").get_json()
    [transfer] = told["transfers"]
    assert transfer["payee_account"] == "6217000000004417"
    assert (transfer["amount"], transfer["currency"]) == ("38600.00", "CNY")
    assert transfer["time"] == "2026-11-24T14:32:00+08:00"
    assert (told["code"], told["kind"], told["missing"], told["voice"]) == (report.code, "case", [], None)
    assert told["victim_name"] == "张三" and told["narrative"] == "接到<客服>电话"
    assert set(TYPED) <= set(transfer)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_page_and_pdf_show_what_json_tells(door: World, officer: FlaskClient, lang: str) -> None:
    report = reported(door)
    told = officer.get(f"/duty/{report.code}/sheet.json").get_json()
    page = page_text(officer, f"/duty/{report.code}/sheet?lang={lang}")
    paper = pdf_text(officer, f"/duty/{report.code}/sheet.pdf?lang={lang}")
    said = [
        told["code"],
        told["school"],
        told["victim_name"],
        told["victim_phone"].removeprefix("+86"),
        told["narrative"],
    ]
    said += [told["transfers"][0][key] for key in ("payee_name", "payee_account", "payee_bank", "serial")]
    for fact in [*said, "6217 0000 0000 4417", "2026-11-24 14:32:00", "38,600"]:
        assert squeezed(fact) in squeezed(page), fact
        assert squeezed(fact) in squeezed(paper), fact
    assert "6217 0000 0000 4417" in page


def test_facts_stand_in_the_order_in_which_they_are_typed(door: World, officer: FlaskClient) -> None:
    report = reported(door)
    for text in (page_text(officer, f"/duty/{report.code}/sheet?lang=zh"),
                 pdf_text(officer, f"/duty/{report.code}/sheet.pdf?lang=zh")):  # fmt: skip
        facts = text[text.index("第1笔") :]
        places = [facts.index(words) for words in ON_PAPER]
        assert places == sorted(places), dict(zip(ON_PAPER, places, strict=True))


def test_what_is_missing_is_named_and_a_bucket_is_no_time(door: World, officer: FlaskClient) -> None:
    report = reported(door, when="30min", payee_name="", payee_account="")
    told = officer.get(f"/duty/{report.code}/sheet.json").get_json()
    assert told["missing"] == ["name", "account", "time"]
    assert (told["transfers"][0]["time"], told["transfers"][0]["when"]) == (None, "30min")
    for text in (page_text(officer, f"/duty/{report.code}/sheet?lang=zh"),
                 pdf_text(officer, f"/duty/{report.code}/sheet.pdf?lang=zh")):  # fmt: skip
        assert "还缺：户名、账号、时间" in squeezed(text)
        assert "30分钟内" in squeezed(text)


def test_third_parties_have_order_numbers(door: World, officer: FlaskClient) -> None:
    report = reported(door, channel="wechat")
    text = page_text(officer, f"/duty/{report.code}/sheet?lang=zh")
    assert "微信/支付宝订单号" in text and "支付机构" in text and "交易流水号" not in text


def test_a_drill_says_so_on_paper(door: World, officer: FlaskClient) -> None:
    made = door.rows("SELECT id FROM cases")[0]
    report = reported(door)
    with door.parts.ledger.begin("test") as uow:
        uow.conn.exec_driver_sql(f"UPDATE cases SET drill = true WHERE code = '{report.code}'")
    assert made and "请勿办理止付" in page_text(officer, f"/duty/{report.code}/sheet?lang=zh")
    assert "请勿办理止付" in squeezed(pdf_text(officer, f"/duty/{report.code}/sheet.pdf?lang=zh"))


def test_a_correction_stands_beside_the_old_value(door: World, officer: FlaskClient) -> None:
    client = a_client(door)
    typed = {"submission_key": "sheet", "channel": "bank", "amount": "3800", "phone": "13800000001",
             "payee_name": "王五"}  # fmt: skip
    client.post("/report", data=typed)
    client.post("/report", data={**typed, "payee_name": "王伍", "payee_account": "6217 0000 0000 4417"})
    [(code,)] = door.rows("SELECT code FROM cases ORDER BY id DESC LIMIT 1")
    door.pump()
    [transfer] = officer.get(f"/duty/{code}/sheet.json").get_json()["transfers"]
    assert transfer["payee_name"] == "王五"
    assert [(it["field"], it["value"]) for it in transfer["corrections"]] == [("payee_name", "王伍")]
    for text in (
        page_text(officer, f"/duty/{code}/sheet?lang=zh"),
        pdf_text(officer, f"/duty/{code}/sheet.pdf?lang=zh"),
    ):
        assert "王五" in text and "王伍" in text and "未电话核实" in squeezed(text)


def test_each_reading_is_logged_and_only_those_who_may_read(door: World, officer: FlaskClient) -> None:
    report = reported(door)
    counselor = door.user("c", "counselor", door.phones["counselor"].number)
    elsewhere = door.user("e", "officer", "+8613800001006")
    for name in ("sheet", "sheet.pdf", "sheet.json"):
        before = door.rows("SELECT count(*) FROM access_log WHERE action = 'sheet.read'")[0][0]
        assert officer.get(f"/duty/{report.code}/{name}").status_code == 200
        assert door.rows("SELECT count(*) FROM access_log WHERE action = 'sheet.read'")[0][0] == before + 1
        told_to_sign_in = 401 if name == "sheet.json" else 302
        for client, status in ((counselor, 403), (elsewhere, 404), (a_client(door), told_to_sign_in)):
            answer = client.get(f"/duty/{report.code}/{name}")
            assert answer.status_code == status
            assert name != "sheet.json" or answer.content_type == "application/problem+json"  # its reader is a program
    assert door.rows("SELECT count(*) FROM access_log WHERE action = 'sheet.read'")[0][0] == before + 1


def test_a_long_story_and_many_transfers_go_over_the_page(door: World, officer: FlaskClient) -> None:
    report = door.report(narrative="经过很长。\n" * 390, transfers=[{"amount": n} for n in range(1, 12)])
    door.pump()
    text = pdf_text(officer, f"/duty/{report.code}/sheet.pdf?lang=zh")
    assert "第11笔" in text and text.count("经过很长") > 300


@pytest.mark.parametrize("typed", ["𠮷野家😀", "<b>&amp;</b>", "长" * 400, "a\nb", "\u202e"])
def test_any_name_can_be_printed(door: World, officer: FlaskClient, typed: str) -> None:
    report = reported(door, payee_name=typed)
    assert officer.get(f"/duty/{report.code}/sheet").status_code == 200
    assert pdf_text(officer, f"/duty/{report.code}/sheet.pdf")


def test_an_empty_field_is_empty_on_paper(door: World, officer: FlaskClient) -> None:
    """This font has no no-break space: it would print a crossed box, as if something had been ticked."""
    report = reported(door, payee_name="")
    made = officer.get(f"/duty/{report.code}/sheet.pdf?lang=zh").data
    assert "\xa0" not in "".join(page.extract_text() for page in PdfReader(io.BytesIO(made)).pages)
