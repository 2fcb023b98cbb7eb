"""Segments, country rows, stored messages, the registry and the simulated networks."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier import messages as m
from notifier.channel import Accepted, ChannelAway, Outgoing, Refused, StatusReport
from notifier.countries import for_phone
from notifier.registry import TwilioConfig, build
from notifier.segments import segments, units
from notifier.simulator.channel import SimulatorChannel
from notifier.simulator.sink import SinkChannel

NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "size", "count"),
    [
        ("", 0, 1),
        ("a" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("a" * 306, 306, 2),
        ("a" * 307, 307, 3),
        ("€" * 80, 160, 1),
        ("€" * 81, 162, 2),
        ("a" * 152 + "€" * 77, 306, 3),  # the escape is not split from its character
        ("`", 1, 1),
        ("好" * 70, 70, 1),
        ("好" * 71, 71, 2),
        ("好" * 134, 134, 2),
        ("好" * 135, 135, 3),
        ("a" * 69 + "好", 70, 1),
        ("😀" * 35, 70, 1),
        ("😀" * 67, 134, 3),  # 33 whole pairs in each part
    ],
)
def test_segments(text: str, size: int, count: int) -> None:
    assert (units(text), segments(text)) == (size, count)


@given(st.text(max_size=400), st.text(max_size=10))
def test_more_text_never_costs_less(text: str, more: str) -> None:
    assert segments(text + more) >= segments(text) >= 1


@pytest.mark.parametrize(
    ("phone", "prefix", "reply", "wording"),
    [
        ("+8613800000001", "+86", False, "neutral"),
        ("+85291234567", "+852", False, "detailed"),
        ("+85366123456", "+853", False, "detailed"),
        ("+886912345678", "+886", False, "detailed"),
        ("+14155550100", "+1", True, "detailed"),
        ("+447400123456", "+44", True, "detailed"),
        ("+6581234567", "+65", False, "detailed"),
        ("+33612345678", "*", False, "neutral"),
    ],
)
def test_country_rows(phone: str, prefix: str, reply: bool, wording: str) -> None:
    row = for_phone(phone)
    assert (row.prefix, row.reply, row.wording) == (prefix, reply, wording)
    simulated = for_phone(phone, simulated=True)
    assert (simulated.prefix, simulated.reply, simulated.wording) == (prefix, True, "detailed")


def test_mainland_stays_below_the_five_texts_that_start_a_review() -> None:
    row = for_phone("+8613800000001")
    assert (row.per_number_per_day, row.voice) == (4, False)


def test_kinds_are_complete() -> None:
    police = {
        "officer",
        "escalation",
        "call",
        "outage",
        "stand_down",
        "acknowledged",
        "amended",
        "further",
        "progress",
        "moved_on",
        "lapse",
    }
    care = {"counselor", "counselor_reminder", "counselor_ack", "immediate", "referral", "handover", "dissuade"}
    care |= {"follow_up"}
    others = {"student", "ask", "reopening", "code_needed", "unknown_code", "bundle", "drill", "drill_end"}
    assert set(m.KINDS) == police | care | others


@pytest.mark.parametrize("kind", m.KINDS)
def test_stored_messages_come_back(kind: str) -> None:
    facts = {"code": "K7M3P", "codes": ["K7M3P"], "missing": ["name"], "added": ["name"], "of_a_later_release": 1}
    message = m.load(kind, facts | {"digits": "123456"})
    stored = json.loads(json.dumps(asdict(message)))
    assert "of_a_later_release" not in stored
    assert m.load(kind, stored) == message


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ("postcard", {}, "unknown message kind 'postcard'"),
        ("officer", {"amount_fen": 1}, "'officer' needs code"),
        ("officer", {"code": None}, "'officer' needs code"),
        ("code_needed", {}, "'code_needed' needs codes"),
    ],
)
def test_bad_facts(kind: str, facts: dict[str, object], words: str) -> None:
    with pytest.raises(m.BadFacts, match=words):
        m.load(kind, facts)


def test_registry() -> None:
    assert build("simulator").name == "simulator"
    assert build("twilio", TwilioConfig("AC1", "secret", sender="+15005550006")).name == "twilio"
    with pytest.raises(ValueError, match="needs a TwilioConfig"):
        build("twilio")
    with pytest.raises(ValueError, match="unknown channel 'pigeon'; known: simulator, twilio"):
        build("pigeon")


def text(delivery_id: str = "d1", to: str = "+8613800000001") -> Outgoing:
    return Outgoing(delivery_id, to, "【示例大学】紧急止付K7M3P", True, 300)


def test_simulator_remembers_what_it_took() -> None:
    channel = SimulatorChannel()
    assert channel.find(text(), NOW) is None
    taken = channel.send(text())
    assert isinstance(taken, Accepted)
    assert taken.state == "delivered"
    assert taken.sid.startswith("SIM")
    assert channel.find(text(), NOW) == taken
    assert channel.status(taken.sid) == StatusReport(taken.sid, "delivered", None)
    assert channel.status("SIM0") is None
    assert list(channel.inbound(NOW)) == []


def test_simulator_forgets_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.simulator.channel._REMEMBERED", 2)
    channel = SimulatorChannel()
    first = channel.send(text("d1"))
    for delivery_id in ("d2", "d3"):
        channel.send(text(delivery_id))
    assert isinstance(first, Accepted)
    assert channel.find(text("d1"), NOW) is None
    assert channel.status(first.sid) is None
    assert channel.find(text("d2"), NOW)


def test_a_phone_that_is_off_gets_nothing() -> None:
    channel = SimulatorChannel()
    channel.switch_off("+8613800000001")
    taken = channel.send(text())
    assert isinstance(taken, Accepted)
    assert taken.state == "sent"
    channel.switch_on("+8613800000001")
    assert channel.status(taken.sid) == StatusReport(taken.sid, "sent", None)
    assert channel.send(text("d2")) != taken


def test_simulated_provider_down() -> None:
    channel = SimulatorChannel()
    channel.provider_down(True)
    refused = channel.send(text())
    assert isinstance(refused, Refused)
    assert (refused.code, refused.permanent) == ("unreachable", False)
    for ask in (lambda: channel.find(text(), NOW), lambda: channel.status("SIM"), lambda: channel.inbound(NOW)):
        with pytest.raises(ChannelAway):
            ask()
    channel.provider_down(False)
    assert isinstance(channel.send(text()), Accepted)


def test_sink_answers_for_what_it_took() -> None:
    heard: list[Outgoing] = []
    sink = SinkChannel(heard.append)
    sink.provider_down(True)
    sink.send(text("d1"))
    sink.provider_down(False)
    sink.send(text("d2"))
    assert sink.name == "sink"
    assert heard == [text("d2")]
