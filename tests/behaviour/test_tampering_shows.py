"""The chain: nothing is found in a healthy ledger, and every edit of what was anchored is."""

from __future__ import annotations

import json
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from ledger.store import anchors
from ledger.store.crypto import Keys
from services.compose import anchor_file
from tests.behaviour.stories import POSTGRESQL, at_once, read_all, taken
from tests.world import World, another_fraud, sqlite_url

Mutation = Callable[[Connection, random.Random], bool]  # False: it would change nothing that means anything


def story(world: World) -> None:
    """Several cases with sealed events and reads of them, anchored a few times on the way."""
    officer = world.user("ouyang", "officer", world.phones["officer"].number)
    for number in range(3):
        report = taken(world)
        officer.get(f"/duty/{report.code}")
        world.press(officer, f"/duty/{report.code}/outcome", transfer="1", outcome="stopped", amount="38600")
        form = {"amount": "100", "phone": "13800000002", "submission_key": f"key {number}"}
        world.client.post("/report", data=form)
        world.client.post("/report", data=form | {"payee_name": "某人", "payee_account": "6217000000004417"})
        read_all(world)
        anchors.anchor(world.parts.ledger, anchor_file(world.parts.settings))


def found(world: World) -> list[str]:
    with world.parts.ledger.read() as conn:
        return list(anchors.verify(conn, world.parts.ledger.keys, anchor_file(world.parts.settings)))


def test_a_healthy_ledger_has_nothing_to_show(world: World) -> None:
    story(world)
    assert found(world) == []
    world.call_the_student(taken(world))  # not anchored yet
    assert found(world) == []
    world.advance(120)
    assert found(world) == []
    assert len(anchor_file(world.parts.settings).read_text().splitlines()) >= 3
    read_all(world)


def test_several_clocks_anchor_into_one_chain(world: World) -> None:
    with world.another() as second, world.another() as third:
        for _ in range(4):
            world.report(**another_fraud())
            world.pump()
            world.clock.advance(61)
            at_once([part.clock.tick for part in (world.parts, second, third)])
    assert found(world) == []
    read_all(world)


@POSTGRESQL
def test_an_anchor_waits_for_no_case_and_takes_those_that_were_in_hand_the_next_time(world: World) -> None:
    """Waiting for one it would hold up to five hundred others, among them those whose officer has just answered."""
    story(world)
    held, other = (world.report(**another_fraud()).code for _ in range(2))
    file = anchor_file(world.parts.settings)
    unanchored = "SELECT code FROM cases WHERE last_seq > anchored_seq"
    assert {row.code for row in world.rows(unanchored)} == {held, other}
    with world.parts.ledger.begin("in hand") as uow:
        uow.case(uow.conn.execute(text("SELECT id FROM cases WHERE code = :code"), {"code": held}).scalar_one())
        anchors.anchor(world.parts.ledger, file)
        assert [row.code for row in world.rows(unanchored)] == [held]
        length = len(file.read_text().splitlines())
        assert not anchors.anchor(world.parts.ledger, file)
        assert len(file.read_text().splitlines()) == length  # an anchor of nothing is none
    anchors.anchor(world.parts.ledger, file)
    assert (world.rows(unanchored), found(world)) == ([], [])
    read_all(world)


