"""The story as an officer sees it: sign in, take the case in two taps, copy the account, print the sheet."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_fit_to_use
from tests.integration.conftest import ready_sqlite
from tests.processes import EMBEDDED, Installation, eventually, installed
from tests.world import another_fraud, sqlite_url

__all__ = ["ready_sqlite"]  # a fixture that this folder shares with the integration tests


@pytest.fixture(scope="module")
def service(ready_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("officer")
    shutil.copy(ready_sqlite, folder / "stopline.db")
    with installed(sqlite_url(folder), EMBEDDED, folder) as made:
        made.start("up")
        yield made


@pytest.fixture(scope="module")
def accounts(service: Installation) -> dict[str, dict[str, Any]]:
    number = service.phones["officer"].number
    return {
        "li": account(service, "li", "officer", "--phone", number),
        "desk": account(service, "desk", "security"),
    }


def account(service: Installation, name: str, role: str, *more: str) -> dict[str, Any]:
    done = service.command("user", "add", name, "--role", role, *more, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def sign_in(service: Installation, screen: Page, account: dict[str, Any]) -> None:
    service.advance(31)  # a code is good once
    screen.goto(f"{service.public_url}/login?lang=zh")
    screen.locator("[name=username]").fill(account["username"])
    screen.locator("[name=password]").fill(account["password"])
    screen.locator("[name=otp]").fill(pyotp.TOTP(account["totp_secret"]).at(service.now()))
    screen.locator("main button").click()
    screen.wait_for_url(lambda url: "/login" not in url)


def reported(service: Installation, **changes: Any) -> str:
    code = str(service.accepted(**another_fraud() | changes).body["case"])
    eventually(lambda: state(service, code) == "alerted", "the officer is not rung")
    return code


def state(service: Installation, code: str) -> str:
    return str(service.rows("SELECT state FROM cases WHERE code = :code", code=code)[0][0])


def count_taps(screen: Page) -> list[str]:
    """What is tapped from now on, on whatever page."""
    taps: list[str] = []
    screen.expose_function("tapped", lambda words: taps.append(words))
    script = "addEventListener('click', event => tapped(event.target.closest('a, button')?.textContent.trim() || ''))"
    screen.add_init_script(script)
    screen.evaluate(script)
    return taps


def test_an_officer_takes_a_case_in_two_taps_and_copies_the_account(
    service: Installation, accounts: dict[str, dict[str, Any]], page: Callable[..., Page]
) -> None:
    code = reported(service, payee_account="6217 0000 0000 4417")
    phone = page("phone", permissions=["clipboard-read", "clipboard-write"])
    sign_in(service, phone, accounts["li"])
    taps = count_taps(phone)
    phone.locator(f"#case-{code}").click()
    phone.get_by_role("button", name="接单").click()
    expect(phone.get_by_role("alert")).to_contain_text("已接单")
    assert len(taps) == 2, taps
    assert state(service, code) == "acknowledged"
    phone.get_by_role("button", name="复制账号").click()
    expect(phone.locator("#fresh")).to_contain_text("已复制")
    assert phone.evaluate("navigator.clipboard.readText()") == "6217000000004417"
    phone.get_by_role("button", name="已电话核实").click()
    expect(phone.get_by_role("alert")).to_contain_text("已记录")
    expect(phone.locator(".head")).to_contain_text("已联系报案人")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_no_page_of_an_officer_has_a_fault_that_axe_finds_nor_scrolls_sideways(
    service: Installation, accounts: dict[str, dict[str, Any]], page: Callable[..., Page], device: str, lang: str
) -> None:
    code = reported(service, when="30min", payee_name="")
    screen = page(device)
    sign_in(service, screen, accounts["li"])
    screen.goto(f"{service.public_url}/duty/{code}")
    with screen.expect_navigation():
        screen.get_by_role("button", name="接单").click()
    for path in ("/duty", f"/duty/{code}", f"/duty/{code}/sheet"):
        screen.goto(f"{service.public_url}{path}?lang={lang}")
        assert_fit_to_use(screen, path)


def test_the_sheet_prints_on_one_a4_page_without_its_links(
    service: Installation, accounts: dict[str, dict[str, Any]], page: Callable[..., Page]
) -> None:
    code = reported(service)
    screen = page("desktop")
    sign_in(service, screen, accounts["desk"])
    screen.goto(f"{service.public_url}/duty/{code}/sheet")
    screen.emulate_media(media="print")
    expect(screen.get_by_role("navigation")).to_be_hidden()
    paper = screen.pdf(prefer_css_page_size=True)
    assert paper.count(b"/Type /Page\n") == 1
