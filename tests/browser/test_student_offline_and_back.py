"""A tab that is killed, and a network that goes: what was typed stays for a while, and is sent once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_report_on_a_phone import fill_in, ready_sqlite, service
from tests.processes import Installation

__all__ = ["ready_sqlite", "service"]  # fixtures of the same story


def test_a_draft_survives_and_what_was_sent_offline_goes_once(
    service: Installation,
    page: Callable[..., Page],
) -> None:
    phone = page("phone")
    phone.goto(service.public_url)
    fill_in(phone)
    phone.reload()
    expect(phone.locator("#amount")).to_have_value("３，８００元")
    expect(phone.locator("[name=channel][value=bank]")).to_be_checked()
    before = service.rows("SELECT count(*) FROM cases")[0][0]
    phone.context.set_offline(True)
    phone.get_by_role("button", name="发送").click()
    expect(phone.get_by_role("button", name="还没发出，正在重试")).to_be_visible()
    phone.context.set_offline(False)
    phone.wait_for_url("**/r/**")
    assert service.rows("SELECT count(*) FROM cases")[0][0] == before + 1
    alert = service.phones["officer"].expects("紧急止付")
    for name in ("counselor", "student"):
        service.phones[name].expects(alert.code)
    phone.goto(service.public_url)
    expect(phone.locator("#amount")).to_have_value("")


@pytest.mark.parametrize("device", ["phone", "desktop"])
def test_a_page_that_is_stale_says_so_where_it_is_seen_and_covers_nothing(
    service: Installation, page: Callable[..., Page], device: str
) -> None:
    screen = page(device)
    screen.goto(f"{service.public_url}/r/{service.accepted().token}")
    screen.context.set_offline(True)
    warning = screen.locator("#fresh.stale")
    expect(warning).to_contain_text("正在重连", timeout=15_000)
    expect(warning).to_be_in_viewport(ratio=1)
    # At once: the End key glides there, and what is measured on the way is not the foot of the page.
    screen.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    last = screen.locator("footer a").last
    expect(last).to_be_in_viewport(ratio=1)
    above, box = last.bounding_box(), warning.bounding_box()
    assert above and box and above["y"] + above["height"] <= box["y"]
    screen.context.set_offline(False)
    for text in service.phones.unread():
        service.phones.mark_read(text)


def test_no_draft_on_somebody_else_s_phone(service: Installation, page: Callable[..., Page]) -> None:
    phone = page("phone")
    phone.goto(service.public_url)
    phone.get_by_text("这不是我的手机").click()
    fill_in(phone)
    phone.reload()
    expect(phone.locator("#amount")).to_have_value("")


@pytest.mark.parametrize("lost", ["before it was stored", "after it was stored"])
def test_a_failed_send_is_tried_again_by_itself_and_is_one_case(
    service: Installation, page: Callable[..., Page], lost: str
) -> None:
    """The phone has a network all the while; what fails is the way to us, or the way back."""
    phone = page("phone")
    phone.goto(service.public_url)
    fill_in(phone)
    if lost == "before it was stored":
        service.kill("up")
    else:
        service.stop("up")
        service.start("up", failpoint="after-commit@report")
    phone.get_by_role("button", name="发送").click()
    expect(phone.get_by_role("button", name="还没发出，正在重试")).to_be_visible()
    if lost == "after it was stored":
        service.processes.pop("up").await_end(20)
    service.start("up")
    phone.wait_for_url("**/r/**")
    assert service.rows("SELECT count(*) FROM cases") == [(1,)]
    alert = service.phones["officer"].expects("紧急止付")
    for name in ("counselor", "student"):
        service.phones[name].expects(alert.code)


def test_the_second_door_is_tried_again_too(service: Installation, page: Callable[..., Page]) -> None:
    phone = page("phone")
    phone.goto(service.public_url)
    phone.get_by_text("还没转，正被催").click()
    phone.locator("#warn_phone").fill("138 0000 0001")
    service.kill("up")
    phone.get_by_role("button", name="请人打给我").click()
    expect(phone.get_by_role("button", name="还没发出，正在重试")).to_be_visible()
    service.start("up")
    phone.wait_for_url("**/r/**")
    assert service.rows("SELECT kind FROM cases") == [("in_progress",)]
    service.phones["desk"].expects("劝")
    for name in ("counselor", "student"):
        service.phones[name].expects("")
