"""An export of the ledger from the asking to the cells of the file, for the tests that look into one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from ledger import tables as t
from tests.behaviour.door_tools import shared_world
from tests.behaviour.test_the_counselor_s_record import counselor
from tests.world import Report, World, another_fraud

DAYS = {"first": "2026-11-01", "last": "2026-11-24"}
FILE = "/desk/ledger.xlsx"


@pytest.fixture(params=["sqlite", "postgresql"])
def unread(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A `world` in which nobody reads the texts, as the other one asks."""
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture
def mine(world: World) -> FlaskClient:
    """The counselor's, whose student it is."""
    return counselor(world)


@pytest.fixture
def office(world: World) -> FlaskClient:
    return world.user("xuanyuan", "security", world.phones["office"].number)


def ask(world: World, client: FlaskClient, **form: str) -> TestResponse:
    return world.press(client, "/desk/exports", **(DAYS | {"reason": "学期总结"} | form))


def newest(world: World) -> str:
    """The id of what was asked for last."""
    return str(world.rows("SELECT id FROM exports ORDER BY asked_at DESC, id DESC LIMIT 1")[0].id)


def answer(world: World, client: FlaskClient, export: str, said: str = "sign") -> TestResponse:
    return world.press(client, f"/desk/exports/{export}/{said}")


def signed(world: World, asker: FlaskClient, signer: FlaskClient, **form: str) -> str:
    """Its id."""
    assert ask(world, asker, **form).status_code == 303
    made = newest(world)
    assert answer(world, signer, made).status_code == 303
    return made


def state(world: World, export: str) -> str:
    return str(world.rows("SELECT state FROM exports WHERE id = :id", id=export)[0].state)


def cells(content: bytes | Path) -> list[list[Any]]:
    """The lines of the file, the titles first."""
    book = python_calamine.load_workbook(io.BytesIO(content) if isinstance(content, bytes) else content)
    found: list[list[Any]] = book.get_sheet_by_name("工作台账").to_python(skip_empty_area=False)
    return found


def all_cells(content: bytes) -> str:
    """Of any workbook, sheet by sheet."""
    book = python_calamine.load_workbook(io.BytesIO(content))
    return "\n".join(str(book.get_sheet_by_name(title).to_python()) for title in book.sheet_names)


def records(content: bytes | Path) -> list[dict[str, Any]]:
    """Each line by the first, Chinese, line of its titles."""
    titles, *lines = cells(content)
    return [dict(zip((str(title).split("\n")[0] for title in titles), line, strict=True)) for line in lines]


def status(client: FlaskClient, query: str = "") -> int:
    with client.get(FILE + query) as file:
        return file.status_code


def fetched(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    with client.get(FILE + query) as file:
        assert file.status_code == 200, file.status_code
        return records(file.data)


def known(world: World, **changes: str | None) -> Report:
    """Nothing of it is under way any more."""
    report = world.report(**(another_fraud() | {"narrative": "先是刷单，后来要保证金"} | changes))
    world.phones.catch_up()
    return report


def seal(world: World, report: Report, **sealed: str) -> None:
    with world.parts.ledger.begin("plant") as uow:
        found = uow.conn.execute(t.cases.select().where(t.cases.c.code == report.code)).mappings().one()
        key = uow.case(found["id"]).key
        values = {f"{name}_sealed": key.seal("cases", found["id"], name, said) for name, said in sealed.items()}
        uow.conn.execute(update(t.cases).where(t.cases.c.id == found["id"]).values(values))


def log(world: World, action: str) -> list[str]:
    return [row.object for row in world.rows("SELECT object FROM access_log WHERE action = :a ORDER BY id", a=action)]
