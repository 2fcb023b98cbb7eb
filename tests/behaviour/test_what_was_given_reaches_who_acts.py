"""A fact that somebody gave stands where whoever acts on it looks: the sheet, the case page, the follow-up."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from ledger import tables as t
from tests.behaviour.export_tools import fetched, office, signed
from tests.behaviour.stories import read_all
from tests.behaviour.test_stage_two_is_saved_at_once import answer
from tests.behaviour.test_the_counselor_s_record import centre, counselor
from tests.behaviour.test_the_sheet_is_one_truth import page_text, pdf_text, squeezed
from tests.world import STUDENT, Report, World

__all__ = ["office"]
ON_BEHALF = {"phone": "13912340001", "for_whom": "other", "student_no": None}
RIGHT, WRONG = "6217 0000 0000 4412", "6217 0000 0000 4416"


@pytest.fixture(autouse=True)
def texts_are_another_s_promise(world: World) -> Iterator[None]:
    yield
    read_all(world)


def told(officer: FlaskClient, report: Report) -> dict[str, object]:
    found: dict[str, object] = officer.get(f"/duty/{report.code}/sheet.json").get_json()
    return found


def papers(officer: FlaskClient, report: Report, lang: str = "zh") -> dict[str, str]:
    """The sheet as page and PDF, and the case page: without spaces."""
    path = f"/duty/{report.code}"
    said = {
        "page": page_text(officer, f"{path}/sheet?lang={lang}"),
        "pdf": pdf_text(officer, f"{path}/sheet.pdf?lang={lang}"),
        "case": page_text(officer, f"{path}?lang={lang}"),
    }
    return {name: squeezed(text) for name, text in said.items()}


def line(text: str, label: str) -> str:
    """What follows a label, up to the next line's."""
    return text.split(label)[1][:60]


def test_the_victim_s_name_given_on_behalf_is_on_the_sheet_and_is_said_to_be_unconfirmed(
    world: World, officer: FlaskClient
) -> None:
    report = world.report(**ON_BEHALF)
    world.pump()
    answer(report, "who", name="欧阳某")
    assert told(officer, report)["victim_name"] == "欧阳某"
    for where, text in papers(officer, report).items():
        assert line(text, "受害人姓名").startswith("欧阳某（未电话核实）"), where
        assert text.count("欧阳某") == 1, where
    for where, text in papers(officer, report, "en").items():
        assert "Victim欧阳某(notconfirmedbyphone)" in text, where
    answer(report, "who", name="欧阳正")  # said otherwise: beside it, as everywhere
    assert told(officer, report)["victim_name"] == "欧阳某"
    assert {"field": "victim_name", "value": "欧阳正"} in told(officer, report)["other_corrections"]  # type: ignore[operator]
    for where, text in papers(officer, report).items():
        assert "欧阳正" in line(text, "欧阳某（未电话核实）"), where


def test_the_reporter_s_own_name_is_never_the_victim_s(world: World, office: FlaskClient, officer: FlaskClient) -> None:
    report = world.report(**ON_BEHALF, name="代报人甲")
    world.pump()
    assert told(officer, report)["victim_name"] is None
    answer(report, "who", name="欧阳某")
    assert told(officer, report)["victim_name"] == "欧阳某"
    assert "代报人甲" not in "".join(papers(officer, report).values())
    signed(world, office, world.user("second", "admin"))
    assert [it["姓名"] for it in fetched(office)] == ["欧阳某"]


def test_of_a_victim_whom_the_roster_knows_both_names_stand_on_the_sheet(world: World, officer: FlaskClient) -> None:
    report = world.report(**ON_BEHALF, victim_phone=STUDENT)
    world.pump()
    answer(report, "who", name="小测")
    assert told(officer, report)["victim_name"] == "测试学生01"
    for where, text in papers(officer, report).items():
        beside = line(text, "受害人姓名测试学生01")
        assert "小测" in beside and "未电话核实" in beside, where


def test_a_name_that_the_student_gives_again_stands_beside_the_first(world: World, officer: FlaskClient) -> None:
    report = world.report(name="张山")
    world.pump()
    answer(report, "who", name="张三")
    assert told(officer, report)["victim_name"] == "张山"
    for where, text in papers(officer, report).items():
        assert "张三" in line(text, "受害人姓名张山"), where
        assert text.count("张三") == 1, where


def test_who_has_called_110_by_now_is_not_said_not_to_have(world: World, officer: FlaskClient) -> None:
    report = world.report(called_110=False)
    world.pump()
    answer(report, "police", called="yes", called_at="2026-11-24T14:38", incident="JQ-77")
    sheet = told(officer, report)
    assert sheet["called_110"] is True
    assert (sheet["called_110_at"], sheet["incident_number"]) == ("2026-11-24T14:38:00+08:00", "JQ-77")
    for where, text in papers(officer, report).items():
        assert "110已报是" in text and "还没有" not in text, where
        assert text.count("JQ-77") == 1 and "110时间2026-11-2414:38:00" in text, where
    for where, text in papers(officer, report, "en").items():
        assert "IncidentnumberJQ-77" in text, where


