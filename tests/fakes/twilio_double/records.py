"""What the double keeps: messages as Twilio shows them, every request that reached it, every callback it made."""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha1
from xml.etree import ElementTree

API_VERSION = "2010-04-01"


@dataclass
class Message:
    """One text, either way. `fate` is an error code it will end with, `callbacks` how its callbacks go wrong."""

    sid: str
    to: str
    from_: str | None
    body: str
    direction: str
    created: datetime
    status: str
    service_sid: str | None = None
    status_callback: str | None = None
    validity: int | None = None
    sent: datetime | None = None
    error_code: int | None = None
    fate: int | None = None
    callbacks: str | None = None

    @property
    def outbound(self) -> bool:
        return self.direction == "outbound-api"

    @property
    def reaches_phone(self) -> bool:
        """False once the network has given the text up, or is bound to."""
        return self.outbound and self.fate is None and self.status not in ("undelivered", "failed")

    @property
    def segments(self) -> int:
        """ASCII stands for GSM-7 here: near enough for a figure that nobody bills."""
        single, part = (160, 153) if self.body.isascii() else (70, 67)
        units = len(self.body.encode("utf-16-be")) // 2
        return 1 if units <= single else -(-units // part)

    def as_json(self, account_sid: str) -> dict[str, object]:
        uri = f"/{API_VERSION}/Accounts/{account_sid}/Messages/{self.sid}"
        return {
            "account_sid": account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": format_datetime(self.created),
            "date_sent": format_datetime(self.sent) if self.sent else None,
            "date_updated": format_datetime(self.sent or self.created),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.from_,
            "messaging_service_sid": self.service_sid,
            "num_media": "0",
            "num_segments": str(self.segments),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": self.to,
            "uri": f"{uri}.json",
        }


@dataclass
class Call:
    """One call to a phone. `twiml` is what the voice says; a key goes to the address in its Gather."""

    sid: str
    to: str
    from_: str
    twiml: str
    created: datetime
    status_callback: str | None = None
    status: str = "queued"

    @property
    def said(self) -> str:
        """What is said before a key is awaited."""
        return " ".join(say.text or "" for say in ElementTree.fromstring(self.twiml).iterfind("Gather/Say"))

    @property
    def key_goes_to(self) -> str:
        gather = ElementTree.fromstring(self.twiml).find("Gather")
        assert gather is not None, "this call asks for no key"
        return gather.attrib["action"]

    def as_json(self, account_sid: str) -> dict[str, object]:
        return {
            "account_sid": account_sid,
            "api_version": API_VERSION,
            "date_created": format_datetime(self.created),
            "direction": "outbound-api",
            "from": self.from_,
            "sid": self.sid,
            "status": self.status,
            "to": self.to,
            "uri": f"/{API_VERSION}/Accounts/{account_sid}/Calls/{self.sid}.json",
        }


@dataclass
class Record:
    """One request that reached the double; `outcome` is `arrived` until it has been answered.

    `at` is monotonic, `wall` seconds since the epoch; `kind` is create (a text), call, list, fetch, account or other.
    Outcomes: made, found, refused, hanging, or the name of the fault that struck. `status` is None without an answer.
    """

    at: float
    wall: float
    kind: str
    to: str | None = None
    from_: str | None = None
    body: str | None = None
    sid: str | None = None
    outcome: str = "arrived"
    status: int | None = None
    code: int | None = None
    validity: int | None = None
    callback: str | None = None


@dataclass(frozen=True)
class Callback:
    """One webhook the double called; `status` is 0 when nobody answered."""

    url: str
    form: Mapping[str, str]
    status: int
    error: str = ""


def signature(token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the address and the sorted parameters (Twilio, "Webhooks Security")."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), sha1).digest()).decode()
