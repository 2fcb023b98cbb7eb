"""Carriers in mainland China reject the third of three identical texts to one number within a day: whoever is rung on
and on reads a new one each time."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product
from typing import Any, get_args

from notifier import messages
from notifier.countries import for_phone
from notifier.wording import Language, render
from tests.behaviour.stories import SQLITE, read_all, taken
from tests.behaviour.test_drills_touch_nobody import start
from tests.behaviour.test_the_counselor_s_record import contact, counselor
from tests.world import World, another_fraud

TEXTS = """SELECT d.kind, d.facts, d.person_id, d.case_id, c.drill FROM deliveries d JOIN cases c ON c.id = d.case_id
WHERE d.alert AND d.kind <> 'call' AND d.state <> 'cancelled'"""


@SQLITE
def test_no_ladder_says_the_same_twice_to_one_person_in_either_wording_and_language(world: World) -> None:
    danger, unsafe, _ = (world.report(**another_fraud(), **it) for it in ({}, {}, {"kind": "in_progress"}))
    start(world, college="WY", phones="1")
    world.pump()
    contact(world, counselor(world), danger, danger="yes")
    world.client.post(f"/r/{unsafe.token}/unsafe")
    for _ in range(25):
        world.advance(120)
    rung = {row.kind: row.step for row in world.rows("SELECT kind, max(step) AS step FROM obligations GROUP BY kind")}
    assert min(rung[kind] for kind in ("police", "dissuade", "unsafe", "immediate")) >= 9
    with world.parts.ledger.read() as conn:
        told = [dict(row) for row in conn.exec_driver_sql(TEXTS).mappings()]
    for language, wording in product(get_args(Language), ("detailed", "neutral")):
        said = Counter((it["person_id"], it["case_id"], words(world, it, language, wording)) for it in told)
        assert [text for (_, _, text), times in said.items() if times > 1] == []
    read_all(world)


def words(world: World, told: dict[str, Any], language: Language, wording: Any) -> str:
    """All at one moment: no two differ by it alone."""
    facts = json.loads(told["facts"])
    return render(
        messages.load(told["kind"], facts), language=language, wording=wording, drill=bool(told["drill"]),
        country=for_phone("+8613800000001"), signature="示例大学", zone=world.parts.ledger.zone, now=world.clock.now(),
    )  # fmt: skip


@SQLITE
def test_nor_do_additions(world: World) -> None:
    report = taken(world)
    for n in range(4):
        world.client.post(f"/r/{report.token}/more/bank", data={"payee_bank": f"银行{n}"})
        world.advance(61)
    told = [text.body for text in world.double.to(world.phones["officer"].number) if "补充" in text.body]
    assert len(told) > 2 and len(set(told)) == len(told)
    read_all(world)
