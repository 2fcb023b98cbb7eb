"""What has been anchored outside the database cannot be edited, removed, reordered or cut off unseen."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from ledger import anchors
from services.compose import anchor_file
from tests.world import World, sqlite_url

MUTATIONS = 1000
Mutation = Callable[[Connection, random.Random], None]


@pytest.fixture
def story(tmp_path: Path) -> World:
    """Two cases with a history, a read that was logged, all of it anchored, in several anchors."""
    world = World.make(sqlite_url(tmp_path), tmp_path)
    for key in ("a", "b"):
        code = world.report(key=key).code
        world.phones["officer"].expects(code).replies().expects("由您接单")
        world.advance(61)
    with world.parts.ledger.begin("read-log") as uow:
        anchors.log_read(uow, "user:1", "case.read", "case:1")
    world.advance(61)
    return world


def breaks(world: World) -> list[str]:
    with world.parts.ledger.read() as conn:
        return list(anchors.verify(conn, world.parts.ledger.keys, anchor_file(world.parts.settings)))


def pick(conn: Connection, random_: random.Random, query: str) -> Any:
    return random_.choice(conn.execute(text(query)).all())


def edit(table: str, column: str, value: str) -> Mutation:
    """Change one value of one random row."""

    def mutate(conn: Connection, random_: random.Random) -> None:
        row = pick(conn, random_, f"SELECT rowid, {column} FROM {table}")
        if isinstance(row[1], bytes) and value == "byte":
            at = random_.randrange(len(row[1]))
            new: Any = row[1][:at] + bytes([row[1][at] ^ 1 << random_.randrange(8)]) + row[1][at + 1 :]
        else:
            new = value
        conn.execute(text(f"UPDATE {table} SET {column} = :new WHERE rowid = :id"), {"new": new, "id": row[0]})

    return mutate


def remove(table: str) -> Mutation:
    def mutate(conn: Connection, random_: random.Random) -> None:
        conn.execute(
            text(f"DELETE FROM {table} WHERE rowid = :id"), {"id": pick(conn, random_, f"SELECT rowid FROM {table}")[0]}
        )

    return mutate


def swap(conn: Connection, random_: random.Random) -> None:
    """Two events of a case change places."""
    case = pick(conn, random_, "SELECT case_id FROM case_events GROUP BY case_id HAVING count(*) > 1")[0]
    rows = conn.execute(text("SELECT rowid, seq FROM case_events WHERE case_id = :c"), {"c": case}).all()
    first, second = random_.sample(rows, 2)
    for rowid, seq in ((first[0], -1), (second[0], first[1]), (first[0], second[1])):
        conn.execute(text("UPDATE case_events SET seq = :s WHERE rowid = :r"), {"s": seq, "r": rowid})


def cut_the_tail(conn: Connection, random_: random.Random) -> None:
    """The last events of a case vanish, and its head is set back as somebody who knows the tables would."""
    case = pick(conn, random_, "SELECT case_id FROM case_events GROUP BY case_id HAVING count(*) > 1")[0]
    rows = conn.execute(text("SELECT seq, mac FROM case_events WHERE case_id = :c ORDER BY seq"), {"c": case}).all()
    keep = rows[random_.randrange(1, len(rows)) - 1]
    conn.execute(text("DELETE FROM case_events WHERE case_id = :c AND seq > :s"), {"c": case, "s": keep[0]})
    values = {"s": keep[0], "m": keep[1], "c": case}
    conn.execute(text("UPDATE cases SET last_seq = :s, chain_head = :m WHERE id = :c"), values)


def cut_the_anchors(conn: Connection, _random: random.Random) -> None:
    conn.execute(text("DELETE FROM anchors WHERE seq = (SELECT max(seq) FROM anchors)"))


MANY: dict[str, Mutation] = {
    "an event's data": edit("case_events", "data", '{"source": "other"}'),
    "an event's type": edit("case_events", "type", "drill.ended.v1"),
    "an event's actor": edit("case_events", "actor", "nobody"),
    "an event's time": edit("case_events", "at", "2026-01-01 00:00:00.000000"),
    "a byte of a MAC": edit("case_events", "mac", "byte"),
    "a byte of a head": edit("cases", "chain_head", "byte"),
    "an event is removed": remove("case_events"),
    "two events change places": swap,
    "a tail is cut": cut_the_tail,
    "the last anchor is removed": cut_the_anchors,
    "any anchor is removed": remove("anchors"),
    "an anchor's content": edit("anchors", "content", '{"heads": {}, "reads": []}'),
    "who read": edit("access_log", "actor", "user:2"),
    "a read is removed": remove("access_log"),
}


def test_a_healthy_ledger_has_no_break(story: World) -> None:
    assert story.rows("SELECT count(*) FROM anchors")[0][0] >= 2
    assert breaks(story) == []
    story.close()


def test_every_mutation_is_found(story: World) -> None:
    unseen = []
    for number in range(MUTATIONS):
        random_ = random.Random(number)
        name = list(MANY)[number % len(MANY)]
        with story.parts.ledger.engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            MANY[name](conn, random_)
            found = list(anchors.verify(conn, story.parts.ledger.keys, anchor_file(story.parts.settings)))
            conn.rollback()
        if not found:
            unseen.append((number, name))
    assert not unseen
    assert breaks(story) == []
    story.close()
