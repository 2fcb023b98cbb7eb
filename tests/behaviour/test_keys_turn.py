"""The key ring turns while nothing is lost; a key that is missing is named before anything starts; one that was
destroyed takes what it sealed with it."""

from __future__ import annotations

import argparse
import base64
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select, update
from structlog.testing import capture_logs

from ledger import tables as t
from ledger.errors import KeyMissing, Tampered
from ledger.store import keyring
from ledger.store.crypto import Keys, RowKey
from services import cli_ledger, compose, doctor
from services.compose import Parts, build_ledger, build_parts
from services.settings import BadSettings, Settings
from services.web import build_app
from services.worker import run_open
from tests.behaviour.stories import POSTGRESQL, read_all, reported, taken
from tests.one_process import eventually
from tests.world import Report, World, another_fraud, body

SEALED_BY_ITS_CASE = (t.cases, t.transfers, t.deliveries, t.case_events, t.uploads)


def turned(world: World, *, keep: bool) -> Settings:
    """The settings with a new key, before the old one or in its place."""
    fresh = f"new:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    old = world.parts.settings.data_keys
    return world.parts.settings.model_copy(update={"data_keys": f"{fresh},{old}" if keep else fresh})


def names_of_keys(world: World) -> set[str]:
    with world.parts.ledger.read() as conn:
        wrapped = [key for table in keyring.TABLES for key in conn.scalars(select(table.c.row_key))]
    return {bytes(key).partition(b":")[0].decode() for key in wrapped if key}


def full(world: World) -> Report:
    """A report, an answer and a member of staff: each table whose rows have keys has some."""
    report = taken(world)
    world.user("office", "admin")
    read_all(world)
    return report


def test_after_a_rotation_every_row_is_wrapped_anew_and_the_old_key_may_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = full(world)
    [old] = names_of_keys(world)
    both = turned(world, keep=True)
    ledger, _ = build_ledger(both, given=world.clock)
    monkeypatch.setattr(keyring, "BATCH", 7)  # so that there are several of each kind
    assert keyring.rewrap(ledger).rows > 10
    assert names_of_keys(world) == {"new"}
    assert keyring.rewrap(ledger) == keyring.Rewrapped()
    ledger.engine.dispose()
    alone = both.model_copy(update={"data_keys": both.data_keys.split(",")[0]})
    ledger, _ = build_ledger(alone, given=world.clock)
    with ledger.begin("look") as uow:
        case = uow.case(uow.conn.execute(select(t.cases.c.id).where(t.cases.c.code == report.code)).scalar_one())
        assert case.readable("phone") == "+8613800000001"
        assert keyring.missing(uow.conn, ledger.keys) == []
        assert keyring.missing(uow.conn, world.parts.ledger.keys) == ["new"]
    ledger.engine.dispose()
    assert old != "new"


def test_a_row_that_cannot_be_opened_keeps_no_other_from_being_wrapped_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    full(world)
    old = world.parts.ledger.keys.names[0].encode()
    with world.parts.ledger.begin("spoil") as uow:
        first, last = [uow.conn.execute(select(t.people.c.id).order_by(order).limit(1)).scalar_one()
                       for order in (t.people.c.id, t.people.c.id.desc())]  # fmt: skip
        for row, spoiled in ((first, b"\xff:" + bytes(60)), (last, b"%s:" % old + bytes(60))):
            uow.conn.execute(update(t.people).where(t.people.c.id == row).values(row_key=spoiled))
    ledger, _ = build_ledger(turned(world, keep=True), given=world.clock)
    monkeypatch.setattr(keyring, "BATCH", 7)
    done = keyring.rewrap(ledger)
    assert done.spoiled == [("people", first), ("people", last)]
    with ledger.read() as conn:
        others = conn.scalars(select(t.people.c.row_key).where(t.people.c.id.not_in([first, last])))
        assert {bytes(key).partition(b":")[0] for key in others} == {b"new"}
    assert keyring.rewrap(ledger) == keyring.Rewrapped(0, done.spoiled)
    ledger.engine.dispose()


