"""The duty list on a page: empty, full, with faults, and after a press."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from ledger import tables as t
from tests.behaviour.stories import SQLITE
from tests.behaviour.test_the_duty_list_on_a_page import OTHER, PAGE
from tests.browser.looks import assert_fit_to_use
from tests.browser.test_pages_of_rare_moments import Show
from tests.browser.test_pages_of_rare_moments import show as show
from tests.world import World

pytestmark = [
    SQLITE,
    pytest.mark.parametrize(
        ("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "en"), ("desktop", "zh")]
    ),
]


def test_somebody_else_is_put_on_tonight_s_duty(world: World, show: Show, lang: str) -> None:
    guard, zh = world.user("guard", "security"), lang == "zh"
    screen = show(PAGE, guard)
    screen.context.add_cookies([{"name": "lang", "value": lang, "url": screen.url}])
    shifts = screen.locator(".rows > li")
    expect(shifts).to_have_count(len(world.school.duty))
    assert_fit_to_use(screen, "full")
    screen.locator("#add summary").click()
    screen.locator("#college").select_option("WY")
    screen.locator("#role").select_option("officer")
    screen.locator("#person").select_option("C01")
    assert_fit_to_use(screen, "a shift half filled in")
    with screen.expect_navigation():
        screen.locator("#add button").click()
    expect(screen.get_by_role("alert")).to_contain_text("没有改" if zh else "Nothing was changed")
    expect(screen.locator("#person-bad")).to_be_visible()
    expect(screen.locator("#role")).to_have_value("officer")
    assert_fit_to_use(screen, "a shift that cannot be")
    screen.locator("#person").select_option("O03")
    with screen.expect_navigation():
        screen.locator("#add button").click()
    expect(screen.get_by_role("alert")).to_contain_text("已加上" if zh else "Added")
    expect(shifts).to_have_count(len(world.school.duty) + 1)
    assert_fit_to_use(screen, "added")
    with screen.expect_navigation():
        screen.get_by_role("button", name="值班室" if zh else "duty desk").first.click()
    expect(screen.get_by_role("alert")).to_contain_text("先加上接替的人" if zh else "Add who takes over first")
    assert_fit_to_use(screen, "somebody whom nobody replaces")


def test_a_number_is_changed_and_what_is_missing_is_seen(world: World, show: Show, lang: str) -> None:
    with world.parts.ledger.begin("left") as uow:
        uow.conn.execute(update(t.people).where(t.people.c.key == "S02").values(active=False))
        uow.conn.execute(update(t.people).where(t.people.c.key == "L02").values(phone_sealed=None, phone_index=None))
    screen = show(PAGE, world.user("guard", "security"))
    screen.context.add_cookies([{"name": "lang", "value": lang, "url": screen.url}])
    expect(screen.locator(".tag.warn")).to_have_count(2)
    screen.locator("#number summary").click()
    screen.locator("#phone").fill("12")
    screen.locator("#number form").evaluate("form => form.noValidate = true")
    with screen.expect_navigation():
        screen.locator("#number button").click()
    expect(screen.locator("#who-bad")).to_be_visible()
    assert_fit_to_use(screen, "nobody chosen")
    screen.locator("#who").select_option(label="南宫老师 L02")
    screen.locator("#phone").fill(OTHER)
    with screen.expect_navigation():
        screen.locator("#number button").click()
    expect(screen.get_by_role("alert")).to_contain_text("号码已改" if lang == "zh" else "The number is changed")
    expect(screen.locator(".tag.warn")).to_have_count(1)


def test_of_an_empty_roster_it_says_what_to_do(world: World, show: Show) -> None:
    with world.parts.ledger.begin("empty") as uow:
        uow.conn.execute(t.duties.delete())
    screen = show(PAGE, world.user("guard", "security"))
    expect(screen.locator(".empty")).to_be_visible()
    assert_fit_to_use(screen, "no shift")
