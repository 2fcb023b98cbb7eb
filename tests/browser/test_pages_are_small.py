"""Bytes and requests of every page, counted as a phone on a bad network pays for them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.test_officer_acknowledges import account, ready_sqlite, reported, service, sign_in
from tests.processes import Installation

__all__ = ["ready_sqlite", "service"]  # fixtures of the officer's story

STUDENT, STAFF = 20 * 1024, 80 * 1024


def weigh(screen: Page, address: str) -> tuple[int, int]:
    """(bytes of all bodies as they are sent, requests) of one page on an empty cache."""
    sizes: list[int] = []
    screen.on("requestfinished", lambda it: sizes.append(0 if it.url.startswith("data:") else _sent(it)))
    screen.goto(address, wait_until="networkidle")
    return sum(sizes), sum(size > 0 for size in sizes)


def _sent(request: object) -> int:
    return request.sizes()["responseBodySize"]  # type: ignore[attr-defined,no-any-return]


def test_no_page_of_a_student_is_heavier_than_20_kb_in_3_requests(
    service: Installation, page: Callable[..., Page]
) -> None:
    token = service.accepted().token
    behind = ("", "/more", "/more/time", "/more/transfer", "/more/story", "/screenshots")
    for path in ("/", "/reopen", "/privacy", *(f"/r/{token}{name}" for name in behind)):
        weight, requests = weigh(page("phone"), service.public_url + path)
        assert weight <= STUDENT and requests <= 3, (path, weight, requests)


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        ("officer", ("/duty", "/duty/{code}", "/duty/{code}/sheet", "/duty/card")),
        ("security", ("/desk/board", "/duty/{code}", "/duty/{code}/review", "/desk/figures", "/desk/readiness")),
        ("counselor", ("/desk/followups", "/desk/followups/{code}", "/desk/exports")),
        ("keeper", ("/desk/ledger", "/desk/ledger/{code}")),
    ],
)
def test_no_page_of_the_staff_is_heavier_than_80_kb(
    service: Installation, page: Callable[..., Page], role: str, paths: tuple[str, ...]
) -> None:
    code = reported(service, phone="13800000001", student_no="2026010101")
    named = {"officer": "officer", "counselor": "counselor"}.get(role)
    whose = ("--phone", service.phones[named].number) if named else ("--college", "WY") if role == "keeper" else ()
    made = account(service, f"weighs-{role}", role, *whose)
    for path in paths:
        screen = page("phone")
        sign_in(service, screen, made)
        address = service.public_url + path.format(code=code)
        weight, requests = weigh(screen, address)
        assert screen.url == address, "sent elsewhere"
        assert weight <= STAFF and requests <= 4, (path, weight, requests)
