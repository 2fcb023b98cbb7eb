"""The story as a student sees it: a form on a small screen, one button, and a page that tells who has it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looks import assert_fit_to_use
from tests.integration.conftest import ready_sqlite
from tests.processes import EMBEDDED, Installation, eventually, installed
from tests.world import another_fraud, sqlite_url

__all__ = ["ready_sqlite"]  # a fixture that this folder shares with the integration tests


@pytest.fixture
def service(ready_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for each test: they all send the same report, and one answer would serve the reports of all."""
    folder = tmp_path_factory.mktemp("browser")
    shutil.copy(ready_sqlite, folder / "stopline.db")
    with installed(sqlite_url(folder), EMBEDDED, folder) as made:
        made.start("up")
        yield made


def fill_in(page: Page) -> None:
    """What a student types in a hurry."""
    page.get_by_text("银行卡").first.click()
    page.locator("[name=amount]").fill("３，８００元")
    page.get_by_text("30分钟内").first.click()
    page.locator("[name=payee_account]").fill("6217 0000 0000 4417")
    page.locator("#phone").fill("138 0000 0001")


def send(page: Page) -> None:
    page.get_by_role("button", name="发送").click()
    page.wait_for_url("**/r/**")


def test_a_report_typed_on_a_phone_rings_the_officer_and_the_page_says_who_has_it(
    service: Installation, page: Callable[..., Page]
) -> None:
    phone = page("phone")
    requests: list[str] = []
    phone.on("request", lambda request: requests.append(request.url))
    phone.goto(service.public_url)
    assert all(url.startswith((service.public_url, "data:")) for url in requests), "a third party was asked"
    fill_in(phone)
    send(phone)
    alert = service.phones["officer"].expects("紧急止付", "银行卡3800元", "30分钟内转出")
    expect(phone.locator("main")).to_contain_text(alert.code)
    service.phones["counselor"].expects(alert.code)
    service.phones["student"].expects(alert.code)
    alert.replies().expects("由您接单")
    # The page asks again by itself every few seconds.
    expect(phone.locator("main")).to_contain_text("已接单", timeout=15_000)


def test_it_works_with_scripts_switched_off(service: Installation, page: Callable[..., Page]) -> None:
    phone = page("phone", java_script_enabled=False)
    phone.goto(service.public_url)
    phone.get_by_role("button", name="发送").click()
    summary = phone.get_by_role("alert")
    expect(summary).to_contain_text("请填写金额")
    summary.get_by_role("link").first.click()
    assert phone.url.endswith("#amount")
    fill_in(phone)
    send(phone)
    alert = service.phones["officer"].expects("紧急止付")
    for name in ("counselor", "student"):
        service.phones[name].expects(alert.code)
    expect(phone.locator("main")).to_contain_text(alert.code)


