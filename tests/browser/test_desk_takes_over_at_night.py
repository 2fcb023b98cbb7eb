"""By night nobody answers: the duty desk's board rings, shows whom to call, and takes the case for them in two taps."""

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_fit_to_use
from tests.browser.test_officer_acknowledges import account, count_taps, ready_sqlite, reported, sign_in, state
from tests.processes import EMBEDDED, Installation, eventually, installed
from tests.world import sqlite_url

__all__ = ["ready_sqlite"]


@pytest.fixture(scope="module")
def service(ready_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("night")
    shutil.copy(ready_sqlite, folder / "stopline.db")
    with installed(sqlite_url(folder), EMBEDDED, folder) as made:
        local = made.now().astimezone(ZoneInfo("Asia/Shanghai"))
        night = local.replace(hour=23, minute=30, second=0, microsecond=0)
        made.advance(((night - local) % timedelta(days=1)).total_seconds())
        made.start("up")
        yield made


def test_the_desk_takes_a_case_that_nobody_answers(service: Installation, page: Callable[..., Page]) -> None:
    made = account(service, "desk", "security")
    code = reported(service)
    wall = page("desktop")
    sign_in(service, wall, made)
    expect(wall).to_have_url(f"{service.public_url}/desk/board")
    service.advance(241)
    rung = "SELECT count(DISTINCT d.person_id) FROM deliveries d JOIN cases c ON c.id = d.case_id WHERE c.code = :code"
    eventually(lambda: service.rows(f"{rung} AND d.alert", code=code)[0][0] >= 3, "not everybody was rung")
    wall.reload()
    row = wall.locator(f"#wait-{code}")
    expect(row).to_be_visible()
    taps = count_taps(wall)
    row.get_by_role("button").first.click()
    expect(wall.get_by_role("alert")).to_contain_text("已接单")
    assert len([tap for tap in taps if tap]) == 1, taps
    assert state(service, code) == "acknowledged"
    wall.goto(f"{service.public_url}/desk/board")
    expect(wall.locator(f"#wait-{code}")).to_have_count(0)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_the_board_of_a_bad_night_has_no_fault(
    service: Installation, page: Callable[..., Page], device: str, lang: str
) -> None:
    made = account(service, f"desk-{device}-{lang}", "security")
    code = reported(service)
    service.advance(40 * 60)
    screen = page(device)
    sign_in(service, screen, made)
    screen.goto(f"{service.public_url}/desk/board?lang={lang}")
    expect(screen.locator(f"#wait-{code}")).to_be_visible()
    assert_fit_to_use(screen, "the board")
