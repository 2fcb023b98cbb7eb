"""Under which settings of PostgreSQL an accepted report could be lost."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.compose import forgets

GOOD = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "synchronous_standby_names": ""}


class Server:
    def __init__(self, **settings: str) -> None:
        self._settings = GOOD | settings

    def execute(self, asked: object) -> Any:
        return SimpleNamespace(scalar_one=lambda: self._settings[str(asked).removeprefix("SHOW ")])


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, []),
        ({"fsync": "off", "full_page_writes": "off"}, ["fsync=off", "full_page_writes=off"]),
        ({"synchronous_commit": "off"}, ["synchronous_commit=off"]),
        ({"synchronous_commit": "local"}, []),  # there is no standby, and its own disk has it
        ({"synchronous_commit": "local", "synchronous_standby_names": "*"}, ["synchronous_commit=local"]),
        ({"synchronous_commit": "remote_write", "synchronous_standby_names": "a"}, ["synchronous_commit=remote_write"]),
        ({"synchronous_commit": "remote_apply", "synchronous_standby_names": "a"}, []),
    ],
)
def test_what_is_named(settings: dict[str, str], found: list[str]) -> None:
    assert forgets(cast(Any, Server(**settings)), cast(Any, SimpleNamespace(postgres=True))) == found


def test_sqlite_is_told_by_ourselves_what_to_do() -> None:
    assert forgets(cast(Any, None), cast(Any, SimpleNamespace(postgres=False))) == []
