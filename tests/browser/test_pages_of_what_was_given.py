"""What somebody added later, or typed with a digit wrong: the pages that say so stand as well as the others."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.behaviour.stories import SQLITE, read_all
from tests.behaviour.test_stage_two_is_saved_at_once import answer
from tests.behaviour.test_the_counselor_s_record import counselor
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
WRONG = {"payee_account": "6217 0000 0000 4417"}


def test_what_was_given_on_behalf(world: World, show: Show, lang: str) -> None:
    report = world.report(phone="13912340001", for_whom="other", victim_phone=STUDENT, channel="wechat", **WRONG)
    world.pump()
    answer(report, "who", name="欧阳某")
    answer(report, "who", name="欧阳正")
    answer(report, "correct", payee_account="6217 0000 0000 4416")
    answer(report, "police", called="yes", called_at="2026-11-24T14:38", incident="JQ-2026-1124-000077")
    answer(report, "contact", parents="not_now", person="室友小李 13812340000")
    answer(report, "pressed", pressed="yes", how="一直打电话，加了三个微信")
    read_all(world)
    police = world.user("ouyang", "officer", world.phones["officer"].number)
    for path, client, said in (
        (f"/duty/{report.code}", police, "欧阳正"),
        (f"/duty/{report.code}/sheet", police, "JQ-2026-1124-000077"),
        (f"/r/{report.token}", None, "A digit may be wrong" if lang == "en" else "账号可能少一位或打错"),
        (f"/desk/followups/{report.code}", counselor(world), "室友小李"),
    ):
        screen = show(path, client) if client else show(path)
        expect(screen.locator("main")).to_contain_text(said)
        assert_fit_to_use(screen, path)
