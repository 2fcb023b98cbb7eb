"""What the tests of the doors share: one world a module, what a ledger holds, and a ledger that is away."""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, func, select
from werkzeug.test import TestResponse

from ledger import tables as t
from ledger.pages import views
from ledger.staff.accounts import User
from tests.private_services import PostgreSQL
from tests.world import World, sqlite_url

FORM = {
    "channel": "bank",
    "amount": "38600",
    "when": "30min",
    "payee_account": "6217 0000 0000 4417",
    "payee_name": "某人",
    "phone": "13800000001",
    "for_whom": "self",
}


def shared_world(request: pytest.FixtureRequest, factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for a whole module, on the database that the fixture's parameter names; nothing is pumped in it."""
    folder = factory.mktemp("door")
    if request.param == "sqlite":
        url = sqlite_url(folder)
    else:
        server: PostgreSQL = request.getfixturevalue("postgresql")
        url = server.new_database(template=request.getfixturevalue("database_with_tables"))
    made = World.make(url, folder)
    try:
        yield made
    finally:
        made.close()


def cases(world: World) -> int:
    with world.parts.ledger.read() as conn:
        return conn.execute(select(func.count()).select_from(t.cases)).scalar_one()


def contents(world: World, *but: str) -> dict[str, tuple[int, str]]:
    """For each table how many rows it has, and a digest of them all; once no callback is under way any more."""
    world.double.settle()
    found: dict[str, tuple[int, str]] = {}
    with world.parts.ledger.read() as conn:
        for table in t.metadata.sorted_tables:
            rows = sorted(repr(tuple(row)) for row in conn.execute(select(table)))
            found[table.name] = len(rows), hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return {name: said for name, said in found.items() if name not in but}


@contextmanager
def ledger_away(world: World) -> Iterator[None]:
    """The database cannot be opened any more."""
    ledger = world.parts.ledger
    engine, ledger.engine = ledger.engine, create_engine("sqlite:////no/such/folder/ledger.db")
    try:
        yield
    finally:
        ledger.engine.dispose()
        ledger.engine = engine


@contextmanager
def spool_full(world: World) -> Iterator[None]:
    """The disk takes nothing more either: the spool's folder is no folder."""
    spool = world.parts.spooler.spool
    folder, spool._folder = spool._folder, Path("/dev/null/spool")
    try:
        yield
    finally:
        spool._folder = folder


@contextmanager
def spool_unreadable(world: World) -> Iterator[None]:
    """The spool's folder is there, and its disk does not say what is in it."""
    spool = world.parts.spooler.spool

    def broken() -> list[str]:
        raise OSError(errno.EIO, "Input/output error")

    spool._names = broken  # type: ignore[method-assign]
    try:
        yield
    finally:
        del spool._names


def unread(world: World, code: str) -> dict[str, str]:
    """What an officer is shown of what could not be read."""
    return dict(json.loads(sheet(world, code)["reporter"]["unread"] or "{}"))


def sheet(world: World, code: str) -> dict[str, Any]:
    """The facts of a case as the duty page opens them."""
    ledger = world.parts.ledger
    with ledger.read() as conn:
        nobody = User(t.new_id(), "test", "security", None, None, 0)
        return views.case_sheet(conn, ledger.keys, nobody, views.find_case(conn, nobody, code))


def a_client(world: World) -> FlaskClient:
    """Another browser."""
    return world.client.application.test_client()


def token_in(page: TestResponse) -> str:
    """The CSRF token of a page that is already there."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    return found[1]
