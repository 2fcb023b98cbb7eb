"""The office changes who is on duty, and on which number, without a file: at once, and held to the same as a file."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from ledger import tables as t
from ledger.school import dutylist, held, roster
from ledger.school.schoolfile import read, write_school
from ledger.school.schoolrows import BadRoster
from tests.behaviour import export_tools
from tests.behaviour.export_tools import log
from tests.behaviour.stories import read_all
from tests.world import World, another_fraud

world, office = export_tools.unread, export_tools.office
PAGE = "/desk/roster"
OTHER = "+8613900000777"  # a number that nobody has
ALWAYS = {"days": "1-7", "start": "00:00", "end": "00:00"}


def add(world: World, client: FlaskClient, college: str, role: str, person: str, **more: str) -> TestResponse:
    form = {**ALWAYS, "college": college, "role": role, "person": person, **more}
    return world.press(client, f"{PAGE}/shifts", **form)


def remove(world: World, client: FlaskClient, shift: str) -> TestResponse:
    return world.press(client, f"{PAGE}/shifts/{shift}/remove")


def shift(world: World, college: str, role: str, person: str) -> str:
    """Its id, of the only one that fits."""
    with world.parts.ledger.read() as conn:
        lines = dutylist.lines(conn, world.parts.ledger.keys)
    [found] = [it for it in lines if (it.row.college, it.row.role, it.row.person) == (college, role, person)]
    return str(found.id)


def id_of(world: World, key: str) -> str:
    with world.parts.ledger.read() as conn:
        return str(conn.execute(select(t.people.c.id).where(t.people.c.key == key)).scalar_one())


def number(world: World, key: str) -> str:
    return next(person.phone for person in world.school.people if person.key == key)


def rung(world: World) -> set[str]:
    """By their keys, whom a new report's first step reaches, of the police."""
    world.phones.catch_up()
    before = len(world.phones.unread())
    world.report(**another_fraud())
    world.pump()
    texts = [text for text in world.phones.unread()[before:] if "紧急止付" in text.body]
    return {person.key for person in world.school.people if person.phone in {text.to for text in texts}}


def test_who_is_added_is_rung_from_the_next_report_on(world: World, office: FlaskClient) -> None:
    assert rung(world) == {"O01"}
    assert add(world, office, "WY", "officer", "O03").status_code == 303
    assert "已加上" in office.get(PAGE).text
    assert rung(world) == {"O01", "O03"}
    assert remove(world, office, shift(world, "WY", "officer", "O01")).status_code == 303
    assert rung(world) == {"O03"}
    read_all(world)


def test_a_number_put_right_is_texted_and_answers(world: World, office: FlaskClient) -> None:
    form = {"who": id_of(world, "O01"), "phone": "139 0000 0777"}
    assert world.press(office, f"{PAGE}/phones", **form).status_code == 303
    world.phones.add("new", OTHER)
    report = world.report()
    world.pump()
    world.phones["new"].replies(report.code)
    assert report.state("police") == "acknowledged"
    assert "没有变化" not in office.get(PAGE).text
    assert world.press(office, f"{PAGE}/phones", **form).status_code == 303
    assert "没有变化" in office.get(PAGE).text
    read_all(world)


def test_a_number_that_cannot_be_is_not_taken(world: World, office: FlaskClient) -> None:
    """A student's is put right in their case, where it is told whom it reaches."""
    somebody_s = number(world, "O02")
    for person, phone, said in (
        ("O01", "12", "不是完整的电话号码"),
        ("O01", "", "不是完整的电话号码"),
        ("O01", somebody_s, "是别人的号码"),
        ("2026010101", OTHER, "不在名册上"),
        ("", OTHER, "请选择人员"),
    ):
        answer = world.press(office, f"{PAGE}/phones", who=id_of(world, person) if person else "", phone=phone)
        assert answer.status_code == 422 and said in answer.text, (person, phone)
        assert f'value="{phone}"' in answer.text  # what was typed is not lost
    assert log(world, "roster.phone_changed") == []


def test_a_shift_that_a_file_could_not_have_is_not_taken(world: World, office: FlaskClient) -> None:
    form = {"college": "WY", "role": "officer", "person": "O03", "days": "1,2,3", "start": "9:30", "end": "10:00"}
    for name, typed, said in (
        ("college", "XX", "学院表中没有"),
        ("person", "nobody", "人员表中没有"),
        ("person", "2026010101", "人员表中没有"),
        ("person", "C01", "身份不能担任此岗位"),
        ("role", "chief", "应为以下之一"),
        ("days", "8", "应为星期"),
        ("start", "25:00", "应为时间"),
        ("end", "", "应为时间"),
    ):
        answer = world.press(office, f"{PAGE}/shifts", **(form | {name: typed}))
        assert answer.status_code == 422 and said in answer.text, (name, typed)
        assert f'value="{typed if name == "days" else "1,2,3"}"' in answer.text
    assert log(world, "roster.shift_added") == []


def test_the_compulsory_duty_of_the_default_row_stays_somebody_s(world: World, office: FlaskClient) -> None:
    liaison = shift(world, "*", "liaison", "L01")
    answer = remove(world, office, liaison)
    assert answer.status_code == 422 and "缺少*行：联络员" in answer.text and "先加上接替的人" in answer.text
    assert "值班室无人" in remove(world, office, shift(world, "*", "desk", "D02")).text
    add(world, office, "*", "liaison", "L02")
    assert remove(world, office, liaison).status_code == 303
    assert rung(world)
    read_all(world)


