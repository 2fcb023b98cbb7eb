"""What the desk's pages say after a press that came too early, twice or too late: as fit to use as all others."""

from __future__ import annotations

import pytest

from tests.behaviour.stories import SQLITE, read_all, taken
from tests.behaviour.test_drills_touch_nobody import start
from tests.behaviour.test_the_counselor_s_record import waits_for_a_signature
from tests.browser.looks import assert_fit_to_use
from tests.browser.test_pages_of_rare_moments import Show
from tests.browser.test_pages_of_rare_moments import show as show  # a fixture
from tests.browser.test_pages_of_what_cannot_be_read import main, officer
from tests.world import World

pytestmark = [
    SQLITE,
    pytest.mark.parametrize(
        ("device", "lang"), [("phone", "zh"), ("phone", "en"), ("desktop", "zh"), ("desktop", "en")]
    ),
]


def test_what_an_outcome_lacks_and_that_a_case_is_closed(world: World, show: Show, lang: str) -> None:
    report, police = taken(world), officer(world)
    page = f"/duty/{report.code}"
    for outcome, zh, en in (
        ("frozen", "金额还没填", "without the amount"),
        ("registered", "立案编号还没填", "without the registration number"),
    ):
        world.press(police, f"{page}/outcome", outcome=outcome)
        screen = show(page, police)
        main(screen, zh, en, lang)
        assert_fit_to_use(screen, f"lacks, {outcome}")
    world.press(police, f"{page}/outcome", outcome="refused_name")
    for _ in range(2):
        police.get(page)
        world.press(police, f"{page}/close")
    screen = show(page, police)
    main(screen, "案件已结案，没有再记录", "The case is closed. Nothing more was recorded", lang)
    assert_fit_to_use(screen, "closed twice")
    world.press(world.user("guard", "security"), f"{page}/reopen")
    screen = show(page, police)
    main(screen, "重新打开后还没有新结果", "Nothing new since the case was opened again", lang)
    assert_fit_to_use(screen, "opened again")
    read_all(world)


def test_a_stop_that_is_owed_again(world: World, show: Show, lang: str) -> None:
    report, police = taken(world), officer(world)
    page = f"/duty/{report.code}"
    world.press(police, f"{page}/outcome", progress="filed")
    world.advance(60)
    for n in range(3):
        world.client.post(f"/r/{report.token}/more/transfer", data={"page": f"{n}", "amount": "500"})
    for path, client in ((page, police), ("/duty", police), (f"/r/{report.token}", None)):
        screen = show(path, client)
        another = ("第2笔等3笔", "Transfer 2 and 2 more") if path == page else ("又有止付要办", "Another stop")
        main(screen, *another, lang)
        assert_fit_to_use(screen, f"owed, {path[:3]}")
    screen = show("/desk/board", world.user("guard", "security"))
    main(screen, "又有止付要办", "Another stop is to be filed", lang)
    assert_fit_to_use(screen, "owed, board")
    read_all(world)


def test_what_was_taken_and_is_not_done(world: World, show: Show, lang: str) -> None:
    """Reached and not filed; a dissuasion without progress; and drills, which are counted beside."""
    report, police, office = taken(world), officer(world), world.user("guard", "security")
    world.press(police, f"/duty/{report.code}/outcome", progress="contacted")
    world.advance(1860)
    warned = world.report(kind="in_progress", transfers=None, phone="13800000002", student_no="2026010102")
    world.phones.catch_up()
    world.phones["desk"].replies(warned.code)
    start(world)
    for path in ("/desk/board", "/duty"):
        screen = show(path, office)
        main(screen, "已联系未报送，超过30分钟", "Reached, not filed for over 30 min", lang)
        assert_fit_to_use(screen, f"not done, {path}")
        if path == "/desk/board":
            main(screen, "钱还没转，接手后还没有进展", "Not sent yet: taken, no progress", lang)
    read_all(world)


def test_a_record_that_was_signed_twice_and_one_with_long_words(world: World, show: Show, lang: str) -> None:
    report, mine, office, close = waits_for_a_signature(world)
    page = f"/desk/followups/{report.code}"
    world.press(mine, f"{page}/background", family="父母在外地务工，联系不便。" * 30, money_source="")
    screen = show(page, mine)
    assert_fit_to_use(screen, "long background")
    for _ in range(2):
        office.get(page)
        world.press(office, close, sign="1")
    screen = show(page, office)
    main(screen, "跟进已结案，没有再记录", "This follow-up is closed. Nothing more was recorded", lang)
    assert_fit_to_use(screen, "signed twice")
    read_all(world)
