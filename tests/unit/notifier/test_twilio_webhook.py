"""Callbacks: known-good signatures, and forms that lack something."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from notifier.channel import Inbound, StatusReport
from notifier.twilio.webhook import BadCallback, Form, parse_message, parse_status, verify

# The worked example of twilio.com/docs/usage/security (token 12345).
URL = "https://example.com/myapp.php?foo=1&bar=2"
CALL = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675310",
    "To": "+18005551212",
    "Caller": "+14158675310",
}
SIGNED = "L/OH5YylLD5NRKLltdqwSvS0BnU="


def test_the_worked_example_of_the_provider() -> None:
    assert verify("12345", URL, CALL, SIGNED)
    assert verify("12345", URL, list(CALL.items()), SIGNED)
    assert verify("12345", URL, MultiDict(CALL), SIGNED)
    assert verify("12345", URL.replace(".com/", ".com:443/"), CALL, SIGNED)


@pytest.mark.parametrize(
    ("token", "url", "form", "signature"),
    [
        ("12345", URL, CALL, None),
        ("12345", URL, CALL, ""),
        ("12345", URL, CALL, SIGNED.lower()),
        ("12345", URL, CALL, "签名"),
        ("", URL, CALL, SIGNED),
        ("54321", URL, CALL, SIGNED),
        ("12345", URL.replace("https", "http"), CALL, SIGNED),
        ("12345", URL + "&delivery=2", CALL, SIGNED),
        ("12345", URL, {**CALL, "Digits": "1235"}, SIGNED),
        ("12345", URL, {**CALL, "Extra": ""}, SIGNED),
        ("12345", URL, {}, SIGNED),
        ("12345", URL, [*CALL.items(), ("Digits", "1235")], SIGNED),
    ],
)
def test_forgeries(token: str, url: str, form: Form, signature: str | None) -> None:
    assert not verify(token, url, form, signature)


def test_a_field_given_twice_counts_twice() -> None:
    twice = [("A", "1"), ("A", "2")]
    signature = "G9j2uJNXkTkjeLjKmIcM14Di4/I="  # HMAC-SHA1 of https://example.com/aA1A2 under 12345
    assert verify("12345", "https://example.com/a", twice, signature)
    assert verify("12345", "https://example.com/a", MultiDict(twice), signature)


def test_parse_status() -> None:
    assert parse_status({"MessageSid": "SM1", "MessageStatus": "delivered"}) == StatusReport("SM1", "delivered", None)
    form = {"SmsSid": "SM1", "SmsStatus": "undelivered", "ErrorCode": "30003"}
    assert parse_status(form) == StatusReport("SM1", "undelivered", "30003")
    assert parse_status({"MessageSid": "SM1", "MessageStatus": "sending", "ErrorCode": ""}).state == "sent"


def test_parse_message() -> None:
    form = {"MessageSid": "SM2", "From": "+8613800000001", "Body": "收到K7M3P"}
    assert parse_message(form) == Inbound("SM2", "+8613800000001", "收到K7M3P")
    assert parse_message({**form, "Body": ""}).body == ""


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "MessageSid is missing"),
        ({"MessageSid": "SM1"}, "MessageStatus is missing"),
        ({"MessageSid": "SM1", "MessageStatus": "exploded"}, "unknown MessageStatus 'exploded'"),
    ],
)
def test_bad_status(form: dict[str, str], words: str) -> None:
    with pytest.raises(BadCallback, match=words):
        parse_status(form)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"MessageSid": "SM1", "From": "+1"}, "Body is missing"),
        ({"MessageSid": "SM1", "Body": "x"}, "From is missing"),
        ({"From": "+1", "Body": "x"}, "MessageSid is missing"),
    ],
)
def test_bad_message(form: dict[str, str], words: str) -> None:
    with pytest.raises(BadCallback, match=words):
        parse_message(form)


@given(st.dictionaries(st.text(), st.text()))
def test_any_form_is_parsed_or_refused(form: dict[str, str]) -> None:
    assert not verify("12345", URL, form, SIGNED)
    for parse in (parse_status, parse_message):
        with pytest.raises(BadCallback):
            parse(form)
