"""Who lent a card or SIM (涉两卡、帮信): the stop runs as ever, and nobody of the school asks what they did."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from ledger import fraud
from ledger import tables as t
from ledger.figures import college, contactdays, oversight
from ledger.staff.accounts import User
from tests.behaviour import export_tools
from tests.behaviour.door_tools import a_client
from tests.behaviour.export_tools import fetched, seal, signed
from tests.behaviour.stories import SQLITE, read_all, reported, taken
from tests.behaviour.test_stage_two_is_saved_at_once import answer
from tests.behaviour.test_the_counselor_s_record import centre, counselor, stored
from tests.behaviour.test_the_sheet_is_one_truth import page_text, pdf_text, squeezed
from tests.behaviour.test_two_numbers import reports
from tests.world import STUDENT, Report, World, another_fraud

LENT = {"fraud_type": "BX", "narrative": "金丝雀案情"}
CARE = "这名学生可能会被民警询问"
LAWYER = "12348"
OTHERS = {"for_whom": "other", "victim_phone": "13912340001"}
UNSAVED = "资金来源没有保存"


@pytest.fixture
def officer(world: World) -> FlaskClient:
    return world.user("ouyang", "officer", world.phones["officer"].number)


def kind(world: World, client: FlaskClient, report: Report, said: str) -> int:
    return world.press(client, f"/duty/{report.code}/kind", kind=said).status_code


def status(report: Report, lang: str = "zh") -> str:
    return report.world.client.get(f"/r/{report.token}?lang={lang}").text


def record(report: Report, client: FlaskClient) -> str:
    return client.get(f"/desk/followups/{report.code}?lang=zh").text


def test_the_alert_is_the_same_text_at_the_same_time(world: World) -> None:
    usual = reported(world)
    read_all(world)
    lent = world.report(**LENT | another_fraud())
    world.phones["officer"].expects("紧急止付", lent.code, "38600元")
    for_the_teacher = world.phones["counselor"].expects(lent.code, "30分钟内致电")
    assert "两卡" not in for_the_teacher.body and "询问" not in for_the_teacher.body
    same = "SELECT count(*) FROM deliveries d JOIN cases c ON c.id = d.case_id WHERE c.code = :code"
    assert world.rows(same, code=usual.code) == world.rows(same, code=lent.code)
    read_all(world)


def test_the_counselor_reads_that_it_is_care_only_and_asks_nothing(world: World) -> None:
    report, mine = reported(world, **LENT), counselor(world)
    seal(world, report, family="金丝雀家庭", money_source="金丝雀资金")
    shown = record(report, mine)
    assert CARE in shown and "不问、不记他做了什么" in shown and "不承诺结果，也不承诺保密" in shown
    assert "不问卡、钱和经过" in shown and "你现在安全吗" in shown and "不想活" in shown and LAWYER in shown
    assert "金丝雀家庭" in shown
    assert "听：让他说感受，不问经过" in shown
    for kept_away in ("金丝雀案情", "金丝雀资金", 'name="money_source"', "听他说", "听：让他说完"):
        assert kept_away not in shown


def test_another_student_s_record_is_as_ever(world: World) -> None:
    report, mine = reported(world, fraud_type="SD", narrative="金丝雀案情"), counselor(world)
    shown = record(report, mine)
    assert CARE not in shown and "金丝雀案情" in shown and 'name="money_source"' in shown and "听他说" in shown
    assert "听：让他说完" in shown


def test_the_centre_and_the_office_read_the_same(world: World) -> None:
    report, mine = reported(world, **LENT), counselor(world)
    world.press(mine, f"/desk/followups/{report.code}/refer")
    read_all(world)
    theirs = centre(world).get(f"/desk/care/{report.code}?lang=zh").text
    assert CARE in theirs and "金丝雀案情" not in theirs
    assert CARE in record(report, world.user("guard", "security"))


def test_the_student_reads_what_not_to_do_and_of_a_lawyer(world: World) -> None:
    report = reported(world, **LENT)
    shown = status(report)
    for said in ("别删聊天和转账记录", "别取、别转卡里的钱", "可以自己找民警说明", "tel:12348", "不问案情"):
        assert said in shown
    assert "legal aid" in status(report, "en") and "Delete no chats" in status(report, "en")
    assert "/more/money" not in shown
    for path in ("story", "who"):
        assert "民警会看到" in world.client.get(f"/r/{report.token}/more/{path}?lang=zh").text
    assert "民警会看到" in world.client.get(f"/r/{report.token}/screenshots?lang=zh").text


def test_a_victim_reads_nothing_of_it(world: World) -> None:
    report = reported(world, fraud_type="SD")
    assert LAWYER not in status(report) and "/more/money" in status(report)
    assert "民警会看到" not in world.client.get(f"/r/{report.token}/more/story?lang=zh").text


@pytest.mark.parametrize("changes", [{"fraud_type": "SD"}, LENT])
def test_the_money_s_source_is_not_for_the_police_and_its_page_says_for_whom(
    world: World, changes: dict[str, str]
) -> None:
    report = reported(world, **changes)  # an old link leads there from a page on which it is not asked any more
    page = world.client.get(f"/r/{report.token}/more/money?lang=zh").text
    assert "跟进老师和学院台账责任人看得到，民警看不到" in page and "民警会看到" not in page
    assert "ledger keeper see it, police do not" in world.client.get(f"/r/{report.token}/more/money?lang=en").text


def test_who_reports_for_somebody_is_not_told_what_the_police_think_of_them(world: World, officer: FlaskClient) -> None:
    report = taken(world, **OTHERS)
    assert kind(world, officer, report, "BX") == 303
    assert LAWYER not in status(report)
    assert "民警会看到" not in world.client.get(f"/r/{report.token}/more/story?lang=zh").text


@pytest.mark.parametrize(("phone", "told"), [("13912340001", False), (STUDENT, True)])
def test_nor_who_gave_another_s_phone_and_said_nothing_that_could_be_read(
    world: World, officer: FlaskClient, phone: str, told: bool
) -> None:
    report = taken(world, for_whom="室友", victim_phone=phone)
    kind(world, officer, report, "BX")
    assert (LAWYER in status(report)) is told


@pytest.mark.parametrize("said", [None, "SD"])
def test_nor_can_they_tell_it_from_what_is_asked(world: World, officer: FlaskClient, said: str | None) -> None:
    report = taken(world, **OTHERS, fraud_type=said)

    def asked() -> str:
        return world.client.get(f"/r/{report.token}/more?lang=zh").text + answer(report, "story")

    before = asked()
    assert "/more/money" in before
    for newest in ("BX", "KF"):
        kind(world, officer, report, newest)
        assert asked() == before


def test_the_word_of_who_reports_for_somebody_marks_nobody_and_takes_no_mark_away(
    world: World, officer: FlaskClient
) -> None:
    report, mine = taken(world, **OTHERS, **LENT), counselor(world)
    line = "<dt>诈骗类型</dt><dd><span>{}</span>"

    def case() -> tuple[str | None, str]:
        page = officer.get(f"/duty/{report.code}?lang=zh").text
        return world.rows("SELECT fraud_type FROM cases")[0].fraud_type, page.partition("后来补充")[2]

    lent, rebate = fraud.KINDS["BX"][0], fraud.KINDS["SD"][0]
    for by_officer, said, holds, beside in (
        (None, None, None, lent), (None, "BX", None, lent), (None, "SD", "SD", lent), (None, "BX", "SD", lent),
        ("BX", "SD", "BX", rebate), ("QT", "KF", "KF", rebate),
    ):  # fmt: skip
        if by_officer:
            kind(world, officer, report, by_officer)
        if said:
            answer(report, "fraud", fraud_type=said)
        newest, added = case()
        assert newest == holds and (CARE in record(report, mine)) is (holds == "BX")
        assert line.format(beside) in added
    assert "学生看不到这一页，请辅导员或您告知" in officer.get(f"/duty/{report.code}?lang=zh").text
    assert "the counselor or you tell them" in officer.get(f"/duty/{report.code}?lang=en").text


def test_of_who_reported_themselves_the_page_names_the_lawyer(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    page = officer.get(f"/duty/{report.code}?lang=zh").text
    assert "学生的页面写明可请律师" in page and "学生看不到这一页" not in page


def test_the_officer_reads_that_they_may_be_questioned_and_files_the_stop(world: World, officer: FlaskClient) -> None:
    report = taken(world, **LENT)
    shown = officer.get(f"/duty/{report.code}?lang=zh").text
    assert "本人可能会被询问" in shown and "止付照常办" in shown and "金丝雀案情" in shown
    assert world.press(officer, f"/duty/{report.code}/outcome", progress="filed").status_code == 303
    assert report.state("police") == "filed"


def test_no_paper_that_goes_to_a_bank_says_what_they_did(world: World, officer: FlaskClient) -> None:
    lent = taken(world, fraud_type="BX")
    path = f"/duty/{lent.code}"

    def papers(lang: str) -> list[str]:
        page = page_text(officer, f"{path}/sheet?lang={lang}"), pdf_text(officer, f"{path}/sheet.pdf?lang={lang}")
        return [squeezed(it) for it in page]

    for text in papers("zh") + papers("en"):
        assert "6217" in text
        for word in ("诈骗类型", "出借", "Kindoffraud", "Lentacard"):
            assert word not in text
    assert officer.get(f"{path}/sheet.json").get_json()["fraud_type"] == "BX"
    assert "<dt>诈骗类型</dt><dd><span>出借银行卡、电话卡" in officer.get(f"{path}?lang=zh").text
    kind(world, officer, lent, "SD")
    assert all("刷单返利" in text for text in papers("zh"))


def test_the_newest_word_holds_be_it_the_officer_s_or_the_student_s(world: World, officer: FlaskClient) -> None:
    report, mine = taken(world), counselor(world)
    for who, said, on in ((officer, "BX", True), (None, "SD", False), (None, "BX", True), (officer, "QT", False)):
        if who:
            assert kind(world, who, report, said) == 303
        else:
            answer(report, "fraud", fraud_type=said)
        assert (CARE in record(report, mine)) is on
        assert (LAWYER in status(report)) is on
        assert officer.get(f"/duty/{report.code}/sheet.json").get_json()["fraud_type"] == said
    world.pump()
    world.phones.assert_all_read()  # it rings nobody


def test_it_can_be_set_once_the_case_is_closed_and_by_nobody_who_does_not_have_it(
    world: World, officer: FlaskClient
) -> None:
    report = reported(world)
    assert kind(world, officer, report, "BX") == 303
    assert world.rows("SELECT fraud_type FROM cases")[0].fraud_type is None  # nobody has it yet
    world.phones["officer"].replies(report.code).expects("由您接单")
    assert kind(world, officer, report, "XX") == 400
    world.press(officer, f"/duty/{report.code}/close")
    assert 'id="kind"' in officer.get(f"/duty/{report.code}").text
    assert kind(world, officer, report, "BX") == 303
    assert world.rows("SELECT fraud_type FROM cases")[0].fraud_type == "BX"
    assert world.press(counselor(world), f"/duty/{report.code}/kind", kind="SD").status_code == 403
    assert a_client(world).post(f"/duty/{report.code}/kind", data={"kind": "SD"}).status_code in (302, 400)
    read_all(world)


def test_the_office_sets_it_of_a_case_that_nobody_has_or_had(world: World, officer: FlaskClient) -> None:
    report, office = reported(world), world.user("guard", "security")
    for said in ("SD", "BX"):
        assert 'id="kind"' in office.get(f"/duty/{report.code}").text
        assert 'id="kind"' not in officer.get(f"/duty/{report.code}").text
        assert kind(world, office, report, said) == kind(world, officer, report, "QT") == 303
        assert world.rows("SELECT fraud_type FROM cases")[0].fraud_type == said
        world.press(office, f"/duty/{report.code}/close")  # untaken
        read_all(world)
    assert report.events("case.kind_set.v1") == [{}, {}]


def test_what_was_said_before_is_sealed_and_told_to_no_other_system(world: World, officer: FlaskClient) -> None:
    report = taken(world, fraud_type="SD")
    for _ in range(2):
        kind(world, officer, report, "BX")
    assert report.events("case.kind_set.v1") == [{}]
    answer(report, "fraud", fraud_type="SD")
    with world.parts.ledger.begin("look") as uow:
        e = t.case_events.c
        case = uow.case(uow.conn.execute(select(t.cases.c.id)).scalar_one())
        types = ("case.kind_set.v1", "case.details_given.v1")
        rows = uow.conn.execute(select(e.id, e.sealed).where(e.type.in_(types)).order_by(e.seq)).all()
        said = [case.key.open("case_events", row.id, "sealed", row.sealed) for row in rows]
    assert said[0] == '{"kind": "BX", "before": "SD"}'
    assert '"before": {"fraud_type": "BX"}' in str(said[1])


def figures(world: World, role: str = "security", code: str | None = None) -> tuple[Any, list[str]]:
    user = User(t.new_id(), "somebody", role, code, None, 0)
    with world.parts.ledger.read() as conn:
        both = oversight.figures(conn, user, world.clock.now(), world.parts.ledger.zone)
        return both, [row.code for row in college.cases(conn, user, world.clock.now())]


def test_figures_of_victims_have_it_in_a_number_of_its_own(world: World) -> None:
    victim = world.report(fraud_type="SD")
    world.report(**LENT | another_fraud())
    world.pump()
    world.clock.advance(11 * 60)
    read_all(world)
    it = reports(world)
    assert (it.year, it.recent, it.timed, it.due, it.open, it.apart) == (1, 1, 1, 1, 1, 1)
    together, listed = figures(world)
    assert together.school.reports.apart == 1 and len(listed) == 2
    page = world.user("guard", "security").get("/desk/figures?lang=zh").text
    assert "涉两卡，另计" in page and page.count("38,600") == 1 and victim.code in page


def page_of(leader: FlaskClient) -> str:
    """Without the form's token, which is another one each second."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", leader.get("/desk/figures?lang=zh").text)


