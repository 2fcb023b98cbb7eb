"""Calls through Twilio: a voice says who calls and why, and one key takes the case.

The words travel with the request (twilio.com/docs/voice/twiml/gather), so nothing is asked of us while it rings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twilio.twiml.voice_response import Gather, VoiceResponse

RINGS_S = 25  # shorter than most mailboxes wait: a mailbox that picks up has heard nothing
_LISTENS_S = 10
_VOICES = {"zh": "zh-CN", "en": "en-GB"}
_UNSPOKEN = str.maketrans({"【": "", "】": "，", "[": "", "]": ","})
_ANSWERS = {
    "acknowledged": (
        "已由您接单。请先致电报案人核实，再办止付。",
        "It is yours. Call the reporter first, then file the stop.",
    ),
    "already_owned": ("已有人接单，您无需再处理。", "Somebody has taken it. There is nothing to do for you."),
    "nothing": ("未接单。请看短信或打开值守页。", "Not taken. Please see the text or the duty page."),
}
# twilio.com/docs/voice/api/call-resource#call-status-values; whoever picked up has heard it.
_STATES = {
    "queued": "sent",
    "initiated": "sent",
    "ringing": "sent",
    "in-progress": "delivered",
    "completed": "delivered",
    "busy": "undelivered",
    "no-answer": "undelivered",
    "canceled": "undelivered",
    "failed": "failed_permanent",
}
_GOING_ON = ("queued", "initiated", "ringing", "in-progress")


@dataclass(frozen=True)
class CallReport:
    """What became of a call; `taken`: the key that takes the case was pressed, `pressed`: any key was."""

    sid: str
    state: str  # as StatusReport.state
    pressed: bool
    taken: bool


def twiml(words: str, language: str, answer_at: str) -> str:
    """What the voice says, twice, and where the key goes. Without a key it says how else to answer."""
    response = VoiceResponse()
    gather = Gather(input="dtmf", num_digits=1, timeout=_LISTENS_S, action=answer_at, method="POST")
    gather.say(words.translate(_UNSPOKEN), language=_VOICES[language], loop=2)
    response.append(gather)
    response.say(_answer("nothing", language), language=_VOICES[language])
    return str(response)


def answer(outcome: str, language: str) -> str:
    """What the voice says to a key. `outcome`: acknowledged · already_owned · anything else."""
    response = VoiceResponse()
    response.say(_answer(outcome, language), language=_VOICES[language])
    return str(response)


def state(status: str) -> str | None:
    """Our delivery state for a call's status; None for one we have never heard of."""
    return _STATES.get(status)


def goes_on(status: str) -> bool:
    """Whether a call with this status has not ended."""
    return status in _GOING_ON


def parse(form: Mapping[str, str]) -> CallReport:
    """A callback about a call (CallSid, CallStatus; Digits where a key was pressed). Raises ValueError."""
    sid, status, digits = form.get("CallSid"), form.get("CallStatus", ""), form.get("Digits", "")
    heard = state(status)
    if not sid or heard is None:
        raise ValueError("CallSid is missing" if not sid else f"unknown CallStatus {status[:40]!r}")
    return CallReport(sid, "delivered" if digits else heard, bool(digits), digits == "1")


def _answer(outcome: str, language: str) -> str:
    chinese, english = _ANSWERS.get(outcome, _ANSWERS["nothing"])
    return english if language == "en" else chinese
