"""What cannot be opened any more, in whole or in part, and what was undone: such pages stand as well as the others."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from sqlalchemy import update

from ledger import tables as t
from tests.behaviour.export_tools import answer, ask, newest
from tests.behaviour.stories import SQLITE, read_all, reported
from tests.behaviour.test_one_spoiled_row_hides_no_other import spoil
from tests.behaviour.test_the_counselor_s_record import contact, counselor
from tests.browser.looks import assert_fit_to_use
from tests.browser.test_pages_of_rare_moments import Show
from tests.browser.test_pages_of_rare_moments import show as show  # a fixture
from tests.world import STUDENT, World

pytestmark = [
    SQLITE,
    pytest.mark.parametrize(
        ("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "zh"), ("desktop", "en")]
    ),
]


def main(screen: Page, zh: str, en: str, lang: str) -> None:
    expect(screen.locator("main")).to_contain_text(zh if lang == "zh" else en)


def officer(world: World) -> FlaskClient:
    return world.user("ouyang", "officer", world.phones["officer"].number)


def test_a_case_that_cannot_be_opened(world: World, show: Show, lang: str) -> None:
    code = reported(world).code
    read_all(world)
    spoil(world, code, row_key=b"")
    for path, client in ((f"/duty/{code}", officer(world)), (f"/desk/followups/{code}", mine := counselor(world))):
        screen = show(path, client)
        main(screen, "这份记录打不开", "This record cannot be opened", lang)
        assert_fit_to_use(screen, f"unreadable, {path[:5]}")
    for path in ("/desk/followups", "/desk/board"):
        client = mine if path == "/desk/followups" else world.user("guard", "security")
        screen = show(path, client)
        expect(screen.get_by_text(code).first).to_be_visible()
        assert_fit_to_use(screen, f"beside others, {path}")


def test_a_case_of_which_some_cannot_be_opened(world: World, show: Show, lang: str) -> None:
    code = reported(world, narrative="客服说我订单异常").code
    read_all(world)
    spoil(world, code, narrative_sealed=b"spoiled")
    with world.parts.ledger.begin("spoil") as uow:
        uow.conn.execute(update(t.transfers).values(payee_account_sealed=b"spoiled"))
    police = officer(world)
    whose = {f"/duty/{code}": police, f"/duty/{code}/sheet": police, f"/desk/followups/{code}": counselor(world)}
    for path, client in whose.items():
        screen = show(path, client)
        main(screen, "有内容读不出", "cannot be read", lang)
        if path.startswith("/duty"):
            main(screen, "还缺：账号", "Missing: account", lang)
        assert_fit_to_use(screen, f"in part, {path}")


def test_not_safe_where_nobody_can_be_rung(world: World, show: Show, lang: str) -> None:
    report = reported(world)
    read_all(world)
    screen = show(f"/r/{report.token}")
    spoil(world, report.code, row_key=b"")
    with screen.expect_navigation():
        screen.get_by_role("button", name="我现在不安全" if lang == "zh" else "I am not safe now").click()
    main(screen, "没有通知到任何人", "Nobody was told", lang)
    assert_fit_to_use(screen, "unheard")


def press_of_a_page_that_is_lost(screen: Page, world: World, code: str, button: tuple[str, str], lang: str) -> None:
    spoil(world, code, row_key=b"")
    with screen.expect_navigation():
        screen.get_by_role("button", name=button[0] if lang == "zh" else button[1], exact=True).click()


def test_what_a_student_typed_for_a_case_that_cannot_be_opened(world: World, show: Show, lang: str) -> None:
    report = reported(world)
    read_all(world)
    screen = show(f"/r/{report.token}/more/who")
    screen.get_by_label("学号" if lang == "zh" else "Student number").fill("2026010101")
    press_of_a_page_that_is_lost(screen, world, report.code, ("保存，下一个", "Save, next"), lang)
    main(screen, "没有保存，也没有通知任何人", "Nothing was saved, and nobody was told", lang)
    main(screen, "2026010101", "2026010101", lang)
    assert_fit_to_use(screen, "lost, with what was typed")
    screen = show(f"/r/{report.token}")
    main(screen, "这份记录打不开", "This record cannot be opened", lang)
    assert_fit_to_use(screen, "lost")


def test_the_money_has_gone_of_a_case_that_cannot_be_opened(world: World, show: Show, lang: str) -> None:
    token = world.client.post("/warn", data={"phone": STUDENT}).location.rsplit("/", 1)[1]
    world.pump()
    read_all(world)
    (row,) = world.rows("SELECT code FROM cases")
    screen = show(f"/r/{token}")
    screen.get_by_text("钱已经转出去了" if lang == "zh" else "The money is sent", exact=True).click()
    screen.locator("#amount").fill("38600")
    spoil(world, row.code, row_key=b"")
    with screen.expect_navigation():
        screen.locator("form[action$=sent] button").click()
    main(screen, "没有保存，也没有通知民警", "Nothing was saved. No officer was told.", lang)
    expect(screen.locator("#amount")).to_have_value("38600")
    assert_fit_to_use(screen, "lost, to be reported anew")


@pytest.mark.parametrize("danger", [False, True])
def test_what_a_counselor_typed_for_a_case_that_cannot_be_opened(
    world: World, show: Show, lang: str, danger: bool
) -> None:
    report = reported(world)
    read_all(world)
    screen = show(f"/desk/followups/{report.code}", counselor(world))
    screen.locator("[name=reached][value=yes]").check()
    if danger:
        screen.locator("[name=danger][value=yes]").check()
    screen.locator("#note").fill("室友陪着，约好晚上再打。" * 8)
    press_of_a_page_that_is_lost(screen, world, report.code, ("保存联系", "Save contact"), lang)
    zh, en = ("不要让学生独处", "do not leave the student alone") if danger else ("没有记录", "Nothing was recorded")
    main(screen, zh, en, lang)
    main(screen, "室友陪着", "室友陪着", lang)
    assert_fit_to_use(screen, f"lost contact, {danger=}")


def test_a_wish_for_an_export_that_waits_and_one_that_was_taken_back(world: World, show: Show, lang: str) -> None:
    reported(world)
    read_all(world)
    mine = counselor(world)
    ask(world, mine)
    answer(world, mine, newest(world), "drop")
    world.clock.advance(1)
    ask(world, mine, reason="学期总结 " * 20)
    screen = show("/desk/exports", mine)
    for zh, en in (("撤回", "Take back"), ("已撤回", "Taken back"), ("等待签字", "Waiting")):
        main(screen, zh, en, lang)
    assert_fit_to_use(screen, "taken back")
    with screen.expect_navigation():
        screen.get_by_role("button", name="撤回" if lang == "zh" else "Take back").click()
    screen.goto(f"{screen.url}?lang={lang}")
    assert_fit_to_use(screen, "all taken back")


def test_the_list_after_a_student_was_handed_on(world: World, show: Show, lang: str) -> None:
    report, mine = reported(world), counselor(world)
    contact(world, mine, report)
    hand_over = f"/desk/followups/{report.code}/handover"
    world.press(mine, hand_over, person=world.person("C03"))
    theirs = world.user("gongsun", "counselor", world.phones["stand_in"].number)
    world.press(theirs, hand_over, person=world.person("C01"))
    read_all(world)
    screen = show("/desk/followups", theirs)
    main(screen, "已转交，并会通知对方", "Handed over, and they will be told", lang)
    assert_fit_to_use(screen, "handed on")
