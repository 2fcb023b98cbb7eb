"""How many texts are too many: floods of reports from unknown numbers, and the budget of one phone number.

Past a limit alerts go out bundled, several codes in one text (ledger/texts/bundling.py); a limit never drops one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Burst:
    """More than `reports` from unknown numbers within `within` count as a flood."""

    reports: int
    within: timedelta


@dataclass(frozen=True)
class Limits:
    """`per_number`: how many texts a day a phone number (E.164) may get singly; None: without limit.

    `voice`: whether a number can be called, and a key pressed there comes back to us.
    """

    burst: Burst | None = None
    per_number: Callable[[str], int] | None = None
    voice: Callable[[str], bool] = lambda phone: False


def burst(text: str) -> Burst | None:
    """`5/600` (reports per seconds) or `off`. Raises ValueError."""
    if text == "off":
        return None
    found = re.fullmatch(r"([1-9]\d{0,4})/([1-9]\d{0,4})", text)
    if not found:
        raise ValueError("neither reports/seconds nor off")
    return Burst(int(found[1]), timedelta(seconds=int(found[2])))


def per_number(text: str, of_country: Callable[[str], int]) -> Callable[[str], int] | None:
    """`auto` (what the number's country allows), a number of texts a day, or `off`. Raises ValueError."""
    if text in ("auto", "off"):
        return of_country if text == "auto" else None
    if not re.fullmatch(r"[1-9]\d{0,4}", text):
        raise ValueError("neither auto, off nor a number of texts")
    most = int(text)
    return lambda phone: most
