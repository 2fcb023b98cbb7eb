"""What each setting has to look like. Every check gives the value back, or raises ValueError with why, without it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from ledger.store import limits
from services.proxies import networks

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def database(value: str) -> str:
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):  # the message of a bad port shows a piece of the URL
        raise ValueError("not a URL") from None
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        raise ValueError("neither sqlite:/// nor postgresql+psycopg://")
    if url.drivername == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError("names no file, and a report kept in memory only is lost with it")
    return value


def broker(value: str) -> str:
    for part in value.split(";") if value != "ledger://" else ():
        url = _split(part)
        if url.scheme not in ("amqp", "amqps") or not url.hostname:
            raise ValueError("neither ledger:// nor amqp URLs")
        if url.hostname not in LOOPBACK and url.username in (None, "guest"):
            raise ValueError("the user guest is for this machine only; make one for Stopline")
    return value


def web_address(value: str) -> str:
    """Without a slash at its end; may be empty."""
    url = _split(watched_address(value))
    if url.query or url.fragment:
        raise ValueError("not an http address")
    return value.rstrip("/")


def root_of_a_host(value: str) -> str:
    if not value:  # a link in a text would begin with /, and no provider could call back
        raise ValueError("empty")
    address = web_address(value)
    if urlsplit(address).path:  # links would lead there, and nothing of ours is below a path
        raise ValueError("has a path; Stopline needs a host name of its own")
    return address


def watched_address(value: str) -> str:
    """As it is: some monitors want a query, or a slash at the end."""
    if value and (_split(value).scheme not in ("http", "https") or not _split(value).hostname):
        raise ValueError("not an http address")
    return value


def addresses(value: str) -> str:
    try:
        networks(value)
    except ValueError:
        raise ValueError("neither an address nor a network") from None
    return value


def zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("no such time zone") from error
    return value


def signature(value: str) -> str:
    if not 1 <= len(value) <= 9:
        raise ValueError("1 to 9 characters: with its brackets it takes 11 of a text's 70 units")
    return value


def _shaped(pattern: str, why: str) -> Callable[[str], str]:
    """May be empty, which is not set."""
    shape = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if value and not shape.fullmatch(value):
            raise ValueError(why)
        return value

    return check


_E164 = r"\+[1-9]\d{6,14}"
account = _shaped(r"AC[0-9a-fA-F]{32}", "no account SID")
messaging_service = _shaped(r"MG[0-9a-fA-F]{32}", "no SID of a messaging service")
number = _shaped(_E164, "no number in E.164")
sender = _shaped(  # a number, a short code, a name with a letter in it
    rf"{_E164}|\d{{3,6}}|(?=.*[A-Za-z])(?!\+)[A-Za-z0-9 +_&-]{{1,11}}",
    "neither a number in E.164 nor a short code nor a name of up to 11 letters and digits",
)


def name(value: str) -> str:
    if not value.strip():
        raise ValueError("empty")
    return value


def threads(value: int) -> int:
    if not 1 <= value <= 64:
        raise ValueError("out of range")
    return value


def retention(value: int) -> int:
    """Less than a status link lives is a slip: 3 is meant as years."""
    if value and value < 180:
        raise ValueError("too few days")
    return value


def burst(value: str) -> str:
    limits.burst(value)
    return value


def budget(value: str) -> str:
    limits.per_number(value, len)
    return value


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("not a URL") from None
    return parts


OF: dict[str, Callable[[Any], Any]] = {  # by the name of the setting's field
    "database_url": database,
    "broker_url": broker,
    "public_url": root_of_a_host,
    "twilio_account_sid": account,
    "twilio_messaging_service_sid": messaging_service,
    "twilio_from": sender,
    "twilio_from_urgent": sender,
    "twilio_voice_from": number,
    "twilio_api_base": web_address,
    "heartbeat_url": watched_address,
    "trusted_proxies": addresses,
    "timezone": zone,
    "sms_signature": signature,
    "school_name": name,
    "sender_threads": threads,
    "retention_days": retention,
    "unverified_burst": burst,
    "number_budget": budget,
}
