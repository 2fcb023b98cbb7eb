"""The keeper of a college's ledger (台账责任人) sees what its lines lack, reads a family's situation for a reason each
time, and completes it; nothing of other colleges, of screening, of what was said, or of drills."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from ledger import tables as t
from ledger.care import closing
from ledger.export import keeper
from ledger.pages import views
from ledger.staff.accounts import User
from tests.behaviour import export_tools
from tests.behaviour.door_tools import contents
from tests.behaviour.erasing_tools import id_of, of
from tests.behaviour.export_tools import FILE, answer, ask, fetched, known, log, newest, seal, signed, status
from tests.behaviour.test_drills_touch_nobody import end, start
from tests.behaviour.test_the_counselor_s_record import contact, said, stored
from tests.behaviour.test_two_numbers import OTHER_STUDENT
from tests.world import Report, World

world, mine, office = export_tools.unread, export_tools.mine, export_tools.office
LEDGER, TYPE = "/desk/ledger", "followup.background_read.v1"
FAMILY = {"family": "金丝雀父母务工", "money_source": "金丝雀花呗"}


@pytest.fixture
def theirs(world: World) -> FlaskClient:
    return keeper_of(world, world.college)


def keeper_of(world: World, college: str | None) -> FlaskClient:
    return world.user(f"keeper-{college}", "keeper", None, college)


def read(world: World, client: FlaskClient, report: Report, reason: str = "核对台账") -> TestResponse:
    return world.press(client, f"{LEDGER}/{report.code}/read", reason=reason)


def complete(world: World, client: FlaskClient, report: Report, **form: str) -> TestResponse:
    return world.press(client, f"{LEDGER}/{report.code}/background", **form)


def listed(page: str) -> list[str]:
    return re.findall(r'<h3><a class="call code" href="/desk/ledger/(\w+)"', page)


def lacks(client: FlaskClient, report: Report) -> str:
    """As the list says it of this record."""
    [row] = [it for it in client.get(LEDGER).text.split("<li ") if f"{LEDGER}/{report.code}" in it]
    return said(row).partition("还缺：")[2] or ("各栏都有" if "各栏都有" in row else "?")


def end_record(world: World, report: Report) -> None:
    with world.parts.ledger.begin("end") as uow:
        closing.end(uow, of(uow, report.code))


# ── the list ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_desk_sends_a_keeper_to_the_own_college_s_records_and_no_others(world: World, theirs: FlaskClient) -> None:
    ours, elsewhere, nobody_s = known(world), known(world, student_no=OTHER_STUDENT), known(world, student_no="9" * 10)
    drill = start(world, college=world.college)
    world.pump()
    assert theirs.get("/desk").headers["Location"] == LEDGER
    page = theirs.get(LEDGER).text
    assert listed(page) == [ours.code] and "示例文学院" in page
    for private in ("测试学生", "3800000001", "138 0000 0001", "2026010101", "刷单", "4417"):
        assert private not in page, private
    for other in (elsewhere, nobody_s, drill):
        assert other.code not in page
        assert theirs.get(f"{LEDGER}/{other.code}").status_code == 404
        assert theirs.get(f"{LEDGER}?after={other.code}").status_code == 404
        assert (read(world, theirs, other).status_code, complete(world, theirs, other).status_code) == (404, 404)
        assert other.events(TYPE) == []
    assert f"code:{ours.code}" not in str(log(world, "case.denied")) and len(log(world, "case.denied")) == 12
    end(world, drill)


@pytest.mark.parametrize("college", [None, "*", "no-such-college"])
def test_a_keeper_of_no_college_sees_nothing_not_even_what_is_nobody_s(world: World, college: str | None) -> None:
    ours, nobody_s = known(world), known(world, student_no="9" * 10)
    client = keeper_of(world, college)
    page = client.get(LEDGER).text
    assert listed(page) == [] and ("您的账号没有填学院" in page) == (college is None)
    for report in (ours, nobody_s):
        assert client.get(f"{LEDGER}/{report.code}").status_code == 404
        assert read(world, client, report).status_code == 404


def test_it_says_of_each_record_what_is_missing_and_whether_a_contact_is_overdue(
    world: World, mine: FlaskClient, theirs: FlaskClient
) -> None:
    report = known(world, narrative=None)
    assert lacks(theirs, report) == "案件经过、家庭情况、被骗资金来源、咨询矫正疏导"
    background = f"/desk/followups/{report.code}/background"
    world.press(mine, background, **FAMILY)
    assert lacks(theirs, report) == "案件经过、咨询矫正疏导"
    world.client.post(f"/r/{report.token}/more/story", data={"narrative": "先是刷单"})
    contact(world, mine, report, reached="no")
    assert lacks(theirs, report) == "咨询矫正疏导"
    assert "有联系超时" not in theirs.get(LEDGER).text
    contact(world, mine, report)
    assert lacks(theirs, report) == "各栏都有"
    world.press(mine, background, family="")  # taken out again
    assert lacks(theirs, report) == "家庭情况"
    world.clock.advance(3 * 86400)
    assert "有联系超时" in theirs.get(LEDGER).text
    assert "金丝雀" not in theirs.get(LEDGER).text


def test_open_records_come_first_and_each_stands_once_on_the_pages(
    world: World, theirs: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "SHOWN", 2)
    reports = []
    for _ in range(7):
        reports.append(known(world))
        world.clock.advance(60)
    for report in (reports[1], reports[3], reports[6]):
        end_record(world, report)
    with world.parts.ledger.begin("at-once") as uow:  # two that came at one moment
        at = select(t.cases.c.received_at).where(t.cases.c.code == reports[2].code).scalar_subquery()
        uow.conn.execute(update(t.cases).where(t.cases.c.code == reports[4].code).values(received_at=at))
    path, pages = LEDGER, 0
    found: list[str] = []
    while path:
        page = theirs.get(path).text
        found, pages = found + listed(page), pages + 1
        following = re.search(r'href="([^"]+)">更早的', page)
        path = following[1].replace("&amp;", "&") if following else ""
    codes = [reports[n].code for n in (5, 4, 2, 0, 6, 3, 1)]
    assert (found, pages) == (codes, 4)
    assert "已结案" in theirs.get(f"{LEDGER}?part=closed&after={reports[6].code}").text
    assert theirs.get(f"{LEDGER}?part=x&after=%00").status_code == 404


# ── a record ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_shows_the_case_and_that_there_were_contacts_but_not_what_was_said(
    world: World, mine: FlaskClient, theirs: FlaskClient
) -> None:
    report = known(world)
    contact(world, mine, report, sign="sleep", need="food", note="金丝雀谈话")
    world.press(mine, f"/desk/followups/{report.code}/dated", purpose="loan", day="2026-12-25")
    world.press(mine, f"/desk/followups/{report.code}/family", consent="no", reason="金丝雀家长")
    world.press(mine, f"/desk/followups/{report.code}/refer")
    centre = world.user("centre", "psychologist")
    world.press(centre, f"/desk/care/{report.code}/note", note="金丝雀访谈")
    world.press(centre, f"/desk/care/{report.code}/screening/consent", said="given", how="phone")
    world.press(centre, f"/desk/care/{report.code}/screening", phq2_1="3")
    before = len(log(world, "student.read"))
    for page in (said(theirs.get(f"{LEDGER}/{report.code}").text), said(read(world, theirs, report).text)):
        for fact in ("测试学生01", "2026010101", "38600元", "先是刷单", "30分钟内致电", "已联系", "已转介，待回复"):
            assert fact in page.replace(",", ""), fact
        for private in ("金丝雀", "睡不好", "饭钱", "贷款", "13800000001", "4417", "筛查", "PHQ", "某人"):
            assert private not in page, private
    assert len(log(world, "student.read")) == before + 2


def test_family_and_money_are_shown_for_a_reason_each_time_and_never_by_a_get(
    world: World, mine: FlaskClient, theirs: FlaskClient
) -> None:
    report = known(world)
    world.press(mine, f"/desk/followups/{report.code}/background", **FAMILY)
    page = f"{LEDGER}/{report.code}"
    assert "金丝雀" not in theirs.get(page).text and "已填" in theirs.get(page).text
    assert theirs.get(f"{page}/read?reason=x").status_code == 405
    for n, reason in enumerate(("核对台账", "学工部检查"), 1):
        shown = read(world, theirs, report, reason)
        assert shown.status_code == 200 and shown.headers["Cache-Control"] == "no-store"
        assert all(it in shown.text for it in FAMILY.values())
        assert report.events(TYPE) == [{}] * n
        assert log(world, "background.read") == [f"case:{id_of(world, report.code)}"] * n
        assert "金丝雀" not in theirs.get(page).text  # that reading is over
    assert "murong" in theirs.get(page).text  # who wrote it
    assert not any(word in str(world.rows("SELECT * FROM access_log")) for word in ("核对台账", "学工部"))
    [sealed, _] = world.rows(f"SELECT sealed FROM case_events WHERE type = '{TYPE}'")
    assert "核对台账".encode() not in bytes(sealed.sealed)


def test_without_a_reason_a_page_is_not_even_handed_them(world: World, mine: FlaskClient) -> None:
    report, ledger = known(world), world.parts.ledger
    world.press(mine, f"/desk/followups/{report.code}/background", **FAMILY)
    user = User(t.new_id(), "keeper", "keeper", world.college, None, 0)
    found = []
    with ledger.read() as conn:
        case = views.find_case(conn, user, report.code)
        for reasoned in (False, True):
            record = keeper.line(conn, ledger.keys, user, case, ledger.clock.now(), reasoned=reasoned).record
            found.append((record.family, record.money_source))
    assert found == [("", ""), tuple(FAMILY.values())]


@pytest.mark.parametrize("reason", ["", " \x00 ", "\n"])
def test_without_a_reason_nothing_is_shown(world: World, mine: FlaskClient, theirs: FlaskClient, reason: str) -> None:
    report = known(world)
    world.press(mine, f"/desk/followups/{report.code}/background", **FAMILY)
    before = contents(world, "access_log")
    refused = read(world, theirs, report, reason)
    assert refused.status_code == 422 and "请写明理由" in refused.text and "金丝雀" not in refused.text
    theirs.set_cookie("lang", "en")
    assert "Say what it is for" in read(world, theirs, report, reason).text
    assert contents(world, "access_log") == before and report.events(TYPE) == []


def test_what_a_keeper_completes_is_read_by_the_counselor_and_takes_nothing_away_unread(
    world: World, mine: FlaskClient, theirs: FlaskClient
) -> None:
    report = known(world)
    world.press(mine, f"/desk/followups/{report.code}/background", family="父母务工")
    done = complete(world, theirs, report, family="单亲", money_source="学费")  # without having read what is there
    assert (done.status_code, done.headers["Location"]) == (303, f"{LEDGER}/{report.code}")
    assert stored(world, report) == ("父母务工\n单亲", "学费")
    form = re.findall(r'name="shown_(\w+)" value="([^"]*)"', read(world, theirs, report).text)
    seen = {f"shown_{name}": text for name, text in form}
    assert seen == {"shown_family": "父母务工\n单亲", "shown_money_source": "学费"}
    world.press(mine, f"/desk/followups/{report.code}/background", money_source="学费、花呗")  # meanwhile
    complete(world, theirs, report, **seen, family="父母务工，单亲", money_source="学费")
    assert stored(world, report) == ("父母务工，单亲", "学费、花呗")
    assert "父母务工，单亲" in mine.get(f"/desk/followups/{report.code}").text
    fields = [it["fields"] for it in report.events("followup.background_recorded.v1")]
    assert fields == [["family"], ["family", "money_source"], ["money_source"], ["family"]]
    actors = world.rows("SELECT actor FROM case_events WHERE type = 'followup.background_recorded.v1' ORDER BY seq")
    assert len({it.actor for it in actors}) == 2 and actors[3].actor == actors[1].actor != actors[2].actor
    page = theirs.get(f"{LEDGER}/{report.code}").text
    assert "已保存" in page and "keeper-WY" in page and "单亲" not in page


def test_a_closed_record_is_completed_as_well(world: World, mine: FlaskClient, theirs: FlaskClient) -> None:
    report = known(world)
    end_record(world, report)
    complete(world, theirs, report, family="父母务工")
    assert stored(world, report) == ("父母务工", "")
    world.press(mine, f"/desk/followups/{report.code}/background", family="单亲")  # the counselor's is closed
    assert stored(world, report) == ("父母务工", "")


def test_where_the_student_may_be_questioned_an_old_page_keeps_no_source_of_the_money_and_that_is_said(
    world: World, theirs: FlaskClient
) -> None:
    report = known(world)
    with world.parts.ledger.begin("lent") as uow:
        uow.conn.execute(update(t.cases).values(fraud_type="BX"))
    complete(world, theirs, report, family="父母务工", money_source="花呗")
    assert "资金来源没有保存" in theirs.get(f"{LEDGER}/{report.code}").text
    assert stored(world, report) == ("父母务工", "")
    complete(world, theirs, report, family="父母务工", money_source="")
    assert "原来写的仍在" in theirs.get(f"{LEDGER}/{report.code}").text
    complete(world, theirs, report, money_source="花呗")
    assert "The source of the money was not saved" in theirs.get(f"{LEDGER}/{report.code}?lang=en").text


def test_before_the_record_is_open_nothing_is_completed(world: World, theirs: FlaskClient) -> None:
    report = world.report()
    assert theirs.get(f"{LEDGER}/{report.code}").status_code == 200
    complete(world, theirs, report, family="父母务工")
    assert "没有保存" in theirs.get(f"{LEDGER}/{report.code}").text
    assert stored(world, report) == ("", "")


def test_what_cannot_be_read_is_said_and_is_not_missing(world: World, mine: FlaskClient, theirs: FlaskClient) -> None:
    report = known(world)
    world.press(mine, f"/desk/followups/{report.code}/background", **FAMILY)
    with world.parts.ledger.begin("spoil") as uow:
        uow.conn.execute(update(t.cases).values(family_sealed=b"spoiled"))
    row = theirs.get(LEDGER).text
    assert "有内容读不出" in row and lacks(theirs, report) == "咨询矫正疏导"
    shown = read(world, theirs, report).text
    assert "有内容读不出" in shown and FAMILY["money_source"] in shown


# ── who watches, and the file ───────────────────────────────────────────────────────────────────────────────────────


def test_the_office_reads_who_read_which_with_which_reason(
    world: World, mine: FlaskClient, theirs: FlaskClient, office: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "还没有人看过" in office.get("/desk/reads").text
    report, other = known(world), known(world)
    world.press(mine, f"/desk/followups/{report.code}/background", **FAMILY)
    for n in range(3):
        read(world, theirs, report if n else other, f"理由{n}")
    page = office.get("/desk/reads").text
    assert re.findall("理由[0-9]", page) == ["理由2", "理由1", "理由0"]
    assert page.count("keeper-WY") == 3 and other.code in page and "示例文学院" in page and "金丝雀" not in page
    assert 'href="/desk/reads"' in office.get("/desk/exports").text
    assert "/desk/reads" not in mine.get("/desk/exports").text
    monkeypatch.setattr(keeper, "SHOWN", 2)
    first = office.get("/desk/reads").text
    following = re.search(r'href="([^"]+)">更早的', first)
    assert following and re.findall("理由[0-9]", first) == ["理由2", "理由1"]
    assert re.findall("理由[0-9]", office.get(following[1]).text) == ["理由0"]
    assert office.get("/desk/reads?before=x").status_code == 404
    with world.parts.ledger.begin("erase") as uow:
        uow.conn.execute(update(t.cases).where(t.cases.c.code == report.code).values(row_key=b""))
    page = office.get("/desk/reads").text
    assert "理由读不出" in page and report.code in page
    for client in (mine, theirs):
        assert client.get("/desk/reads").status_code == 403


def test_a_keeper_s_file_has_the_three_columns_and_not_what_was_said_and_needs_the_office(
    world: World, mine: FlaskClient, theirs: FlaskClient, office: FlaskClient
) -> None:
    report, elsewhere = known(world), known(world, student_no=OTHER_STUDENT)
    seal(world, elsewhere, family="别家")
    world.press(mine, f"/desk/followups/{report.code}/background", **FAMILY)
    contact(world, mine, report, need="food", note="金丝雀谈话")
    assert status(theirs) == 403
    page = theirs.get("/desk/exports").text
    assert "不含谈话内容" in page and "等您签字" not in page
    ask(world, theirs)
    page = office.get("/desk/exports").text
    assert "<p>含家庭情况、资金来源</p>" in page and "<p>含家庭情况、资金来源和谈话内容</p>" not in page
    assert answer(world, theirs, newest(world)).status_code == 403
    answer(world, office, newest(world))
    [row] = fetched(theirs)
    assert (row["案件编号"], row["家庭情况"], row["被骗资金来源"]) == (report.code, *FAMILY.values())
    assert "先是刷单" in row["案件经过"] and "已联系" in row["咨询、矫正、疏导"]
    assert "饭钱" not in str(row) and "谈话" not in str(row)
    other = keeper_of(world, "GX")
    signed(world, other, office)
    assert [it["案件编号"] for it in fetched(other)] == [elsewhere.code]
    nobody = keeper_of(world, None)
    assert ask(world, nobody).status_code == 422 and nobody.get(FILE).status_code == 403


def test_a_keeper_who_is_moved_to_another_college_has_its_records_and_no_others(
    world: World, theirs: FlaskClient, office: FlaskClient
) -> None:
    report, elsewhere = known(world), known(world, student_no=OTHER_STUDENT)
    signed(world, theirs, office)
    with world.parts.ledger.begin("moved") as uow:
        uow.conn.execute(update(t.users).where(t.users.c.role == "keeper").values(college_code="GX"))
    assert listed(theirs.get(LEDGER).text) == [elsewhere.code]
    assert theirs.get(f"{LEDGER}/{report.code}").status_code == 404
    assert [it["案件编号"] for it in fetched(theirs)] == [elsewhere.code]
