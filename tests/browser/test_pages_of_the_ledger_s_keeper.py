"""The pages of a college's ledger and its keeper, empty, full and with faults, and the office's of who read what."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ledger.export import keeper
from tests.behaviour.stories import SQLITE, read_all
from tests.behaviour.test_one_spoiled_row_hides_no_other import spoil
from tests.behaviour.test_the_counselor_s_record import contact, counselor
from tests.behaviour.test_the_ledger_s_keeper import FAMILY, LEDGER, end_record, keeper_of, read
from tests.browser.looks import assert_fit_to_use
from tests.browser.test_pages_of_rare_moments import Show
from tests.browser.test_pages_of_rare_moments import show as show
from tests.world import World, another_fraud

pytestmark = [
    SQLITE,
    pytest.mark.parametrize(
        ("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "en"), ("desktop", "zh")]
    ),
]


def test_the_ledger_from_empty_to_full(world: World, show: Show, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs, mine, zh = keeper_of(world, world.college), counselor(world), lang == "zh"
    for path, who in ((LEDGER, theirs), (LEDGER, keeper_of(world, None)), ("/desk/reads", world.user("b", "security"))):
        screen = show(path, who)
        expect(screen.locator(".empty")).to_be_visible()
        assert_fit_to_use(screen, f"empty, {path}")
    reports = [world.report(**another_fraud(), narrative="先是刷单" if n else None) for n in range(5)]
    read_all(world)
    contact(world, mine, reports[1])
    world.press(mine, f"/desk/followups/{reports[1].code}/background", **FAMILY)
    for n in (2, 3):
        end_record(world, reports[n])
    spoil(world, reports[2].code, row_key=b"")
    spoil(world, reports[3].code, family_sealed=b"spoiled")
    world.clock.advance(31 * 60)
    read_all(world)
    screen = show(LEDGER, theirs)
    for report in reports:
        expect(screen.get_by_role("link", name=report.code)).to_be_visible()
    assert_fit_to_use(screen, "full")
    monkeypatch.setattr(keeper, "SHOWN", 3)
    screen = show(LEDGER, theirs)
    screen.get_by_role("link", name="更早的" if zh else "Earlier ones").click()
    expect(screen.get_by_role("link", name="回到最新的" if zh else "Back to the newest")).to_be_visible()
    assert_fit_to_use(screen, "the second page")


def test_a_record_is_read_for_a_reason_and_completed(world: World, show: Show, lang: str) -> None:
    report, zh = world.report(narrative="先是刷单，后来要保证金"), lang == "zh"
    theirs, mine = keeper_of(world, world.college), counselor(world)
    read_all(world)
    contact(world, mine, report)
    world.press(mine, f"/desk/followups/{report.code}/refer")
    read_all(world)
    screen = show(f"{LEDGER}/{report.code}", theirs)
    expect(screen.locator("#background")).to_contain_text("还没填" if zh else "Missing")
    assert_fit_to_use(screen, "closed to the eye")
    screen.context.add_cookies([{"name": "lang", "value": lang, "url": screen.url}])
    screen.locator("#reason").evaluate("field => field.form.noValidate = true")
    with screen.expect_navigation():
        screen.locator("#background button").click()
    expect(screen.get_by_role("alert")).to_contain_text("请写明理由" if zh else "Say what it is for")
    assert_fit_to_use(screen, "no reason")
    screen.locator("#reason").fill("学期末核对台账")
    with screen.expect_navigation():
        screen.locator("#background button").click()
    expect(screen.locator("#family")).to_be_visible()
    assert_fit_to_use(screen, "open to the eye")
    screen.locator("#family").fill(FAMILY["family"] + "，" + "很长的一段话" * 40)
    with screen.expect_navigation():
        screen.locator("#background button").click()
    expect(screen.get_by_role("alert")).to_contain_text("已保存" if zh else "Saved")
    expect(screen.locator("#background")).not_to_contain_text(FAMILY["family"])
    assert_fit_to_use(screen, "completed")
    screen.reload()
    read(world, theirs, report, "学工部检查" * 30)
    screen = show("/desk/reads", world.user("guard", "security"))
    expect(screen.locator(".rows > li")).to_have_count(2)
    assert_fit_to_use(screen, "who read it")