def test_what_was_said_of_110_before_stays_with_the_event(world: World, officer: FlaskClient) -> None:
    report = world.report(called_110=False)
    world.pump()
    answer(report, "police", called="yes", incident="JQ-77")
    answer(report, "police", called="no")
    assert told(officer, report)["called_110"] is False
    assert told(officer, report)["incident_number"] == "JQ-77"  # an empty box takes nothing away
    e = t.case_events.c
    with world.parts.ledger.read() as conn:
        case = conn.execute(select(t.cases)).mappings().one()
        key = world.parts.ledger.keys.unwrap(case["id"], case["row_key"])
        its = select(e.id, e.sealed).where(e.case_id == case["id"], e.type == "case.details_given.v1").order_by(e.seq)
        kept = [json.loads(key.open("case_events", row.id, "sealed", row.sealed) or "") for row in conn.execute(its)]
    assert [(it["called"], it["before"]) for it in kept] == [
        ("yes", {"called_110": False}),
        ("no", {"called_110": True}),
    ]
    assert "before" not in world.client.get(f"/r/{report.token}/more/police").text


def test_a_time_that_cannot_be_read_is_on_the_sheet_as_it_was_typed(world: World, officer: FlaskClient) -> None:
    report = world.report()
    world.pump()
    assert not {"called_110_at", "incident_number"} & set(told(officer, report))
    answer(report, "police", called="yes", called_at="布谷点钟")
    assert told(officer, report)["called_110_at"] == "布谷点钟"
    for where, text in papers(officer, report).items():
        assert "110时间布谷点钟" in text, where


def test_whom_to_contact_and_how_they_are_pressed_is_on_the_follow_up_for_who_reads_what_is_said(world: World) -> None:
    report = world.report()
    world.pump()
    answer(report, "contact", parents="not_now", person="室友小李 13812340000")
    answer(report, "pressed", pressed="yes", how="一直打电话")
    theirs = counselor(world)
    assert world.press(theirs, f"/desk/followups/{report.code}/refer").status_code == 303
    page = page_text(theirs, f"/desk/followups/{report.code}?lang=zh")
    english = page_text(theirs, f"/desk/followups/{report.code}?lang=en")
    assert "室友小李 13812340000" in page and "对方还在催" in page and "一直打电话" in page
    assert "室友小李 13812340000" in english and "still pressing" in english
    assert "室友小李" in page_text(centre(world), f"/desk/care/{report.code}")
    security = page_text(world.user("s", "security"), f"/desk/followups/{report.code}")
    assert "室友小李" not in security and "一直打电话" not in security
    answer(report, "pressed", pressed="no")
    assert "没有再催" in page_text(theirs, f"/desk/followups/{report.code}?lang=zh")


def test_a_card_number_with_a_digit_wrong_is_said_so_on_the_sheet(world: World, officer: FlaskClient) -> None:
    report = world.report(payee_account=WRONG)
    world.pump()
    assert told(officer, report)["transfers"][0]["payee_account"] == WRONG.replace(" ", "")  # type: ignore[index]
    for where, text in papers(officer, report).items():
        assert "可能少一位或打错，请核对" in line(text, "6217000000004416"), where
    for where, text in papers(officer, report, "en").items():
        assert "Adigitmaybewrong" in line(text, "6217000000004416"), where
    answer(report, "correct", payee_account=RIGHT)
    for where, text in papers(officer, report).items():
        assert text.count("可能少一位") == 1, where


def test_so_is_one_that_was_right_before_it_was_corrected(world: World, officer: FlaskClient) -> None:
    report = world.report(payee_account=RIGHT)
    world.pump()
    assert "可能少一位" not in "".join(papers(officer, report).values())
    answer(report, "correct", payee_account=WRONG)
    for where, text in papers(officer, report).items():
        assert "可能少一位或打错，请核对" in line(text, "6217000000004416"), where


@pytest.mark.parametrize("lang, said", [("zh", "可能少一位或打错，请核对"), ("en", "A digit may be wrong")])
def test_the_student_is_warned_of_it_for_as_long_as_they_may_read_it_back(world: World, lang: str, said: str) -> None:
    report = world.report(payee_account=WRONG)
    world.pump()
    page = f"/r/{report.token}?lang={lang}"
    shown = world.client.get(page).text
    assert shown.count(said) == 1 and f"/r/{report.token}/more/correct" in shown.split(said)[1][:200]
    answer(report, "correct", payee_account=RIGHT)
    assert said not in world.client.get(page).text
    world.clock.advance(3600)
    answer(report, "correct", payee_account="6217 0000 0000 4413")
    assert said in world.client.get(page).text
    world.clock.advance(15 * 60)
    assert said not in world.client.get(page).text


@pytest.mark.parametrize("channel, zh, en", [
    ("bank", ("开户行", "交易流水号"), ("Bank", "Serial")),
    ("wechat", ("支付机构", "微信/支付宝订单号"), ("Payment company", "Order number")),
])  # fmt: skip
def test_the_case_page_names_what_was_paid_with_as_the_paper_does(
    world: World, officer: FlaskClient, channel: str, zh: tuple[str, str], en: tuple[str, str]
) -> None:
    report = world.report(channel=channel, payer_bank="某银行", payer_account_tail="4417", serial="S2026")
    world.pump()
    for lang, labels in (("zh", (*zh, "付款行", "付款卡尾号")), ("en", (*en, "Payer bank", "Payer card, last digits"))):
        case, paper = (officer.get(f"/duty/{report.code}{it}?lang={lang}").text for it in ("", "/sheet"))
        for label in labels:
            assert f"<dt>{label}</dt>" in case and f"<dt>{label}</dt>" in paper, label
        other = {"开户行", "交易流水号", "Payment company", "支付机构", "Bank"} - set(labels)
        assert not [it for it in other if f"<dt>{it}</dt>" in case]
