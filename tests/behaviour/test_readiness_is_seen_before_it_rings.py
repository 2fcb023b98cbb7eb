"""The readiness page: whether somebody would answer now and for a week, and what to mend; the same truth that rings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, update

from bench.years import school as school_of_thirty
from ledger import tables as t
from ledger.escalation import NIGHT_BEGINS
from ledger.ready import gaps, lineup
from ledger.ready.lineup import STAFF, duty_lines
from ledger.ready.readiness import readiness
from ledger.ringing import ladders
from ledger.school import people, roster, rungs
from ledger.school.demo_school import demo_school
from ledger.school.people import DEFAULT
from ledger.school.schoolrows import DutyRow, School
from ledger.store import alarms
from tests.behaviour.test_drills_touch_nobody import end, start
from tests.behaviour.test_statements_are_counted import counted
from tests.world import World

PAGE = "/desk/readiness"
Make = Callable[..., World]


@pytest.fixture
def make(database_url: str, tmp_path: Path) -> Iterator[Make]:
    """`make(school)`: a world with this roster; nobody reads its texts."""
    made: list[World] = []

    def of(school: School | None = None) -> World:
        made.append(World.make(database_url, tmp_path, school))
        return made[-1]

    yield of
    for world in made:
        world.close()


@pytest.fixture
def quiet(make: Make) -> World:
    """The made-up school."""
    return make()


def office(world: World) -> FlaskClient:
    return world.user("office", "security", "+8613800001017")


def words(client: FlaskClient, query: str = "?lang=zh") -> str:
    """What the page says; in Chinese without any blanks."""
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    parts = re.sub(r"<[^>]+>", " ", answer.text).split()
    return (" " if "en" in query else "").join(parts)


def mended(page: str) -> str:
    """The list of what is to be mended, in Chinese."""
    return page.split("要补的事")[-1].split("查了什么")[0] if "要补的事" in page else ""


def drilled(world: World, *colleges: str) -> None:
    """Each through the sink, and over."""
    for college in colleges:
        drill = start(world, college=college)
        world.phones.catch_up()
        assert end(world, drill) == 204
    world.phones.catch_up()


def without(*gone: tuple[str, str], times: tuple[str, ...] = ()) -> School:
    """The made-up school without these (college, duty) shifts; with `times` only without those that begin then."""
    school = demo_school()
    keep = [it for it in school.duty if (it.college, it.role) not in gone or (times and it.start not in times)]
    return replace(school, duty=tuple(keep))


def full_of_faults(world: World) -> None:
    """Each kind of thing that can be wrong at once."""
    change(world, "O01", active=False)
    change(world, "C03", phone_sealed=None, phone_index=None)
    change(world, "C02", active=False)
    change(world, "D01", row_key=b"gone:x")
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(t.classes).where(t.classes.c.code == "WY2601").values(counselor_id=None))
        alarms.alarm(uow, "stuck:1", "work_parked", "x")
    start(world, college="WY", phones="1")
    for _ in range(61):
        world.advance(60)
    report = world.report()
    world.clock.advance(121)
    assert report.code


def change(world: World, key: str, **values: Any) -> None:
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(t.people).where(t.people.c.key == key).values(values))


def test_ready_is_said_in_words_once_every_way_was_tried(quiet: World) -> None:
    desk = office(quiet)
    before = words(desk)
    assert "1件事要补" in before and "30天内没有演练" in mended(before) and "现在报案，有人会接到" in before
    drilled(quiet, "WY", "GX", "")
    page = words(desk)
    assert "准备好了。现在和未来7天，都有人接" in page and "要补" not in page
    assert page.count("没有问题") == 5
    assert "Ready. Somebody will answer, now and for seven days." in words(desk, "?lang=en")


def test_it_is_the_truth_of_the_doctor_and_of_the_ladder_at_every_hour(make: Make) -> None:
    """Every step of every college as a report of that moment would ring it, and no phone on the page."""
    world = make(without((DEFAULT, "backup"), ("GX", "college_duty"), ("WY", "officer"), times=("20:00", "00:00")))
    ledger = world.parts.ledger
    a_lecturer = UUID(str(world.rows("SELECT id FROM people WHERE key = 'T01'")[0][0]))
    with ledger.read() as conn:
        read_once = lineup.read(conn, ledger.keys, ledger.zone)
        for moment in gaps.moments(read_once.shifts, world.clock.now(), ledger.zone)[:14]:
            lines, _ = duty_lines(conn, ledger.keys, moment, ledger.zone)
            expected = []
            for line in lines:
                college, kind = line.partition(": ")[0].split()
                expected.append(rung_now(world, conn, moment, college, kind))
            assert [line.partition(": ")[2] for line in lines] == expected
            standing = read_once.at(moment)
            for kind, college in read_once.ladders:
                steps = [[person.called for person in step] for _, step in standing.steps(kind, college, STAFF)]
                told = " → ".join("+".join(step) or "(nobody)" for step in steps)
                assert told == rung_now(world, conn, moment, college, kind, a_lecturer), (moment, college, kind)
    desk = office(world)
    page = words(desk)
    shown = {row.code: row for row in found(world).colleges}
    assert list(shown) == ["GX", "WY", DEFAULT]
    for line in lines_now(world):
        college, kind = line.partition(": ")[0].split()
        names = shown[college].steps[kind]
        assert " → ".join("+".join(step) or "(nobody)" for _, step in names) == line.partition(": ")[2]
    assert "欧阳警官" in page and "2分钟后" in page
    assert not re.search(r"1380000|138 0000|tel:", desk.get(PAGE).text)


def rung_now(world: World, conn: Any, moment: Any, college: str, kind: str, victim: UUID | None = None) -> str:
    """Asked step by step of the ledger, as a report that comes in does."""
    ledger = world.parts.ledger
    code = None if college == DEFAULT else college
    ladder = ladders.at(ladders.configured(conn, kind, code), kind, moment, ledger.zone)
    case = {"college_code": code, "counselor_id": None, "victim_id": victim}
    steps = (rungs.called(conn, ledger.keys, it.targets, case, moment, ledger.zone) for it in ladder.rungs)
    return " → ".join("+".join(person.called for person in step) or "(nobody)" for step in steps)


def found(world: World, only: str | None = None) -> Any:
    ledger = world.parts.ledger
    with ledger.read() as conn:
        return readiness(conn, ledger.keys, world.clock.now(), ledger.zone, only)


def lines_now(world: World) -> list[str]:
    ledger = world.parts.ledger
    with ledger.read() as conn:
        return duty_lines(conn, ledger.keys, world.clock.now(), ledger.zone)[0]


def test_a_night_without_an_officer_is_seen_the_afternoon_before(make: Make) -> None:
    world = make(without(("WY", "officer"), (DEFAULT, "officer"), times=("20:00",)))
    desk = office(world)
    listed = mended(words(desk))
    assert (
        "民警：第一步没有人示例文学院、默认行（学院不明）" in listed and "示例工学院" not in listed.split("怎么办")[0]
    )
    assert "周二11-2420:00–周三11-2508:00" in listed and "给这些时段排人：值班民警" in listed
    assert "Tue 11-24 20:00" in words(desk, "?lang=en")
    assert '"/desk/roster"' in desk.get(PAGE).text
    dean = world.user("dean", "leader", None, "WY")
    assert "请保卫部改值班名单" in words(dean) and '"/desk/roster"' not in dean.get(PAGE).text
    world.clock.advance(7 * 3600)
    page = words(desk)
    assert "现在1件要补未来7天1件要补" in page
    assert "现在到周三11-2508:00" in mended(page) and "现在报案，有人会接到" in page
    assert "立即没有人" in page


def office_hours_only(*roles: str) -> School:
    """The made-up school, these duties by working days from 8 to 18 and of the `*` row alone."""
    school = without(*((college, role) for college in ("WY", "GX", DEFAULT) for role in roles))
    shifts = (DutyRow(DEFAULT, role, "L01" if role == "liaison" else "C03", "1-5", "08:00", "18:00") for role in roles)
    return replace(school, duty=(*school.duty, *shifts))


SATURDAY_NOON = (3 * 24 + 22) * 3600  # after the world's Tuesday afternoon


def test_a_lecturer_s_saturday_is_seen_as_well(make: Make) -> None:
    """A member of staff has the unit's liaison: where nobody is, the counselor's first step rings nobody."""
    world = make(office_hours_only("liaison"))
    drilled(world, "WY", "GX", "")
    desk = office(world)
    page = words(desk)
    assert "准备好了" not in page and "1件事要补" in page and "现在报案，有人会接到" in page
    listed = mended(page)
    assert "辅导员：教职工报案时，第一步没有人所有学院和默认行" in listed and "排人：联络员。" in listed
    assert "周六11-2807:00–22:00" in listed and "还有4段" in listed
    english = words(desk, "?lang=en")
    assert (
        "Counselor: when a member of staff reports, the first step is empty" in english
        and "these hours: liaison" in english
    )
    world.clock.advance(SATURDAY_NOON)
    assert "现在1件要补" in words(desk)
    assert rung_first(world, "T01") == [] and [it.called for it in rung_first(world, "2026010101")] == ["慕容老师"]


def rung_first(world: World, key: str) -> list[people.Person]:
    """Whom the counselor's first step of this one's report would ring now, asked of the ledger."""
    ledger = world.parts.ledger
    query = "SELECT p.id, p.college_code, c.counselor_id FROM people p LEFT JOIN classes c ON c.code = p.class_code"
    victim, college, counselor = world.rows(f"{query} WHERE p.key = :key", key=key)[0]
    with ledger.read() as conn:
        ladder = ladders.configured(conn, "counselor", college)
        ids = [UUID(str(it)) if it else None for it in (victim, counselor)]
        case = {"college_code": college, "counselor_id": ids[1], "victim_id": ids[0]}
        now = world.clock.now()
        return rungs.called(conn, ledger.keys, ladder.rungs[0].targets, case, now, ledger.zone)


def test_what_students_and_staff_lack_at_the_same_hours_is_one_thing(make: Make) -> None:
    world = make(office_hours_only("liaison", "college_duty", "counselor"))
    drilled(world, "WY", "GX", "")
    page = words(office(world))
    assert "1件事要补" in page and "辅导员：第一步没有人" in mended(page)
    assert "排人：学院值班、辅导员（*行）、联络员。" in mended(page) and "教职工报案时，要有联络员。" in mended(page)


def test_staff_are_not_asked_for_where_the_roster_has_none(make: Make) -> None:
    school = office_hours_only("liaison")
    world = make(replace(school, people=tuple(it for it in school.people if it.role != "staff")))
    drilled(world, "WY", "GX", "")
    assert "准备好了" in words(office(world))


def test_money_that_is_still_there_is_looked_at_too(make: Make) -> None:
    """To dissuade, the desk and the counselor are rung together: only where both are missing is that step empty."""
    roles = ("college_duty", "counselor", "liaison")
    world = make(office_hours_only(*roles, "desk"))
    drilled(world, "WY", "GX", "")
    page = words(office(world))
    assert "2件事要补" in page and "劝阻：第一步没有人" in mended(page) and "值班室" in mended(page)


def test_nobody_at_all_is_said_first(make: Make) -> None:
    roles = ("officer", "backup", "desk")
    world = make(without(*((college, role) for college in ("WY", DEFAULT) for role in roles)))
    page = words(office(world))
    assert "现在报案，有的学院没人接。请先打电话安排" in page
    assert (
        mended(page).split("怎么办")[0].endswith("民警：没有人会接到通知示例文学院、默认行（学院不明）现在起，一周都是")
    )
    assert "nobody would be called" in words(office_again(world), "?lang=en")


def office_again(world: World) -> FlaskClient:
    return world.user("office, again", "admin")


def test_a_shift_of_the_weekend_only(make: Make) -> None:
    school = without(("WY", "officer"), (DEFAULT, "officer"))
    week = DutyRow(DEFAULT, "officer", "O01", "1-5", "00:00", "00:00")
    world = make(replace(school, duty=(*school.duty, week)))
    assert "周六11-2800:00–周一11-3000:00" in mended(words(office(world)))


def test_who_holds_a_shift_and_cannot_be_rung(quiet: World) -> None:
    """They keep the `*` row's people away as well, so the step is empty while they stand there."""
    change(quiet, "O01", active=False)
    change(quiet, "C03", phone_sealed=None, phone_index=None)
    change(quiet, "D01", row_key=b"gone:x")
    listed = mended(words(office(quiet)))
    assert "值班的人已离开名册欧阳警官·示例文学院备班民警、示例文学院值班民警、默认行（学院不明）值班民警" in listed
    assert "值班的人没有手机号公孙老师·默认行（学院不明）学院值班、默认行（学院不明）辅导员" in listed
    assert "值班的人资料打不开D01·默认行（学院不明）值班室" in listed
    assert "民警：第一步没有人示例文学院、默认行（学院不明）现在到周二11-2420:00" in listed


