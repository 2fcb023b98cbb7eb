"""A contact on a date, the family told, a number put right: their forms, with a fault too, stand as well as others."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.behaviour.stories import SQLITE, read_all
from tests.behaviour.test_the_counselor_s_record import counselor
from tests.browser.looks import assert_fit_to_use
from tests.browser.test_pages_of_rare_moments import Show
from tests.browser.test_pages_of_rare_moments import show as show  # a fixture
from tests.world import World

pytestmark = [
    SQLITE,
    pytest.mark.parametrize(("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "en")]),
]


def test_the_follow_up_page_with_its_two_forms(world: World, show: Show) -> None:
    report, mine = world.report(), counselor(world)
    read_all(world)
    path = f"/desk/followups/{report.code}"
    for purpose, day in (("loan", "2027-01-31"), ("police", "2027-02-28")):
        world.press(mine, f"{path}/dated", purpose=purpose, day=day)
    world.press(mine, f"{path}/dated", contact="dated_police_2", back="1")
    world.press(mine, f"{path}/family", consent="no", reason="她说不想活，已请父母来校", by="学院书记欧阳")
    read_all(world)
    screen = show(path, mine)
    assert_fit_to_use(screen, "closed")
    screen.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")
    assert_fit_to_use(screen, "all open")
    screen.locator("form[action$='/dated'] #day").fill("2029-01-01")
    screen.locator("input[name=purpose][value=fees]").check()
    form = screen.locator("form[action$='/dated']", has=screen.locator("#day"))
    form.evaluate("form => { form.noValidate = true }")
    form.locator("button").click()
    expect(screen.get_by_role("alert")).to_be_visible()
    assert screen.locator("#day").input_value() == "2029-01-01"
    assert screen.locator("[name=purpose][value=fees]").is_checked()
    assert_fit_to_use(screen, "too far")
    screen.goto(screen.url.removesuffix("/dated"))
    screen.locator("#family-told + dl + details > summary").click()
    screen.locator("input[name=consent][value=no]").check()
    screen.locator("#by").fill("王老师")
    screen.locator("form[action$='/family'] button").click()
    expect(screen.get_by_role("alert")).to_be_visible()
    assert screen.locator("#by").input_value() == "王老师"
    assert_fit_to_use(screen, "without a reason")


def test_a_number_put_right(world: World, show: Show) -> None:
    report, mine = world.report(), counselor(world)
    read_all(world)
    screen = show(f"/r/{report.token}/more/phone")
    screen.locator("#phone").fill("12345")
    screen.locator("main form button").click()
    expect(screen.locator("#phone-bad")).to_be_visible()
    assert_fit_to_use(screen, "no number")
    screen.locator("#phone").fill("139 1234 5678")
    screen.locator("main form button").click()
    expect(screen.get_by_role("status").first).to_be_visible()
    read_all(world)
    police = world.user("ouyang", "officer", world.phones["officer"].number)
    pages = ((f"/duty/{report.code}", police), (f"/duty/{report.code}/sheet", police))
    for path, client in (*pages, (f"/desk/followups/{report.code}", mine)):
        screen = show(path, client)
        expect(screen.locator("main")).to_contain_text("138 0000 0001")
        assert_fit_to_use(screen, path)
    assert_fit_to_use(show(f"/r/{report.token}"), "status")