def test_a_double_tap_and_a_retry_are_one_case(service: Installation, page: Callable[..., Page]) -> None:
    phone = page("phone")
    phone.goto(service.public_url)
    fill_in(phone)
    other = another_fraud()
    phone.locator("[name=payee_account]").fill(other["payee_account"])
    phone.locator("#phone").fill(other["phone"])
    service.phones.add("another", f"+86{other['phone']}")
    typed: dict[str, str | float | bool] = {
        name: phone.locator(f"form[action$=report] [name={name}]").first.input_value()
        for name in ("submission_key", "amount", "phone")
    }
    before = service.rows("SELECT count(*) FROM cases")[0][0]
    phone.get_by_role("button", name="发送").dblclick()
    phone.wait_for_url("**/r/**")
    # A browser that lost the answer sends the same form again.
    again = phone.request.post(f"{service.public_url}/report", form=typed)
    assert again.url == phone.url
    assert service.rows("SELECT count(*) FROM cases")[0][0] == before + 1
    code = service.rows("SELECT code FROM cases ORDER BY received_at DESC, id DESC LIMIT 1")[0][0]
    eventually(lambda: service.texts("another", code), "no receipt")
    assert len(service.texts("officer", code)) == 1
    for text in service.phones.unread():
        service.phones.mark_read(text)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_no_page_of_a_student_has_a_fault_that_axe_finds_nor_scrolls_sideways(
    service: Installation, page: Callable[..., Page], device: str, lang: str
) -> None:
    screen = page(device)
    token = service.accepted().token
    for path in (f"/?lang={lang}", f"/r/{token}?lang={lang}", f"/r/unknown?lang={lang}", f"/login?lang={lang}"):
        screen.goto(service.public_url + path)
        assert_fit_to_use(screen, path)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_no_state_of_a_student_s_page_has_a_fault(
    service: Installation, page: Callable[..., Page], device: str, lang: str
) -> None:
    """Mistakes in both forms, the second door, an unsafe phone, help asked for, a withdrawal asked for."""
    screen = page(device)
    screen.goto(f"{service.public_url}/?lang={lang}")
    report, warning = screen.locator("form[action$=report]"), screen.locator("form[action$=warn]")
    report.locator("button").click()
    expect(screen.get_by_role("alert")).to_be_focused()
    assert_fit_to_use(screen, "nothing filled in")
    screen.locator("summary").first.click()
    warning.locator("button").click()
    expect(screen.locator("#warn_phone-bad")).to_be_visible()
    assert_fit_to_use(screen, "second door, nothing filled in")
    screen.locator("#warn_phone").fill("13800000001")
    warning.locator("button").click()
    screen.wait_for_url("**/r/**")
    assert_fit_to_use(screen, "second door, taken")
    screen.goto(f"{service.public_url}/?lang={lang}")
    fill_in_anywhere(screen)
    screen.locator("[name=phone_unsafe]").check()
    report.locator("button").click()
    screen.wait_for_url("**/r/**")
    assert_fit_to_use(screen, "unsafe phone")
    for name in ("unsafe", "withdraw"):
        button = screen.locator(f"form[action$={name}] button")
        while not button.is_visible():
            screen.locator("details:not([open]) > summary").first.click()
        button.click()
        screen.wait_for_load_state()
        assert_fit_to_use(screen, name)


def fill_in_anywhere(page: Page) -> None:
    """As `fill_in`, in either language."""
    page.locator("[name=channel][value=wechat]").check()
    page.locator("[name=amount]").fill("3800")
    page.locator("#phone").fill("13800000002")


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_a_stranger_sends_a_report_in_less_than_a_minute(
    service: Installation, page: Callable[..., Page], device: str
) -> None:
    """Counted, not timed: what has to be tapped and typed, at a pace of a second a tap and two a second for keys."""
    screen = page(device)
    screen.goto(service.public_url)
    taps = keys = 0
    for choice in ("银行卡", "刚刚"):
        screen.get_by_text(choice, exact=True).click()
        taps += 1
    for name, typed in (("amount", "3800"), ("payee_account", "6217000000004417"), ("phone", "13800000001")):
        screen.locator(f"#{name}").click()
        screen.keyboard.type(typed)
        taps, keys = taps + 1, keys + len(typed)
    screen.get_by_role("button", name="发送").click()
    screen.wait_for_url("**/r/**")
    # What had to be read before: everything up to the button, at 300 characters a minute and half of it skipped.
    assert taps + 1 + keys / 2 <= 30, (taps, keys)
    service.phones["officer"].expects("紧急止付", "3800元")
    for name in ("counselor", "student"):
        service.phones[name].expects("")


def test_the_report_page_is_small(service: Installation, page: Callable[..., Page]) -> None:
    phone = page("phone")
    sizes: dict[str, int] = {}
    phone.on("response", lambda answer: sizes.__setitem__(answer.url, len(answer.body())))
    phone.goto(service.public_url, wait_until="networkidle")
    ours = {url: size for url, size in sizes.items() if url.startswith("http")}
    assert len(ours) <= 3
    assert sum(ours.values()) <= 20 * 1024