def test_to_a_leader_it_is_a_case_as_any_other_and_nothing_goes_when_an_officer_says_so(
    world: World, officer: FlaskClient
) -> None:
    report, leader = taken(world), world.user("dean", "leader", None, world.college)
    world.clock.advance(1)  # the newest stands first
    world.report(**LENT | another_fraud())
    world.pump()
    read_all(world)
    before = page_of(leader)
    cells = export_tools.all_cells(leader.get("/desk/figures.xlsx").data)
    kind(world, officer, report, "BX")
    assert page_of(leader) == before
    assert export_tools.all_cells(leader.get("/desk/figures.xlsx").data) == cells
    both, listed = figures(world, "leader", world.college)
    [line] = both.lines
    assert len(listed) == 2 and (line.reports.year, line.reports.open, line.reports.apart) == (2, 2, 0)
    assert "个别网络案件由保卫部另计，保卫部的数字可能略少" in before
    for word in ("两卡", "银行卡"):
        assert word not in before and word not in cells


def test_the_same_is_said_to_a_leader_where_there_is_none(world: World) -> None:
    reported(world)
    page = world.user("dean", "leader", None, world.college).get("/desk/figures?lang=zh").text
    assert "个别网络案件由保卫部另计" in page


def test_among_cases_without_a_review_it_stands_as_any_other(world: World) -> None:
    victim, lent = world.report(), world.report(**LENT | another_fraud())
    world.pump()
    read_all(world)
    with world.parts.ledger.begin("over") as uow:
        uow.conn.execute(t.cases.update().values(state="closed"))
        uow.conn.execute(t.obligations.update().values(state="done", done_at=world.clock.now()))
    for role, says in (("leader", False), ("security", True)):
        page = world.user(f"one-{role}", role, None, world.college).get("/desk/figures/unreviewed?lang=zh").text
        assert victim.code in page and lent.code in page and ("两卡" in page) is says


