"""Withdrawing is a request: it is noted once, officers see it, alerts go on."""

from __future__ import annotations

from tests.behaviour.stories import only_police_ring
from tests.world import World


def test_it_is_noted_once_and_alerts_go_on(world: World) -> None:
    report = only_police_ring(world)
    for _ in range(2):
        assert world.client.post(f"/r/{report.token}/withdraw").status_code == 303
    assert len(report.events("withdrawal.requested.v1")) == 1
    assert "已记下你想撤回" in world.client.get(f"/r/{report.token}").text
    world.advance(120)
    world.phones["officer"].expects("第2次提醒", report.code)
    world.phones["backup"].expects("紧急止付", report.code)
    desk = world.user("baoan", "security")
    assert "请求撤回" in desk.get(f"/duty/{report.code}").text