def test_of_a_long_list_it_says_how_many_are_left_out(quiet: World) -> None:
    with quiet.parts.ledger.begin("test") as uow:
        rows = [{"code": f"X{n}", "name": f"示例{n}班", "college_code": "WY", "counselor_id": None} for n in range(11)]
        uow.conn.execute(insert(t.classes), rows)
    desk = office(quiet)
    assert "示例6班·没有填还有3个" in mended(words(desk)) and "3 more" in words(desk, "?lang=en")


def test_classes_without_a_counselor_and_counselors_without_a_stand_in(quiet: World) -> None:
    with quiet.parts.ledger.begin("test") as uow:
        named = update(t.classes).where(t.classes.c.code == "WY2601")
        uow.conn.execute(named.values(counselor_id=None))
    change(quiet, "C02", active=False)
    change(quiet, "C01", stand_in_id=None)
    desk = office(quiet)
    listed = mended(words(desk))
    assert "示例文2601班·没有填" in listed and "示例工2602班·令狐老师，已离开名册" in listed.replace("，已", "，已")
    # C02 was also the one on duty for the other college's students, so there a stand-in is all there is
    assert "辅导员没有代班人，那一步会没人慕容老师·示例文学院" in listed
    change(quiet, "C02", active=True)
    page = words(desk)
    assert "没有代班人，那一步" not in page and "1位辅导员没有代班人，由值班的人顶上" in page


