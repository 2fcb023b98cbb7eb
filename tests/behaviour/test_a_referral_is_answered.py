"""Who was referred for the same day is not forgotten: the centre is reminded, and after a day the office hears."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ledger import codes, deadlines
from ledger import tables as t
from ledger.errors import LedgerAway
from ledger.ringing import referrals
from ledger.school import roster
from ledger.school.demo_school import demo_school
from ledger.store import failpoints, naming
from notifier.wording import Language
from tests.behaviour.stories import SQLITE, at_once, only_counselor_rings, read_all, school_without, world_with
from tests.behaviour.test_drills_touch_nobody import start
from tests.behaviour.test_no_two_texts_are_alike import words
from tests.behaviour.test_the_counselor_s_record import CENTRE, centre, contact, counselor
from tests.world import Report, World, another_fraud

HOUR, DAY = 3600, 86400
AGAIN = 4 * HOUR
TODAY = ">今天转介<"  # the button
Told = tuple[str, int]  # who (their key on the roster), hours since the centre was asked


def told(report: Report) -> list[Told]:
    """The reminders of a case that were written, in order."""
    d, p, c = t.deliveries.c, t.people.c, t.cases.c
    query = select(p.key, d.facts).join(t.people, p.id == d.person_id).join(t.cases, c.id == d.case_id)
    query = query.where(c.code == report.code, d.kind == referrals.TEXT).order_by(d.created_at, p.key)
    with report.world.parts.ledger.read() as conn:
        return [(row.key, row.facts["minutes"] // 60) for row in conn.execute(query) if row.facts.get("minutes")]


def goes_by(world: World, seconds: float) -> None:
    """So much time since the start; what others hear of meanwhile is other promises' business."""
    world.until(seconds)
    read_all(world)


def referred(world: World) -> tuple[Report, FlaskClient]:
    """The counselor has reached the student and asks the centre to see them today."""
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, need="centre")
    world.pump()
    world.phones[CENTRE].expects("今天需要心理中心", report.code)
    return report, mine


def seen(world: World, theirs: FlaskClient, report: Report, **form: str) -> None:
    assert world.press(theirs, f"/desk/care/{report.code}/note", **(form or {"seen": "1"})).status_code == 303


def nobody_looks(world: World) -> bool:
    return world.rows("SELECT 1 FROM follow_ups WHERE referral_look_at IS NOT NULL") == []


def test_the_centre_is_reminded_within_the_day_and_after_it_with_the_office(world: World) -> None:
    report, _mine = referred(world)
    goes_by(world, AGAIN - 1)
    assert told(report) == []
    world.until(AGAIN)
    world.phones[CENTRE].expects(
        f"{report.code}：1名学生转介心理中心已过4小时，尚无回复。请确认今天有人联系学生，联系后请在系统记录。"
    ).expects_nothing()
    goes_by(world, DAY - 1)
    world.until(DAY)
    for name in (CENTRE, "office"):
        world.phones[name].expects(report.code, "转介心理中心已过24小时")
    goes_by(world, 9 * DAY)
    assert told(report) == [("P01", 4), ("B01", 24), ("P01", 24)] and nobody_looks(world)


@pytest.mark.parametrize("form", [{"seen": "1"}, {"danger": "yes"}])
def test_that_the_student_was_seen_or_somebody_has_to_go_there_ends_it(world: World, form: dict[str, str]) -> None:
    report, _mine = referred(world)
    goes_by(world, HOUR)
    seen(world, centre(world), report, **form)
    goes_by(world, 2 * DAY)
    assert told(report) == [] and nobody_looks(world)


def test_when_the_danger_is_over_and_the_centre_has_not_seen_them_it_is_as_open_as_before(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, danger="yes")
    read_all(world)
    goes_by(world, 2 * HOUR)
    assert world.press(mine, f"/desk/followups/{report.code}/safe").status_code == 303
    goes_by(world, 2 * HOUR + AGAIN)
    assert told(report) == [("P01", 6)]
    goes_by(world, DAY)
    assert told(report)[1:] == [("B01", 24), ("P01", 24)]