@POSTGRESQL
def test_wrapping_anew_waits_for_a_row_in_hand_last_and_holds_no_other_meanwhile(world: World) -> None:
    full(world)
    ledger, _ = build_ledger(turned(world, keep=True), given=world.clock)
    people = select(t.people.c.id)
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as other, world.parts.ledger.begin("in hand") as uow:
        last = people.order_by(t.people.c.id.desc()).limit(1).with_for_update(key_share=True)
        in_hand = uow.conn.execute(last).scalar_one()
        rewrapped = other.submit(keyring.rewrap, ledger)
        eventually(lambda: bool(world.rows(waits)), "it does not wait for the row")
        assert len(uow.conn.execute(people.with_for_update(nowait=True)).all()) == len(world.school.people)
        query = select(t.people.c.id).where(keyring._by_none_of(t.people, ("new",)))
        assert uow.conn.scalars(query).all() == [in_hand]
    assert rewrapped.result(30).spoiled == []
    assert names_of_keys(world) == {"new"}
    ledger.engine.dispose()


def test_nothing_starts_without_a_key_that_the_ledger_needs(world: World) -> None:
    """Also where the people were wrapped anew and only an old case was not."""
    full(world)
    both = turned(world, keep=True)
    [old] = names_of_keys(world)
    ledger, _ = build_ledger(both, given=world.clock)
    with ledger.begin("partly") as uow:
        for row in uow.conn.execute(select(t.people.c.id, t.people.c.row_key)).all():
            anew = ledger.keys.wrap(row.id, ledger.keys.unwrap(row.id, row.row_key))
            uow.conn.execute(update(t.people).where(t.people.c.id == row.id).values(row_key=anew))
    ledger.engine.dispose()
    alone = both.model_copy(update={"data_keys": both.data_keys.split(",")[0]})
    shaped = f"STOPLINE_DATA_KEYS: the ledger needs key '{old}' as well; expected .+, for example new:…,{old}:…$"
    with pytest.raises(BadSettings, match=shaped):
        build_ledger(alone, given=world.clock)
    with pytest.raises(BadSettings, match=f"the ledger needs key '{old}' as well"):
        build_ledger(turned(world, keep=False), given=world.clock)


def test_a_row_that_names_no_key_keeps_nothing_from_starting(world: World) -> None:
    full(world)
    with world.parts.ledger.begin("spoil") as uow:
        uow.conn.execute(update(t.cases).values(row_key=b"k"))
        assert keyring.missing(uow.conn, uow.keys) == []


@pytest.mark.parametrize("setting", ["STOPLINE_DATA_KEYS", "STOPLINE_INDEX_KEY"])
def test_a_key_that_is_another_is_told_from_the_other(world: World, setting: str) -> None:
    full(world)
    field = setting.removeprefix("STOPLINE_").lower()
    name, colon, _ = getattr(world.parts.settings, field).rpartition(":")
    other = name + colon + base64.b64encode(secrets.token_bytes(32)).decode()
    with pytest.raises(BadSettings, match=f"{setting}: the ledger was written with another key"):
        build_ledger(world.parts.settings.model_copy(update={field: other}), given=world.clock)


def sealed_of(world: World, case_id: Any) -> Iterator[tuple[str, Any, str, bytes]]:
    """(table, row, column, ciphertext) of everything that hangs on the case."""
    with world.parts.ledger.read() as conn:
        for table in SEALED_BY_ITS_CASE:
            mine = table.c.id == case_id if table is t.cases else table.c.case_id == case_id
            columns = [c for c in table.c if c.name.endswith("_sealed") or c.name == "sealed"]
            assert all(isinstance(column.type, LargeBinary) for column in columns)
            for row in conn.execute(select(table).where(mine)).mappings():
                for column in columns:
                    if row[column.name] is not None:
                        yield table.name, row["id"], column.name.removesuffix("_sealed"), bytes(row[column.name])