def test_what_is_late_or_alarmed_leads_to_the_board(quiet: World) -> None:
    drilled(quiet, "WY", "GX", "")
    with quiet.parts.ledger.begin("test") as uow:
        for n in range(2):
            alarms.alarm(uow, f"stuck:{n}", "work_parked", "x")
    report = quiet.report()
    quiet.clock.advance(120)
    desk = office(quiet)
    listed = mended(words(desk))
    assert "系统有事超时" in listed and "有任务停住，请告知管理员·2个" in listed
    assert 'href="/desk/board"' in desk.get(PAGE).text and report.code not in desk.get(PAGE).text
    leader = quiet.user("dean", "leader", None, "GX")
    theirs = mended(words(leader))
    assert "系统有事超时怎么办请问保卫部" in theirs and "有任务停住" not in theirs
    assert '"/desk/board"' not in leader.get(PAGE).text


def test_a_leader_sees_the_own_college_and_the_default_row_only(quiet: World) -> None:
    change(quiet, "C02", active=False)
    drilled(quiet, "WY", "GX")
    page = words(quiet.user("dean", "leader", None, "WY"))
    assert "示例文学院" in page and "默认行" in page and "示例工" not in page and "司马警官" not in page
    for other in (None, "no such college"):
        page = words(quiet.user(f"of {other}", "leader", None, other))
        assert "您的账号没有填名册上的学院" in page and "默认行" in page and "示例文" not in page


