"""The demo as a dean sees it: a report is sent, a phone rings beside it, a reply takes the case."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_fit_to_use
from tests.browser.test_report_on_a_phone import fill_in, ready_sqlite, send
from tests.processes import EMBEDDED, Installation, installed
from tests.world import sqlite_url

__all__ = ["ready_sqlite"]


@pytest.fixture(scope="module")
def service(ready_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """As the demo runs: simulated phones, and a clock that their page may advance."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copy(ready_sqlite, folder / "stopline.db")
    demo = {"STOPLINE_CHANNEL": "simulator", "STOPLINE_TEST_CLOCK": ""}
    with installed(sqlite_url(folder), EMBEDDED, folder, **demo) as made:
        made.start("up")
        yield made


def test_a_report_rings_and_a_reply_takes_it(service: Installation, page: Callable[..., Page]) -> None:
    screen = page("desktop")
    screen.goto(f"{service.public_url}/simulator?lang=zh")
    screen.get_by_role("link", name="打开报告页").first.click()
    fill_in(screen)
    send(screen)
    status = screen.url
    screen.goto(f"{service.public_url}/simulator")
    code = screen.locator("#story .mono").first.inner_text()
    rung = screen.locator(".phone", has_text=f"紧急止付{code}")
    expect(rung).to_be_visible()
    rung.get_by_label("回复").fill(code)
    rung.get_by_role("button", name="发送").click()
    expect(screen.locator("#story")).to_contain_text("已接单")
    screen.goto(status)
    expect(screen.locator("main")).to_contain_text("已接单")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_the_phones_have_no_fault_in_any_state(
    service: Installation, page: Callable[..., Page], device: str, lang: str
) -> None:
    screen = page(device)
    screen.goto(f"{service.public_url}/?lang={lang}")
    screen.goto(f"{service.public_url}/simulator?lang={lang}")
    with screen.expect_navigation():
        screen.locator("form[action$=fault] button[value='1']").first.click()
    with screen.expect_navigation():
        screen.locator("form[action$=clock] button").nth(1).click()
    assert_fit_to_use(screen, "simulated phones")
    screen.locator("form[action$=fault] button[value='0']").first.click()
    expect(screen.locator("#provider")).to_contain_text("正常" if lang == "zh" else "up")
