"""The drawn codes are read off the painted page, as a phone's camera would."""

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page

from tests.browser.looks import assert_fit_to_use
from tests.browser.test_officer_acknowledges import account, ready_sqlite, sign_in
from tests.processes import EMBEDDED, Installation, installed
from tests.world import sqlite_url

__all__ = ["ready_sqlite"]


@pytest.fixture(scope="module")
def service(ready_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("codes")
    shutil.copy(ready_sqlite, folder / "stopline.db")
    with installed(sqlite_url(folder), EMBEDDED, folder) as made:
        made.start("up")
        yield made


def scanned(screen: Page) -> list[str]:
    painted = Image.open(io.BytesIO(screen.screenshot(full_page=True)))
    return [found.text for found in zxingcpp.read_barcodes(painted)]


def sound(screen: Page, path: str) -> None:
    assert_fit_to_use(screen, path)


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_the_poster_leads_to_the_form(service: Installation, page: Callable[..., Page], device: str) -> None:
    screen = page(device)
    screen.goto(f"{service.public_url}/poster")
    assert scanned(screen) == [service.public_url]
    sound(screen, "/poster")


def test_the_poster_is_one_sheet_of_paper(service: Installation, page: Callable[..., Page]) -> None:
    screen = page("desktop")
    screen.goto(f"{service.public_url}/poster")
    assert screen.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_duty_card_leads_to_the_duty_page(service: Installation, page: Callable[..., Page], lang: str) -> None:
    made = account(service, f"card-{lang}", "officer")
    screen = page("phone")
    sign_in(service, screen, made)
    screen.goto(f"{service.public_url}/duty/card?lang={lang}")
    assert scanned(screen) == [f"{service.public_url}/duty"]
    sound(screen, "/duty/card")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_the_notice_has_no_fault(service: Installation, page: Callable[..., Page], device: str, lang: str) -> None:
    screen = page(device)
    screen.goto(f"{service.public_url}/privacy?lang={lang}")
    sound(screen, "/privacy")
