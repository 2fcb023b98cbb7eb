"""The story as a counselor sees it: sign in, the student who is due, the call logged in six taps or fewer."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_fit_to_use
from tests.browser.test_officer_acknowledges import account, count_taps, ready_sqlite, sign_in
from tests.processes import EMBEDDED, Installation, eventually, installed
from tests.world import sqlite_url

__all__ = ["ready_sqlite"]


@pytest.fixture(scope="module")
def service(ready_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("counselor")
    shutil.copy(ready_sqlite, folder / "stopline.db")
    with installed(sqlite_url(folder), EMBEDDED, folder) as made:
        made.start("up")
        yield made


@pytest.fixture(scope="module")
def accounts(service: Installation) -> dict[str, dict[str, Any]]:
    number = service.phones["counselor"].number
    return {
        "counselor": account(service, "murong", "counselor", "--phone", number),
        "centre": account(service, "zhongli", "psychologist"),
        "desk": account(service, "desk", "security"),
    }


def followed_up(service: Installation, **changes: Any) -> str:
    code = str(service.accepted(**changes).body["case"])
    query = "SELECT f.id FROM follow_ups f JOIN cases c ON c.id = f.case_id WHERE c.code = :code"
    eventually(lambda: service.rows(query, code=code), "no follow-up")
    return code


def test_the_first_call_is_logged_in_six_taps(
    service: Installation, accounts: dict[str, dict[str, Any]], page: Callable[..., Page]
) -> None:
    code = followed_up(service)
    phone = page("phone")
    sign_in(service, phone, accounts["counselor"])
    taps = count_taps(phone)
    phone.locator("li", has_text=code).get_by_role("link").first.click()
    phone.get_by_text("联系到了", exact=True).click()
    phone.get_by_text("没有说到", exact=True).click()
    phone.get_by_text("饭钱", exact=True).click()
    phone.get_by_role("button", name="保存联系").click()
    expect(phone.get_by_role("alert")).to_contain_text("已记录")
    pressed = [tap for tap in taps if tap]  # a label passes its tap on to its box, without words
    assert len(pressed) <= 2 and len(pressed) + 3 <= 6, taps
    reached = (
        "SELECT k.reached FROM contacts k JOIN follow_ups f ON f.id = k.follow_up_id JOIN cases c ON c.id = f.case_id"
    )
    assert service.rows(f"{reached} WHERE c.code = :code AND k.kind = 'call_30m'", code=code) == [(True,)]
    expect(phone.locator(".head")).to_contain_text("跟进中")


def test_talk_of_dying_shows_what_to_do_now(
    service: Installation, accounts: dict[str, dict[str, Any]], page: Callable[..., Page]
) -> None:
    code = followed_up(service)
    phone = page("phone")
    sign_in(service, phone, accounts["counselor"])
    phone.goto(f"{service.public_url}/desk/followups/{code}")
    phone.get_by_text("联系到了", exact=True).click()
    phone.get_by_text("不愿回答", exact=True).click()
    phone.get_by_role("button", name="保存联系").click()
    expect(phone.get_by_role("heading", name="立即处置")).to_be_visible()
    expect(phone.get_by_role("link", name="120")).to_have_attribute("href", "tel:120")


@pytest.mark.parametrize(("device", "lang", "early", "extra"), [
    ("phone", "zh", "还没到时候", "另加联系"), ("desktop", "en", "Not due yet", "Extra contact"),
])  # fmt: skip
def test_a_talk_before_its_time_is_said_to_be_an_extra_one(
    service: Installation,
    accounts: dict[str, dict[str, Any]],
    page: Callable[..., Page],
    device: str,
    lang: str,
    early: str,
    extra: str,
) -> None:
    code, screen = followed_up(service), page(device)
    sign_in(service, screen, accounts["counselor"])
    screen.goto(f"{service.public_url}/desk/followups/{code}?lang={lang}")
    for _ in ("call_30m", "face_24h", "before the third day"):
        screen.locator("[name=reached][value=yes]").check()
        screen.locator(".entry .big").click()
    expect(screen.locator("form.entry")).to_contain_text(early)
    expect(screen.locator("main")).to_contain_text(extra)
    assert_fit_to_use(screen, f"{device}, {lang}")


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_no_page_of_a_follow_up_has_a_fault_that_axe_finds_nor_scrolls_sideways(
    service: Installation, accounts: dict[str, dict[str, Any]], page: Callable[..., Page], device: str, lang: str
) -> None:
    code = followed_up(service, narrative="对方说是客服")
    screen = page(device)
    sign_in(service, screen, accounts["counselor"])
    screen.goto(f"{service.public_url}/desk/followups/{code}?lang={lang}")
    screen.locator("[name=reached][value=yes]").check()
    screen.locator("[name=danger][value=yes]").check()
    with screen.expect_navigation():
        screen.locator(".entry .big").click()
    faultless(service, screen, lang, "/desk/followups", f"/desk/followups/{code}")
    for name, paths in (
        ("centre", ("/desk/care", f"/desk/care/{code}")),
        ("desk", (f"/desk/followups/{code}", "/desk/board")),
    ):
        other = page(device)
        sign_in(service, other, accounts[name])
        faultless(service, other, lang, *paths)


def faultless(service: Installation, screen: Page, lang: str, *paths: str) -> None:
    for path in paths:
        screen.goto(f"{service.public_url}{path}?lang={lang}")
        assert_fit_to_use(screen, path)
