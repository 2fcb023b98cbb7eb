"""Fixtures for all tests. Servers and browser are started when a test first asks for them, once a session."""

import fcntl
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from ledger.staff import accounts
from services import compose
from tests.made_once import FAST_HASHER, Route, connect_knowing, migrate
from tests.private_services import PostgreSQL, RabbitMQ, Server, chromium, in_memory
from tests.world import World, sqlite_url

S = TypeVar("S", bound=Server)
SCREENS = {"phone": (360, 740), "desktop": (1280, 900)}
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",  # its sandbox refuses to run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure(config: pytest.Config) -> None:
    """Folders of tests in memory, unless one is given; the processes that share the tests take this one's."""
    if not config.option.basetemp and (folder := in_memory()):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """A private broker. Who kills or stops it starts it again."""
    yield from _running(RabbitMQ())


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A private database server without fsync: `postgresql.new_database()` gives each test its own."""
    yield from _running(PostgreSQL())


@pytest.fixture(scope="session")
def durable_postgresql() -> Iterator[PostgreSQL]:
    """The same with fsync, for processes that refuse to start without it."""
    yield from _running(PostgreSQL(fsync=True))


def _running(server: S) -> Iterator[S]:
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`page(device="phone"|"desktop", locale="zh-CN"|"en", **context_options)`: a page with cookies of its own."""
    contexts: list[BrowserContext] = []

    def open_page(device: str = "phone", locale: str = "zh-CN", **options: Any) -> Page:
        width, height = SCREENS[device]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=device == "phone",
            locale=locale,
            timezone_id="Asia/Shanghai",
            **options,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        for opened in context.pages:
            _come_to_rest(opened)
        context.close()


def _come_to_rest(page: Page) -> None:
    """A page that is closed while it arrives somewhere may never close: Chromium says that it will and does not
    (chromium issue 536385539). What a test's last press still set under way interrupts the first `goto`."""
    for _ in range(2):
        with suppress(Error):
            page.goto("about:blank")


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: who collects garbage need not look through all of them each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Test files run side by side in several processes; a test marked `alone` has the whole machine."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    alone, common = request.node.get_closest_marker("alone"), tmp_path_factory.getbasetemp().parent
    with (common / "gate").open("w") as gate, (common / "machine").open("w") as machine:
        # Through the gate one by one: who waits for the whole machine behind it lets nobody pass.
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield


@pytest.fixture(autouse=True)
def fresh_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that sets up the service's own logging leaves none of it behind: a logger kept in a module would go on
    writing to that test's stderr, which is closed, and no other test could capture what it says."""
    before, configure = structlog.get_config(), structlog.configure
    monkeypatch.setattr(
        structlog, "configure", lambda **given: configure(**{**given, "cache_logger_on_first_use": False})
    )
    yield
    configure(**before)


@pytest.fixture(scope="session", autouse=True)
def fast_passwords() -> Iterator[None]:
    """Hundreds of tests sign somebody in; that the real hash is slow enough has a test of its own."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(accounts, "_hasher", FAST_HASHER)
        yield


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """Hundreds of tests build the whole service, each time with the same addresses and the same statements."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Flask, "url_rule_class", Route)
        patched.setattr(compose, "connect", connect_knowing)
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of each kind in turn: on PostgreSQL with the ledger's tables, a file when somebody first makes it."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.new_database(template=request.getfixturevalue("database_with_tables"))
    yield url
    server.drop(url)


@pytest.fixture(scope="session")
def database_with_tables(postgresql: PostgreSQL) -> str:
    """The name of one to be copied."""
    url = postgresql.new_database()
    migrate(url)
    return url.rpartition("/")[2]


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A whole service on each database; at the end no text may be left that nobody expected."""
    made = World.make(database_url, tmp_path)
    try:
        yield made
        made.phones.assert_all_read()
    finally:
        made.close()
