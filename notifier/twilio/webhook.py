"""Twilio's callbacks: signature and parsing, pure. What is true of them is decided in the ledger."""

from collections.abc import Iterable, Mapping

from twilio.request_validator import RequestValidator

from notifier.channel import Inbound, StatusReport
from notifier.twilio import errors

Form = Mapping[str, str] | Iterable[tuple[str, str]]


class BadCallback(ValueError):
    """A signed callback that lacks a field, or has a status nobody knows; the message names it."""


class _Fields(dict[str, list[str]]):
    def getlist(self, name: str) -> list[str]:
        """What the SDK asks for, so that a field given twice counts twice."""
        return self[name]


def verify(auth_token: str, url: str, form: Form, signature: str | None) -> bool:
    """Whether Twilio signed this POST.

    `url` is the full public address with its query, as Twilio called it (with or without a default port);
    `form` a mapping, a MultiDict, or pairs; `signature` the X-Twilio-Signature header. No header: False.
    """
    if not signature or not auth_token:
        return False
    return bool(RequestValidator(auth_token).validate(url, _fields(form), signature))


def parse_status(form: Mapping[str, str]) -> StatusReport:
    """A status callback (MessageSid, MessageStatus, ErrorCode). Raises BadCallback."""
    sid, status = _field(form, "MessageSid", "SmsSid"), _field(form, "MessageStatus", "SmsStatus")
    code = form.get("ErrorCode") or None
    state = errors.state(status, code)
    if state is None:
        raise BadCallback(f"unknown MessageStatus {status[:40]!r}")
    return StatusReport(sid, state, code)


def parse_message(form: Mapping[str, str]) -> Inbound:
    """An incoming text (MessageSid, From, Body; an empty Body is a picture). Raises BadCallback."""
    if "Body" not in form:
        raise BadCallback("Body is missing")
    return Inbound(_field(form, "MessageSid", "SmsSid"), _field(form, "From"), form["Body"])


def _field(form: Mapping[str, str], name: str, old_name: str = "") -> str:
    value = form.get(name) or form.get(old_name)
    if not value:
        raise BadCallback(f"{name} is missing")
    return value


def _fields(form: Form) -> _Fields:
    fields = _Fields()
    multi = getattr(form, "getlist", None)  # a MultiDict's items() shows only the first of equal names
    if isinstance(form, Mapping):
        form = [(name, value) for name in form for value in (multi(name) if multi else [form[name]])]
    for name, value in form:
        fields.setdefault(name, []).append(value)
    return fields
