"""What Twilio's refusals and failures mean for us: one table, and the readings of it.

Source: twilio.com/docs/api/errors; Twilio splits codes over time (changelog of 2024-07-10), so a code that is not
here falls back to its HTTP status.
"""

from dataclasses import dataclass

from notifier.channel import Refused


@dataclass(frozen=True)
class Meaning:
    """What a code says about the number, and why."""

    permanent: bool  # the number itself will not take texts
    words: str


ERRORS: dict[str, Meaning] = {
    "20003": Meaning(False, "credentials are wrong"),
    "20005": Meaning(False, "account is not active"),
    "20429": Meaning(False, "too many requests"),
    "21211": Meaning(True, "not a valid number"),
    "21214": Meaning(True, "number cannot be reached"),
    "21217": Meaning(True, "not a valid number"),
    "21265": Meaning(True, "a short code cannot be texted"),
    "21266": Meaning(True, "number is our own sender"),
    "21408": Meaning(False, "region is not enabled for the account"),
    "21603": Meaning(False, "no sender given"),
    "21606": Meaning(False, "sender cannot text this destination"),
    "21608": Meaning(False, "trial account, number not verified"),
    "21609": Meaning(False, "callback address is not reachable from outside"),
    "21610": Meaning(True, "recipient has opted out"),
    "21611": Meaning(False, "sender queue is full"),
    "21612": Meaning(False, "no route from this sender to this number"),
    "21614": Meaning(True, "not a mobile number"),
    "21617": Meaning(True, "text is too long"),
    "21635": Meaning(True, "a landline"),
    "21659": Meaning(False, "sender is not a number of ours"),
    "21660": Meaning(False, "sender belongs to another account"),
    "21661": Meaning(False, "sender cannot send texts"),
    "30001": Meaning(False, "sender queue overflowed"),
    "30002": Meaning(False, "account is suspended"),
    "30003": Meaning(False, "phone is off or out of reach"),
    "30004": Meaning(True, "blocked by the recipient or the carrier"),
    "30005": Meaning(False, "carrier does not know the number"),
    "30006": Meaning(True, "a landline or an unreachable carrier"),
    "30007": Meaning(False, "carrier filtered the wording"),
    "30008": Meaning(False, "carrier gave no reason"),
    "30036": Meaning(False, "not delivered while it was valid"),
}
_OURS = frozenset({401, 403, 404})  # credentials, permissions, address of the account: no fault of the number


def refusal(status: int, code: str | None, retry_after_s: float | None) -> Refused:
    """A 4xx answer to a send, as a definite no; an unlisted 400 is permanent, since the same text fails again."""
    key = code or f"http-{status}"
    if status == 429:
        key = "20429"
    found = ERRORS.get(key) or Meaning(status not in _OURS, f"refused with HTTP {status}")
    return Refused(key, found.words, found.permanent, retry_after_s)


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