@POSTGRESQL
def test_a_clock_that_stands_still_while_it_anchors_keeps_no_other_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other would hold the next cases for as long as it waits."""
    story(world)
    before = world.rows("SELECT max(seq) FROM anchors")[0][0]
    stands, go_on, mark = threading.Event(), threading.Event(), anchors._mark

    def stand_still(*anchored: Any) -> None:
        monkeypatch.setattr(anchors, "_mark", mark)
        stands.set()
        go_on.wait(60)
        mark(*anchored)

    monkeypatch.setattr(anchors, "_mark", stand_still)
    file = anchor_file(world.parts.settings)
    world.report(**another_fraud())
    with ThreadPoolExecutor(1) as other:
        first = other.submit(anchors.anchor, world.parts.ledger, file)
        assert stands.wait(20)
        world.report(**another_fraud())
        assert not anchors.anchor(world.parts.ledger, file)
        assert world.rows("SELECT max(seq) FROM anchors")[0][0] == before
        go_on.set()
        first.result(30)
    anchors.anchor(world.parts.ledger, file)
    assert world.rows("SELECT max(seq) FROM anchors")[0][0] == before + 2
    assert found(world) == []
    read_all(world)


@dataclass
class Kept:
    """A finished ledger, to be spoiled again and again: each spoiling is rolled back."""

    engine: Engine
    keys: Keys
    file: Path

    def found_after(self, spoil: Callable[[Connection], bool]) -> list[str] | None:
        with self.engine.connect() as conn, conn.begin() as transaction:
            meant = spoil(conn)
            lines = list(anchors.verify(conn, self.keys, self.file)) if meant else None
            transaction.rollback()
            return lines


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    world = World.make(sqlite_url(folder), folder)
    story(world)
    world.advance(61)
    copy = folder / "anchors.copy"
    shutil.copy(anchor_file(world.parts.settings), copy)
    keys = world.parts.ledger.keys
    world.close()
    engine = create_engine(sqlite_url(folder))  # plain: a thief keeps no foreign keys
    yield Kept(engine, keys, copy)
    engine.dispose()


def any_row(conn: Connection, table: str, chance: random.Random, where: str = "1") -> int:
    rows = conn.execute(text(f"SELECT rowid FROM {table} WHERE {where}")).scalars().all()
    return int(chance.choice(rows))


def cell(conn: Connection, table: str, row: int, column: str) -> object:
    return conn.execute(text(f"SELECT {column} FROM {table} WHERE rowid = :row"), {"row": row}).scalar_one()


def put(conn: Connection, table: str, row: int, column: str, value: object) -> None:
    conn.execute(text(f"UPDATE {table} SET {column} = :value WHERE rowid = :row"), {"value": value, "row": row})


def edit_bytes(table: str, column: str) -> Mutation:
    def mutate(conn: Connection, chance: random.Random) -> bool:
        row = any_row(conn, table, chance, f"{column} IS NOT NULL")
        before = cell(conn, table, row, column)
        assert isinstance(before, bytes)
        value = bytearray(before)
        value[chance.randrange(len(value))] ^= 1 << chance.randrange(8)
        put(conn, table, row, column, bytes(value))
        return True

    return mutate


def edit_json(table: str, column: str) -> Mutation:
    """One character; what leaves the JSON saying the same is no edit."""

    def mutate(conn: Connection, chance: random.Random) -> bool:
        row = any_row(conn, table, chance)
        before = str(cell(conn, table, row, column))
        at = chance.randrange(len(before))
        after = before[:at] + chance.choice('0123456789abcXYZ{}[]:,"') + before[at + 1 :]
        put(conn, table, row, column, after)
        try:
            return bool(json.loads(after) != json.loads(before))
        except ValueError:
            return True

    return mutate


def edit_text(table: str, column: str) -> Mutation:
    def mutate(conn: Connection, chance: random.Random) -> bool:
        row = any_row(conn, table, chance)
        put(conn, table, row, column, f"{cell(conn, table, row, column)}x")
        return True

    return mutate


def edit_time(table: str) -> Mutation:
    def mutate(conn: Connection, chance: random.Random) -> bool:
        row = any_row(conn, table, chance)
        later = datetime.fromisoformat(str(cell(conn, table, row, "at"))) + timedelta(seconds=chance.randrange(1, 9))
        put(conn, table, row, "at", later.isoformat(sep=" ", timespec="microseconds"))
        return True

    return mutate


def delete(table: str) -> Mutation:
    def mutate(conn: Connection, chance: random.Random) -> bool:
        conn.execute(text(f"DELETE FROM {table} WHERE rowid = {any_row(conn, table, chance)}"))
        return True

    return mutate


def swap(conn: Connection, chance: random.Random) -> bool:
    """Two neighbours of one case change places."""
    row = any_row(conn, "case_events", chance, "seq > 1")
    case, seq = cell(conn, "case_events", row, "case_id"), int(str(cell(conn, "case_events", row, "seq")))
    for was, becomes in ((seq, -1), (seq - 1, seq), (-1, seq - 1)):
        conn.execute(text("UPDATE case_events SET seq = :to WHERE case_id = :case AND seq = :was"),
                     {"to": becomes, "case": case, "was": was})  # fmt: skip
    return True


def cut_tail(conn: Connection, chance: random.Random) -> bool:
    """The last events go, and the case's own head is made to fit."""
    case = chance.choice(conn.execute(text("SELECT id FROM cases WHERE last_seq > 1")).scalars().all())
    last = conn.execute(text("SELECT last_seq FROM cases WHERE id = :id"), {"id": case}).scalar_one()
    keep = chance.randrange(1, last)
    conn.execute(text("DELETE FROM case_events WHERE case_id = :id AND seq > :keep"), {"id": case, "keep": keep})
    head = conn.execute(text("SELECT mac FROM case_events WHERE case_id = :id AND seq = :keep"),
                        {"id": case, "keep": keep}).scalar_one()  # fmt: skip
    conn.execute(text("UPDATE cases SET last_seq = :keep, chain_head = :head, anchored_seq = :keep WHERE id = :id"),
                 {"keep": keep, "head": head, "id": case})  # fmt: skip
    return True


