"""What the provider refuses for a fault of ours helps no next person: an alarm says so with the first text, not when a
whole ladder has failed, and goes with the next one that is taken."""

from __future__ import annotations

import pytest

from ledger.pages import views
from ledger.store import alarms, work
from services.doctor import _ledger
from tests.behaviour.stories import SQLITE, read_all
from tests.world import World


def reasons(world: World) -> list[str]:
    with world.parts.ledger.read() as conn:
        return [row["reason"] for row in views.open_alarms(conn)]


@pytest.mark.parametrize("code", ["20003", "21408", "21606"])
def test_an_alarm_with_its_code_is_up_until_a_text_is_taken(world: World, code: str) -> None:
    office = world.user("office", "security")
    world.double.faults.add(code, times=None)
    world.report()
    world.pump()
    assert world.alarms() == ["provider_refuses"] and reasons(world) == [f"provider: {code}, +86"]
    assert "alarms" in world.degraded()
    for page in ("/desk/board", "/duty"):
        shown = office.get(page).text
        assert "短信服务商拒收" in shown and f"{code}, +86" in shown
    _, faults = _ledger(world.parts.ledger, world.parts.settings)
    assert any(f"provider_refuses (provider: {code}, +86)" in it for it in faults)
    world.double.faults.clear()
    world.advance(10)
    assert world.alarms() == []
    read_all(world)


@SQLITE
def test_a_text_to_another_country_does_not_end_it_but_the_operator_does(world: World) -> None:
    with world.parts.ledger.begin("refused") as uow:
        alarms.provider_refuses(uow, "+44", "21408")
    world.report()
    world.pump()
    assert reasons(world) == ["provider: 21408, +44"]
    work.reopen_parked(world.parts.ledger)
    assert world.alarms() == []
    read_all(world)


@SQLITE
def test_a_number_that_is_wrong_is_nobody_else_s_fault(world: World) -> None:
    world.double.faults.add("21211", to=world.phones["officer"].number)
    world.report()
    world.pump()
    assert world.alarms() == []
    read_all(world)
