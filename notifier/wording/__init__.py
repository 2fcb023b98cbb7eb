"""From a message to the text on the phone: language, country, drill and resend marks, signature.

Carriers drop texts with links, phone numbers, ¥ or 【】 inside, and 刷单 贷款 兼职 投资; no template has any of them.
A text that fits one segment arrives whole: 70 UCS-2 units in Chinese, two segments in English. The third of three
identical texts to one number within a day is rejected in mainland China, so what is said again bears its number.
"""

from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any, Literal

from notifier.countries import CountryRow
from notifier.messages import Drill, DrillEnd, Message, Officer
from notifier.segments import is_gsm, segments
from notifier.wording import en, en_neutral, zh, zh_neutral
from notifier.wording.context import Context

__all__ = ["render"]

_DETAILED, _NEUTRAL = {"zh": zh.TEXTS, "en": en.TEXTS}, {"zh": zh_neutral.TEXTS, "en": en_neutral.TEXTS}
_SEGMENTS = {"zh": 1, "en": 2}
# What an officer's text can do without, where it would not fit
_LESS: tuple[dict[str, Any], ...] = ({"same_as": None}, {"transfer": None, "again": False})
_RESENT = {"zh": "重发：", "en": "Again: "}
_DRILL = {"zh": ("演练", "演练"), "en": ("DRILL ", " DRILL")}
_SIGNATURE_UNITS = 9  # 11 with the brackets
_LATIN_SIGNATURE_UNITS = 20

Language = Literal["zh", "en"]


def render(
    message: Message,
    *,
    language: Language,
    country: CountryRow,
    wording: Literal["auto", "detailed", "neutral"],
    signature: str,
    zone: tzinfo,
    now: datetime,
    resend: bool = False,
    drill: bool = False,
) -> str:
    """The complete text, signature first.

    `signature` comes without brackets; longer than 9 units (20 for a Latin one in an English text) it is cut.
    `wording` "auto" lets the country row decide; neutral rows name no money, bank or fraud, and exist for every kind
    whose one wording does. A detailed text that its marks push over its segments falls back to the neutral row. In a
    drill the officer alert becomes the drill text and every other kind is marked at both ends. `now` is aware.
    """
    if drill and isinstance(message, Officer):
        message = Drill(message.code, message.amount_fen, message.happened_at, message.nth)
    texts = _DETAILED[language]
    ctx = Context(reply=country.reply, zone=zone, now=now)
    marked = drill and not isinstance(message, (Drill, DrillEnd))

    def complete(body: str) -> str:
        return _signed(_marked(body, language, resend, marked), language, signature)

    detailed = complete(texts[type(message)](message, ctx))
    for less in _LESS if isinstance(message, Officer) else ():
        if segments(detailed) > _SEGMENTS[language]:
            message = replace(message, **less)
            detailed = complete(texts[Officer](message, ctx))
    short = _NEUTRAL[language].get(type(message))
    tone = country.wording if wording == "auto" else wording
    if short and (tone == "neutral" or segments(detailed) > _SEGMENTS[language]):
        return complete(short(message, ctx))
    return detailed


def _marked(body: str, language: Language, resend: bool, drill: bool) -> str:
    first, last = _DRILL[language] if drill else ("", "")
    return f"{_RESENT[language] if resend else ''}{first}{body}{last}"


def _signed(body: str, language: Language, signature: str) -> str:
    """A Chinese signature keeps its 【】 in English too: mainland carriers know a sender by it."""
    bare = signature.strip("【】[] ")
    if language == "en" and is_gsm(bare):
        return f"[{bare[:_LATIN_SIGNATURE_UNITS]}] {body}"
    return f"【{bare[:_SIGNATURE_UNITS]}】{body}"
