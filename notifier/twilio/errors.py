"""What Twilio's refusals and failures mean for us: one table, and the readings of it.

Source: twilio.com/docs/api/errors; Twilio splits codes over time (changelog of 2024-07-10), so a code that is not
here falls back to its HTTP status.
"""

from dataclasses import dataclass
from typing import Literal

from notifier.channel import Refused

Then = Literal["next_person", "reword", "wait", "operator"]


@dataclass(frozen=True)
class Meaning:
    """What a code says about the number, and what helps."""

    permanent: bool  # the number itself will not take texts
    then: Then
    words: str


ERRORS: dict[str, Meaning] = {
    "20003": Meaning(False, "operator", "credentials are wrong"),
    "20005": Meaning(False, "operator", "account is not active"),
    "20429": Meaning(False, "wait", "too many requests"),
    "21211": Meaning(True, "next_person", "not a valid number"),
    "21214": Meaning(True, "next_person", "number cannot be reached"),
    "21217": Meaning(True, "next_person", "not a valid number"),
    "21265": Meaning(True, "next_person", "a short code cannot be texted"),
    "21266": Meaning(True, "next_person", "number is our own sender"),
    "21408": Meaning(False, "operator", "region is not enabled for the account"),
    "21603": Meaning(False, "operator", "no sender given"),
    "21606": Meaning(False, "operator", "sender cannot text this destination"),
    "21608": Meaning(False, "operator", "trial account, number not verified"),
    "21609": Meaning(False, "operator", "callback address is not reachable from outside"),
    "21610": Meaning(True, "next_person", "recipient has opted out"),
    "21611": Meaning(False, "wait", "sender queue is full"),
    "21612": Meaning(False, "operator", "no route from this sender to this number"),
    "21614": Meaning(True, "next_person", "not a mobile number"),
    "21617": Meaning(True, "reword", "text is too long"),
    "21635": Meaning(True, "next_person", "a landline"),
    "21659": Meaning(False, "operator", "sender is not a number of ours"),
    "21660": Meaning(False, "operator", "sender belongs to another account"),
    "21661": Meaning(False, "operator", "sender cannot send texts"),
    "30001": Meaning(False, "wait", "sender queue overflowed"),
    "30002": Meaning(False, "operator", "account is suspended"),
    "30003": Meaning(False, "next_person", "phone is off or out of reach"),
    "30004": Meaning(True, "next_person", "blocked by the recipient or the carrier"),
    "30005": Meaning(False, "next_person", "carrier does not know the number"),
    "30006": Meaning(True, "next_person", "a landline or an unreachable carrier"),
    "30007": Meaning(False, "reword", "carrier filtered the wording"),
    "30008": Meaning(False, "next_person", "carrier gave no reason"),
    "30036": Meaning(False, "next_person", "not delivered while it was valid"),
}
_OURS = frozenset({401, 403, 404})  # credentials, permissions, address of the account: no fault of the number


def refusal(status: int, code: str | None, retry_after_s: float | None) -> Refused:
    """A 4xx answer to a send, as a definite no; an unlisted 400 is permanent, since the same text fails again."""
    key = code or f"http-{status}"
    if status == 429:
        key = "20429"
    ours = status in _OURS
    found = ERRORS.get(key) or Meaning(not ours, "operator" if ours else "next_person", f"refused with HTTP {status}")
    return Refused(key, found.words, found.permanent, retry_after_s, found.then == "operator")


_STATES = {
    "queued": "sent",
    "accepted": "sent",
    "scheduled": "sent",
    "sending": "sent",
    "sent": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "partially_delivered": "undelivered",
    "undelivered": "undelivered",
    "canceled": "failed_permanent",
}


def state(status: str, code: str | None) -> str | None:
    """Our delivery state for Twilio's message status, None for a status we have never heard of.

    `sent` is "the provider has taken it". A failure is temporary only where the table knows that the number is good.
    """
    if status == "failed":
        found = ERRORS.get(code or "")
        return "failed_temporary" if found and not found.permanent else "failed_permanent"
    return _STATES.get(status)
