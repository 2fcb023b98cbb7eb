"""What takes long and comes out alike each time, made once in a process of tests: tables, a school, templates, routes,
statements, hashes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType
from typing import Any

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Engine, Table, select
from werkzeug.routing import Rule

from ledger import migrations
from ledger import tables as t
from ledger.school import roster
from ledger.school.schoolrows import School
from ledger.store.engine import connect
from ledger.store.unit_of_work import UnitOfWork
from services import kept_secrets
from services.settings import Settings

# A password's hash is made to be slow, a tenth of a second; this one is the same with the least of everything.
FAST_HASHER = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


def migrate(database_url: str) -> None:
    """Bring a database to this program's tables. The migrations take 0.2 s, so a new file is a copy of one like it."""
    file = Path(database_url.removeprefix("sqlite:///"))
    if database_url.startswith("sqlite:") and not file.exists():
        file.write_bytes(_file_with_tables())
        return
    engine = connect(database_url)
    if migrations.current(engine) != migrations.NEWEST:
        migrations.upgrade(engine)
    engine.dispose()


@cache
def _file_with_tables() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "stopline.db"
        engine = connect(f"sqlite:///{file}")
        migrations.upgrade(engine)
        engine.dispose()  # the last to leave writes SQLite's log into the file
        return file.read_bytes()


def keep_secrets(file: Path) -> None:
    """The same ones in each new folder, so that what one ledger sealed opens in the next."""
    if not file.exists():
        file.write_bytes(_secrets())


@cache
def _secrets() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "secrets.json"
        kept_secrets.load(file, None)
        return file.read_bytes()


_enrolled: dict[tuple[School, str, str], dict[Table, list[dict[str, Any]]]] = {}


def enrol(uow: UnitOfWork, school: School, settings: Settings) -> None:
    """Apply a roster. Into an empty ledger go the rows that were sealed for another one with the same keys."""
    known = school, settings.data_keys, settings.index_key
    if known in _enrolled and roster.is_empty(uow.conn):
        for table, rows in _enrolled[known].items():
            uow.insert(table, rows)
        return
    roster.apply(uow, school)
    _enrolled[known] = {
        table: [dict(row) for row in uow.conn.execute(select(table)).mappings()]
        for table in (t.people, t.colleges, t.classes, t.duties, t.ladders)
    }


class CompiledTemplates(BytecodeCache):
    """Of every app that is built, since each would compile the same ones for itself."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key, bucket.checksum] = bucket.code


TEMPLATES = CompiledTemplates()


class Route(Rule):
    """An address of an app. How it is written from its values is compiled once, and not for every app anew."""

    _writers: dict[Any, Callable[..., tuple[str, str]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        known = self.rule, tuple(self._trace), repr(self.defaults), append_unknown
        if known not in self._writers:
            self._writers[known] = super()._compile_builder(append_unknown)
        return self._writers[known]


class Statements(dict[Any, Any]):
    """SQLAlchemy's compiled statements by what they say, whichever engine of their kind they were compiled for."""

    def get(self, key: Any, default: Any = None) -> Any:
        _dialect, *said = key
        return super().get(tuple(said), default)

    def __setitem__(self, key: Any, statement: Any) -> None:
        _dialect, *said = key
        super().__setitem__(tuple(said), statement)


STATEMENTS = {"sqlite": Statements(), "postgresql": Statements()}


def connect_knowing(url: str, pool_size: int = 16) -> Engine:
    """As the ledger does, with the statements that are compiled already."""
    engine = connect(url, pool_size)
    engine.update_execution_options(compiled_cache=STATEMENTS[engine.dialect.name])
    return engine
