"""A drill takes the real path and leaves no mark outside: no text to a real phone, or marked ones only. It ends."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.ringing import alerting
from ledger.school import people
from services.drill import signed_token
from services.worker import run_open
from tests.behaviour.stories import only_police_ring, read_all
from tests.world import Report, World


def headers(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed_token(world.parts.settings)}"}


def start(world: World, **form: str) -> Report:
    answer = world.client.post("/drill", data=form, headers=headers(world))
    assert answer.status_code == 201, answer.text
    made = answer.get_json()
    return Report(world, made["case"], made["token"], False)


def end(world: World, drill: Report) -> int:
    return world.client.post(f"/drill/{drill.token}/end", headers=headers(world)).status_code


def told(world: World) -> list[tuple[str, str]]:
    rows = world.rows("SELECT kind, channel FROM deliveries ORDER BY created_at, id")
    return [(row.kind, row.channel) for row in rows]


@pytest.mark.parametrize("college", ["WY", "GX", ""])
def test_the_sink_answers_everything_and_no_phone_rings(world: World, college: str) -> None:
    drill = start(world, college=college)
    assert drill.code.startswith("Y")
    world.phones.catch_up()
    assert drill.status()["state"] == "acknowledged"
    assert (drill.state("police"), drill.state("counselor"), drill.state("care")) == (
        "acknowledged",
        "acknowledged",
        "open",
    )
    assert world.double.log == []  # not a single request
    assert {channel for _, channel in told(world)} == {"sink"}
    assert {kind for kind, _ in told(world)} == {"drill", "counselor", "acknowledged", "counselor_ack"}
    assert end(world, drill) == 204
    world.phones.catch_up()
    assert drill.status()["state"] == "closed"
    assert ("drill_end", "sink") in told(world)
    assert world.double.log == []


def test_an_answer_to_one_drill_is_not_the_score_of_another(world: World) -> None:
    """A drill from a timer, answered by itself, ran into one with real phones: nobody had to pick up any more."""
    theirs, by_itself = start(world, phones="1"), start(world)
    world.phones.catch_up()
    assert (by_itself.state("police"), theirs.state("police")) == ("acknowledged", "alerted")
    for text in world.phones.unread():
        world.phones.mark_read(text)


def test_that_nobody_was_reached_stands_once_in_its_record(world: World) -> None:
    """With real phones, all of which are off: a round that reaches nobody begins anew each three minutes."""
    world.double.mode = "manual"
    drill = start(world, phones="1")
    for second in range(10, 600, 10):
        world.until(second)
    assert world.alarms() == []
    assert sorted(it["obligation"] for it in drill.events("alert.nobody_reached.v1")) == ["counselor", "police"]
    for text in world.phones.unread():
        world.phones.mark_read(text)


def test_that_it_could_not_be_looked_at_ends_with_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    drill = start(world, college="WY")
    world.phones.catch_up()
    with monkeypatch.context() as patched:
        patched.setattr(alerting, "look", lambda *_: 1 / 0)
        world.advance(600)  # its owner would be reminded
        assert world.alarms() == ["obligation_stuck"]
    assert end(world, drill) == 204
    assert world.alarms() == []


def test_it_ends_by_itself_after_an_hour(world: World) -> None:
    drill = start(world, college="WY")
    for _ in range(59):
        world.advance(60)
    assert drill.status()["state"] != "closed"
    world.advance(60)
    assert drill.status()["state"] == "closed"
    assert {name: shown["state"] for name, shown in drill.status()["obligations"].items()} == {
        "police": "done",
        "counselor": "done",
        "care": "closed",
    }
    assert drill.events("drill.ended.v1") == [{"by": "clock", "drill": True}]
    world.advance(3 * 24 * 3600)  # no contact of its follow-up is asked for
    assert world.double.log == []
    assert {kind for kind, _ in told(world)} & {"counselor_reminder", "follow_up"} == set()


def test_a_drill_that_is_over_leaves_no_record_open(world: World) -> None:
    """Nor one whose opening comes late, after the end."""
    begun = start(world, college="WY")
    world.pump()
    late = start(world, college="GX")
    assert {end(world, begun), end(world, late)} == {204}
    world.pump()
    assert world.rows("SELECT state, closed_at IS NULL FROM follow_ups") == [("closed", False)]
    assert (begun.state("care"), late.state("care")) == ("closed", "closed")


def test_nobody_is_reminded_of_what_was_agreed_in_a_drill_that_is_over(world: World) -> None:
    drill = start(world, college="WY")
    world.pump()
    rung = [text.person_id for text in drill.texts("counselor")]
    with world.parts.ledger.read() as conn:
        phone = people.by_id(conn, world.parts.ledger.keys, rung)[0].phone
    counselor = world.user("murong", "counselor", phone)
    form = {"contact": "call_30m", "reached": "yes", "next": "1"}
    assert world.press(counselor, f"/desk/followups/{drill.code}/contact", **form).status_code == 303
    assert len(world.rows("SELECT id FROM contacts WHERE remind_at IS NOT NULL")) == 1
    assert end(world, drill) == 204
    world.pump()
    assert world.rows("SELECT id FROM contacts WHERE remind_at IS NOT NULL") == []
    world.advance(3 * 24 * 3600)
    assert {kind for kind, _ in told(world)} & {"counselor_reminder", "follow_up"} == set()


def test_nobody_reached_in_a_drill_wakes_nobody(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.parts.sender._channels["sink"], "_down", True)
    drill = start(world, college="WY")
    for _ in range(30):
        world.advance(2)
    assert drill.state("police") == "pending"
    assert drill.events("alert.nobody_reached.v1")
    assert world.alarms() == []


def test_with_phones_every_text_says_that_it_is_a_drill(world: World) -> None:
    drill, phones = start(world, college="WY", phones="1"), world.phones
    officer = phones["officer"].expects("演练", drill.code, "仅为演练，请勿办理止付")
    counselor = phones["college_duty"].expects("演练", drill.code)
    officer.replies().expects("演练", "由您接单")
    counselor.replies().expects("演练", "由您联系")
    world.advance(600)
    for name in ("officer", "office"):
        phones[name].expects("演练", "尚无进展")
    assert end(world, drill) == 204
    for name in ("officer", "college_duty"):
        phones[name].expects("演练", "已结束", "请停止演练操作")
    assert all("演练" in message.body for message in world.double.outbound())


def test_a_reply_to_a_drill_that_is_over_is_told_so(world: World) -> None:
    drill, phones = start(world, college="WY", phones="1"), world.phones
    phones["officer"].expects("演练")
    phones["college_duty"].expects("演练")
    end(world, drill)
    for name in ("officer", "college_duty"):
        phones[name].expects("已结束")
    phones["officer"].replies(drill.code).expects("已结束", drill.code)
    assert drill.status()["state"] == "closed"


def test_a_real_alert_goes_first(world: World) -> None:
    """A drill outranks nothing: it was there first, and its texts go behind those of the report."""
    start(world, college="WY", phones="1")
    report = world.report()
    run_open(world.parts.ledger, world.handlers)
    world.parts.sender.drain()
    world.double.settle()
    order = [message.body for message in world.double.outbound()]
    assert ["演练" in body for body in order[:2]] == [False, False]
    assert "紧急止付" in order[0]
    read_all(world)
    assert report.state("police") == "alerted"


def test_a_bare_yes_in_a_drill_with_a_real_alert_open_takes_neither(world: World) -> None:
    report = only_police_ring(world)
    drill = start(world, college="WY", phones="1")
    phones = world.phones
    phones["college_duty"].expects("演练", drill.code)
    phones["officer"].expects("演练", drill.code).replies("收到").expects("2件待接", report.code, drill.code)
    assert report.state("police") == drill.state("police") == "alerted"
    end(world, drill)
    for name in ("officer", "college_duty"):
        phones[name].expects("已结束")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nothing", "Basic Zm9v"])
def test_a_drill_needs_a_token_that_we_signed(world: World, authorization: str) -> None:
    answer = world.client.post("/drill", data={"college": "WY"}, headers={"Authorization": authorization})
    assert answer.status_code == 403
    assert world.rows("SELECT count(*) AS n FROM cases")[0].n == 0


def test_one_token_begins_one_drill(world: World) -> None:
    signed: dict[str, Any] = headers(world)
    codes = {world.client.post("/drill", data={"college": "WY"}, headers=signed).get_json()["case"] for _ in range(3)}
    assert len(codes) == 1


def test_only_a_drill_can_be_ended(world: World) -> None:
    report = only_police_ring(world)
    end(world, report)
    assert report.status()["state"] == "alerted"
    world.until(120)
    for name in ("officer", "backup"):
        world.phones[name].expects(report.code)


def test_the_page_of_a_drill_has_no_words_for_110_and_says_when_it_is_over(world: World) -> None:
    drill = start(world, college="WY")
    for lang, sentence, over in (
        ("zh", "演练：不是真实案件", "演练已结束。"),
        ("en", "演练 DRILL", "The drill is over."),
    ):
        shown = world.client.get(f"/r/{drill.token}?lang={lang}").text
        assert sentence in shown and over not in shown
        for real in ("我被骗了", "ATM", "客服"):
            assert real not in shown
    end(world, drill)
    assert "演练已结束。" in world.client.get(f"/r/{drill.token}?lang=zh").text
    read_all(world)


def test_what_an_uptime_monitor_reads_counts_no_drill(world: World) -> None:
    """Neither its alert that has not gone out, nor that it rings: nobody has to come running for one."""
    drill = start(world, college="WY", phones="1")
    while run_open(world.parts.ledger, world.handlers):  # its texts are written, and nobody sends them
        pass
    world.clock.advance(6)
    said, metrics = world.client.get("/readyz").get_json(), world.client.get("/metrics").text
    assert (said["degraded"], said["oldest_unsent_alert_s"]) == ([], 0)
    assert "stopline_ringing 0.0" in metrics and "stopline_oldest_unsent_alert_seconds 0.0" in metrics
    end(world, drill)
    world.report()
    while run_open(world.parts.ledger, world.handlers):
        pass
    world.clock.advance(6)
    assert world.client.get("/readyz").get_json()["oldest_unsent_alert_s"] == 6
    assert "stopline_ringing 2.0" in world.client.get("/metrics").text
    read_all(world)