def test_a_case_whose_key_was_destroyed_can_be_read_by_nobody_and_the_others_still_can(world: World) -> None:
    gone, kept = reported(world), world.report(phone="13912349999", student_no=None, narrative="金丝雀")
    read_all(world)
    keys = world.parts.ledger.keys
    with world.parts.ledger.begin("look") as uow:
        ids = dict(uow.conn.execute(select(t.cases.c.code, t.cases.c.id)).all())
        key = uow.case(ids[gone.code]).key
    sealed = list(sealed_of(world, ids[gone.code]))
    assert len(sealed) >= 8
    for table, row, column, data in sealed:
        assert key.open(table, row, column, data)  # while its key is there it opens
    with world.parts.ledger.begin("destroy") as uow:
        uow.conn.execute(update(t.cases).where(t.cases.c.id == ids[gone.code]).values(row_key=b""))
    assert list(sealed_of(world, ids[gone.code])) == sealed
    with world.parts.ledger.begin("look") as uow, pytest.raises(KeyMissing):
        uow.case(ids[gone.code])
    for guess in every_other_key(world, keys, ids[kept.code]):
        for table, row, column, data in sealed:
            with pytest.raises(Tampered):
                guess.open(table, row, column, data)
    with world.parts.ledger.begin("look") as uow:
        assert uow.case(ids[kept.code]).readable("narrative") == "金丝雀"
    ledger, _ = build_ledger(world.parts.settings, given=world.clock)  # and the service starts
    ledger.engine.dispose()


def every_other_key(world: World, keys: Keys, other: Any) -> list[RowKey]:
    """What somebody who holds the ring and the whole database could try."""
    ring = [base64.b64decode(part.partition(":")[2]) for part in world.parts.settings.data_keys.split(",")]
    with world.parts.ledger.begin("look") as uow:
        return [*map(RowKey, ring), uow.case(other).key]


@contextmanager
def restarted(world: World, settings: Settings) -> Iterator[Parts]:
    """The parts of a process that runs with another ring, beside those of `world`."""
    parts = build_parts(settings, given=world.clock)
    try:
        yield parts
    finally:
        parts.sender.stop()
        parts.ledger.engine.dispose()


def taken_by(parts: Parts) -> str:
    answer = build_app(parts).test_client().post("/api/v1/reports", json=body(**another_fraud()))
    assert answer.status_code == 201
    code: str = answer.get_json()["case"]
    return code


def serve(world: World, parts: Parts) -> None:
    """Its workers, clock and senders do what they can do now."""
    while run_open(parts.ledger, world.handlers) or parts.sender.drain():
        parts.clock.tick()


WORK = "SELECT DISTINCT state, attempts FROM work"


def test_a_report_of_a_key_that_the_workers_lack_is_rung_once_they_have_it(world: World) -> None:
    """A door was restarted first, with a new key that writes. Nothing is given up meanwhile, and it is seen."""
    with restarted(world, turned(world, keep=True)) as door:
        code = taken_by(door)
        for _ in range(24):
            world.advance(5)
        assert [tuple(row) for row in world.rows(WORK)] == [("open", 0)]
        assert "key_missing" in world.alarms() and "work_parked" not in world.alarms()
        world.clock.advance(15)
        serve(world, door)  # a worker is restarted as well
        assert {row.state for row in world.rows(WORK)} == {"done"}
        assert world.rows("SELECT 1 FROM alarms WHERE cleared_at IS NULL AND kind = 'key_missing'")
        for name in ("officer", "counselor"):
            world.phones[name].expects(code)
    read_all(world)


def test_a_text_of_a_key_that_a_sender_lacks_is_left_to_one_that_has_it(world: World) -> None:
    with restarted(world, turned(world, keep=True)) as both:
        lacking, known = taken_by(both), world.report(**another_fraud()).code
        while run_open(both.ledger, world.handlers):  # a worker that has both writes the texts
            pass
        assert world.parts.sender.drain() == 3
        of = "SELECT DISTINCT d.state FROM deliveries d JOIN cases c ON c.id = d.case_id WHERE c.code = :code"
        assert [row.state for row in world.rows(of, code=lacking)] == ["pending"]
        assert "pending" not in {row.state for row in world.rows(of, code=known)}
        assert world.alarms() == ["key_missing"]
        for name in ("officer", "counselor"):
            world.phones[name].expects(known)
        world.phones["officer"].expects_nothing()
        world.clock.advance(keyring.TRY_AGAIN.total_seconds())
        serve(world, both)
        for name in ("officer", "counselor"):
            world.phones[name].expects(lacking)
        assert world.rows("SELECT 1 FROM deliveries WHERE step > 0") == []
    read_all(world)


def test_work_that_a_process_without_the_key_meets_first_is_done_by_one_that_has_it(world: World) -> None:
    with restarted(world, turned(world, keep=True)) as both:
        code = taken_by(both)
        run_open(world.parts.ledger, world.handlers)
        run_open(both.ledger, world.handlers)
        assert [tuple(row) for row in world.rows(WORK)] == [("done", 1)]
        serve(world, both)
        for name in ("officer", "counselor"):
            world.phones[name].expects(code)
    read_all(world)


