"""A mistyped phone is put right from the status link: whoever acts hears of it, and nobody is taken from anybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from ledger import codes
from ledger import tables as t
from ledger.store import naming
from ledger.texts import deliveries
from tests.behaviour.door_tools import sheet
from tests.behaviour.stories import SQLITE, read_all, reported, taken
from tests.world import STUDENT, Report, World

NEW, THIRD = "13912345678", "13912345679"


def correct(report: Report, phone: str, **form: str) -> TestResponse:
    return report.world.client.post(f"/r/{report.token}/more/phone", data={"page": "p", "phone": phone, **form})


def made(world: World) -> Report:
    """Of somebody whom the roster knows by their number, and the officer has the case."""
    world.phones.add("new", f"+86{NEW}")
    report = taken(world)
    world.clock.advance(60)
    return report


def test_owner_and_counselor_hear_that_it_changed_and_texts_go_to_the_new_one(world: World) -> None:
    report = made(world)
    for _ in range(2):  # pressed twice
        answer = correct(report, "139 1234 5678")
        assert answer.status_code == 303 and answer.location.endswith("/screenshots?saved=1")
    for name in ("officer", "counselor"):
        text = world.phones[name].expects(report.code, "改了手机号").body
        assert "1391234" not in text and "1380000" not in text
    world.phones["new"].expects("已收到", report.code)
    world.phones.assert_all_read()
    assert report.events("case.amended.v1") == [{"fields": ["phone"], "drill": False}]
    for phone in (STUDENT, NEW):  # the page elsewhere is opened with the new one alone
        world.client.post("/reopen", data={"code": report.code, "phone": phone})
    world.phones["new"].expects("验证码")
    world.phones["student"].expects_nothing()


def test_the_old_one_stands_beside_the_new_one_for_whoever_calls(world: World) -> None:
    report = made(world)
    correct(report, NEW)
    read_all(world)
    officer = world.user("o", "officer", world.phones["officer"].number)
    page = officer.get(f"/duty/{report.code}").text
    assert f"tel:+86{NEW}" in page and f"tel:+86{STUDENT}" in page and "在链接里更正，未电话核实" in page
    paper = officer.get(f"/duty/{report.code}/sheet").text
    assert "139 1234 5678" in paper and "报案人原手机" in paper and "138 0000 0001（在链接里更正过" in paper
    json = officer.get(f"/duty/{report.code}/sheet.json").get_json()
    assert (json["reporter_phone"], json["victim_phone"]) == (f"+86{NEW}", f"+86{NEW}")
    assert json["former_phones"] == [f"+86{STUDENT}"] and json["other_corrections"] == []
    assert officer.get(f"/duty/{report.code}/sheet.pdf").status_code == 200
    mine = world.user("c", "counselor", world.phones["counselor"].number)
    page = mine.get(f"/desk/followups/{report.code}").text
    assert "手机号在链接里更正过" in page and f"tel:+86{NEW}" in page and f"tel:+86{STUDENT}" in page
    correct(report, STUDENT)  # and back: what was in between was one of theirs, too
    read_all(world)
    assert sheet(world, report.code)["reporter"]["phone"] == f"+86{STUDENT}"
    assert officer.get(f"/duty/{report.code}/sheet.json").get_json()["former_phones"] == [f"+86{NEW}"]


def test_what_was_not_sent_yet_to_the_old_one_never_is(world: World) -> None:
    report = made(world)
    with world.parts.ledger.begin("waits") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
        facts = {"code": case.code, "missing": ["time"]}
        deliveries.tell(uow, (f"+86{STUDENT}", "zh"), "ask", facts, case=case, dedup="waits", priority=3,
                        after=uow.now + timedelta(minutes=5))  # fmt: skip
    correct(report, NEW)
    (row,) = world.rows("SELECT state, available_at FROM deliveries WHERE dedup = 'waits'")
    assert (row.state, row.available_at) == ("cancelled", None)
    read_all(world)


@pytest.mark.parametrize("fault", ["429", "500"])
def test_what_was_refused_or_in_doubt_is_not_sent_to_the_old_one_again(world: World, fault: str) -> None:
    world.phones.add("new", f"+86{NEW}")
    world.double.faults.add(fault, to=world.phones["student"].number)
    report = world.report()
    for name in ("officer", "counselor"):
        world.phones[name].expects(report.code)
    correct(report, NEW)
    world.advance(60)
    world.phones["student"].expects_nothing()
    world.phones["new"].expects("已收到", report.code)
    read_all(world)


@pytest.mark.parametrize(("typed", "words"), [("12345", "看不懂这个手机号"), ("110", "看不懂这个手机号")])
def test_what_is_no_number_is_asked_for_again_and_nothing_changes(world: World, typed: str, words: str) -> None:
    report = made(world)
    answer = correct(report, typed)
    assert answer.status_code == 422 and words in answer.text and f'value="{typed}"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    world.client.get("/?lang=en")
    assert "Check the phone number" in correct(report, typed, lang="en").text
    assert correct(report, "").status_code == 303  # nothing typed is no answer
    assert report.events("case.amended.v1") == []
    assert sheet(world, report.code)["reporter"]["phone"] == f"+86{STUDENT}"


@SQLITE
def test_a_link_cannot_text_the_whole_town(world: World) -> None:
    report = made(world)
    for n in range(3):
        assert correct(report, f"1391111000{n}").status_code == 303
        world.advance(60)
    answer = correct(report, NEW)
    assert answer.status_code == 422 and "不能再改" in answer.text
    assert sheet(world, report.code)["reporter"]["phone"] == "+8613911110002"
    assert correct(report, "13911110002").status_code == 303  # it is that already
    read_all(world)


def test_a_safe_number_stays_the_one_to_call_and_to_text(world: World) -> None:
    """Whoever holds a phone that is not safe may have the link, too."""
    report = world.report(phone_unsafe=True)
    with world.parts.ledger.begin("safe") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
        sealed = case.key.seal("cases", case.id, "safe_phone", f"+86{THIRD}")
        uow.change(t.cases, case.id, safe_phone_sealed=sealed)
    world.phones.add("safe", f"+86{THIRD}")
    world.phones.add("new", f"+86{NEW}")
    world.pump()
    read_all(world)
    correct(report, NEW)
    world.pump()
    world.phones["new"].expects_nothing()
    world.phones["safe"].expects_nothing()
    read_all(world)
    mine = world.user("c", "counselor", world.phones["counselor"].number)
    assert "139 1234 5679" in mine.get("/desk/followups").text
    world.client.post("/reopen", data={"code": report.code, "phone": NEW})
    world.phones["safe"].expects("验证码")


def test_a_phone_that_may_be_controlled_is_shown_as_one_afterwards(world: World) -> None:
    """Whoever holds it may have the link; to be called without a warning is what they would want."""
    report = world.report(phone_unsafe=True)
    read_all(world)
    correct(report, NEW)
    read_all(world)
    mine = world.user("c", "counselor", world.phones["counselor"].number)
    for path in ("/desk/followups", f"/desk/followups/{report.code}"):
        page = mine.get(path).text
        assert f"tel:+86{STUDENT}" in page and "手机可能被操控" in page, path
    assert "就打原来的" not in page


def test_who_was_nobody_by_the_wrong_number_is_known_by_the_right_one(world: World) -> None:
    world.phones.add("wrong", "+8613812345670")
    report = world.report(phone="13812345670", student_no=None)
    read_all(world)
    assert [row.match_grade for row in world.rows("SELECT match_grade FROM cases")] == ["none"]
    correct(report, STUDENT)
    world.phones["counselor"].expects(report.code, "30分钟内致电").expects_nothing()
    assert [row.match_grade for row in world.rows("SELECT match_grade FROM cases")] == ["phone"]
    read_all(world)


def test_who_is_known_stays_with_their_counselor(world: World) -> None:
    """The holder of the link cannot make the case another student's."""
    report = reported(world)
    before = world.rows("SELECT victim_id, counselor_id, match_grade FROM cases")
    correct(report, "13800000002")
    assert world.rows("SELECT victim_id, counselor_id, match_grade FROM cases") == before
    read_all(world)


def test_on_behalf_it_is_the_reporter_s_and_makes_nobody_a_victim(world: World) -> None:
    report = world.report(for_whom="other", phone="13812345670", student_no=None, victim_phone=None)
    read_all(world)
    correct(report, STUDENT)
    assert [row.match_grade for row in world.rows("SELECT match_grade FROM cases")] == ["none"]
    read_all(world)


def test_the_list_of_what_may_be_added_has_it_and_it_is_not_read_back(world: World) -> None:
    report = made(world)
    listed = world.client.get(f"/r/{report.token}").text
    assert "更正我的手机号" in listed
    correct(report, NEW)
    read_all(world)
    page = world.client.get(f"/r/{report.token}/more/phone").text
    assert NEW not in page and STUDENT not in page
