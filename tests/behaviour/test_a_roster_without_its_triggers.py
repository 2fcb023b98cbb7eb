"""A restore of single tables leaves out the triggers by which processes learn that the roster has changed: the doctor
says so before somebody is rung by an old one, and an upgrade puts them back."""

from __future__ import annotations

from sqlalchemy import text

from ledger import migrations
from ledger import tables as t
from ledger.migrations import triggers
from ledger.school import roster
from services import doctor
from tests.behaviour.stories import POSTGRESQL, read_all
from tests.behaviour.test_a_changed_roster_is_who_is_rung import another_on_duty, index_of, number_rung
from tests.world import World


def faults(world: World) -> list[str]:
    return doctor._ledger(world.parts.ledger, world.parts.settings)[1]


def test_a_roster_whose_triggers_a_restore_left_out_is_a_fault_and_an_upgrade_puts_them_back(world: World) -> None:
    ledger = world.parts.ledger
    assert not [line for line in faults(world) if "trigger" in line]
    assert number_rung(ledger) == index_of(world, "officer")
    ends = ("changed",) if ledger.postgres else ("new", "gone", "changed")
    names = [f"{table}_{end}" for table in ("people", "duties", "ladders") for end in ends]
    with ledger.begin("lost") as uow:
        for name in names:
            table = f" ON {name.partition('_')[0]}" if ledger.postgres else ""
            uow.conn.execute(text(f"DROP TRIGGER {name}{table}"))
    with ledger.begin("roster") as uow:
        roster.apply(uow, another_on_duty(world))
    assert number_rung(ledger) == index_of(world, "officer"), "this is what it is about"
    [fault] = [line for line in faults(world) if "trigger" in line]
    assert all(name in fault for name in names) and fault.endswith("run: stopline db upgrade")
    migrations.upgrade(ledger.engine)
    assert not [line for line in faults(world) if "trigger" in line]
    assert number_rung(ledger) == index_of(world, "desk")
    with ledger.begin("roster") as uow:
        roster.apply(uow, world.school)
    assert number_rung(ledger) == index_of(world, "officer")
    with ledger.read() as conn:
        edition = conn.execute(t.roster.select()).one().edition
    migrations.upgrade(ledger.engine)
    with ledger.read() as conn:
        assert (conn.execute(t.roster.select()).one().edition, triggers.missing(conn)) == (edition, [])
    read_all(world)


@POSTGRESQL
def test_one_that_is_switched_off_is_missing_as_well(world: World) -> None:
    with world.parts.ledger.begin("off") as uow:
        uow.conn.execute(text("ALTER TABLE duties DISABLE TRIGGER ALL"))
    with world.parts.ledger.read() as conn:
        assert triggers.missing(conn) == ["duties_changed"]
