"""That parents were told is written down: by whom, when, with the student's consent or without it, and why."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from ledger import tables as t
from tests.behaviour.stories import only_counselor_rings, read_all
from tests.behaviour.test_one_spoiled_row_hides_no_other import spoil
from tests.behaviour.test_the_counselor_s_record import centre, counselor, said
from tests.world import Report, World

TYPE = "followup.family_told.v1"


def told(world: World, client: FlaskClient, report: Report, **form: str) -> int:
    return world.press(client, f"/desk/followups/{report.code}/family", **form).status_code


def page(client: FlaskClient, report: Report) -> str:
    return said(client.get(f"/desk/followups/{report.code}").text)


def test_with_consent_it_takes_one_press_and_says_who_and_when(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    for _ in range(2):  # pressed twice
        assert told(world, mine, report, consent="yes", page="0123abcd") == 303
    assert "2026-11-2414:40murong学生同意" in page(mine, report)
    assert report.events(TYPE) == [{}]  # nothing of it is readable there
    told(world, mine, report, consent="yes", page="0123abcd", by="学院书记", at="13:05")  # put right: another one
    assert "2026-11-2413:05学院书记学生同意" in page(mine, report) and len(report.events(TYPE)) == 2
    world.pump()
    read_all(world)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"consent": "no"}, ("未经同意，请写明原因", "Without consent, say why")),
        ({"consent": "no", "reason": " \x00 "}, ("未经同意，请写明原因", "Without consent, say why")),
        ({"reason": "她要跳楼"}, ("请选学生是否同意", "Say whether the student agreed")),
        ({"consent": "yes", "reason": "她要跳楼", "at": "布谷点钟"}, ("看不懂这个时间", "That is no time")),
        ({"consent": "yes", "at": "2026-11-25 09:00"}, ("看不懂这个时间", "That is no time")),  # yet to come
    ],
)
def test_what_is_lacking_is_said_and_all_else_given_back(
    world: World, lang: str, form: dict[str, str], words: tuple[str, str]
) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    mine.set_cookie("lang", lang)
    answer = world.press(mine, f"/desk/followups/{report.code}/family", by="王老师", **form)
    assert answer.status_code == 422 and words[lang == "en"] in answer.text and 'value="王老师"' in answer.text
    assert all(it.strip(" \x00") in answer.text for it in form.values())
    assert report.events(TYPE) == []


def test_against_their_wish_the_reason_is_sealed_and_read_by_counselor_and_centre_alone(world: World) -> None:
    report, mine, theirs = only_counselor_rings(world), counselor(world), centre(world)
    office = world.user("xuanyuan", "security", world.phones["office"].number)
    police = world.user("o", "officer", world.phones["officer"].number)
    assert told(world, theirs, report, consent="yes") == 404  # nobody has referred the student
    assert told(world, mine, report, consent="no", reason="她说要跳楼") == 303
    world.press(mine, f"/desk/followups/{report.code}/refer")
    read_all(world)
    assert told(world, theirs, report, consent="no", reason="未满18岁") == 303
    for shown in (page(mine, report), said(theirs.get(f"/desk/care/{report.code}").text)):
        assert "未经学生同意她说要跳楼" in shown and "zhongli未经学生同意未满18岁" in shown
    assert "告知家长" not in page(office, report)
    assert told(world, office, report, consent="yes") == told(world, police, report, consent="yes") == 403
    with world.parts.ledger.read() as conn:
        kept = conn.execute(select(t.case_events).where(t.case_events.c.type == TYPE)).mappings().all()
    assert all("跳楼".encode() not in row["sealed"] and row["data"] == {} for row in kept)
    assert all(row["actor"].startswith("user:") for row in kept)


def test_one_that_cannot_be_read_hides_no_other_and_the_page_says_so(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    told(world, mine, report, consent="no", reason="第一次")
    told(world, mine, report, consent="no", reason="第二次")
    with world.parts.ledger.begin("spoil") as uow:
        e = t.case_events
        first = uow.conn.scalars(select(e.c.id).where(e.c.type == TYPE).order_by(e.c.seq)).first()
        uow.conn.execute(e.update().where(e.c.id == first).values(sealed=b"spoiled" * 8))
    shown = page(mine, report)
    assert "第二次" in shown and "第一次" not in shown and "有内容读不出" in shown


def test_the_script_leads_to_the_form_and_a_closed_record_takes_it_too(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    html = mine.get(f"/desk/followups/{report.code}").text
    assert 'href="#family-told"' in html and 'id="family-told"' in html
    with world.parts.ledger.begin("over") as uow:
        uow.conn.execute(t.follow_ups.update().values(state="closed", closed_at=uow.now))
    assert told(world, mine, report, consent="yes") == 303 and "已记录" in page(mine, report)
    spoil(world, report.code, row_key=b"")
    answer = world.press(mine, f"/desk/followups/{report.code}/family", consent="no", reason="她说要跳楼")
    assert answer.status_code == 410 and "她说要跳楼" in answer.text
