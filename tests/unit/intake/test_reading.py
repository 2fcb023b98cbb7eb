"""Reading never fails: whatever is typed or sent becomes a report, or problems that name their fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.reading import MAX_DEPTH, Number, Reading, parse_json, read_form, read_json
from ledger import channels

NOW = datetime(2026, 11, 24, 6, 40, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
WRITTEN = (
    "13800000001", "3800", "1.2万", "1e5", "-1", "9" * 400, "１２３", "now", "14:32", "昨天25:99",
    "2026-11-24T14:32:00+08:00", "0001-01-01T00:00:00", "CNY", "bank", "true", "in_progress", "", " ", "\x00", "\ud800",
)  # fmt: skip
TEXT = st.one_of(st.sampled_from(WRITTEN), st.text(alphabet=st.characters(), max_size=60))  # lone surrogates too
FORM_FIELDS = ("channel", "amount", "when", "payee_account", "payee_name", "phone", "phone_unsafe", "for_whom",
               "victim_phone", "submission_key", "unknown")  # fmt: skip
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)),
    max_leaves=8,
)
REPORTER = ("phone", "name", "student_no", "college", "for_whom", "victim_phone", "phone_unsafe")
TRANSFER = ("amount", "currency", "when", "channel", "payee_account", "payee_name", "payee_bank", "payer_bank",
            "payer_account_tail", "serial")  # fmt: skip


def objects(*names: str) -> st.SearchStrategy[Any]:
    return st.one_of(JSON, st.dictionaries(st.sampled_from(names), JSON))


BODY = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {},
        optional={
            "kind": JSON,
            "reporter": objects(*REPORTER),
            "transfers": st.one_of(JSON, st.lists(objects(*TRANSFER), max_size=4)),
            **dict.fromkeys(("fraud_type", "narrative", "called_110", "language"), JSON),
        },
    ),
)


def sound(reading: Reading) -> None:
    """What holds of every reading, so that no later step can fail on it."""
    assert (reading.report is None) == bool(reading.problems)
    for problem in reading.problems:
        assert problem.zh and problem.en
    json.dumps(reading.unread, ensure_ascii=False).encode()
    if reading.report is None:
        return
    report = reading.report
    assert report.unread is reading.unread and report.phone.startswith("+")
    assert report.kind == "in_progress" or report.transfers
    assert report.college is None or len(report.college) <= 32
    texts = [report.name, report.student_no, report.college, report.narrative, report.victim_phone]
    for item in report.transfers:
        assert 0 < item.amount_fen <= 10**13
        assert item.channel in ("bank", "alipay", "wechat", "other")
        assert len(item.currency) == 3 and item.currency.isascii()
        if item.when and item.when.at:
            assert NOW - timedelta(days=3653) <= item.when.at <= NOW + timedelta(minutes=5)
        texts += [item.payee_account, item.payee_name, item.payee_bank, item.payer_bank, item.serial]
    for text in texts:
        assert text is None or (text.encode() and "\x00" not in text)


@given(st.dictionaries(st.sampled_from(FORM_FIELDS), TEXT))
def test_any_form_is_read(form: dict[str, str]) -> None:
    sound(read_form(form, NOW, ZONE, "zh"))


@given(st.dictionaries(st.sampled_from([name for name in FORM_FIELDS if name not in ("amount", "phone")]), TEXT))
def test_no_optional_field_of_the_form_refuses(form: dict[str, str]) -> None:
    reading = read_form({**form, "amount": "3800", "phone": "13800000001"}, NOW, ZONE, "zh")
    sound(reading)
    assert reading.report


@settings(max_examples=300)
@given(BODY)
def test_any_json_is_read(body: Any) -> None:
    sound(read_json(parse_json(json.dumps(body).encode()), NOW, ZONE))


@settings(max_examples=300)
@given(BODY, st.lists(objects(*TRANSFER), max_size=3))
def test_no_optional_field_of_the_api_refuses(body: Any, more: list[Any]) -> None:
    outer: dict[str, Any] = body if isinstance(body, dict) else {}
    reporter = outer.get("reporter")
    report = {
        **outer,
        "reporter": {**(reporter if isinstance(reporter, dict) else {}), "phone": "13800000001"},
        "transfers": [*more, {"amount": "3800"}],
    }
    reading = read_json(parse_json(json.dumps(report).encode()), NOW, ZONE)
    sound(reading)
    assert reading.report
    assert (
        len(reading.report.transfers) + sum(key.count("[") and "." not in key for key in reading.unread)
        == len(more) + 1
    )


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_a_value_error(raw: bytes) -> None:
    try:
        body = parse_json(raw)
    except ValueError:
        return
    sound(read_json(body, NOW, ZONE))


@pytest.mark.parametrize("depth, fine", [(MAX_DEPTH - 1, True), (MAX_DEPTH + 1, False), (900, False), (100_000, False)])
def test_nesting_has_an_end(depth: int, fine: bool) -> None:
    for raw in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        if fine:
            parse_json(raw)
        else:
            with pytest.raises(ValueError, match="nested"):
                parse_json(raw)


@pytest.mark.parametrize("raw", [b"NaN", b"[Infinity]", b'{"a": -Infinity}'])
def test_what_only_python_calls_a_number_is_no_json(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        parse_json(raw)


def test_numbers_stay_as_they_were_written() -> None:
    long = "9" * 10_000
    assert parse_json(f"[38600.10, {long}, 1e400, -0]".encode()) == ["38600.10", long, "1e400", "-0"]
    assert isinstance(parse_json(b"1"), Number)


def unread(**fields: Any) -> dict[str, str]:
    body = {"reporter": {"phone": "13800000001"}, "transfers": [{"amount": 1, **fields.pop("transfer", {})}], **fields}
    return read_json(parse_json(json.dumps(body).encode()), NOW, ZONE).unread


@pytest.mark.parametrize("fields, kept", [
    ({"narrative": ["a", {"b": "c"}]}, {"narrative": '["a", {"b": "c"}]'}),
    ({"narrative": "长" * 10_001},
     {"narrative": "太长，只留前10000字 (too long: the first 10000 characters of 10001 were taken)"}),
    ({"fraud_type": "XX"}, {"fraud_type": "XX"}),
    ({"called_110": "maybe"}, {"called_110": "maybe"}),
    ({"called_110": []}, {"called_110": "[]"}),
    ({"kind": "stolen"}, {"kind": "stolen"}),
    ({"transfer": {"currency": "yuan"}}, {"transfers[0].currency": "yuan"}),
    ({"transfer": {"when": "三点半左右"}}, {"transfers[0].when": "三点半左右"}),
    ({"transfer": {"when": "2031-01-01T00:00:00Z"}}, {"transfers[0].when": "2031-01-01T00:00:00Z"}),
    ({"transfer": {"when": "1926-11-24T14:32:00"}}, {"transfers[0].when": "1926-11-24T14:32:00"}),
    *(({"transfer": {"channel": way}}, {}) for way in channels.WORDS),
    ({"transfer": {"channel": "carrier pigeon"}}, {"transfers[0].channel": "carrier pigeon"}),
    ({"transfer": {"when": "2026-11-24T14:32:00"}}, {}),
    ({"transfer": {"payee_account": "不知道", "payee_name": "无", "serial": "-"}},
     {"transfers[0].payee_account": "不知道", "transfers[0].payee_name": "无", "transfers[0].serial": "-"}),
    ({"called_110": "false", "language": "xx"}, {}),
    ({"called_110": 1}, {}),
])  # fmt: skip
def test_what_cannot_be_understood_is_kept_as_written(fields: dict[str, Any], kept: dict[str, str]) -> None:
    assert unread(**fields) == kept


@pytest.mark.parametrize("said, meant", [
    (True, True), (False, False), ("true", True), ("false", False), ("no", False), ("否", False), ("是", True),
    ("on", True), (0, False), (1, True), ("", False), (" TRUE ", True), (None, None), ("perhaps", None), (2, None),
    ({}, None),
])  # fmt: skip
def test_truth_is_what_was_meant_not_what_python_thinks(said: Any, meant: bool | None) -> None:
    body = {"reporter": {"phone": "13800000001"}, "transfers": [{"amount": 1}], "called_110": said}
    report = read_json(parse_json(json.dumps(body).encode()), NOW, ZONE).report
    assert report and report.called_110 is meant


def test_a_time_without_a_zone_is_the_schools() -> None:
    form = {"amount": "1", "phone": "13800000001", "when": "2026-11-24T14:32"}
    report = read_form(form, NOW, ZONE, "zh").report
    assert report and report.transfers[0].when
    assert report.transfers[0].when.at == datetime(2026, 11, 24, 6, 32, tzinfo=UTC)
