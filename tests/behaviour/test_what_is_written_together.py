"""A transaction's rows go to the database together, and come back as they went: whatever is in them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, select

from ledger import tables as t
from ledger.store.unit_of_work import UnitOfWork
from ledger.store.writes import Writes
from tests.behaviour.stories import POSTGRESQL, read_all
from tests.behaviour.test_statements_are_counted import counted
from tests.world import World

HARD_TO_SAY = 'he said: "钱\\没了"\n\t%(rows0)s $1 😀 \u2028 \x7f {} [] null'
JUST_THEN = datetime(2026, 11, 24, 6, 40, 1, 234567, tzinfo=UTC)


@pytest.fixture
def case_id(world: World) -> UUID:
    """Of a case whose texts are out and read."""
    world.report()
    world.pump()
    read_all(world)
    with world.parts.ledger.read() as conn:
        made: UUID = conn.execute(select(t.cases.c.id)).scalar_one()
    return made


def row_of(uow: UnitOfWork, table: Table, row_id: UUID) -> dict[str, Any]:
    return dict(uow.conn.execute(select(table).where(table.c.id == row_id)).mappings().one())


def a_transfer(case_id: UUID, **more: Any) -> dict[str, Any]:
    made = {"id": t.new_id(), "case_id": case_id, "position": 9, "amount_fen": 2**40, "currency": "CNY"}
    return {**made, "channel": "bank", **more}


def test_a_row_comes_back_as_it_went(world: World, case_id: UUID) -> None:
    sealed = bytes(range(256))
    zone = (JUST_THEN + timedelta(hours=8)).replace(tzinfo=None).astimezone(world.parts.ledger.zone)
    with world.parts.ledger.begin("test") as uow:
        wanted = a_transfer(case_id, happened_at=JUST_THEN, payee_name_sealed=sealed, outcome=None)
        case = {"asked": [HARD_TO_SAY, {"deep": [None, True, 1.5]}], "flags": [], "called_110": False}
        uow.insert(t.transfers, [wanted])
        uow.change_later(t.cases, case_id, {**case, "unsafe_at": zone, "details_sealed": b""})
        uow.write_changes()
        assert row_of(uow, t.transfers, wanted["id"]).items() >= wanted.items()
        read = row_of(uow, t.cases, case_id)
        assert read.items() >= {**case, "details_sealed": b""}.items()
        assert read["unsafe_at"] == zone
        uow.change_later(t.cases, case_id, {"asked": None, "unsafe_at": None})
        uow.write_changes()
        assert uow.conn.scalars(select(t.cases.c.id).where(t.cases.c.unsafe_at.is_(None))).all() == [case_id]
        uow.change(t.cases, case_id, flags=["as it was"])


def test_a_change_of_a_new_row_is_made_in_it(world: World, case_id: UUID) -> None:
    wanted = a_transfer(case_id)
    with counted(world) as statements, world.parts.ledger.begin("test") as uow:
        uow.insert(t.transfers, [wanted])
        uow.change_later(t.transfers, wanted["id"], {"position": 3})
    assert statements.total() == 1
    assert world.rows("SELECT position FROM transfers WHERE amount_fen = :it", it=2**40) == [(3,)]
    assert wanted["position"] == 9, "whoever handed it in keeps it as it was"


def test_of_two_changes_of_one_row_the_later_holds(world: World, case_id: UUID) -> None:
    one, other = a_transfer(case_id, position=3), a_transfer(case_id, position=4)
    with world.parts.ledger.begin("test") as uow:
        uow.insert(t.transfers, [one, other])
    with world.parts.ledger.begin("test") as uow:
        uow.change_later(t.transfers, one["id"], {"outcome": "stopped", "outcome_fen": 1})
        uow.change_later(t.transfers, other["id"], {"outcome": "refused"})
        uow.change_later(t.transfers, one["id"], {"outcome_fen": 2})
    found = world.rows("SELECT position, outcome, outcome_fen FROM transfers WHERE position > 1 ORDER BY position")
    assert found == [(3, "stopped", 2), (4, "refused", None)]


def test_everything_of_a_transaction_is_one_statement(world: World, case_id: UUID) -> None:
    """In PostgreSQL; however many rows of however many tables."""
    tables = [t.transfers, t.cases]
    with counted(world) as statements, world.parts.ledger.begin("test") as uow:
        uow.insert(t.transfers, [a_transfer(case_id, position=n) for n in range(2, 9)])
        uow.change_later(t.cases, case_id, {"language": "en"})
    assert statements.total() == (1 if world.parts.ledger.postgres else len(tables))


def test_a_time_without_a_zone_is_refused_and_nothing_is_written(world: World, case_id: UUID) -> None:
    with pytest.raises(Exception, match="a time without a zone"), world.parts.ledger.begin("test") as uow:
        uow.insert(t.transfers, [a_transfer(case_id, happened_at=JUST_THEN.replace(tzinfo=None))])
    assert world.rows("SELECT count(*) FROM transfers") == [(1,)]


@POSTGRESQL
def test_what_no_column_holds_is_refused(world: World, case_id: UUID) -> None:
    with pytest.raises(TypeError), world.parts.ledger.begin("test") as uow:
        uow.insert(t.transfers, [a_transfer(case_id, channel=object())])


def test_what_others_have_written_is_left_out(world: World, case_id: UUID) -> None:
    with world.parts.ledger.begin("test") as uow:
        known = dict(uow.conn.execute(select(t.deliveries).where(t.deliveries.c.kind == "officer")).mappings().one())
        again = {**known, "id": t.new_id()}
        fresh = {**known, "id": t.new_id(), "dedup": f"{known['dedup']}:once more", "state": "cancelled", "sid": None}
        writes = Writes()
        writes.insert(t.deliveries, [again, fresh], new=True)
        assert writes.send(uow.conn) == {fresh["id"]}
        assert not writes
