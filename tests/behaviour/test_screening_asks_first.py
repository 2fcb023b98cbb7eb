"""The psychology centre screens a student who agrees to it, does what the answers ask for, and alone reads them."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from structlog.testing import capture_logs

from ledger import codes
from ledger import tables as t
from ledger.care import screenings
from ledger.ringing import referrals
from ledger.staff.accounts import OF_A_COLLEGE, ROLES, User
from ledger.store import naming
from tests.behaviour.door_tools import a_client, contents
from tests.behaviour.export_tools import FILE, answer, ask, newest
from tests.behaviour.stories import SQLITE, days_later, only_counselor_rings, read_all
from tests.behaviour.test_a_student_who_declines import LEFT, answers, ask_the_centre, declines, left_in_peace, page
from tests.behaviour.test_drills_touch_nobody import end, start
from tests.behaviour.test_the_counselor_s_record import (
    CENTRE,
    DAY,
    HOUR,
    centre,
    contact,
    counselor,
    referred,
    said,
    state,
)
from tests.behaviour.test_the_matrix_of_roles import read, walk
from tests.world import Report, World

CALM = {"phq2_1": "0", "phq2_2": "1", "phq9_9": "0", "asq1": "no", "asq2": "no", "asq3": "no", "asq4": "no"}
TODAY = {"phq2_1": "1", "phq2_2": "2"}
NOW = {"asq3": "yes", "asq5": "yes"}
TYPES = ("screening_consent_given", "screening_consent_refused", "screening_consent_withdrawn", "screening_kept")


def shown(client: FlaskClient, report: Report, lang: str = "zh") -> str:
    return said(client.get(f"/desk/care/{report.code}/screening?lang={lang}").text)


def agrees(world: World, client: FlaskClient, report: Report, word: str = "given", **form: str) -> int:
    form = {"how": "person", **form} if word != "withdrawn" else {}
    return world.press(client, f"/desk/care/{report.code}/screening/consent", said=word, **form).status_code


def screen(world: World, client: FlaskClient, report: Report, **form: str) -> int:
    return world.press(client, f"/desk/care/{report.code}/screening", **form).status_code


def rows(world: World, table: str = "screenings") -> int:
    return len(world.rows(f"SELECT 1 FROM {table}"))


def reasons(report: Report) -> list[str]:
    return [it["reason"] for it in report.events("followup.referred.v1")]


def agreed(world: World) -> tuple[Report, FlaskClient]:
    report, theirs = referred(world), centre(world)
    assert agrees(world, theirs, report) == 303
    return report, theirs


@pytest.mark.parametrize(
    ("lang", "words", "back"),
    [
        ("zh", ("没有保存", "学生没有同意"), "一半以上的天数"),
        ("en", ("Not saved", "There is no consent"), "More than half the days"),
    ],
)
@pytest.mark.parametrize("word", ["", "refused", "withdrawn"])
def test_no_answer_is_kept_without_a_consent_and_what_was_typed_is_given_back(
    world: World, lang: str, words: tuple[str, str], back: str, word: str
) -> None:
    report, theirs = referred(world), centre(world)
    if word == "withdrawn":
        agrees(world, theirs, report)
    if word:
        agrees(world, theirs, report, word)
    theirs.get(f"/desk/care/{report.code}/screening?lang={lang}")
    told = world.press(theirs, f"/desk/care/{report.code}/screening", phq2_1="2", phq2_2="2")
    assert told.status_code == 422
    assert all(it in told.text for it in (*words, back))
    assert rows(world) == 0 and report.events("followup.screening_kept.v1") == []
    assert reasons(report) == ["asked"]  # nor done: these answers wait for a consent


def test_with_it_answers_are_kept_and_the_centre_alone_reads_them(world: World) -> None:
    report, mine = referred(world), counselor_again(world)
    theirs = centre(world)
    assert "先问，再筛查" in shown(theirs, report)
    agrees(world, theirs, report, how="writing", when="昨天14:32", asker="金丝雀")
    assert "学生同意筛查·书面" in shown(theirs, report) and "询问人金丝雀" in shown(theirs, report)
    assert screen(world, theirs, report, **CALM) == 303
    told = shown(theirs, report)
    assert "已保存。这些回答没有触发转介" in told and "心情低落、沮丧或绝望：好几天" in told
    assert not re.search(r"总分：|风险|level|score", told)
    shown_to_counselor = said(mine.get(f"/desk/followups/{report.code}").text)
    assert "已转介" in shown_to_counselor and "筛查" not in shown_to_counselor and "金丝雀" not in shown_to_counselor


def counselor_again(world: World) -> FlaskClient:
    return world.user("again", "counselor", world.phones["counselor"].number)


def test_a_student_who_takes_it_back_is_screened_no_more_and_what_was_kept_stays_with_the_centre(world: World) -> None:
    report, theirs = agreed(world)
    screen(world, theirs, report, **CALM)
    agrees(world, theirs, report, "withdrawn")
    told = shown(theirs, report)
    assert "不再筛查" in told and "以前保存的仍在中心，只有中心能看" in told and "好几天" in told
    assert "Nofurtherscreening" in shown(theirs, report, "en")
    agrees(world, theirs, report, "withdrawn")
    assert screen(world, theirs, report, **CALM, gad2_1="1") == 422 and rows(world) == 1
    agrees(world, theirs, report)  # and may change their mind
    assert screen(world, theirs, report, **CALM, gad2_1="1") == 303 and rows(world) == 2
    assert [len(report.events(f"followup.{it}.v1")) for it in TYPES] == [2, 0, 1, 2]


def test_a_page_from_before_the_withdrawal_keeps_nothing(world: World) -> None:
    report, theirs = agreed(world)
    other = world.user("second", "psychologist")
    agrees(world, other, report, "withdrawn")
    assert screen(world, theirs, report, **TODAY) == 422 and rows(world) == 0


@pytest.mark.parametrize(
    ("form", "zh", "en"),
    [
        ({"said": "given", "asker": "欧阳"}, "请选怎么说的", "Choose how it was said"),
        ({"how": "phone", "asker": "欧阳"}, "请选同意或不同意", "Choose whether"),
        ({"said": "given", "how": "phone", "when": "明天", "asker": "欧阳"}, "没看懂这个时间", "not understood"),
        (
            {"said": "refused", "how": "phone", "when": "2026-11-24 15:00", "asker": "欧阳"},
            "晚于现在",
            "later than now",
        ),
    ],
)
def test_a_consent_that_is_not_filled_in_is_given_back(world: World, form: dict[str, str], zh: str, en: str) -> None:
    report, theirs = referred(world), centre(world)
    for lang, words in (("zh", zh), ("en", en)):
        theirs.get(f"/desk/care/{report.code}/screening?lang={lang}")
        told = world.press(theirs, f"/desk/care/{report.code}/screening/consent", **form)
        assert told.status_code == 422 and words in told.text
        assert 'value="欧阳"' in told.text and f'value="{form.get("when", "")}"' in told.text
    assert rows(world, "screening_consents") == 0


@pytest.mark.parametrize(
    ("form", "zh", "en"),
    [
        ({}, "一题都没有填", "No answer was given"),
        ({"phq2_1": "9", "asq5": "maybe"}, "一题都没有填", "No answer was given"),
        ({"asq2": "refused", "gad2_1": "1"}, "现在就问第5题", "ask the fifth question now"),
    ],
)
def test_answers_that_lack_something_are_given_back(world: World, form: dict[str, str], zh: str, en: str) -> None:
    report, theirs = agreed(world)
    for lang, words in (("zh", zh), ("en", en)):
        theirs.get(f"/desk/care/{report.code}/screening?lang={lang}")
        told = world.press(theirs, f"/desk/care/{report.code}/screening", **form)
        assert told.status_code == 422 and words in told.text
        for item in {"asq2", "gad2_1"} & form.keys():
            assert f'name="{item}" value="{form[item]}" checked' in told.text
    assert rows(world) == 0 and reasons(report) == ["asked"]


def test_pressed_twice_it_is_one_and_another_time_it_is_another(world: World) -> None:
    report, theirs = referred(world), centre(world)
    for _ in range(2):
        agrees(world, theirs, report)
    for _ in range(2):
        screen(world, theirs, report, **CALM)
    assert (rows(world), rows(world, "screening_consents")) == (1, 1)
    assert [len(report.events(f"followup.{it}.v1")) for it in TYPES] == [1, 0, 0, 1]
    world.clock.advance(HOUR)
    screen(world, theirs, report, **CALM)
    assert rows(world) == 2
    read_all(world)


def test_answers_that_ask_for_it_are_a_referral_for_the_same_day_anew(world: World) -> None:
    """The centre has seen the student, and owes them another talk; all others read that they were referred."""
    report, theirs = agreed(world)
    mine = counselor_again(world)
    world.press(theirs, f"/desk/care/{report.code}/note", seen="1")
    assert "心理中心：已见面" in said(mine.get(f"/desk/followups/{report.code}").text)
    for _ in range(2):
        screen(world, theirs, report, **TODAY)
    assert "今天要和学生谈" in shown(theirs, report)
    world.pump()
    world.phones[CENTRE].expects("今天需要心理中心", report.code).expects_nothing()
    assert reasons(report) == ["asked", "screening"] and state(world) == "referred"
    assert "心理中心：已转介，待回复" in said(mine.get(f"/desk/followups/{report.code}").text)
    world.press(theirs, f"/desk/care/{report.code}/note", seen="1")
    assert state(world) == "in_progress"


def test_what_is_owed_already_keeps_its_time(world: World) -> None:
    report, theirs = agreed(world)
    before = world.rows("SELECT referred_at FROM follow_ups")
    world.clock.advance(60)
    screen(world, theirs, report, **TODAY)
    assert reasons(report) == ["asked"] and world.rows("SELECT referred_at FROM follow_ups") == before
    world.pump()


def test_a_question_whether_to_leave_them_in_peace_gives_way_to_it(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    declines(world, mine, report)
    ask_the_centre(world, mine, report)
    theirs = centre(world)
    agrees(world, theirs, report)
    screen(world, theirs, report, phq9_9="1")
    world.pump()
    world.phones[CENTRE].expects("今天需要心理中心", report.code)
    assert "还不能代替" in answers(world, theirs, report)
    assert reasons(report) == ["declined", "screening"] and LEFT not in page(mine, report)


def out_of_reach(world: World) -> tuple[Report, FlaskClient]:
    """The clock has referred the student; since then the counselor has tried on three days."""
    report, mine = only_counselor_rings(world), counselor(world)
    world.until(DAY)
    days_later(report, 91)
    for _ in range(3):
        contact(world, mine, report, reached="no")
        world.clock.advance(DAY)
    read_all(world)
    return report, counselor_again(world)


def test_it_gives_way_also_where_a_talk_is_owed_since_nobody_reached_them(world: World) -> None:
    """The student has come to the centre by themselves. The talk keeps its time."""
    report, mine = out_of_reach(world)
    ask_the_centre(world, mine, report)
    theirs = centre(world)
    agrees(world, theirs, report)
    owed = world.rows("SELECT same_day_since, referral_look_at FROM follow_ups")
    for _ in range(2):
        screen(world, theirs, report, phq9_9="1")
    world.pump()
    world.phones[CENTRE].expects("今天需要心理中心", report.code)
    assert "还不能代替" in answers(world, theirs, report)
    assert reasons(report) == ["unreachable", "declined", "screening"] and LEFT not in page(mine, report)
    assert world.rows("SELECT same_day_since, referral_look_at FROM follow_ups") == owed
    read_all(world)


def test_after_it_nobody_can_ask_to_leave_them_in_peace_before_it_is_answered(world: World) -> None:
    report, mine = out_of_reach(world)
    theirs = centre(world)
    agrees(world, theirs, report)
    screen(world, theirs, report, phq9_9="1")
    world.pump()
    world.phones[CENTRE].expects_nothing()  # they were told that it is for today
    world.press(mine, f"/desk/followups/{report.code}/refer", reason="declined")
    assert "心理中心还没回复上次的转介" in page(mine, report)
    assert reasons(report) == ["unreachable", "screening"]
    read_all(world)


@pytest.mark.parametrize("form", [NOW, {"asq1": "refused", "asq5": "refused"}])
def test_who_thinks_of_it_right_now_or_will_not_say_is_a_matter_of_minutes(world: World, form: dict[str, str]) -> None:
    report, theirs = agreed(world)
    for _ in range(2):
        assert screen(world, theirs, report, **form) == 303
    world.pump()
    for phone in (world.phones[CENTRE], world.phones["desk"]):
        phone.expects("立即到场", report.code, "不要让其独处").expects_nothing()
    assert "已立即处置" in shown(theirs, report) and rows(world) == 1
    assert "不要让学生独处" in said(counselor_again(world).get(f"/desk/followups/{report.code}").text)


@pytest.mark.parametrize("lang, words", [("zh", "已立即处置：不要让学生独处"), ("en", "Acted at once")])
def test_a_matter_of_minutes_waits_for_no_consent_and_leaves_no_answer(world: World, lang: str, words: str) -> None:
    report, theirs = referred(world), centre(world)
    theirs.get(f"/desk/care/{report.code}/screening?lang={lang}")
    told = world.press(theirs, f"/desk/care/{report.code}/screening", **NOW)
    assert told.status_code == 422 and words in told.text and "tel:120" in told.text
    world.pump()
    for phone in (world.phones[CENTRE], world.phones["desk"]):
        phone.expects("立即到场", report.code)
    assert rows(world) == 0 and report.events("followup.screening_kept.v1") == []


def test_a_closed_record_is_opened_again_where_something_is_owed_and_else_stays_closed(world: World) -> None:
    report, mine, theirs = left_in_peace(world)
    office = world.user("xuanyuan", "security", world.phones["office"].number)
    for who, form in ((mine, {"debt": "none", "told": "1"}), (office, {"sign": "1"})):
        world.press(who, f"/desk/followups/{report.code}/close", **form)
    assert state(world) == "closed"
    agrees(world, theirs, report)
    assert screen(world, theirs, report, **CALM) == 303 and state(world) == "closed"
    assert screen(world, theirs, report, **CALM, gad2_1="3") == 303 and state(world) == "referred"
    assert len(report.events("followup.reopened.v1")) == 1
    world.pump()
    world.phones[CENTRE].expects("今天需要心理中心", report.code)
    read_all(world)


def test_nobody_is_rung_for_a_drill(world: World) -> None:
    drill = start(world, college="WY", phones="1")
    world.pump()
    read_all(world)
    with world.parts.ledger.begin("refer") as uow:
        referrals.refer(uow, uow.case(naming.case_by_code(uow.conn, codes.fold(drill.code))), "asked", "test")
    theirs = centre(world)
    agrees(world, theirs, drill)
    for form in (TODAY, NOW):
        assert screen(world, theirs, drill, **form) == 303
    world.pump()
    world.phones.assert_all_read()
    end(world, drill)
    assert screen(world, theirs, drill, **NOW, phq9_9="1") == 303
    assert "没有触发转介" in theirs.get(f"/desk/care/{drill.code}/screening").text  # the page says no more
    world.pump()
    read_all(world)


@SQLITE
def test_nobody_else_reads_or_writes_any_of_it(world: World) -> None:
    """By address, by walking every page as every role, in the files, the events and the log."""
    report, theirs = agreed(world)
    agrees(world, theirs, report, "refused", asker="金丝雀")
    agrees(world, theirs, report, asker="金丝雀")
    with capture_logs() as logs:
        screen(world, theirs, report, **TODAY, asq1="refused", asq5="no")
    world.pump()
    read_all(world)
    office = world.phones["office"].number
    phones = {"officer": world.phones["officer"].number, "counselor": world.phones["counselor"].number}
    others = {role: world.user(f"o-{role}", role, phones.get(role), world.college if role in OF_A_COLLEGE else None)
              for role in ROLES if role != "psychologist"} | {"nobody": a_client(world)}  # fmt: skip
    signer = world.user("signer", "security", office)
    for who in (theirs, others["counselor"]):
        ask(world, who)
        answer(world, signer, newest(world), "sign")
    screening = f"/desk/care/{report.code}/screening"
    before = contents(world, "access_log", "anchors")
    for role, client in others.items():
        assert client.get(screening).status_code == (302 if role == "nobody" else 403), role
        for path in (screening, f"{screening}/consent"):
            form = {"said": "withdrawn", "asq5": "yes"}
            assert world.press(client, path, **form).status_code == (302 if role == "nobody" else 403), role
    assert contents(world, "access_log", "anchors") == before
    canaries = ("金丝雀", "Little interest", "does not agree", "More than half the days")  # a walk goes on in English
    seen = walk(theirs, world, report)
    assert [it for it in canaries if it not in seen] == []
    for role, client in others.items():
        seen = walk(client, world, report)
        assert not [it for it in canaries if it in seen], role
    assert "金丝雀" not in read(theirs, FILE) and report.code in read(theirs, FILE)
    with world.parts.ledger.read() as conn:
        case = conn.execute(select(t.cases).where(t.cases.c.code == report.code)).mappings().one()
        for role in ROLES:
            made = screenings.of_case(conn, world.parts.ledger.keys, User(t.new_id(), "x", role, None, None, 0), case)
            assert bool(made.made or made.consents) == (role == "psychologist")
    told = [it for name in TYPES for it in report.events(f"followup.{name}.v1")]
    assert len(told) == 4 and all(set(it) in ({"consent"}, {"screening"}) for it in told)
    assert all(re.fullmatch(r"[0-9a-f-]{36}", value) for it in told for value in it.values())
    assert not re.search("phq|asq|gad|refused", json.dumps(logs, default=str))
    read_all(world)


def test_a_student_nobody_referred_is_not_theirs_to_screen(world: World) -> None:
    report, theirs = only_counselor_rings(world), centre(world)
    assert theirs.get(f"/desk/care/{report.code}/screening").status_code == 404
    assert agrees(world, theirs, report) == screen(world, theirs, report, **CALM) == 404


def test_what_cannot_be_read_is_said_and_hides_nothing_else(world: World) -> None:
    report, theirs = agreed(world)
    screen(world, theirs, report, **CALM)
    with world.parts.ledger.begin("spoil") as uow:
        uow.conn.execute(t.screenings.update().values(content_sealed=b"spoiled"))
        uow.conn.execute(t.screening_consents.update().values(content_sealed=b"spoiled"))
    screen(world, theirs, report, **CALM)
    told = shown(theirs, report)
    assert "读不出" in told and "好几天" in told and "学生同意筛查" in told
    with world.parts.ledger.read() as conn:
        assert conn.execute(select(func.count()).select_from(t.screenings)).scalar_one() == 2
