"""What an exported ledger holds: its columns, the fields and rows of whoever asked, and no cell that does harm."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from ledger import tables as t
from tests.behaviour import export_tools
from tests.behaviour.export_tools import fetched, known, seal, signed
from tests.behaviour.test_a_student_who_declines import declines
from tests.behaviour.test_drills_touch_nobody import start
from tests.behaviour.test_the_counselor_s_record import centre, contact
from tests.world import STUDENT, World, another_fraud

world, mine, office = export_tools.unread, export_tools.mine, export_tools.office


def test_each_line_is_a_record_as_the_ledger_names_its_columns(
    world: World, mine: FlaskClient, office: FlaskClient
) -> None:
    report = known(world, fraud_type="SD")
    seal(world, report, family="父母在外地", money_source="借的学费")
    world.clock.advance(5 * 60)
    contact(world, mine, report, need="food", note="室友陪着")
    world.clock.advance(25 * 3600)
    signed(world, mine, office)
    [it] = fetched(mine)
    assert str(it["报告时间"]) == "2026-11-24 14:40:00"
    facts = {
        "案件编号": report.code, "学院": "示例文学院", "班级": "示例文2601班", "姓名": "测试学生01",
        "学号": "2026010101", "诈骗类型": "刷单返利", "金额合计（元）": 38600.0, "止付": "待接单",
        "案件经过": "先是刷单，后来要保证金", "家庭情况": "父母在外地", "被骗资金来源": "借的学费",
        "跟进状态": "跟进中", "是否超时": "是", "转介": "",
    }  # fmt: skip
    assert {name: it[name] for name in facts} == facts
    first, second, *_ = str(it["咨询、矫正、疏导"]).split("\n")
    assert first == "2026-11-24 14:45 30分钟内致电 · 电话 · 已联系 · 需要饭钱 · 室友陪着"
    assert second == "2026-11-25 14:40 24小时内见面 · 见面 · 已超时"
    [english] = fetched(mine, "?lang=en")
    assert (english["诈骗类型"], english["是否超时"]) == ("Task rebate", "yes")


def test_the_office_gets_all_cases_without_what_was_said(world: World, mine: FlaskClient, office: FlaskClient) -> None:
    report, other = known(world), known(world, student_no="2026020104")
    seal(world, report, family="父母在外地", money_source="借的学费")
    contact(world, mine, report, need="food", note="室友陪着")
    signed(world, office, world.user("second", "admin"))
    found = fetched(office)
    assert {it["案件编号"] for it in found} == {report.code, other.code}
    assert not {"家庭情况", "被骗资金来源"} & set(found[0])
    told = str(found)
    assert "已联系" in told
    for private in ("父母在外地", "借的学费", "室友陪着", "饭钱", "6217", "1380000", "139000"):
        assert private not in told, private


@pytest.mark.parametrize(
    ("answer", "zh", "en"), [("seen", "已见面", "seen"), ("waive", "已看过，不必再催", "left in peace")]
)
def test_a_referral_is_answered_as_the_centre_answered_it(
    world: World, mine: FlaskClient, office: FlaskClient, answer: str, zh: str, en: str
) -> None:
    report = known(world)
    declines(world, mine, report)
    world.press(mine, f"/desk/followups/{report.code}/refer", reason="declined")
    world.press(centre(world), f"/desk/care/{report.code}/note", **{answer: "1"})
    signed(world, mine, office)
    [it] = fetched(mine)
    [english] = fetched(mine, "?lang=en")
    assert (it["转介"], english["转介"]) == (zh, en)


def test_the_centre_gets_referred_students_only_and_no_file_has_its_notes(
    world: World, mine: FlaskClient, office: FlaskClient
) -> None:
    report = known(world)
    known(world)
    seal(world, report, family="父母在外地")
    world.press(mine, f"/desk/followups/{report.code}/refer")
    theirs = centre(world)
    world.press(theirs, f"/desk/care/{report.code}/note", note="量表另存")
    signed(world, theirs, office)
    [it] = fetched(theirs)
    assert (it["案件编号"], it["家庭情况"], it["转介"]) == (report.code, "父母在外地", "已转介，待回复")
    assert "量表另存" not in str(it)


def test_whose_a_record_is_is_asked_when_the_file_is_made(world: World, mine: FlaskClient, office: FlaskClient) -> None:
    """Handed on since: nobody's signature makes it theirs. What came in after the asking nobody has signed for."""
    kept, handed = known(world), known(world, student_no="2026010102")
    signed(world, mine, office)
    assert len(fetched(mine)) == 2
    with world.parts.ledger.begin("test") as uow:
        case = uow.conn.execute(t.cases.select().where(t.cases.c.code == handed.code)).mappings().one()
        gone = {"counselor_id": UUID(world.person("C02"))}
        uow.conn.execute(update(t.cases).where(t.cases.c.id == case["id"]).values(gone))
        uow.conn.execute(update(t.deliveries).where(t.deliveries.c.case_id == case["id"]).values(person_id=None))
    world.clock.advance(60)
    known(world)
    assert [it["案件编号"] for it in fetched(mine)] == [kept.code]


