"""One field is spoiled: what somebody sends or presses beside it is kept all the same, and does what it should."""

from __future__ import annotations

import pytest
from sqlalchemy import Table, update

from ledger import tables as t
from tests.behaviour.stories import SQLITE, taken
from tests.behaviour.test_the_counselor_s_record import contact, counselor
from tests.world import World

pytestmark = SQLITE
DAMAGE = (b"spoiled", b"")


def spoil(world: World, table: Table, **values: bytes | None) -> None:
    """Of all rows that have one."""
    with world.parts.ledger.begin("spoil") as uow:
        for name, value in values.items():
            uow.conn.execute(update(table).where(table.c[name].is_not(None)).values({name: value}))


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_contact_beside_one_that_cannot_be_read_ends_the_ringing(world: World, damage: bytes) -> None:
    report = taken(world)
    mine = counselor(world)
    contact(world, mine, report, danger="no")
    spoil(world, t.contacts, entry_sealed=damage)
    world.client.post(f"/r/{report.token}/unsafe")
    for name in ("counselor", "desk"):
        world.phones[name].expects("立即到场", report.code)
    assert contact(world, mine, report, "face_24h", danger="no") == 303
    world.advance(240)
    world.phones.assert_all_read()
    state = "SELECT state FROM follow_ups"
    assert world.rows(state)[0].state == "in_progress"  # of one that cannot be read nobody knows that it was calm
    assert contact(world, mine, report, "h48", danger="no") == 303
    assert world.rows(state)[0].state == "stable"