def test_its_contacts_are_in_no_year_s_figures(world: World) -> None:
    world.report()
    world.report(**LENT | another_fraud())
    world.pump()
    read_all(world)
    world.clock.advance(1.5 * 86400)
    while contactdays.count_one(world.parts.ledger):
        pass
    assert reports(world).contacts_due == 2  # the victim's: the call, and the meeting of the next day
    read_all(world)


def test_the_ledger_s_keeper_is_neither_shown_nor_asked_what_they_did(world: World) -> None:
    report = reported(world, **LENT)
    seal(world, report, family="金丝雀家庭", money_source="金丝雀资金")
    keeper = world.user("keeper", "keeper", None, world.college)
    line = f"/desk/ledger/{report.code}"
    opened = keeper.get(f"{line}?lang=zh").text
    assert CARE in opened and "经过和资金来源不在台账里" in opened
    answered = world.press(keeper, f"{line}/read", reason="核对台账").text
    assert "金丝雀家庭" in answered
    for page in (opened, answered, keeper.get("/desk/ledger?lang=zh").text):
        for kept_away in ("金丝雀案情", "金丝雀资金", "被骗资金来源", "出借"):
            assert kept_away not in page
    world.press(keeper, f"{line}/background", family="金丝雀家庭，已更正", shown_family="金丝雀家庭")
    with world.parts.ledger.begin("look") as uow:
        case = uow.case(uow.conn.execute(select(t.cases.c.id)).scalar_one())
        kept = [case.key.open("cases", case.id, it, case.row[f"{it}_sealed"]) for it in ("family", "money_source")]
    assert kept == ["金丝雀家庭，已更正", "金丝雀资金"]
    read_all(world)


