"""What was typed or sent, read forgivingly: only an amount and a phone can be missing, nothing optional can fail.

An optional value that cannot be understood is kept as written under its field's name and flagged to the officer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any, NoReturn

from ledger import channels, fraud, values
from ledger.reporting.reports import ReportIn, TransferIn

MAX_TRANSFERS = 50  # in one report; what is beyond is flagged, the page takes more later
MAX_DEPTH = 32  # of nested JSON; ours needs four
_SHORT, _LONG = 200, 10_000
_TRUE, _FALSE = ("1", "true", "on", "yes", "是"), ("", "0", "false", "off", "no", "否")
_EXPONENT = re.compile(r"-?\d+(\.\d+)?[eE][+-]?\d{1,2}", re.ASCII)


class Number(str):
    """A JSON number as it was written: exact, and as long as it likes to be."""


@dataclass(frozen=True)
class Problem:
    """A field without which there is no report, said in both languages."""

    field: str
    zh: str
    en: str


@dataclass
class Reading:
    """A report being read. `report` is None while there are problems."""

    now: datetime
    zone: tzinfo
    problems: list[Problem] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    report: ReportIn | None = None

    def text(self, name: str, value: Any, limit: int = _SHORT) -> str | None:
        """Any JSON value as text; what is no text is kept as written, and flagged."""
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.flag(name, value, limit)
            return None
        if len(value.strip()) > limit:
            self.flag(
                name, f"太长，只留前{limit}字 (too long: the first {limit} characters of {len(value)} were taken)"
            )
        return values.clean_text(value[: 2 * limit], limit) or None

    def fact(self, name: str, value: Any) -> str | None:
        """What a bank or a roster is to match. 不知道 is no such fact: it is kept as written, and still asked for."""
        text = self.text(name, value)
        if text and values.says_nothing(text):
            self.flag(name, text)
            return None
        return text

    def flag(self, name: str, value: Any, limit: int = _SHORT) -> None:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        self.unread[name] = values.clean_text(text[: 2 * limit], limit)

    def phone(self, name: str, value: Any) -> str | None:
        """A phone that may be missing."""
        text = self.text(name, value)
        parsed = values.parse_phone(text) if text else None
        if text and parsed is None:
            self.flag(name, text)
        return parsed

    def compulsory_phone(self, name: str, value: Any) -> str:
        text = values.clean_text(value, _SHORT) if isinstance(value, str) else ""
        parsed = values.parse_phone(text)
        if parsed is None:
            self.problems.append(
                Problem(name, "请填写手机号，例如 13800000001", "Enter a phone number, like 138 0000 0001")
                if not text
                else Problem(name, "看不懂这个手机号，例如 13800000001", "Check the phone number, like 138 0000 0001")
            )
        return parsed or ""

    def amount(self, name: str, value: Any) -> int:
        text = _amount_text(value)
        fen = values.parse_amount(text)
        if fen is None:
            self.problems.append(
                Problem(name, "请填写金额，例如 3800", "Enter the amount, like 3800")
                if not text
                else Problem(name, "看不懂这个金额，例如 3800", "Check the amount, like 3800")
            )
        return fen or 0

    def when(self, name: str, value: Any) -> values.When | None:
        text = self.text(name, value)
        parsed = values.parse_when(text, self.now, self.zone) if text else None
        if text and parsed is None:
            self.flag(name, text)
        return parsed

    def choice(self, name: str, value: Any, allowed: Container[str], default: str | None) -> str | None:
        text = self.text(name, value)
        if text is not None and text not in allowed:
            self.flag(name, text)
            return default
        return text or default

    def truth(self, name: str, value: Any) -> bool | None:
        if isinstance(value, bool) or value is None:
            return value
        said = value.strip().lower() if isinstance(value, str) else None
        if said not in _TRUE + _FALSE:
            self.flag(name, value)
            return None
        return said in _TRUE


def _amount_text(value: Any) -> str:
    if isinstance(value, Number) and _EXPONENT.fullmatch(value):
        return f"{Decimal(value):f}"
    return values.clean_text(value[:_SHORT], _SHORT) if isinstance(value, str) else ""


def parse_json(raw: bytes) -> Any:
    """Any JSON document, its numbers as they were written. Raises ValueError, also for what is nested absurdly."""
    try:
        body = json.loads(raw, parse_int=Number, parse_float=Number, parse_constant=_no_json)
    except RecursionError:
        raise ValueError("nested too deep") from None
    layer = [body]
    for _ in range(MAX_DEPTH):
        nested = [item for item in layer if isinstance(item, (dict, list))]
        layer = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
        if not layer:
            return body
    raise ValueError("nested too deep")


def _no_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def read_form(form: Mapping[str, str], now: datetime, zone: tzinfo, language: str) -> Reading:
    """Stage 1 of the form (`POST /report`)."""
    r = Reading(now, zone)
    transfer = TransferIn(
        amount_fen=r.amount("amount", form.get("amount")),
        channel=r.choice("channel", form.get("channel"), channels.WORDS, "other") or "other",
        when=r.when("when", form.get("when")),
        payee_account=r.fact("payee_account", form.get("payee_account")),
        payee_name=r.fact("payee_name", form.get("payee_name")),
    )
    phone = r.compulsory_phone("phone", form.get("phone"))
    report = ReportIn(
        phone=phone,
        transfers=(transfer,),
        language=language,
        phone_unsafe=bool(r.truth("phone_unsafe", form.get("phone_unsafe"))),
        safe_phone=r.phone("safe_phone", form.get("safe_phone")),
        for_whom=r.choice("for_whom", form.get("for_whom"), ("self", "other"), "self") or "self",
        victim_phone=r.phone("victim_phone", form.get("victim_phone")),
        unread=r.unread,
    )
    r.report = None if r.problems else report
    return r


def read_json(body: Any, now: datetime, zone: tzinfo) -> Reading:
    """The API's body (`POST /api/v1/reports`), as `parse_json` gives it.

    Only `reporter.phone` and, when money was transferred, the one amount that has to be there can be at fault.
    """
    r = Reading(now, zone)
    if not isinstance(body, dict):
        r.problems.append(Problem("", "请求体应为 JSON 对象", "The body must be a JSON object"))
        return r
    given = body.get("reporter")
    reporter: dict[str, Any] = given if isinstance(given, dict) else {}
    kind = r.choice("kind", body.get("kind"), ("transferred", "in_progress"), "transferred")
    phone = r.compulsory_phone("reporter.phone", reporter.get("phone"))
    transfers = _transfers(r, body.get("transfers"), compulsory=kind == "transferred")
    report = ReportIn(
        phone=phone,
        transfers=transfers,
        kind=kind or "transferred",
        source="api",
        language="en" if body.get("language") == "en" else "zh",
        phone_unsafe=bool(r.truth("reporter.phone_unsafe", reporter.get("phone_unsafe"))),
        safe_phone=r.phone("reporter.safe_phone", reporter.get("safe_phone")),
        for_whom=r.choice("reporter.for_whom", reporter.get("for_whom"), ("self", "other"), "self") or "self",
        victim_phone=r.phone("reporter.victim_phone", reporter.get("victim_phone")),
        name=r.fact("reporter.name", reporter.get("name")),
        student_no=r.fact("reporter.student_no", reporter.get("student_no")),
        college=r.text("reporter.college", reporter.get("college"), 32),
        class_named=r.text("reporter.class", reporter.get("class"), 64),
        fraud_type=r.choice("fraud_type", body.get("fraud_type"), fraud.KINDS, None),
        narrative=r.text("narrative", body.get("narrative"), _LONG),
        called_110=r.truth("called_110", body.get("called_110")),
        unread=r.unread,
    )
    r.report = None if r.problems else report
    return r


def _transfers(r: Reading, given: Any, *, compulsory: bool) -> tuple[TransferIn, ...]:
    """Those with an amount; the others are kept as written, unless that would leave none of a transfer's report."""
    rows = given if isinstance(given, list) else []
    if given is not None and not isinstance(given, list):
        r.flag("transfers", given)
    if len(rows) > MAX_TRANSFERS:
        beyond = json.dumps(rows[MAX_TRANSFERS:], ensure_ascii=False)
        said = f"共{len(rows)}笔，只收前{MAX_TRANSFERS}笔 ({len(rows)} transfers: the first {MAX_TRANSFERS} were taken)"
        r.flag("transfers", f"{said} {beyond}", _LONG)
    numbered = list(enumerate(rows[:MAX_TRANSFERS]))
    readable = [(n, row) for n, row in numbered if _has_amount(row)]
    if compulsory and not readable:
        readable = numbered[:1] or [(0, {})]  # reading it says what is missing
    taken = {n for n, _ in readable}
    for n, row in numbered:
        if n not in taken:
            r.flag(f"transfers[{n}]", row, _LONG)
    return tuple(_transfer(r, f"transfers[{n}]", row) for n, row in readable)


def _has_amount(given: Any) -> bool:
    return isinstance(given, dict) and values.parse_amount(_amount_text(given.get("amount"))) is not None


def _transfer(r: Reading, at: str, given: Any) -> TransferIn:
    row = given if isinstance(given, dict) else {}
    texts = {
        name: r.fact(f"{at}.{name}", row.get(name))
        for name in ("payee_account", "payee_name", "payee_bank", "payer_bank", "payer_account_tail", "serial")
    }
    currency = r.text(f"{at}.currency", row.get("currency")) or "CNY"
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        r.flag(f"{at}.currency", currency)
        currency = "CNY"
    return TransferIn(
        amount_fen=r.amount(f"{at}.amount", row.get("amount")),
        currency=currency.upper(),
        channel=r.choice(f"{at}.channel", row.get("channel"), channels.WORDS, "other") or "other",
        when=r.when(f"{at}.when", row.get("when")),
        **texts,
    )
