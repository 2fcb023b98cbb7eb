"""The chain: every event of a case is bound to the one before it, and heads are anchored outside the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from typing import Any


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """Event data as JSON will give it back, so that the chain is checked over the same bytes."""
    result: dict[str, Any] = json.loads(json.dumps(data))
    return result


def entry(row: Mapping[str, Any]) -> bytes:
    """The bytes of an event that its MAC covers: everything but the MAC and the publishing state."""
    sealed = row["sealed"]
    fields = [
        str(row["id"]),
        str(row["case_id"]),
        row["seq"],
        row["type"],
        row["at"].astimezone(UTC).isoformat(timespec="microseconds"),
        row["actor"],
        row["data"],
        sealed.hex() if sealed else None,
    ]
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