def test_a_record_that_was_answered_may_be_referred_again(world: World) -> None:
    report, mine = referred(world)
    goes_by(world, AGAIN)
    seen(world, centre(world), report)
    goes_by(world, AGAIN + HOUR)
    world.press(mine, f"/desk/followups/{report.code}/refer")
    goes_by(world, 2 * AGAIN + HOUR)
    assert told(report) == [("P01", 4), ("P01", 4)]


def test_whether_one_is_to_be_left_in_peace_has_no_hurry_and_a_referral_is_made_beside_it(world: World) -> None:
    report, mine = only_counselor_rings(world), counselor(world)
    contact(world, mine, report, reached="declined")
    with world.parts.ledger.begin("ask") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
        referrals.refer(uow, case, referrals.DECLINED, "test")
    goes_by(world, AGAIN)
    assert told(report) == [] and nobody_looks(world)
    assert TODAY in mine.get(f"/desk/followups/{report.code}").text
    contact(world, mine, report, "extra", loans="1", page="00000001")  # which has
    world.pump()
    world.phones[CENTRE].expects("今天需要心理中心", report.code)
    assert TODAY not in mine.get(f"/desk/followups/{report.code}").text
    goes_by(world, 2 * AGAIN)
    assert told(report) == [("P01", 4)]
    assert [it["reason"] for it in report.events("followup.referred.v1")] == ["declined", "loans"]


def without_a_centre(world: World) -> None:
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(t.people).where(t.people.c.role == "psychologist").values(active=False))


@pytest.mark.parametrize(("nobody", "instead"), [((), "B01"), (("office",), "D01"), (("office", "desk"), None)])
def test_where_the_centre_has_nobody_whoever_can_be_told_is(
    database_url: str, tmp_path: Path, nobody: tuple[str, ...], instead: str | None
) -> None:
    """And where nobody can be told at all, it is looked again until somebody can."""
    with world_with(database_url, tmp_path, demo_school()) as world:
        report, _mine = referred(world)
        with world.parts.ledger.begin("test") as uow:
            roster.apply(uow, school_without(*nobody))
        without_a_centre(world)
        goes_by(world, AGAIN)
        assert told(report) == ([(instead, 4)] if instead else [])
        with world.parts.ledger.begin("test") as uow:
            roster.apply(uow, demo_school())
        goes_by(world, AGAIN + HOUR)
        assert told(report) == [(instead, 4) if instead else ("P01", 5)]


def test_after_an_outage_one_reminder_is_told_the_one_whose_time_it_is(world: World) -> None:
    report, _mine = referred(world)
    goes_by(world, 30 * HOUR)  # nobody looked
    goes_by(world, 40 * HOUR)
    assert told(report) == [("B01", 30), ("P01", 30)]


def test_a_text_that_waits_out_an_outage_of_the_provider_says_the_hours_of_then_or_is_taken_back(world: World) -> None:
    report, _mine = referred(world)
    goes_by(world, AGAIN - 60)
    world.use_provider("http://127.0.0.1:9")
    world.until(AGAIN)
    world.use_provider()
    world.until(AGAIN + 2 * HOUR)
    world.phones[CENTRE].expects(report.code, "已过6小时")
    goes_by(world, DAY - 60)
    world.use_provider("http://127.0.0.1:9")
    world.until(DAY)
    seen(world, centre(world), report)
    world.use_provider()
    world.until(DAY + 600)
    assert [it.body for it in world.phones.unread() if "转介" in it.body] == []
    read_all(world)