@SQLITE
def test_no_exported_file_tells_what_they_did_or_adds_it_to_the_losses(world: World) -> None:
    report, mine = reported(world, **LENT), counselor(world)
    seal(world, report, family="金丝雀家庭", money_source="金丝雀资金")
    office = world.user("xuanyuan", "security", world.phones["office"].number)
    signed(world, mine, office)
    [it] = fetched(mine)
    assert (it["案件经过"], it["被骗资金来源"], it["家庭情况"], it["诈骗类型"]) == ("", "", "金丝雀家庭", "")
    assert it["金额合计（元）"] == "38,600 元" and "不算被骗，另计" in str(it["备注"])
    signed(world, office, world.user("second", "admin"))
    assert "金丝雀" not in str(fetched(office))
    read_all(world)


def test_what_an_old_page_says_of_the_money_s_source_is_not_kept_and_that_is_said(
    world: World, officer: FlaskClient
) -> None:
    report, mine = taken(world), counselor(world)
    page, background = f"/desk/followups/{report.code}", f"/desk/followups/{report.code}/background"
    shown = {"shown_family": "", "shown_money_source": "学费"}
    world.press(mine, background, money_source="学费")
    kind(world, officer, report, "BX")
    world.press(mine, background, family="父母务工", money_source="学费、花呗", **shown)
    assert stored(world, report) == ("父母务工", "学费")
    assert UNSAVED in mine.get(f"{page}?lang=zh").text and UNSAVED not in mine.get(f"{page}?lang=zh").text
    world.press(mine, background, family="单亲", money_source="", **shown)
    assert "source of the money was not saved" in mine.get(f"{page}?lang=en").text
    world.press(mine, background, family="父母务工", money_source="学费", **shown)  # not touched
    assert "已记录" in mine.get(f"{page}?lang=zh").text and stored(world, report)[1] == "学费"
    assert [it["fields"] for it in report.events("followup.background_recorded.v1")][1:] == [["family"]] * 2
