"""现金 that lay in an account after all, a slip of the finger, a second answer: nothing that was given is lost."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.behaviour.door_tools import ledger_away
from tests.behaviour.stories import SQLITE, read_all, reported, taken
from tests.behaviour.test_how_it_was_paid import BARE, WAYS, told
from tests.behaviour.test_how_it_was_paid import officer as officer  # a fixture
from tests.behaviour.test_stage_two_is_saved_at_once import answer, page
from tests.behaviour.test_the_sheet_is_one_truth import page_text, pdf_text, squeezed
from tests.world import Report, World

NOTHING_TO_STOP = ("没有对方账户", "银行无可")


def script(report: Report) -> str:
    """What the student reads to 110, and what to do."""
    shown = report.world.client.get(f"/r/{report.token}?lang=zh").text
    return shown.split("读给110听")[1].split("还可以补充")[0]


def papers(client: FlaskClient, report: Report) -> list[str]:
    """Case page, sheet and PDF."""
    return [
        squeezed(client.get(f"/duty/{report.code}?lang=zh").text),
        squeezed(page_text(client, f"/duty/{report.code}/sheet?lang=zh")),
        squeezed(pdf_text(client, f"/duty/{report.code}/sheet.pdf?lang=zh")),
    ]


@pytest.mark.parametrize("way", ["cash", "voucher"])
def test_where_an_account_was_given_it_is_stopped_at_its_bank(world: World, officer: FlaskClient, way: str) -> None:
    report = taken(world, channel="other", payee_name=None)
    answer(report, "how", channel=way)
    assert told(officer, report)["missing"] == ["name"]
    assert "四项须与银行一致" in officer.get(f"/duty/{report.code}?lang=zh").text
    answer(report, "correct", payee_name="某人")
    shown = told(officer, report)
    assert shown["missing"] == [] and "凭账号" in shown["transfers"][0]["action"]
    for text in papers(officer, report):
        assert "6217000000004417" in text and "凭账号" in text and "开户行" in text
        assert not any(words in text for words in NOTHING_TO_STOP)
    assert "户名、账号、金额、时间都有" in officer.get(f"/duty/{report.code}?lang=zh").text
    read = script(report)
    assert "6217 0000 0000 4417" in read and "某人" in read and "ATM" in read
    read_all(world)


def test_an_account_that_comes_later_counts_too(world: World, officer: FlaskClient) -> None:
    report = taken(world, **BARE | {"channel": "cash"})
    assert "ATM" not in script(report)
    answer(report, "correct", payee_account="6217 0000 0000 4418")
    assert told(officer, report)["missing"] == ["name"]
    assert "ATM" in script(report) and "6217 0000 0000 4418" in script(report)
    read_all(world)


def test_an_account_that_cannot_be_opened_any_more_was_given_all_the_same(world: World, officer: FlaskClient) -> None:
    report = taken(world, channel="cash")
    with world.parts.ledger.begin("spoil") as uow:
        uow.conn.exec_driver_sql("UPDATE transfers SET payee_account_sealed = payee_name_sealed")
    assert told(officer, report)["missing"] == ["account"]
    assert "没有对方账户" not in page_text(officer, f"/duty/{report.code}/sheet?lang=zh")


def test_the_name_of_who_took_the_cash_is_no_account(world: World, officer: FlaskClient) -> None:
    report = taken(world, **BARE | {"channel": "cash", "payee_name": "李四"})
    assert told(officer, report)["missing"] == []
    for text in papers(officer, report):
        assert "李四" in text and "没有对方账户" in text
    assert "李四" in script(report) and "账号" not in script(report)


def test_who_scanned_a_code_and_has_the_account_reads_it_to_110(world: World) -> None:
    assert "6217 0000 0000 4417" in script(reported(world, channel="scan"))


@pytest.mark.parametrize("way", WAYS)
def test_a_slip_is_put_right_by_the_last_choice(world: World, officer: FlaskClient, way: str) -> None:
    report = taken(world, **BARE)
    answer(report, "how", channel=way)
    assert "存进或转到银行账户" in page(report, "how")
    assert answer(report, "how", channel="other") == f"/r/{report.token}/more/time?saved=1"
    shown = told(officer, report)
    assert (shown["transfers"][0]["channel"], "action" in shown["transfers"][0]) == ("other", False)
    assert shown["missing"] == ["name", "account"]
    listed = world.client.get(f"/r/{report.token}/more?lang=zh").text
    assert "/more/bank" in listed and f"/more/{way}" not in listed
    assert "已填" in listed.split("/more/how")[1].split("</li>")[0]
    read_all(world)


@pytest.mark.parametrize(("way", "box", "first", "second", "both"), [
    ("voucher", "cards", "1111\n2222\n3333", "3333\n 4444", "1111\n2222\n3333\n4444"),
    ("voucher", "platform", "某平台", "另一平台", "某平台\n另一平台"),
    ("cash", "person", "灰外套", "车牌尾号07", "灰外套\n车牌尾号07"),
])  # fmt: skip
def test_a_second_answer_takes_nothing_away(
    world: World, officer: FlaskClient, way: str, box: str, first: str, second: str, both: str
) -> None:
    report = taken(world, **BARE | {"channel": way})
    answer(report, way, **{box: first})
    answer(report, way, **{box: second})
    assert told(officer, report)["transfers"][0][box] == both
    for text in (*papers(officer, report), squeezed(script(report))):
        assert all(line in text for line in both.split())
    read_all(world)


def test_what_is_saved_unchanged_rings_nobody(world: World, officer: FlaskClient) -> None:
    report = taken(world, **BARE | {"channel": "voucher"})
    for cards in ("1111\n2222", "1111\n2222", "2222"):
        answer(report, "voucher", cards=cards)
    assert len(report.events("case.amended.v1")) == 1
    answer(report, "voucher", cards="1111\n2222\n3333")
    assert len(report.events("case.amended.v1")) == 2
    read_all(world)


@pytest.mark.parametrize(("said", "then"), [("voucher", "voucher"), ("other", "time")])
def test_how_leads_to_the_page_of_what_was_chosen_for_this_transfer(world: World, said: str, then: str) -> None:
    transfers = [{"amount": 100, "channel": "cash"}, {"amount": 200, "channel": "scan"}]
    report = reported(world, transfers=[*transfers, {"amount": 300, "channel": "other"}])
    assert answer(report, "how", transfer="3", channel=said) == f"/r/{report.token}/more/{then}?saved=1&transfer=3"
    read_all(world)


def test_what_is_saved_is_not_called_lost_where_the_ledger_goes_away_right_after(world: World) -> None:
    report = reported(world, **BARE | {"channel": "cash"})
    key = re.search(r'name="page" value="([^"]+)"', page(report, "cash"))
    assert key
    gone = ledger_away(world)
    world.parts.ledger.on_commit.append(lambda _: gone.__enter__())
    sent = world.client.post(f"/r/{report.token}/more/cash", data={"page": key[1], "place": "东门公交站"})
    gone.__exit__(None, None, None)
    world.parts.ledger.on_commit.pop()
    assert (sent.status_code, sent.location) == (303, f"/r/{report.token}/more?saved=1")
    assert "东门公交站" in script(report)
    read_all(world)


@SQLITE
def test_what_is_not_listed_stands_in_words(world: World, officer: FlaskClient) -> None:
    report = taken(world, transfers=[{"amount": n, "channel": "bank"} for n in range(1, 51)])
    answer(report, "transfer", amount="77777", channel="cash", account_kind="corporate", payee_name="李四")
    answer(report, "transfer", amount="好多", channel="voucher")
    for text in papers(officer, report):
        assert "77777·现金·李四·对公账户" in text and "好多·充值卡、礼品卡" in text
    read_all(world)
