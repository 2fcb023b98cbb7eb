"""What `stopline drill` makes of a refusal."""

from __future__ import annotations

import json

import pytest

from services.drill import reason


@pytest.mark.parametrize("body, said", [
    (json.dumps({"detail": "No such college. 没有这个。"}).encode(), "No such college. 没有这个。"),
    (b"<html>502 Bad Gateway</html>", "<html>502 Bad Gateway</html>"),
    (b"[]", "[]"),
    (b"\xff", "\ufffd"),
    (b"", ""),
])  # fmt: skip
def test_a_refusal_is_said_as_a_person_reads_it(body: bytes, said: str) -> None:
    assert reason(body) == said
