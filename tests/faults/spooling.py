"""Promise 13: what the door said while the database was away. Pure; a part of the checker, of the history as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tests.faults.clockwork import Time
from tests.faults.history import Entry

SPOOL = "spool "  # how the faults are named under which neither the database nor the spool takes anything
# In the embedded kind, whose keys begin so, one process writes both: no fsync of the one fails without the other's.
EMBEDDED, FSYNC = "emb", "fsync fails"
CODE = "Z"  # how a code begins that the spool gave, and no other


def turned_away(history: Sequence[Entry], time: Time) -> Iterable[str]:
    """A report that is right gets no 5xx, unless its spool is broken too: then it is 503, and says what is left."""
    for key, since, entry in _errors(history):
        met = [it.name for it in time.spells if it.began <= entry["t"] and it.ended >= since]
        if not any(name.startswith(SPOOL) or (name == FSYNC and key.startswith(EMBEDDED)) for name in met):
            yield f"{key}: answered with {entry['status']}, though the spool could have taken it"
        elif entry["status"] != 503 or not entry.get("says_110", True):
            yield f"{key}: answered with {entry['status']}, and not told to call 110"


def odd_codes(history: Sequence[Entry]) -> Iterable[str]:
    """The spool's codes begin with Z and stay known; the ledger's begin with another letter."""
    pages: dict[str, dict[str, Any]] = {it["key"]: it["answer"] for it in history
                                        if it["what"] == "status" and it.get("answer")}  # fmt: skip
    for key, page in pages.items():
        if page["case"].startswith(CODE):
            yield f"{key}: still under the spool's code {page['case']}"
        yield from (f"{key}: spooled as {it}" for it in page.get("spool_codes", ()) if not it.startswith(CODE))
    told = {(it["key"], it["case"]) for it in history if it["what"] in ("report", "replay") and it.get("case")}
    for key, code in sorted(told):
        known = pages.get(key, {}).get("spool_codes", ())
        if key in pages and code.startswith(CODE) and code not in (pages[key]["case"], *known):
            yield f"{key}: its code {code} has been forgotten"


def count(history: Sequence[Entry]) -> int:
    """How often a report that was right was sent away with 5xx."""
    return sum(1 for _ in _errors(history))


def _errors(history: Sequence[Entry]) -> Iterator[tuple[str, float, Entry]]:
    """(key, when that try began, the answer) of what was right and got 5xx."""
    begun: dict[str, Entry] = {}
    for entry in history:
        if entry["what"] in ("report", "replay"):
            if entry["type"] == "invoke":
                begun[entry["key"]] = entry
            elif entry.get("status", 0) >= 500 and begun[entry["key"]]["valid"]:
                yield entry["key"], begun[entry["key"]]["t"], entry
