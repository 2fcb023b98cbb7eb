"""Every parser over anything: each answers, or refuses in its own way, and what it answers can be read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.auth import _local
from intake import answers, images
from intake.questions import QUESTIONS
from intake.reading import parse_json
from ledger import codes, values
from ledger.figures import monthfile, preventionfile, registerfile
from ledger.police import reply
from ledger.school import schoolrows
from ledger.store import limits
from notifier.twilio import voice, webhook
from services.proxies import networks
from tests.fuzz.words import NASTY

NOW, ZONE = datetime(2026, 11, 24, 6, 40, tzinfo=UTC), ZoneInfo("Asia/Shanghai")
TYPED = "0123456789０９.,，万亿千百十一二两三零元¥+-: T/年月日点分昨天前今()K7M3Pk收到OK_ \n\x00"
TEXT = st.one_of(st.sampled_from(NASTY), st.text(alphabet=st.characters(), max_size=80), st.text(alphabet=TYPED))
FIELDS = ("MessageSid", "SmsSid", "MessageStatus", "SmsStatus", "ErrorCode", "From", "Body", "CallSid", "CallStatus",
          "Digits")  # fmt: skip
KNOWN = (
    "delivered",
    "sent",
    "failed",
    "undelivered",
    "queued",
    "in-progress",
    "completed",
    "busy",
    "30003",
    "1",
    "SM1",
)


def amount(text: str) -> None:
    fen = values.parse_amount(text)
    assert fen is None or values.parse_amount(values.yuan(fen)) == fen


def phone(text: str) -> None:
    number = values.parse_phone(text)
    assert number is None or (number[0] == "+" and number[1:].isascii() and number[1:].isdigit() and len(number) <= 19)


def account(text: str) -> None:
    found = values.parse_account(text)
    assert found is None or (found.text and not any(char.isspace() for char in found.text))


def when(text: str) -> None:
    found = values.parse_when(text, NOW, ZONE)
    assert found is None or found.at is None or NOW - values.PAST <= found.at <= NOW + values.FUTURE


def text_kept(text: str) -> None:
    kept = values.clean_text(text, 50)
    assert len(kept) <= 50 and "\x00" not in kept
    kept.encode()  # no lone surrogate is left
    assert values.clean_text(kept, 50) == kept


def reply_read(text: str) -> None:
    said = reply.read(text)
    assert not (said.codes and said.bare)
    assert all(len(code) == codes.LENGTH for code in said.codes)


def code(text: str) -> None:
    folded = codes.fold(text)
    assert not codes.looks_like_code(text) or len(folded) == codes.LENGTH
    assert codes.is_blocked(text) in (True, False)


def cell(text: str) -> None:
    for column in (column for columns in schoolrows.COLUMNS.values() for column in columns):
        value = column.read(text)
        if column.read is schoolrows.parse_days and isinstance(value, str):
            assert schoolrows.parse_days(value) == value
        if column.read is schoolrows.parse_clock and isinstance(value, str):
            assert schoolrows.parse_clock(value) == value
    assert not schoolrows.plain(text).startswith("\x00")


def monthly_cell(text: str) -> None:
    for column in (*registerfile.COLUMNS, *preventionfile.COLUMNS):
        column.read(text)
    month = monthfile.parse_month(text)
    assert month is None or monthfile.parse_month(month) == month


def setting(text: str) -> None:
    """These refuse with ValueError, which the settings turn into a line for the operator."""
    readers: tuple[Callable[[], Any], ...] = (
        lambda: limits.burst(text),
        lambda: limits.per_number(text, len),
        lambda: networks(text),
    )
    for read in readers:
        try:
            read()
        except ValueError:
            continue


def next_page(text: str) -> None:
    to = _local(text)
    assert to is None or (to.startswith("/") and not to.startswith(("//", "/\\")) and to.isascii())


PARSERS = (amount, phone, account, when, text_kept, reply_read, code, cell, monthly_cell, setting, next_page)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.__name__)
def test_no_text_breaks_a_parser(parser: Callable[[str], None]) -> None:
    @settings(max_examples=400, deadline=None)
    @given(TEXT)
    def holds(text: str) -> None:
        parser(text)

    holds()


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), st.one_of(st.sampled_from(KNOWN), TEXT)))
def test_a_callback_is_read_or_refused(form: dict[str, str]) -> None:
    for parse in (webhook.parse_status, webhook.parse_message, voice.parse):
        try:
            said = parse(form)
        except ValueError as refused:
            assert 0 < len(str(refused)) < 500
        else:
            assert said.sid


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), TEXT)
def test_no_signature_that_we_did_not_make_holds(url: str, signature: str) -> None:
    assert not webhook.verify("a token", url, {"a": "b"}, signature)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(QUESTIONS), st.data())
def test_an_answer_of_stage_two_is_always_kept(question: Any, data: st.DataObject) -> None:
    names = [field.name for field in question.fields] + ["page", "unknown"]
    form = data.draw(st.dictionaries(st.sampled_from(names), TEXT))
    given_ = answers.read(question, form, NOW, ZONE)
    assert set(given_.typed) <= set(names)
    for name, said in given_.typed.items():
        assert values.clean_text(form[name], 10_000).startswith(said)
    json.dumps(given_.unread, ensure_ascii=False).encode()


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_body_is_json_or_refused(raw: bytes) -> None:
    with suppress(ValueError):
        parse_json(raw)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\x00\x00\x00\x00WEBP", b"GIF89a"]),
    st.binary(),
)
def test_any_file_is_a_picture_or_refused(start: bytes, rest: bytes) -> None:
    with pytest.raises((images.NotAPicture, images.TooLarge)):
        images.clean(start + rest)
