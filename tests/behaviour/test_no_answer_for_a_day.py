"""A student whom nobody reaches for a day is referred by itself, in the first week as after three months."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from ledger import codes
from ledger.errors import LedgerAway
from ledger.ringing import unsafety
from ledger.store import failpoints, naming
from tests.behaviour.stories import days_later, only_counselor_rings, read_all
from tests.behaviour.test_a_referral_is_answered import goes_by, nobody_looks, seen
from tests.behaviour.test_a_student_who_declines import left_in_peace
from tests.behaviour.test_drills_touch_nobody import start
from tests.behaviour.test_the_counselor_s_record import CENTRE, centre, contact, counselor
from tests.world import Report, World

HOUR, DAY, WEEK = 3600, 86400, 7 * 86400


def in_the_second_week(world: World) -> tuple[Report, FlaskClient]:
    """The student was reached each time; the contact after seven days is due."""
    report, mine = only_counselor_rings(world), counselor(world)
    days_later(report, 7)
    for kind in ("call_30m", "face_24h", "h48", "h72"):
        contact(world, mine, report, kind, danger="no")
    read_all(world)
    return report, mine


def why(report: Report) -> list[str]:
    return [it["reason"] for it in report.events("followup.referred.v1")]


def test_a_day_after_the_first_try_the_centre_is_asked_once(world: World) -> None:
    report, mine = in_the_second_week(world)
    goes_by(world, HOUR)
    for hours in (1, 2, 9, 20):
        goes_by(world, hours * HOUR)
        contact(world, mine, report, "d7", reached="no")
    goes_by(world, HOUR + DAY - 1)
    assert why(report) == []
    world.until(HOUR + DAY)
    world.phones[CENTRE].expects("今天需要心理中心", report.code).expects_nothing()
    contact(world, mine, report, "d7", reached="no")
    goes_by(world, 5 * DAY)
    assert why(report) == ["unreachable"]


def test_a_talk_that_reached_the_student_ends_it(world: World) -> None:
    report, mine = in_the_second_week(world)
    contact(world, mine, report, "d7", reached="no")
    goes_by(world, 20 * HOUR)
    contact(world, mine, report, "d7", danger="no")
    assert nobody_looks(world)
    goes_by(world, 2 * DAY)
    assert why(report) == []


def test_where_nobody_tries_nobody_is_referred(world: World) -> None:
    report, _mine = in_the_second_week(world)
    goes_by(world, 3 * DAY)
    assert why(report) == []


def test_a_try_too_early_for_what_is_due_begins_nothing(world: World) -> None:
    report, mine = in_the_second_week(world)
    contact(world, mine, report, "d7", danger="no")
    contact(world, mine, report, "d30", reached="no")
    contact(world, mine, report, "d7", reached="no")  # of an old page: it was made
    assert nobody_looks(world)
    goes_by(world, 2 * DAY)
    assert why(report) == []


def test_once_for_each_stretch(world: World) -> None:
    """That the centre has seen the student ends one as well."""
    report, mine = in_the_second_week(world)
    contact(world, mine, report, "d7", reached="no")
    goes_by(world, DAY)
    seen(world, centre(world), report)
    goes_by(world, 3 * DAY)
    assert why(report) == ["unreachable"]
    contact(world, counselor_again(world), report, "d7", reached="no")
    goes_by(world, 4 * DAY)
    assert why(report) == ["unreachable", "unreachable"]


def counselor_again(world: World) -> FlaskClient:
    """Signed in anew, after days."""
    return world.user("murong-again", "counselor", world.phones["counselor"].number)


def test_a_referral_that_waits_is_not_made_again(world: World) -> None:
    report, mine = in_the_second_week(world)
    contact(world, mine, report, "d7", reached="no", loans="1")
    goes_by(world, 2 * DAY)
    assert why(report) == ["loans"]


def test_who_is_left_in_peace_is_not_looked_for(world: World) -> None:
    report, mine, _theirs = left_in_peace(world)
    contact(world, mine, report, "extra", reached="no", page="00000001")
    goes_by(world, 2 * DAY)
    assert why(report) == ["declined"]
    mine = counselor_again(world)
    assert "不再缺" in "".join(mine.get(f"/desk/followups/{report.code}").text.split())


def test_it_begins_anew_once_something_was_heard_of_who_was_left_in_peace(world: World) -> None:
    """They say that they are not safe, the police reach them, and then nobody does."""
    report, mine, _theirs = left_in_peace(world)
    contact(world, mine, report, "extra", reached="no", page="00000001")
    goes_by(world, 2 * DAY)
    world.client.post(f"/r/{report.token}/unsafe")
    with world.parts.ledger.begin("reached") as uow:
        unsafety.settle(uow, uow.case(naming.case_by_code(uow.conn, codes.fold(report.code))))
    contact(world, counselor_again(world), report, "extra", reached="no", page="00000002")
    goes_by(world, 4 * DAY)
    assert why(report) == ["declined", "unreachable"]


def test_the_question_whether_to_leave_them_in_peace_stays(world: World) -> None:
    """It was asked of one who declined; since then nobody answers."""
    report, mine = only_counselor_rings(world), counselor(world)
    days_later(report, 91)
    for kind in ("call_30m", "face_24h", "h48", "h72", "d7", "d14", "d30", "d90"):
        contact(world, mine, report, kind, reached="declined")
        world.clock.advance(60)
    world.press(mine, f"/desk/followups/{report.code}/refer", reason="declined")
    contact(world, mine, report, "extra", reached="no", page="00000001")
    goes_by(world, 2 * DAY)
    assert why(report) == ["declined"]


def test_a_drill_refers_nobody(world: World) -> None:
    start(world, college="WY")
    world.phones.catch_up()
    assert nobody_looks(world)


@pytest.mark.parametrize("where", ["before-commit", "after-commit"])
def test_a_clock_that_dies_over_it_refers_once(world: World, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    report, mine = in_the_second_week(world)
    contact(world, mine, report, "d7", reached="no")

    def dies(point: str, label: str) -> None:
        if (point, label) == (where, "look:referrals"):
            raise LedgerAway("dead")

    with monkeypatch.context() as patched:
        patched.setattr(failpoints, "hit", dies)
        goes_by(world, DAY)
    assert why(report) == ([] if where == "before-commit" else ["unreachable"])
    world.until(DAY + 60)
    assert why(report) == ["unreachable"]
    texts = world.rows("SELECT 1 FROM deliveries WHERE kind = 'referral'")
    assert len(texts) == 1
    read_all(world)