def test_a_text_that_a_sender_without_the_key_meets_first_is_called_by_one_that_has_it(world: World) -> None:
    with restarted(world, turned(world, keep=True)) as both:
        code = taken_by(both)
        while run_open(both.ledger, world.handlers):
            pass
        assert (world.parts.sender.drain(), both.sender.drain()) == (0, 3)
        for name in ("officer", "counselor"):
            world.phones[name].expects(code)
        assert "key_missing" in world.alarms()
    read_all(world)


def test_a_step_that_a_clock_without_the_key_meets_first_each_time_comes_at_its_time(world: World) -> None:
    """Both look each second and put nothing off for each other: else the one that came first would come first again."""
    with restarted(world, turned(world, keep=True)) as both:
        code = taken_by(both)
        serve(world, both)
        read_all(world)
        for _ in range(125):
            world.clock.advance(1)
            world.parts.clock.tick()
            both.clock.tick()
            serve(world, both)
        world.phones["backup"].expects(code)
    read_all(world)


def test_a_step_that_nobody_has_the_key_for_is_said_of_its_case(world: World) -> None:
    with restarted(world, turned(world, keep=True)) as both:
        taken_by(both)
        serve(world, both)
        read_all(world)
        world.until(69)  # a minute after the text its silence is looked at
        assert world.alarms() == ["key_missing"]
        world.until(80)
        assert "obligation_stuck" in world.alarms()
        both.clock.tick()
        assert "obligation_stuck" not in world.alarms()
        serve(world, both)
    read_all(world)


def test_what_a_key_is_missing_for_is_tried_again_after_a_pause_and_not_all_the_time(world: World) -> None:
    with restarted(world, turned(world, keep=True)) as both:
        taken_by(both)
    with capture_logs() as logs:
        for _ in range(10):
            world.pump()
            world.clock.advance(1)
        tried = sum(line["event"] == "key_missing" for line in logs)
        assert tried == len(world.rows("SELECT 1 FROM work"))
        world.clock.advance(3)
        world.pump()
    assert sum(line["event"] == "key_missing" for line in logs) == 2 * tried


def test_turned_with_two_restarts_no_process_lacks_a_key(world: World) -> None:
    """Known everywhere first, behind the old one; then it writes, while some processes are not restarted yet."""
    first = turned(world, keep=True)
    new, old = first.data_keys.split(",")
    with (
        restarted(world, first.model_copy(update={"data_keys": f"{old},{new}"})) as knows,
        restarted(world, first) as writes,
    ):
        codes = taken_by(writes), taken_by(knows)
        serve(world, knows)
        assert names_of_keys(world) == {old.partition(":")[0], "new"}
        for name in ("officer", "counselor"):
            rung = "".join(text.body for text in world.phones.unread(world.phones[name].number))
            assert all(code in rung for code in codes)
        assert world.alarms() == []
    read_all(world)


def test_rewrap_says_which_key_writes_and_that_another_may_be_new(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = turned(world, keep=True)
    new, old = first.data_keys.split(",")
    for ring, writes, known in ((f"{old},{new}", old, new), (f"{new},{old}", new, old)):
        with restarted(world, first.model_copy(update={"data_keys": ring})) as parts:
            monkeypatch.setattr(cli_ledger, "load", lambda: None)
            monkeypatch.setattr(compose, "build_ledger", lambda _, parts=parts: (parts.ledger, parts.steady))
            assert cli_ledger.keys_rewrap(argparse.Namespace()) == 0
            monkeypatch.undo()
        said, (writes, known) = capsys.readouterr().out, (it.partition(":")[0] for it in (writes, known))
        assert f"rows are now wrapped with {writes}, the first key" in said
        assert f"{known}: an old key may leave it once every process runs with {writes} first; a new one" in said


def test_the_doctor_names_the_key_that_a_process_lacks(world: World) -> None:
    with restarted(world, turned(world, keep=True)) as door:
        taken_by(door)
    world.pump()
    _, faults = doctor._ledger(world.parts.ledger, world.parts.settings)
    assert any("key_missing (data key 'new' is not in STOPLINE_DATA_KEYS)" in fault for fault in faults)