def drop_case(conn: Connection, chance: random.Random) -> bool:
    case = chance.choice(conn.execute(text("SELECT id FROM cases")).scalars().all())
    conn.execute(text("DELETE FROM case_events WHERE case_id = :id"), {"id": case})
    conn.execute(text("DELETE FROM cases WHERE id = :id"), {"id": case})
    return True


def drop_last_anchor(conn: Connection, chance: random.Random) -> bool:
    conn.execute(text("DELETE FROM anchors WHERE seq = (SELECT max(seq) FROM anchors)"))
    return True


MUTATIONS: dict[str, tuple[Mutation, int]] = {
    "event data": (edit_json("case_events", "data"), 180),
    "event mac": (edit_bytes("case_events", "mac"), 90),
    "event sealed": (edit_bytes("case_events", "sealed"), 90),
    "event actor": (edit_text("case_events", "actor"), 45),
    "event type": (edit_text("case_events", "type"), 45),
    "event time": (edit_time("case_events"), 45),
    "event deleted": (delete("case_events"), 66),
    "events swapped": (swap, 66),
    "tail cut": (cut_tail, 66),
    "case dropped": (drop_case, 10),
    "head of a case": (edit_bytes("cases", "chain_head"), 22),
    "anchor content": (edit_json("anchors", "content"), 135),
    "anchor mac": (edit_bytes("anchors", "mac"), 45),
    "anchor deleted": (delete("anchors"), 22),
    "last anchor deleted": (drop_last_anchor, 1),
    "access log actor": (edit_text("access_log", "actor"), 22),
    "access log action": (edit_text("access_log", "action"), 22),
    "access log object": (edit_text("access_log", "object"), 22),
    "access log time": (edit_time("access_log"), 22),
    "access log deleted": (delete("access_log"), 22),
}
LEAST = 1000  # in all; those that happened to change nothing are not counted


def test_there_are_a_thousand() -> None:
    assert sum(times for _, times in MUTATIONS.values()) >= LEAST


@pytest.mark.parametrize("name", MUTATIONS)
def test_it_is_found(kept: Kept, name: str) -> None:
    mutate, times = MUTATIONS[name]
    made = 0
    for seed in range(10 * times):
        chance = random.Random(f"{name} {seed}")
        lines = kept.found_after(lambda conn, chance=chance: mutate(conn, chance))  # type: ignore[misc]
        assert lines is None or lines, f"{name}, seed {seed}: nothing was found"
        made += lines is not None
        if made == times:
            return
    pytest.fail(f"{name}: only {made} mutations changed anything")


def test_and_unspoiled_it_still_shows_nothing(kept: Kept) -> None:
    assert kept.found_after(lambda conn: True) == []


def test_a_cut_that_was_anchored_anew_is_found(world: World) -> None:
    """The thief lets the clock itself anchor the shortened chain: the older anchor still knows."""
    story(world)
    with world.parts.ledger.begin("thief") as uow:
        case = uow.conn.execute(text("SELECT id, last_seq FROM cases ORDER BY last_seq DESC LIMIT 1")).one()
        keep = case.last_seq - 1
        head = uow.conn.execute(text("SELECT mac FROM case_events WHERE case_id = :id AND seq = :keep"),
                                {"id": case.id, "keep": keep}).scalar_one()  # fmt: skip
        gone = "case_id = :id AND seq > :keep"
        values = {"id": case.id, "keep": keep, "head": head}
        uow.conn.execute(text(f"DELETE FROM work WHERE event_id IN (SELECT id FROM case_events WHERE {gone})"), values)
        uow.conn.execute(text(f"DELETE FROM case_events WHERE {gone}"), values)
        uow.conn.execute(
            text("UPDATE cases SET last_seq = :keep, chain_head = :head, anchored_seq = 0 WHERE id = :id"), values
        )
    world.advance(61)
    assert any("was anchored otherwise" in line for line in found(world))
    read_all(world)


def test_a_line_that_a_power_cut_left_unfinished_is_no_finding(world: World) -> None:
    story(world)
    file = anchor_file(world.parts.settings)
    with file.open("a") as out:
        out.write("99 0123")
    assert found(world) == []
