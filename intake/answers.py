"""From a page of stage 2 to what the ledger keeps of it: read forgivingly, nothing is ever refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

from intake.questions import ACCOUNT_KIND, Question
from ledger import channels, fraud, values
from ledger.reporting.additions import Given
from ledger.reporting.corrections import SEALED
from ledger.reporting.reportin import TransferIn
from ledger.ringing.owing import UNREAD

_SHORT, _LONG = 200, 10_000
_NAMING = ("name", "student_no")  # of which a later answer would find the place taken
_CASE = {"name": "name", "student_no": "student_no", "narrative": "narrative", "money_source": "money_source"}


def read(question: Question, form: Mapping[str, str], now: datetime, zone: tzinfo) -> Given:
    """What was filled in of this question. `Given.typed` is empty when nothing was."""
    typed = {
        field.name: said
        for field in question.fields
        if (said := values.clean_text(form.get(field.name, ""), _LONG if field.kind == "long" else _SHORT))
    }
    given = Given(question.slug, typed, values.clean_text(form.get("page", ""), 64), number(form.get("transfer", "")))
    if question.slug == "transfer":
        return _another(replace(given, written=_written(question, typed)), now, zone)
    if question.each:
        return _one(given, now, zone)
    return replace(given, case=_columns(typed))


def number(typed: str) -> int:
    """Which transfer a page is about: the first, unless it says otherwise."""
    return int(typed) if typed.isascii() and typed.isdigit() and 0 < len(typed) < 4 else 1


def _columns(typed: Mapping[str, str]) -> dict[str, Any]:
    filled: dict[str, Any] = {
        column: typed[name]
        for name, column in _CASE.items()
        if name in typed and not (name in _NAMING and values.says_nothing(typed[name]))
    }
    if typed.get("called") in ("yes", "no"):
        filled["called_110"] = typed["called"] == "yes"
    if typed.get("fraud_type") in fraud.KINDS:
        filled["fraud_type"] = typed["fraud_type"]
    return filled


def _one(given: Given, now: datetime, zone: tzinfo) -> Given:
    """About one transfer that is known: what was left out of it, or said otherwise."""
    facts, unread = _facts(given.typed, now, zone)
    said = given.typed.get("channel")
    way = said if said in channels.NOT_SAID else None
    return replace(given, facts=facts, unread=unread, account_kind=_kind(given.typed), channel=way)


def _another(given: Given, now: datetime, zone: tzinfo) -> Given:
    facts, unread = _facts(given.typed, now, zone)
    if "amount_fen" not in facts:  # no amount, no transfer: kept whole, as it was written
        return replace(given, unread={UNREAD: given.written} if given.written else {})
    channel = given.typed.get("channel", "other")
    facts["channel"] = channel if channel in channels.WORDS else "other"
    return replace(given, another=TransferIn(**facts), unread=unread, account_kind=_kind(given.typed))


def _written(question: Question, typed: Mapping[str, str]) -> str:
    """All of it in one line, for people: what was chosen in Chinese words, as the police and the bank read it."""
    options = {field.name: field.options or {} for field in question.fields}
    return " · ".join(options[name].get(value, (value,))[0] for name, value in typed.items())


def _facts(typed: Mapping[str, str], now: datetime, zone: tzinfo) -> tuple[dict[str, Any], dict[str, str]]:
    """Fields of TransferIn, and what could not be read. 不知道 is an answer that tells no fact."""
    facts: dict[str, Any] = {
        name: typed[name] for name in SEALED if name in typed and not values.says_nothing(typed[name])
    }
    unread: dict[str, str] = {}
    if "amount" in typed:
        facts["amount_fen"] = values.parse_amount(typed["amount"])
        if facts["amount_fen"] is None:
            unread["unread_amount"] = typed["amount"]
            del facts["amount_fen"]
    if "when" in typed:
        facts["when"] = values.parse_when(typed["when"], now, zone)
        if facts["when"] is None:
            unread["unread_time"] = typed["when"]
            del facts["when"]
    return facts, unread


def _kind(typed: Mapping[str, str]) -> str | None:
    kind = typed.get("account_kind")
    return kind if kind in ACCOUNT_KIND else None
