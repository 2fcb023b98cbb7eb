"""Installations of each kind. Servers live as long as the session; a database that is ready is copied, not made."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fakes.twilio_double import TwilioDouble
from tests.private_services import PostgreSQL, RabbitMQ
from tests.processes import EMBEDDED, SEPARATE, Installation, installed
from tests.world import sqlite_url

Install = Callable[..., Installation]


@pytest.fixture(scope="session")
def ready_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with tables and the made-up school, made by the commands that an operator would use."""
    folder = tmp_path_factory.mktemp("ready")
    with installed(sqlite_url(folder), EMBEDDED, folder) as made:
        made.prepare()
    return folder / "stopline.db"


@pytest.fixture(scope="session")
def ready_database(durable_postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database like that, to be copied. Its server forgets nothing, as processes may demand."""
    url = durable_postgresql.new_database()
    with installed(url, EMBEDDED, tmp_path_factory.mktemp("ready")) as made:
        made.prepare()
    return url.rpartition("/")[2]


@pytest.fixture(scope="module")
def embedded(ready_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The default: everything in one process over SQLite, no broker. Not started."""
    folder = tmp_path_factory.mktemp("embedded")
    shutil.copy(ready_sqlite, folder / "stopline.db")
    with installed(sqlite_url(folder), EMBEDDED, folder) as made:
        yield made


@pytest.fixture(scope="module")
def separate(
    rabbitmq: RabbitMQ, durable_postgresql: PostgreSQL, ready_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Separate processes over PostgreSQL and RabbitMQ, as in production. Not started."""
    database = durable_postgresql.new_database(template=ready_database)
    with installed(database, docs_url(rabbitmq), tmp_path_factory.mktemp("separate")) as made:
        yield made


@pytest.fixture
def up(separate: Installation) -> Iterator[Installation]:
    """The same, started; at the end all of them run, and none of their threads has stumbled."""
    if not separate.processes:
        separate.start_all()
        separate.await_broker()
    yield separate
    assert [name for name, process in separate.processes.items() if not process.running] == []
    assert not any(process.log("thread_stumbled") for process in separate.processes.values())


@pytest.fixture(scope="module", params=["embedded", "separate"])
def running(request: pytest.FixtureRequest) -> Installation:
    """Each kind in turn, started."""
    made: Installation = request.getfixturevalue(request.param)
    made.start_all()
    if request.param == "separate":
        made.await_broker()
    return made


def docs_url(broker: RabbitMQ) -> str:
    """As the documents write it: a path of `//` names the virtual host `/`."""
    return broker.url.replace("%2F", "/")


__all__ = ["SEPARATE", "Install", "TwilioDouble"]
