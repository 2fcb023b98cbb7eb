"""A student who wants no contact, or whom nobody reaches any more: the one way in which such a record ends."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from ledger.followups import CADENCE
from tests.behaviour.stories import days_later, only_counselor_rings, read_all
from tests.behaviour.test_the_counselor_s_record import CENTRE, DAY, centre, contact, counselor, said, state
from tests.world import Report, World

DECLINING = "学生谢绝联系，或联系不上"
ASK = "请心理中心看：可否不再催"
LEFT = "心理中心：已看过，不必再催"
LACKS = "还缺：最近两次联系平稳。"


def office(world: World) -> FlaskClient:
    return world.user("xuanyuan", "security", world.phones["office"].number)


def page(client: FlaskClient, report: Report) -> str:
    return said(client.get(f"/desk/followups/{report.code}").text)


def press(world: World, client: FlaskClient, report: Report, deed: str, **form: str) -> int:
    return world.press(client, f"/desk/followups/{report.code}/{deed}", **form).status_code


def ask_to_close(world: World, client: FlaskClient, report: Report) -> str:
    press(world, client, report, "close", debt="none", told="1")
    return page(client, report)


def ask_the_centre(world: World, client: FlaskClient, report: Report) -> None:
    press(world, client, report, "refer", reason="declined")
    world.pump()
    world.phones[CENTRE].expects("请心理中心看", report.code)


def answers(world: World, client: FlaskClient, report: Report, **form: str) -> str:
    world.press(client, f"/desk/care/{report.code}/note", **(form if "seen" in form else {"waive": "1", **form}))
    return said(client.get(f"/desk/care/{report.code}").text)


def declines(world: World, mine: FlaskClient, report: Report, **first: str) -> None:
    """After three months; the first talk may have been one."""
    days_later(report, 91)
    for it in CADENCE:
        form = first if first and it is CADENCE[0] else {"reached": "declined"}
        contact(world, mine, report, it.kind, **form)
        world.clock.advance(60)


def left_in_peace(world: World) -> tuple[Report, FlaskClient, FlaskClient]:
    """The centre has said so; the counselor has not asked to close it yet."""
    report, mine = only_counselor_rings(world), counselor(world)
    declines(world, mine, report)
    ask_the_centre(world, mine, report)
    theirs = centre(world)
    answers(world, theirs, report)
    return report, mine, theirs


def test_who_declines_every_contact_is_closed_by_three_and_the_page_says_what_is_lacking(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    declines(world, mine, report)
    shown = ask_to_close(world, mine, report)
    assert LACKS in shown and ASK in shown and state(world) == "in_progress"
    ask_the_centre(world, mine, report)
    shown = ask_to_close(world, mine, report)
    assert "最近两次联系平稳、转介回复" in shown and "待回复。回复前不能结案" in shown and state(world) == "referred"
    assert "可否不再催学生联系" in said(centre(world).get(f"/desk/care/{report.code}").text)
    answers(world, world.user("ruzi", "psychologist"), report, note="看过")
    shown = ask_to_close(world, mine, report)
    assert LEFT in shown and state(world) == "review"
    press(world, mine, report, "close", sign="1")
    assert state(world) == "review"
    press(world, office(world), report, "close", sign="1")
    assert (state(world), report.state("care")) == ("closed", "closed")
    assert len(report.events("followup.contact_waived.v1")) == 1


def test_whom_nobody_reaches_on_three_days_is_closed_the_same_way(world: World) -> None:
    """The clock has asked the centre to see the student, which it cannot; its word answers that as well."""
    report, mine, theirs = only_counselor_rings(world), counselor(world), centre(world)
    world.until(DAY)
    days_later(report, 91)
    for day in range(1, 4):
        contact(world, mine, report, reached="no", note=f"第{day}次")
        shown = page(mine, report)
        assert (ASK in shown) == (day == 3)
        world.clock.advance(DAY)
    read_all(world)
    ask_the_centre(world, mine, report)
    assert "没联系到3天" in said(theirs.get(f"/desk/care/{report.code}").text)
    answers(world, theirs, report)
    ask_to_close(world, mine, report)
    signer = office(world)
    assert "待复核" in said(signer.get("/desk/followups").text)
    press(world, signer, report, "close", sign="1")
    assert [state(world), report.state("care"), report.state("counselor")] == ["closed", "closed", "done"]
    read_all(world)
    world.advance(2 * DAY)
    world.phones.assert_all_read()  # nobody is rung for it any more
    assert report.code not in world.user("wall", "security").get("/desk/board").text


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ({"sign": "tears", "danger": "no"}, "最后看到的是不好的迹象"),
        ({"danger": "yes"}, "说到过不想活或不愿回答"),
        ({"danger": "refused"}, "说到过不想活或不愿回答"),
        ({"loans": "1"}, "心理中心还没回复上次的转介"),
    ],
)
def test_it_is_no_way_out_for_one_in_distress_or_danger_or_referred(
    world: World, first: dict[str, str], why: str
) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    declines(world, mine, report, **first)
    read_all(world)
    if first.get("danger", "no") != "no":  # somebody is with them, and the centre has seen them
        press(world, mine, report, "safe")
        answers(world, centre(world), report, seen="1")
    shown = page(mine, report)
    assert DECLINING in shown and why in shown and ASK not in shown
    press(world, mine, report, "refer", reason="declined")
    assert why in page(mine, report)
    assert {it["reason"] for it in report.events("followup.referred.v1")} <= {"danger", "loans"}
    press(world, mine, report, "close", debt="none", told="1")
    assert state(world) != "review"
    read_all(world)


def test_who_declined_all_on_the_first_day_is_asked_once_more_from_day_60_on(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    for it in CADENCE:
        contact(world, mine, report, it.kind, reached="declined")
    assert "第60天以后再问学生一次" in page(mine, report) and ASK not in page(mine, report)
    world.clock.advance(61 * DAY)
    read_all(world)
    mine = world.user("again", "counselor", world.phones["counselor"].number)
    contact(world, mine, report, "extra", reached="declined", page="0123abcd")
    assert ASK in page(mine, report)


def test_two_calm_talks_after_all_close_it_without_the_centre(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    declines(world, mine, report)
    for n in (1, 2):
        world.clock.advance(60)
        contact(world, mine, report, "extra", danger="no", page=f"0000000{n}")
    assert state(world) == "stable" and DECLINING not in page(mine, report)
    ask_to_close(world, mine, report)
    assert state(world) == "review" and report.events("followup.referred.v1") == []


def test_its_word_holds_until_something_is_heard_of_the_student(world: World) -> None:
    report, mine, _theirs = left_in_peace(world)
    contact(world, mine, report, "extra", reached="no", page="00000001")
    assert "不再缺" in page(mine, report)
    contact(world, mine, report, "extra", sign="tears", page="00000002")
    shown = ask_to_close(world, mine, report)
    assert LACKS in shown and "不再缺" not in shown and state(world) == "in_progress"


def test_a_signature_is_not_taken_for_what_was_true_before(world: World) -> None:
    report, mine, _theirs = left_in_peace(world)
    ask_to_close(world, mine, report)
    world.client.post(f"/r/{report.token}/unsafe")
    world.call_the_student(report)
    signer = office(world)
    press(world, signer, report, "close", sign="1")
    assert state(world) != "closed"
    read_all(world)


def test_not_safe_opens_it_again_as_any_other(world: World) -> None:
    report, mine, theirs = left_in_peace(world)
    ask_to_close(world, mine, report)
    press(world, office(world), report, "close", sign="1")
    assert state(world) == "closed"
    world.client.post(f"/r/{report.token}/unsafe")
    world.pump()
    (owed,) = world.rows("SELECT kind FROM contacts WHERE done_at IS NULL")
    contact(world, mine, report, owed.kind, reached="declined")
    shown = ask_to_close(world, mine, report)
    assert LACKS in shown and "按过“我现在不安全”" in shown and state(world) == "in_progress"
    assert "还不能代替" in answers(world, theirs, report)
    read_all(world)


def test_only_the_centre_says_so_only_where_it_was_asked_and_never_to_its_own_question(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    declines(world, mine, report)
    press(world, mine, report, "refer")
    theirs = centre(world)
    assert "还不能代替" in answers(world, theirs, report, note="金丝雀")  # asked to see the student, not this
    assert "金丝雀" in said(theirs.get(f"/desk/care/{report.code}").text)
    answers(world, theirs, report, seen="1")
    press(world, mine, report, "refer", reason="declined")
    assert world.press(mine, f"/desk/care/{report.code}/note", waive="1").status_code == 403
    also_mine = world.user("also", "psychologist", world.phones["counselor"].number)
    assert "问的人自己不能回复" in answers(world, also_mine, report)
    assert report.events("followup.contact_waived.v1") == []
    for _ in range(2):
        answers(world, theirs, report)
    assert len(report.events("followup.contact_waived.v1")) == 1
    read_all(world)


def test_the_office_reads_that_the_student_is_left_in_peace_and_no_more(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    declines(world, mine, report, sign="tears", danger="no")
    signer = office(world)
    shown = page(signer, report)
    assert DECLINING not in shown and "迹象" not in shown
    contact(world, mine, report, "extra", danger="no", page="00000001")
    contact(world, mine, report, "extra", reached="declined", page="00000002")
    ask_the_centre(world, mine, report)
    answers(world, centre(world), report, note="金丝雀")
    ask_to_close(world, mine, report)
    shown = page(signer, report)
    assert LEFT in shown and "签字结案" in shown and "金丝雀" not in shown


def test_the_page_says_it_in_english(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    declines(world, mine, report, danger="refused")
    read_all(world)
    shown = mine.get(f"/desk/followups/{report.code}?lang=en").text
    assert "only two calm contacts close it" in shown and "The student declines, or cannot be reached" in shown
    read_all(world)
