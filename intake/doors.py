"""What every way in shares: the ledger, the clock behind it, and answers that a person can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Response, jsonify

from ledger.unit_of_work import Ledger

MAX_BODY = 1 << 20  # bytes; over that 413


class StatusReport(Protocol):
    @property
    def sid(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def error_code(self) -> str | None: ...


class Inbound(Protocol):
    @property
    def sid(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def body(self) -> str: ...


class CallReport(Protocol):
    @property
    def sid(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def pressed(self) -> bool: ...
    @property
    def taken(self) -> bool: ...


@dataclass(frozen=True)
class Provider:
    """How a provider's callbacks are checked and read; handed in, so that this room knows no provider.

    `verify(url, form, signature)`; the parsers raise ValueError for what they cannot read.
    """

    verify: Callable[[str, Mapping[str, str], str | None], bool]
    parse_status: Callable[[Mapping[str, str]], StatusReport]
    parse_message: Callable[[Mapping[str, str]], Inbound]
    parse_call: Callable[[Mapping[str, str]], CallReport]
    answer_call: Callable[[str, str], str]  # (outcome, language) → what the provider's voice is to say


@dataclass(frozen=True)
class Door:
    """What the blueprints of this room work with. `public_url` has no trailing slash."""

    ledger: Ledger
    public_url: str
    school: str
    provider: Provider
    drill_token_holds: Callable[[str], bool]


def problem(status: int, title: str, detail: str, errors: Sequence[Mapping[str, str]] = (), slug: str = "") -> Response:
    """An RFC 9457 answer."""
    body: dict[str, Any] = {"type": f"about:blank#{slug}" if slug else "about:blank", "title": title, "status": status}
    response = jsonify({**body, "detail": detail, "errors": list(errors)})
    response.status_code = status
    response.content_type = "application/problem+json"
    if status == 503:
        response.headers["Retry-After"] = "2"
    return response
