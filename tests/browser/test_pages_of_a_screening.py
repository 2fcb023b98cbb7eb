"""The psychology centre's page of a screening, from the question whether the student agrees to what was kept before."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.behaviour.stories import SQLITE, read_all
from tests.behaviour.test_screening_asks_first import NOW, TODAY, agrees, screen
from tests.behaviour.test_the_counselor_s_record import centre, referred
from tests.browser.looks import assert_fit_to_use
from tests.browser.test_pages_of_rare_moments import Show
from tests.browser.test_pages_of_rare_moments import show as show
from tests.world import World

pytestmark = [
    SQLITE,
    pytest.mark.parametrize(("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "en")]),
]


def test_a_screening_from_the_consent_to_its_withdrawal(world: World, show: Show, lang: str) -> None:
    """As it is pressed: on one screen throughout, but for what another of the centre does meanwhile."""
    report, theirs = referred(world), centre(world)
    path, zh = f"/desk/care/{report.code}/screening", lang == "zh"
    screen_ = show(f"/desk/care/{report.code}", theirs)
    assert_fit_to_use(screen_, "the referral")
    with screen_.expect_navigation():
        screen_.get_by_role("link", name="筛查（须学生同意）" if zh else "Screening (with").click()
    assert_fit_to_use(screen_, "not asked yet")
    screen_.locator("#when").fill("明天")
    screen_.get_by_label("同意" if zh else "Agrees", exact=True).check()
    with screen_.expect_navigation():
        screen_.locator("button.big").click()
    assert_fit_to_use(screen_, "consent, faults")
    expect(screen_.locator("#when")).to_have_value("明天")
    screen_.locator("#when").fill("")
    screen_.get_by_label("电话里说的" if zh else "Said on the phone").check()
    screen_.locator("button.big").click()
    expect(screen_.locator("#phq2_1")).to_be_visible()
    assert_fit_to_use(screen_, "agreed")
    screen_.locator("#asq4").get_by_label("不愿回答" if zh else "Would not say").check()
    screen_.locator("#gad2_1").get_by_label("好几天" if zh else "Several days").check()
    screen_.locator("button.big").click()
    expect(screen_.locator("#asq5-bad")).to_be_visible()
    expect(screen_.locator("#asq4 [value=refused]")).to_be_checked()
    assert_fit_to_use(screen_, "the fifth question is lacking")
    screen_.locator("#asq5 [value=no]").check()
    screen_.locator("button.big").click()
    expect(screen_.get_by_role("alert")).to_contain_text("今天要和学生谈" if zh else "Talk to the student today")
    screen(world, theirs, report, **TODAY)
    assert_fit_to_use(show(path, theirs), "kept")
    screen_.get_by_text("撤回同意" if zh else "Withdraw the consent").click()
    expect(screen_.locator("main")).to_contain_text("以前保存的仍在中心" if zh else "What was kept before stays")
    assert_fit_to_use(screen_, "withdrawn")
    read_all(world)


def test_danger_right_now_without_a_consent(world: World, show: Show, lang: str) -> None:
    report, theirs = referred(world), centre(world)
    agrees(world, theirs, report)
    screen_ = show(f"/desk/care/{report.code}/screening", theirs)
    agrees(world, world.user("second", "psychologist"), report, "withdrawn")
    for item, answer in NOW.items():
        screen_.locator(f"#{item} [value={answer}]").check()
    screen_.locator("button.big").click()
    danger = screen_.get_by_role("alert").first
    expect(danger).to_contain_text("不要让学生独处" if lang == "zh" else "do not leave the student alone")
    assert_fit_to_use(screen_, "rung without a consent")
    world.pump()
    read_all(world)
