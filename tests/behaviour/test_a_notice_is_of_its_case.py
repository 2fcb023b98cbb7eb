"""What a press came to is said on its own case's page, once, however many pages never came."""

from __future__ import annotations

from tests.behaviour.stories import read_all
from tests.world import World, another_fraud

TAKEN = "已接单。先打电话核实"


def test_a_press_whose_page_never_came_says_nothing_about_another_case(world: World) -> None:
    mine, other = world.report(), world.report(**another_fraud())
    read_all(world)
    officer = world.user("li", "officer", world.phones["officer"].number)
    for _ in range(3):
        assert world.press(officer, f"/duty/{mine.code}/acknowledge").status_code == 303
    page = officer.get(f"/duty/{other.code}").text
    assert TAKEN not in page and "待接单" in page
    for _ in range(3):
        assert world.press(officer, f"/duty/{mine.code}/acknowledge").status_code == 303
    assert officer.get(f"/duty/{mine.code}").text.count(TAKEN) == 1
    assert TAKEN not in officer.get(f"/duty/{mine.code}").text
    read_all(world)
