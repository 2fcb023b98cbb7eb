"""What the office reports of each college: the pages stand as well as all others, empty, full and with faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import insert

from bench.years import school as school_of_thirty
from ledger import tables as t
from ledger.school import roster
from tests.behaviour.stories import SQLITE, read_all
from tests.behaviour.test_drills_touch_nobody import end, start
from tests.behaviour.test_reviews_come_after_the_emergency import UNREVIEWED, decided
from tests.behaviour.test_two_numbers import OTHER_STUDENT, PAGE, bring, file_of, month, years
from tests.behaviour.test_what_the_plan_wants import COUNTED, bring_counts, count
from tests.browser.looks import assert_fit_to_use
from tests.browser.test_pages_are_small import STAFF, weigh
from tests.browser.test_pages_of_rare_moments import Show
from tests.browser.test_pages_of_rare_moments import show as show  # a fixture
from tests.browser.test_pages_of_what_cannot_be_read import main, officer
from tests.world import World, another_fraud

pytestmark = SQLITE
ON_EACH_SCREEN = pytest.mark.parametrize(("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "en")])


def send(screen: Page, data: bytes, lang: str, form: str = "bring") -> None:
    screen.locator(f"#{form} summary").click()
    screen.locator(f"#{form}-file").set_input_files({"name": "十月.csv", "mimeType": "text/csv", "buffer": data})
    screen.context.add_cookies([{"name": "lang", "value": lang, "url": screen.url}])
    with screen.expect_navigation():
        screen.locator(f"#{form} button").click()


@ON_EACH_SCREEN
def test_figures_from_empty_to_full(world: World, show: Show, lang: str) -> None:
    office, leader = world.user("guard", "security"), world.user("dean", "leader", None, "WY")
    for who in (office, leader):
        screen = show(PAGE, who)
        main(screen, "还没有2026年的立案数据", "Nothing of 2026 has been imported", lang)
        assert_fit_to_use(screen, "empty")
    assert_fit_to_use(show(PAGE, world.user("nobody's", "leader", None, None)), "no college")
    world.report()
    world.report(**another_fraud(), student_no=OTHER_STUDENT, when="30min")
    world.report(**another_fraud(), student_no="9999999999")
    read_all(world)
    screen = show(PAGE, office)
    send(screen, file_of(month(2026, 10, WY="两", GX=1), month(2026, 13, WY=1)), lang)
    expect(screen.get_by_role("alert")).to_contain_text("没有导入" if lang == "zh" else "Nothing was imported")
    assert_fit_to_use(screen, "faults")
    whole = file_of(*years(wy=1, gx=3, before=2))
    screen = show(PAGE, office)
    send(screen, whole, lang)
    expect(screen.get_by_role("alert")).to_contain_text("已导入" if lang == "zh" else "Imported")
    assert_fit_to_use(screen, "imported")
    screen = show(COUNTED, office)
    main(screen, "还没有导入防范情况", "Nothing has been imported", lang)
    assert_fit_to_use(screen, "nothing counted")
    assert_fit_to_use(show(COUNTED, world.user("nobody", "leader", None, None)), "counted, no college")
    screen = show(COUNTED, office)
    send(screen, count("2026-10,WY,,10,11,,,,", "2026-10,LAW,,1,1,,,,"), lang, "bring-prevention")
    expect(screen.get_by_role("alert")).to_contain_text("没有导入" if lang == "zh" else "Nothing was imported")
    expect(screen.locator("#bring-prevention")).to_have_attribute("open", "")
    assert_fit_to_use(screen, "faults of what was counted")
    screen = show(COUNTED, office)
    send(
        screen,
        count("2026-09,WY,WY2601,30,30,30,30,30,30", "2026-09,WY,WY2602,30,29,30,28,,"),
        lang,
        "bring-prevention",
    )
    main(screen, "缺 2026-10", "Missing: 2026-10", lang)
    assert_fit_to_use(screen, "counted")
    for who in (office, leader):
        assert_fit_to_use(show(COUNTED, who), "counted, once more")
    bring(world, month(2026, 10, whole=4, WY=1))  # the other college's are not known any more
    for who in (office, leader):
        screen = show(PAGE, who)
        main(screen, "目前达到", "kept so far", lang)
        assert_fit_to_use(screen, "full")
    read_all(world)


@ON_EACH_SCREEN
def test_cases_without_a_review_from_none_to_some(world: World, show: Show, lang: str) -> None:
    office, police = world.user("guard", "security"), officer(world)
    screen = show(UNREVIEWED, office)
    main(screen, "一年内结束的案件都写了倒查", "each case of a year that is over has one", lang)
    assert_fit_to_use(screen, "none")
    assert_fit_to_use(show(UNREVIEWED, world.user("nobody's", "leader", None, None)), "no college")
    report = decided(world, police)
    read_all(world)
    screen = show(UNREVIEWED, office)
    expect(screen.locator(f"main a[href='/duty/{report.code}/review']")).to_be_visible()
    assert_fit_to_use(screen, "one")
    screen = show(UNREVIEWED, world.user("dean", "leader", None, "WY"))
    main(screen, report.code, report.code, lang)
    assert_fit_to_use(screen, "leader")


@pytest.mark.parametrize(("device", "lang"), [("phone", "zh")])
def test_thirty_colleges_and_the_most_cases_are_not_heavy(world: World, show: Show, page: Callable[..., Page]) -> None:
    with world.parts.ledger.begin("roster") as uow:
        many = school_of_thirty()
        roster.apply(uow, replace(world.school, colleges=many.colleges))
    bring(world, *(month(year, n, **{it.code: "123:98765432.10" for it in many.colleges})
                   for year in (2025, 2026) for n in range(1, 11)))  # fmt: skip
    bring_counts(world, *(f"2026-10,{it.code},,98765,98765,98765,98764,98763,98762" for it in many.colleges))
    with world.parts.ledger.begin("contacts of a year") as uow:
        uow.conn.execute(
            insert(t.contact_days),
            [{"day": date(2026, 11, 1), "college_code": it.code, "due": 9876, "kept": 8765} for it in many.colleges],
        )
    for _ in range(101):
        world.report(**another_fraud())
    read_all(world)
    screen = show(PAGE, world.user("guard", "security"))
    assert_fit_to_use(screen, "thirty colleges")
    counted = show(COUNTED, world.user("xuanyuan", "security"))
    assert_fit_to_use(counted, "thirty colleges counted")
    for it in (screen, counted):
        weight, requests = weigh(it, it.url)
        assert weight <= STAFF and requests <= 4, (it.url, weight, requests)


@ON_EACH_SCREEN
def test_a_review_before_and_after_and_with_faults(world: World, show: Show, lang: str) -> None:
    office, police = world.user("guard", "security", world.phones["office"].number), officer(world)
    drill = start(world, college="WY", phones="1")
    assert_fit_to_use(show(f"/duty/{drill.code}/review", office), "drill")
    open_ = world.report(**another_fraud())
    world.pump()
    screen = show(review := f"/duty/{open_.code}/review", office)
    main(screen, "处置还没有结束", "not over yet", lang)
    assert_fit_to_use(screen, "before")
    world.press(office, review, step="filed", text="x")
    screen = show(review, office)
    main(screen, "没有记录：处置还没有结束", "Not recorded: the case is not over", lang)
    assert_fit_to_use(screen, "too early")
    report = decided(world, police)
    read_all(world)
    screen = show(review := f"/duty/{report.code}/review", office)
    main(screen, "还没有倒查记录", "No review yet", lang)
    assert_fit_to_use(screen, "none")
    screen.locator("#text").evaluate("field => field.form.noValidate = true")
    screen.context.add_cookies([{"name": "lang", "value": lang, "url": screen.url}])
    with screen.expect_navigation():
        screen.locator("button.big").click()
    main(screen, "请选择哪一步", "Choose a step", lang)
    assert_fit_to_use(screen, "faults")
    for step, text in (("alerted", "第一条短信没人看到。\n夜间请开响铃。"), ("filed", "银行要求补充材料，" * 40)):
        world.press(office, review, step=step, text=text)
    screen = show(review, office)
    main(screen, "银行要求补充材料", "Could be quicker: Stop filed", lang)
    assert_fit_to_use(screen, "several")
    for page_with_a_link in (f"/duty/{report.code}", PAGE):
        screen = show(page_with_a_link, office)
        expect(screen.locator(f"main a[href='{review}']")).to_be_visible()
        assert_fit_to_use(screen, f"link, {page_with_a_link}")
    end(world, drill)
    world.pump()
    read_all(world)