def test_three_clocks_tell_it_once(world: World) -> None:
    report, _mine = referred(world)
    world.clock.advance(AGAIN)
    with world.another() as second, world.another() as third:
        looks = [parts.ledger for parts in (world.parts, second, third)]
        for _ in range(3):
            at_once([lambda ledger=ledger: deadlines.look_at_a_referral(ledger) for ledger in looks])  # type: ignore[misc]
    assert told(report) == [("P01", 4)]
    read_all(world)


@pytest.mark.parametrize("where", ["before-commit", "after-commit"])
def test_a_clock_that_dies_over_it_leaves_one_text(world: World, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    report, _mine = referred(world)

    def dies(point: str, label: str) -> None:
        if (point, label) == (where, "look:referrals"):
            raise LedgerAway("dead")

    with monkeypatch.context() as patched:
        patched.setattr(failpoints, "hit", dies)
        goes_by(world, AGAIN)
    assert told(report) == ([] if where == "before-commit" else [("P01", 4)])
    goes_by(world, AGAIN + 60)
    assert told(report) == [("P01", 4)]


def test_a_record_that_cannot_be_read_hides_no_other(world: World) -> None:
    lost, mine = referred(world)
    kept = world.report(**another_fraud())
    read_all(world)
    contact(world, mine, kept, need="centre")
    goes_by(world, HOUR)
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(t.cases).where(t.cases.c.code == lost.code).values(row_key=b"gone"))
    goes_by(world, AGAIN)
    assert (told(lost), told(kept)) == ([], [("P01", 4)])
    reasons = world.rows("SELECT reason FROM alarms WHERE reason LIKE 'referrals%' AND cleared_at IS NULL")
    assert [row.reason for row in reasons] == ["referrals: KeyMissing"]


def test_a_drill_reminds_nobody(world: World) -> None:
    drill = start(world, college="WY")
    world.phones.catch_up()
    with world.parts.ledger.begin("refer") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(drill.code)))
        referrals.refer(uow, case, "asked", "test")
    assert nobody_looks(world)


@pytest.mark.parametrize(("lang", "said"), [("zh", "请致电心理中心"), ("en", "not answered: call the centre")])
def test_the_board_shows_it_since_when_until_it_is_answered(world: World, lang: str, said: str) -> None:
    report, _mine = referred(world)

    def row() -> str:
        office = world.user(t.new_id().hex, "security")  # nobody stays signed in so long
        return "".join(office.get(f"/desk/board?lang={lang}").text.partition(said)[1:])[:300]

    goes_by(world, AGAIN - 1)
    assert row() == ""
    goes_by(world, DAY)
    assert report.code in row()
    theirs = centre(world)
    seen(world, theirs, report, danger="yes")
    assert row() == ""  # it stands among those in danger
    seen(world, theirs, report, safe="1")
    assert report.code in row()
    seen(world, theirs, report)
    assert row() == ""
    read_all(world)


def test_the_record_names_whom_to_call_while_it_waits(world: World) -> None:
    report, _mine = referred(world)
    office, number = world.user("s", "security"), world.phones[CENTRE].number
    assert f"tel:{number}" in office.get(f"/desk/followups/{report.code}").text
    seen(world, centre(world), report)
    assert f"tel:{number}" not in office.get(f"/desk/followups/{report.code}").text


@SQLITE
def test_no_two_of_its_texts_are_alike_in_either_wording_and_language(world: World) -> None:
    report, _mine = referred(world)
    goes_by(world, AGAIN)
    goes_by(world, DAY)
    query = select(t.deliveries.c.facts, t.deliveries.c.person_id).where(t.deliveries.c.kind == referrals.TEXT)
    with world.parts.ledger.read() as conn:
        texts = [{"kind": referrals.TEXT, "facts": json.dumps(row.facts), "drill": False, "to": row.person_id}
                 for row in conn.execute(query)]  # fmt: skip
    assert len(texts) == 4 and told(report)
    for language, wording in product(get_args(Language), ("detailed", "neutral")):
        said = [(it["to"], words(world, it, language, wording)) for it in texts]
        assert len(set(said)) == len(said)
