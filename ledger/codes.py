"""Case codes: five characters that survive being read aloud, typed in a hurry and passed by carriers."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable
from typing import Literal

Kind = Literal["case", "drill", "spool"]

# no R, T, N, Y: carriers read them as commands (unsubscribe, yes); no 0, 1, I, L, O: they are taken for one another
ALPHABET = "23456789ABCDEFGHJKMPQSUVWXZ"
LENGTH = 5
_LETTERS = "ABCDEFGHJKMPQSUVWX"  # Z is kept for the spool, Y for drills
_FIRST = {"case": _LETTERS, "drill": "Y", "spool": "Z"}
_FOLD = str.maketrans("582", "SBZ")

# Rude or unlucky in Chinese (44 and 74 death, 38 and 78 insults, 64 taboo), rude in English, or names of other
# networks that carriers filter (QQ, WX, VX). Spelled as folded: 38 is 3B, and SB also stops 5B, S8 and 58.
_BLOCKED = re.compile(
    "SB|ZB|MB|JB|BC|WC|AV|QQ|WX|VX|SM|SS|KKK|44|74|64|3B|7B|FUC|FUK|CUM|DCK|SEX|PUS|DEAD|FAKE|HACK|CASH|CCP"
)


def fold(code: str) -> str:
    """The spelling that look-alikes share (5→S, 8→B, 2→Z; upper case; full-width read as ASCII).

    Two codes with the same fold must never be open together; whoever reads a code back compares folds.
    """
    return unicodedata.normalize("NFKC", code).strip().upper().translate(_FOLD)


def is_blocked(code: str) -> bool:
    """Whether somebody would mind reading this code aloud, or a carrier would filter it."""
    return _BLOCKED.search(fold(code)) is not None


def looks_like_code(text: str) -> bool:
    """Whether `text` could be a code of ours as it stands: right length, characters and first letter."""
    plain = unicodedata.normalize("NFKC", text).strip().upper()
    return len(plain) == LENGTH and plain[0] in _LETTERS + "YZ582" and all(char in ALPHABET for char in plain[1:])


def new_code(first: Kind = "case", choice: Callable[[str], str] = secrets.choice) -> str:
    """A new code; drills begin with Y, spool codes with Z, case codes with neither. Uniqueness is the ledger's to hold.

    `choice` picks one character of a string; tests hand in their own.
    """
    while True:
        code = choice(_FIRST[first]) + "".join(choice(ALPHABET) for _ in range(LENGTH - 1))
        if not is_blocked(code):
            return code
