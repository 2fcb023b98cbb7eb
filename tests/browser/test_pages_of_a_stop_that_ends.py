"""Until when a stop holds stands on the pages of those who can do something about it, and of whose money it is."""

from __future__ import annotations

import pytest

from tests.behaviour.stories import SQLITE, read_all, taken
from tests.browser.looks import assert_fit_to_use
from tests.browser.test_pages_of_rare_moments import Show, show
from tests.world import World

pytestmark = [
    SQLITE,
    pytest.mark.parametrize(
        ("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "zh"), ("desktop", "en")]
    ),
]
__all__ = ["show"]


def test_a_stop_of_a_case_with_two_transfers(world: World, show: Show, device: str, lang: str) -> None:
    report = taken(world, transfers=[{"amount": "38600"}, {"amount": "12000"}])
    officer = world.user("ouyang", "officer", world.phones["officer"].number)
    for n, at in (("1", ""), ("2", "25:10")):
        form = {"transfer": n, "outcome": "stopped", "amount": "9000", "stopped_at": at}
        world.press(officer, f"/duty/{report.code}/outcome", **form)
    for name, path in (("time", f"/duty/{report.code}"), ("list", "/duty"), ("sheet", f"/duty/{report.code}/sheet")):
        screen = show(path, officer)
        assert_fit_to_use(screen, f"{name}, {lang}")
    world.press(officer, f"/duty/{report.code}/stop-again", transfer="2")
    world.until(42.5 * 3600)
    read_all(world)
    office = world.user("xuanyuan", "security")
    for name, path, client in (("closing", f"/duty/{report.code}", office), ("board", "/desk/board", office),
                               ("student", f"/r/{report.token}", None)):  # fmt: skip
        screen = show(path, client)
        assert_fit_to_use(screen, f"{name}, {lang}")