def test_what_was_wrong_before_hinders_no_change(world: World, office: FlaskClient) -> None:
    """The desk has a gap already: tonight's officer can be replaced all the same."""
    with world.parts.ledger.begin("by-hand") as uow:
        uow.conn.execute(t.duties.delete().where(t.duties.c.role == "desk"))
    assert add(world, office, "WY", "officer", "O03").status_code == 303
    assert remove(world, office, shift(world, "WY", "backup", "O02")).status_code == 303


def test_one_who_has_left_stands_on_the_list_until_removed(world: World, office: FlaskClient) -> None:
    with world.parts.ledger.begin("left") as uow:
        uow.conn.execute(update(t.people).where(t.people.c.key == "S02").values(active=False))
    page = office.get(PAGE).text
    assert "S02 <b" in page and "已离开名册" in page
    assert "人员表中没有" in add(world, office, "GX", "deputy_secretary", "S02").text
    remove(world, office, shift(world, "GX", "deputy_secretary", "S02"))
    assert "已离开名册" not in office.get(PAGE).text


def test_pressed_twice_is_once(world: World, office: FlaskClient) -> None:
    for _ in range(2):
        assert add(world, office, "WY", "officer", "O03").status_code == 303
    assert "没有变化" in office.get(PAGE).text
    added = shift(world, "WY", "officer", "O03")
    for _ in range(2):
        assert remove(world, office, added).status_code == 303
    assert "没有变化" in office.get(PAGE).text
    assert len(log(world, "roster.shift_added")) == len(log(world, "roster.shift_removed")) == 1


def test_each_change_is_noted_with_who_made_it_and_no_number(world: World, office: FlaskClient) -> None:
    add(world, office, "WY", "officer", "O03")
    remove(world, office, shift(world, "WY", "officer", "O03"))
    world.press(office, f"{PAGE}/phones", who=id_of(world, "O01"), phone=OTHER)
    assert log(world, "roster.shift_added") == ["shift:WY:officer:O03:1-7:00:00-00:00"]
    assert log(world, "roster.shift_removed") == log(world, "roster.shift_added")
    assert log(world, "roster.phone_changed") == [f"person:{id_of(world, 'O01')}"]
    actors = world.rows("SELECT DISTINCT actor FROM access_log WHERE action LIKE 'roster.%'")
    assert [re.fullmatch(r"user:[0-9a-f-]{36}", row.actor) is not None for row in actors] == [True]


def test_nobody_but_the_office_sees_or_changes_it(world: World) -> None:
    liaison, officer = shift(world, "WY", "liaison", "L01"), id_of(world, "O01")
    for role in ("officer", "counselor", "psychologist", "leader", "keeper"):
        client = world.user(role, role, None, world.college if role in ("leader", "keeper") else None)
        assert client.get(PAGE).status_code == 403
        assert add(world, client, "WY", "officer", "O03").status_code == 403
        assert remove(world, client, liaison).status_code == 403
        assert world.press(client, f"{PAGE}/phones", who=officer, phone=OTHER).status_code == 403
    assert not log(world, "roster.read")


def test_of_two_who_remove_the_last_two_at_once_one_is_refused(world: World) -> None:
    """Each leaves the other at the desk; both would leave nobody."""
    ledger = world.parts.ledger
    with ledger.begin("second") as uow:
        dutylist.add(uow, dutylist.typed({**ALWAYS, "college": "*", "role": "liaison", "person": "L02"}), "test")
    refused: list[BadRoster] = []

    def second() -> None:
        try:
            with ledger.begin("b") as uow:
                dutylist.remove(uow, UUID(both[1]), "test")
        except BadRoster as bad:
            refused.append(bad)

    both = [shift(world, "*", "liaison", key) for key in ("L01", "L02")]
    other = Thread(target=second)
    with ledger.begin("a") as uow:
        dutylist.remove(uow, UUID(both[0]), "test")
        other.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while ledger.postgres and other.is_alive() and not world.rows(waiting)[0].count:
            pass
    other.join()
    assert len(refused) == 1


@pytest.mark.parametrize("name", ["school.xlsx", "school"])
def test_the_roster_that_is_held_can_be_exported_changed_and_imported(
    world: World, office: FlaskClient, tmp_path: Path, name: str
) -> None:
    """Else the next import would take back what was changed on the page."""
    add(world, office, "WY", "officer", "O03", days="6,7", start="09:00", end="17:30")
    world.press(office, f"{PAGE}/phones", who=id_of(world, "O01"), phone=OTHER)
    ledger = world.parts.ledger
    with ledger.read() as conn:
        write_school(held.school(conn, ledger.keys), tmp_path / name)
        again = read(tmp_path / name)
        assert roster.changes(conn, ledger.keys, again) == []
    assert any(person.phone == OTHER for person in again.people)


def test_an_export_leaves_nobody_out_who_cannot_be_read(world: World) -> None:
    """Importing it would take them off the roster."""
    with world.parts.ledger.begin("spoil") as uow:
        uow.conn.execute(update(t.people).where(t.people.c.key == "O02").values(phone_sealed=b"spoiled"))
    ledger = world.parts.ledger
    with ledger.read() as conn, pytest.raises(BadRoster, match="O02"):
        held.school(conn, ledger.keys)
