"""A report that was taken while the database was away has a code that begins with Z, and another one later. Pure.

Its status page names both in the end (`spool_codes`). Everything is judged under the last one; `spooled` says
of a request that it was made under the first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tests.faults.history import Entry

_CODE = re.compile(r"(?<![0-9A-Za-z])Z[2-9A-HJKMPQSU-Z]{4}(?![0-9A-Za-z])")


def under_last_codes(history: Sequence[Entry], requests: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    last = _last_codes(history)

    def code(said: str | None) -> str | None:
        return last.get(said, said) if said else said

    def body(said: str | None) -> str | None:
        return _CODE.sub(lambda found: last.get(found[0], found[0]), said) if said else said

    renamed = [{**entry, "case": code(entry["case"])} if "case" in entry else entry for entry in history]
    return renamed, [{**it, "body": body(it["body"]), "spooled": body(it["body"]) != it["body"]} for it in requests]


def _last_codes(history: Sequence[Entry]) -> Mapping[str, str]:
    pages = [entry["answer"] for entry in history if entry["what"] == "status" and entry.get("answer")]
    return {before: page["case"] for page in pages for before in page.get("spool_codes", ())}
