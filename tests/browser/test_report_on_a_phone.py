"""The story as a student sees it: a form on a small screen, one button, and a page that tells who has it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

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
        found = Axe().run(screen)["violations"]
        assert not found, f"{path}: {[(rule['id'], rule['nodes'][0]['html']) for rule in found]}"
        screen.set_viewport_size({"width": 320, "height": 700})
        assert screen.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_the_report_page_is_small(service: Installation, page: Callable[..., Page]) -> None:
    phone = page("phone")
    sizes: dict[str, int] = {}
    phone.on("response", lambda answer: sizes.__setitem__(answer.url, len(answer.body())))
    phone.goto(service.public_url, wait_until="networkidle")
    ours = {url: size for url, size in sizes.items() if url.startswith("http")}
    assert len(ours) <= 3
    assert sum(ours.values()) <= 20 * 1024
