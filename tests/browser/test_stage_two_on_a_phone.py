"""Stage 2 as a student sees it: reachable pages on small screens, and a screenshot that the phone makes small."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from intake.questions import QUESTIONS
from tests.browser.looks import assert_fit_to_use
from tests.integration.conftest import ready_sqlite
from tests.processes import EMBEDDED, Installation, installed
from tests.world import sqlite_url

__all__ = ["ready_sqlite"]  # a fixture that this folder shares with the integration tests


@pytest.fixture(scope="module")
def service(ready_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("browser")
    shutil.copy(ready_sqlite, folder / "stopline.db")
    with installed(sqlite_url(folder), EMBEDDED, folder) as made:
        made.start("up")
        yield made


def reported(service: Installation) -> str:
    token = service.accepted().token
    for name in ("officer", "counselor", "student"):
        service.phones[name].expects("")
    return token


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_page_of_stage_two_has_a_fault_that_axe_finds_nor_scrolls_sideways(
    service: Installation, page: Callable[..., Page], lang: str
) -> None:
    screen, token = page("phone"), reported(service)
    behind = ["more", "screenshots", *(f"more/{question.slug}" for question in QUESTIONS)]
    for path in ("/reopen", *(f"/r/{token}/{name}" for name in behind)):
        screen.goto(f"{service.public_url}{path}?lang={lang}")
        assert_fit_to_use(screen, path)


@pytest.mark.parametrize("script", [True, False])
def test_a_screenshot_is_kept_with_and_without_scripts(
    service: Installation, page: Callable[..., Page], tmp_path: Path, script: bool
) -> None:
    token, size = reported(service), (3000, 4000) if script else (300, 400)
    picture = Image.effect_noise(size, 50).convert("RGB")  # as a PNG far over 5 MB: only the script makes it fit
    picture.save(tmp_path / "screenshot.png")
    phone = page("phone", java_script_enabled=script)
    phone.goto(f"{service.public_url}/r/{token}")
    phone.get_by_role("link", name="截图").click()
    phone.set_input_files("#picture", str(tmp_path / "screenshot.png"))
    phone.get_by_role("button", name="保存这张").click()
    phone.wait_for_url("**saved=1")
    expect(phone.locator("main")).to_contain_text("1/10")
    kept = service.rows("SELECT width, height FROM uploads ORDER BY at DESC LIMIT 1")[0]
    assert tuple(kept) == ((1200, 1600) if script else size)