@pytest.mark.parametrize("role", ["officer", "counselor", "psychologist"])
def test_others_are_refused_and_that_is_noted(quiet: World, role: str) -> None:
    client = quiet.user("somebody", role)
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/desk", follow_redirects=True).text
    noted = quiet.rows("SELECT action, object FROM access_log ORDER BY id DESC LIMIT 1")[0]
    assert tuple(noted) == ("page.denied", "page:readiness.page")


def test_each_reading_is_noted_and_the_page_is_linked(quiet: World) -> None:
    for role, college, noted in (("admin", None, "college:*"), ("leader", "WY", "college:WY")):
        client = quiet.user(role, role, None, college)
        assert f'href="{PAGE}"' in client.get("/desk/figures").text
        client.get(PAGE)
        log = quiet.rows("SELECT action, object FROM access_log ORDER BY id DESC LIMIT 1")[0]
        assert tuple(log) == ("readiness.read", noted)


def test_an_empty_roster_says_what_to_do_first(quiet: World) -> None:
    desk = office_again(quiet)
    with quiet.parts.ledger.begin("roster") as uow:
        roster.apply(uow, School())
    page = words(desk)
    assert "名册还是空的" in mended(page) and "stoplinerosterimport" in page and "1件事要补" in page
    assert "现在报案，没有人会接到" in page and "没有问题" not in page and "上次演练" not in page


def test_thirty_colleges_take_no_more_statements_than_two(make: Make, database_url: str) -> None:
    world = make(school_of_thirty())
    desk = office(world)
    desk.get(PAGE)  # the first visit opens connections
    with counted(world, here=True) as thirty:
        assert desk.get(PAGE).status_code == 200
    with counted(world, here=True) as doctor_of_thirty:
        assert len(lines_now(world)) == 62
    assert len(found(world).colleges) == 31
    with world.parts.ledger.begin("roster") as uow:
        roster.apply(uow, demo_school())
    with counted(world, here=True) as two:
        assert desk.get(PAGE).status_code == 200
    with counted(world, here=True) as doctor_of_two:
        assert len(lines_now(world)) == 6
    assert len(found(world).colleges) == 3
    assert doctor_of_thirty.total() == doctor_of_two.total() <= 6
    assert thirty.total() == two.total() <= 18, thirty


def test_the_night_that_begins_now_has_its_own_ladder(quiet: World) -> None:
    """At 22:00 the first two steps are one: the page shows what a report of this minute would do."""
    desk, local = office(quiet), quiet.clock.now().astimezone(quiet.parts.ledger.zone)
    by_day = found(quiet).colleges[0].steps["counselor"]
    night = local.replace(hour=NIGHT_BEGINS.hour, minute=0)
    quiet.clock.advance((night - local).total_seconds())
    by_night = found(quiet).colleges[0].steps["counselor"]
    assert len(by_night) == len(by_day) - 1 and set(by_night[0][1]) == {*by_day[0][1], *by_day[1][1]}
    assert words(desk).count("立即") == 6
