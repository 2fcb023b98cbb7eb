"""What bench/growth.py measures is a ledger as the service itself would have left it: sealed, chained, readable."""

import random

import pytest
from sqlalchemy import func, select

from bench.growth import _cases
from bench.years import Years, colleges, histories
from ledger import anchors
from ledger import tables as t
from services.compose import anchor_file
from tests.behaviour.stories import read_all
from tests.world import World

CASES = 40


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_filled_ledger_is_whole_and_can_be_read(world: World) -> None:
    ledger = world.parts.ledger
    Years(ledger, histories(world), list(colleges(world))).fill(CASES)
    with ledger.read() as conn:
        assert conn.scalar(select(func.count()).select_from(t.cases)) == CASES + 4
        assert list(anchors.verify(conn, ledger.keys, anchor_file(world.parts.settings))) == []
    tokens, codes, _ = _cases(world, random.Random(1))
    office = world.user("office", "security")
    assert {world.client.get(f"/r/{token}").status_code for token in tokens} == {200}
    assert {office.get(f"/duty/{code}").status_code for code in codes} == {200}
    read_all(world)
