"""Whom no class names has no counselor: the one on duty who answers for them is theirs from then on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ledger import tables as t
from ledger.school.demo_school import demo_school
from tests.behaviour.stories import read_all, reported, world_with
from tests.world import Report, World

DAY = 24 * 3600
STRANGER: dict[str, Any] = {"phone": "13911112222", "student_no": None}


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """公孙老师 has the duty for students without a counselor today, a Tuesday, and 令狐老师 on all other days."""
    school = demo_school()
    duty = next(row for row in school.duty if row.role == "counselor")
    others = [row for row in school.duty if row != duty]
    shifts = replace(duty, days="2"), replace(duty, person="C02", days="1,3-7")
    with world_with(database_url, tmp_path, replace(school, duty=(*others, *shifts))) as made:
        yield made


def counselors(world: World) -> set[str]:
    """Of the case and of its follow-up, by their keys."""
    cases, records, p = t.cases, t.follow_ups, t.people.c
    with world.parts.ledger.read() as conn:
        ids = conn.execute(select(cases.c.counselor_id, records.c.counselor_id).join(records)).one()
        return {str(conn.scalar(select(p.key).where(p.id == it))) for it in ids}


def answered(world: World) -> Report:
    report = world.report(**STRANGER)
    world.phones.catch_up()
    world.phones["C03"].expects(report.code, "30分钟内致电").replies(report.code).expects("由您联系")
    read_all(world)
    return report


def test_who_answers_for_them_on_duty_is_their_counselor(world: World, office: FlaskClient) -> None:
    report = answered(world)
    assert counselors(world) == {"C03"}
    assert report.events("followup.taken_on.v1") == [{"by": world.person("C03")}]
    page = office.get("/desk/followups?lang=zh").text
    assert report.code in page and "公孙老师" in page and "无辅导员" not in page
    theirs = world.user("c", "counselor", world.phones["C03"].number)
    assert report.code in theirs.get("/desk/followups").text


def test_later_reminders_go_to_them_and_not_to_whoever_is_on_duty_then(world: World) -> None:
    report = answered(world)
    world.until(DAY)
    asked = [row.key for row in world.rows(
        "SELECT p.key FROM deliveries d JOIN people p ON p.id = d.person_id WHERE d.kind = 'follow_up'")]  # fmt: skip
    assert asked == ["C03"]
    assert report.code
    read_all(world)


def test_a_call_that_is_written_down_answers_too(world: World) -> None:
    report = world.report(**STRANGER)
    read_all(world)
    duty = world.user("c", "counselor", world.phones["C03"].number)
    world.press(duty, f"/desk/followups/{report.code}/contact", contact="call_30m", reached="yes")
    assert (report.state("counselor"), counselors(world)) == ("contacted", {"C03"})
    read_all(world)


def test_a_hand_over_moves_them_on_as_ever(world: World) -> None:
    report = answered(world)
    theirs = world.user("c", "counselor", world.phones["C03"].number)
    form = {"person": world.person("C01")}
    assert world.press(theirs, f"/desk/followups/{report.code}/handover", **form).status_code == 303
    world.phones["C01"].expects(report.code, "30分钟内致电").replies(report.code).expects("由您联系")
    assert counselors(world) == {"C01"}
    assert len(report.events("followup.taken_on.v1")) == 1
    read_all(world)


def test_who_answers_for_them_is_their_counselor_where_theirs_has_left(world: World) -> None:
    with world.parts.ledger.engine.begin() as conn:
        conn.execute(update(t.people).where(t.people.c.key == "C01").values(active=False))
    report = world.report()
    world.phones["C02"].expects(report.code, "30分钟内致电").replies(report.code).expects("由您联系")
    assert counselors(world) == {"C02"}
    read_all(world)


def test_who_has_answered_and_is_handed_the_student_is_not_rung_anew(world: World) -> None:
    report = world.report()
    read_all(world)
    own = world.user("c", "counselor", world.phones["counselor"].number)
    world.advance(600)
    world.phones["stand_in"].expects(report.code).replies(report.code).expects("由您联系")
    read_all(world)
    assert world.press(own, f"/desk/followups/{report.code}/handover", person=world.person("C03")).status_code == 303
    world.phones["stand_in"].expects(report.code, "转")
    assert report.state("counselor") == "acknowledged"
    read_all(world)


def test_a_stand_in_who_answers_takes_no_student_over(world: World) -> None:
    report, phones = reported(world), world.phones
    read_all(world)
    world.until(600)
    phones["stand_in"].expects(report.code, "30分钟内致电").replies(report.code).expects("由您联系")
    assert (report.state("counselor"), counselors(world)) == ("acknowledged", {"C01"})
    assert report.events("followup.taken_on.v1") == []
    read_all(world)


def test_who_is_no_counselor_answers_and_has_no_student(world: World) -> None:
    report, phones = world.report(**STRANGER), world.phones
    read_all(world)
    world.until(1200)
    phones["deputy_secretary"].expects(report.code).replies(report.code).expects("由您联系")
    assert (report.state("counselor"), counselors(world)) == ("acknowledged", {"None"})
    read_all(world)


def named(world: World, report: Report) -> None:
    """The student of C01 gives name and number on the status page."""
    form = {"page": "p", "name": "张三", "student_no": "2026010101"}
    assert world.client.post(f"/r/{report.token}/more/who", data=form).status_code == 303


def test_whose_class_is_known_before_anybody_answers_is_their_own_counselor_s(world: World) -> None:
    report = world.report(**STRANGER)
    read_all(world)
    named(world, report)
    world.phones["C01"].expects(report.code, "30分钟内致电")
    assert counselors(world) == {"C01"}
    assert report.events("followup.student_placed.v1") == [{"counselor": world.person("C01")}]


def test_who_has_answered_keeps_a_student_whose_class_is_known_later(world: World) -> None:
    report = answered(world)
    named(world, report)
    world.phones.assert_all_read()
    assert counselors(world) == {"C03"}
    theirs = world.user("c", "counselor", world.phones["C03"].number)
    assert report.code in theirs.get("/desk/followups").text
    assert world.rows("SELECT victim_id FROM cases")[0].victim_id is not None
    assert report.events("followup.student_placed.v1") == []


def test_whom_somebody_else_answered_for_is_handed_to_their_own_counselor(world: World) -> None:
    report, phones = world.report(**STRANGER), world.phones
    read_all(world)
    world.until(1200)
    phones["deputy_secretary"].expects(report.code).replies(report.code).expects("由您联系")
    read_all(world)
    named(world, report)
    phones["C01"].expects(report.code, "30分钟内致电").replies(report.code).expects("由您联系")
    assert counselors(world) == {"C01"}
    read_all(world)
