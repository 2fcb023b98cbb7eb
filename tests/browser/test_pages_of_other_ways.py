"""Cash, cards, a scanned code, digital yuan, and who lent a card: their pages stand as well as the others."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ledger.channels import OTHERS
from tests.behaviour.stories import SQLITE, read_all
from tests.behaviour.test_stage_two_is_saved_at_once import answer
from tests.behaviour.test_the_counselor_s_record import centre, counselor
from tests.browser.looks import assert_fit_to_use
from tests.browser.test_pages_of_rare_moments import Show
from tests.browser.test_pages_of_rare_moments import show as show  # a fixture
from tests.world import World, another_fraud

pytestmark = [
    SQLITE,
    pytest.mark.parametrize(("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "en")]),
]


def test_other_is_told_with_two_presses(world: World, show: Show, lang: str) -> None:
    """As it is pressed, from the status page on."""
    report = world.report(channel="other", payee_account=None, payee_name=None)
    world.pump()
    screen = show(f"/r/{report.token}/more")
    screen.get_by_role("link", name="“其他”是怎么付的" if lang == "zh" else "how was it paid?").click()
    assert_fit_to_use(screen, "how")
    screen.get_by_label("现金" if lang == "zh" else "Cash").check()
    screen.locator("main button").click()
    expect(screen.get_by_role("heading", level=1)).to_contain_text(
        "现金交给了谁" if lang == "zh" else "Who took the cash?"
    )
    assert_fit_to_use(screen, "cash")
    screen.locator("#place").fill("东门公交站牌边上的小超市门口")
    screen.locator("#parcel").fill("SF1234567890123456789012345678901234567890")
    screen.locator("main button").click()
    screen.wait_for_url("**saved=1")
    world.pump()
    read_all(world)


def test_each_way_on_the_pages_of_student_and_officer(world: World, show: Show, lang: str) -> None:
    transfers = [{"amount": 38600, "channel": way} for way in OTHERS]
    report = world.report(transfers=transfers)
    world.pump()
    answer(
        report,
        "cash",
        transfer="2",
        place="东门公交站",
        person="灰外套，平头，外地口音",
        parcel="SF12345678901234567890123",
    )
    answer(report, "voucher", transfer="3", platform="某平台", cards="1111222233334444\n5555666677778888")
    answer(report, "ecny", transfer="4", payee_account="0062000000004418", payee_bank="某银行")
    police = world.user("ouyang", "officer", world.phones["officer"].number)
    for path, client in (
        (f"/r/{report.token}", None),
        *((f"/r/{report.token}/more/{way}", None) for way in OTHERS),
        (f"/duty/{report.code}", police),
        (f"/duty/{report.code}/sheet", police),
    ):
        screen = show(path, client)
        expect(screen.locator("main")).to_contain_text(OTHERS["cash"][lang == "en"] if "/more/" not in path else "")
        assert_fit_to_use(screen, path)
    read_all(world)


def test_who_may_be_questioned(world: World, show: Show, lang: str) -> None:
    report = world.report(fraud_type="BX", narrative="把卡借给了同乡")
    world.report(**another_fraud())
    world.pump()
    world.phones["officer"].replies(report.code)
    mine, office = counselor(world), world.user("guard", "security")
    world.press(mine, f"/desk/followups/{report.code}/refer")
    world.pump()
    police = world.user("ouyang", "officer", world.phones["officer"].number)
    for path, client in (
        (f"/r/{report.token}", None),
        (f"/r/{report.token}/more/story", None),
        (f"/r/{report.token}/screenshots", None),
        (f"/duty/{report.code}", police),
        (f"/desk/followups/{report.code}", mine),
        (f"/desk/followups/{report.code}", office),
        (f"/desk/care/{report.code}", centre(world)),
        ("/desk/figures", office),
        ("/desk/figures", world.user("dean", "leader", None, world.college)),
    ):
        screen = show(path, client)
        for box in screen.locator("details.script summary").all():
            box.click()
        assert_fit_to_use(screen, path)
    screen = show(f"/duty/{report.code}", police)
    screen.locator("summary", has_text="诈骗类型" if lang == "zh" else "Kind of fraud").click()
    screen.locator("#kind").select_option("SD")
    screen.get_by_role("button", name="保存类型" if lang == "zh" else "Save the kind").click()
    expect(screen.get_by_role("alert")).to_contain_text("已记录" if lang == "zh" else "Recorded")
    expect(screen.locator("#questioned")).to_have_count(0)
    read_all(world)
