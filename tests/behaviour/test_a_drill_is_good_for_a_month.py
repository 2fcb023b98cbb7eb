"""The readiness page tells of each college's last drill: when, how fast, who missed it; and asks for one each month."""

from __future__ import annotations

from datetime import timedelta

from tests.behaviour.test_drills_touch_nobody import end, start
from tests.behaviour.test_readiness_is_seen_before_it_rings import (
    drilled,
    make,
    mended,
    office,
    office_again,
    quiet,
    words,
)
from tests.world import World

__all__ = ["make", "quiet"]  # fixtures


def test_of_a_drill_it_tells_how_many_minutes_and_who_missed_it(quiet: World) -> None:
    desk = office(quiet)
    drill = start(quiet, college="WY", phones="1")
    quiet.phones.catch_up()
    assert "还在进行" in words(desk) and "没有人接" not in mended(words(desk))
    for _ in range(2):
        quiet.advance(120)  # the duty desk's turn
    quiet.phones["desk"].replies(drill.code)
    quiet.phones["college_duty"].replies(drill.code)
    assert end(quiet, drill) == 204
    page = words(desk)
    assert "民警通知不到1分钟，接单4分钟·端木值班员" in page
    assert "民警没应答：欧阳警官、上官警官" in page and "响了手机" in page
    assert "missed by" in words(desk, "?lang=en")


def test_a_drill_that_nobody_took_is_to_be_mended(quiet: World) -> None:
    start(quiet, college="WY", phones="1")
    for _ in range(61):
        quiet.advance(60)
    listed = mended(words(office(quiet)))
    assert "上次演练没有人接示例文学院·民警、辅导员" in listed
    drilled(quiet, "WY")
    assert "上次演练没有人接" not in mended(words(office_again(quiet)))  # only the last one counts


def test_a_drill_is_good_for_thirty_days_and_stands_in_no_other_figure(quiet: World) -> None:
    drilled(quiet, "WY", "GX", "")
    desk = office(quiet)
    quiet.clock.advance(timedelta(days=29).total_seconds())
    assert "准备好了" in words(desk)
    quiet.clock.advance(timedelta(days=2).total_seconds())
    page = words(desk)
    assert "30天内没有演练所有学院和默认行" in mended(page) and "stoplinedrill--collegeGX" in page
    assert "31天前" in page and "90天内没有" not in page
    quiet.clock.advance(timedelta(days=60).total_seconds())
    assert words(desk).count("90天内没有") == 3
    assert "近30天没有报告" in desk.get("/desk/figures").text
