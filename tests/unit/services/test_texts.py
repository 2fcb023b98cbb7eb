"""From a draft to words: a text says what is true when it is sent, and bad facts make no text at all."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.store.clock import ManualClock
from ledger.texts.calls import Draft
from services.settings import load
from services.texts import renderer

NOW = datetime(2026, 11, 24, 6, 51, 30, tzinfo=UTC)


def said(kind: str, facts: dict[str, Any], *, drill: bool = False, sink: bool = False, **more: Any) -> str | None:
    settings = load(channel="twilio", twilio_account_sid="AC" + "0" * 32, twilio_auth_token="t", twilio_from="+1500555",
                    sms_wording="detailed", secret_key="x" * 32, database_url="sqlite:///no.db", **more)  # fmt: skip
    draft = Draft(kind, facts, "zh", "+8613800000001", drill, sink, False)
    return renderer(settings, ManualClock(NOW))(draft)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # what an embedded installation keeps is kept here


def test_minutes_since_the_report_are_those_of_the_sending() -> None:
    facts = {"code": "K7M3P", "minutes": 2, "reported_at": "2026-11-24T06:40:00+00:00"}
    assert "报告已过11分钟" in str(said("escalation", facts))
    assert "已过11分钟" in str(said("counselor_reminder", facts))
    assert "30分钟内致电" in str(said("counselor", facts | {"minutes": 30}))  # these are what is asked for


def test_a_drill_on_real_phones_is_marked_and_keeps_the_country_s_row() -> None:
    facts = {"code": "Y7M3P"}
    on_phones, to_sink = (
        str(said("counselor_ack", facts, drill=True)),
        said("counselor_ack", facts, drill=True, sink=True),
    )
    assert on_phones.count("演练") == 2
    assert to_sink == on_phones
    assert "值守页" in str(said("drill", facts, drill=True))  # +86 cannot reply
    assert "收到回复Y7M3P" in str(said("drill", facts, drill=True, sink=True))


@pytest.mark.parametrize("facts", [{}, {"code": "K7M3P", "nth": "often"}, {"code": "K7M3P", "minutes": None}])
def test_bad_facts_make_no_text(facts: dict[str, Any]) -> None:
    assert said("escalation", facts) is None


def test_an_unknown_kind_makes_no_text() -> None:
    assert said("horoscope", {"code": "K7M3P"}) is None