def test_a_drill_is_no_record(world: World, office: FlaskClient) -> None:
    report = known(world)
    start(world, college="WY", phones="1")
    world.pump()
    signed(world, office, world.user("second", "admin"))
    assert [it["案件编号"] for it in fetched(office)] == [report.code]


def test_what_was_erased_is_empty_and_what_is_spoiled_is_said(
    world: World, mine: FlaskClient, office: FlaskClient
) -> None:
    gone, spoiled, whole = known(world), known(world), known(world)
    with world.parts.ledger.begin("spoil") as uow:
        for report, values in ((gone, {"row_key": b""}), (spoiled, {"narrative_sealed": b"x" * 40})):
            uow.conn.execute(update(t.cases).where(t.cases.c.code == report.code).values(values))
    signed(world, mine, office)
    by_code = {it["案件编号"]: (it["案件经过"], it["备注"]) for it in fetched(mine)}
    assert by_code == {
        gone.code: ("", "个人信息已删除"),
        spoiled.code: ("", "有内容无法读取，请告知管理员"),
        whole.code: ("先是刷单，后来要保证金", ""),
    }


def test_a_student_known_by_phone_alone_is_said_to_be_assumed(
    world: World, mine: FlaskClient, office: FlaskClient
) -> None:
    """As on the pages: it may be a friend's phone, and a file is read without them."""
    guess, sure = known(world, phone=STUDENT, student_no=None), known(world)
    signed(world, mine, office)
    assert {it["案件编号"]: (it["姓名"], it["备注"]) for it in fetched(mine)} == {
        guess.code: ("测试学生01", "推测，凭手机号"),
        sure.code: ("测试学生01", ""),
    }
    assert "assumed, by phone" in {it["备注"] for it in fetched(mine, "?lang=en")}


def test_a_second_report_of_one_fraud_names_the_first_so_that_no_sum_counts_twice_unawares(
    world: World, mine: FlaskClient, office: FlaskClient
) -> None:
    fraud = another_fraud()
    first, later = known(world, **fraud), known(world, phone=fraud["phone"])
    signed(world, mine, office)
    remarks = {it["案件编号"]: it["备注"] for it in fetched(mine)}
    assert remarks == {first.code: "", later.code: f"疑同{first.code}"}
    assert f"same fraud as {first.code}?" in {it["备注"] for it in fetched(mine, "?lang=en")}


@pytest.mark.parametrize("typed", ["=1+1", "+86", "-1", "@x", "\t=1+1", "\r=1+1", "＝1+1"])
def test_no_cell_is_a_formula(world: World, mine: FlaskClient, office: FlaskClient, typed: str) -> None:
    report = known(world)
    seal(world, report, narrative=typed + "\x00\x0b\ufffe", family="a\x1fb")
    signed(world, mine, office)
    [it] = fetched(mine)
    assert (it["案件经过"], it["家庭情况"]) == ("'" + typed.strip(), "ab")


def test_a_long_cell_is_cut_and_says_so(world: World, mine: FlaskClient, office: FlaskClient) -> None:
    seal(world, known(world), narrative="长" * 40_000)
    signed(world, mine, office)
    text = str(fetched(mine)[0]["案件经过"])
    assert len(text) < 32_767 and text.endswith("more in the ledger）")
