"""What may stand in a cell of a spreadsheet that others open."""

from __future__ import annotations

from ledger.values import clean_text

LONGEST = 32_000  # characters; a cell holds 32,767
_MORE = "…（其余见系统 more in the ledger）"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # some take the full-width ones for the others
_NO_XML = str.maketrans("", "", "\ufffe\uffff")


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return "'" + text if text.startswith(_FORMULA) else text


def cell(text: str) -> str:
    """Harmless, without what XML cannot hold, and as long as a cell may be: what is cut off is said to be."""
    kept = clean_text(text.translate(_NO_XML), LONGEST + 1)
    return harmless(kept if len(kept) <= LONGEST else kept[:LONGEST] + _MORE)
