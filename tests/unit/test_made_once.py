"""What is made once for all tests is what each of them would make."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import literal, select
from werkzeug.routing import Rule

from ledger.school import people, roster
from ledger.school.demo_school import demo_school
from tests.made_once import STATEMENTS, Route, connect_knowing
from tests.world import STUDENT_NO, World, sqlite_url

OTHER_KEYS = {"data_keys": "other:" + b64encode(b"o" * 32).decode(), "index_key": b64encode(b"i" * 32).decode()}


@pytest.mark.parametrize("keys", [{}, OTHER_KEYS], ids=["with the same keys", "with others"])
def test_a_school_that_was_sealed_for_another_ledger_is_the_same_school(
    world: World, tmp_path: Path, keys: dict[str, Any]
) -> None:
    (tmp_path / "next").mkdir()
    made = World.make(sqlite_url(tmp_path / "next"), tmp_path / "next", **keys)
    for one in (world, made):
        with one.parts.ledger.read() as conn:
            assert roster.changes(conn, one.parts.ledger.keys, demo_school()) == []
            assert people.match(conn, one.parts.ledger.keys, None, STUDENT_NO, people.Match()).counselor
    made.close()


def test_a_statement_is_compiled_for_one_engine_and_known_to_the_next(tmp_path: Path) -> None:
    asked, answers = select(literal("once").label("said")), []
    for name in ("one", "other"):
        engine = connect_knowing(f"sqlite:///{tmp_path / name}.db")
        with engine.connect() as conn:
            answers.append(conn.execute(asked))
            assert [row.said for row in answers[-1]] == ["once"]
        engine.dispose()
    assert answers[0].context.compiled is answers[1].context.compiled
    assert any(it is answers[0].context.compiled for it in STATEMENTS["sqlite"].values())


def test_addresses_are_written_as_they_would_be_without_it() -> None:
    said = []
    for kind in (Rule, Route, Route):
        app = Flask("addresses", static_folder=None)
        app.url_rule_class = kind
        for address in ("/r/<token>", "/r/<token>/<int:n>", "/plain", "/of/<path:rest>"):
            app.add_url_rule(address, endpoint=address)
        with app.test_request_context():
            said.append([
                app.url_for("/r/<token>", token="a b", more="ü"),
                app.url_for("/r/<token>/<int:n>", token="…", n=7),
                app.url_for("/plain"),
                app.url_for("/of/<path:rest>", rest="a/b"),
            ])  # fmt: skip
    assert said[0] == said[1] == said[2]
    assert said[0][0] == "/r/a%20b?more=%C3%BC"
