"""kill -9 of the door in an outage of the database, at each step of the spool: the report is there once, rings once."""

from __future__ import annotations

import pytest

from tests.private_services import PostgreSQL
from tests.processes import Installation, eventually
from tests.world import another_fraud

KILLED = -9
AGAIN = "重发"


@pytest.mark.parametrize(
    ("where", "marked"),
    [
        ("before-spool", False),
        ("after-spool", False),
        ("before-call@outage", True),  # noted on disk, and not called: for all that is known, it was
        ("after-call@outage", False),  # the provider is asked, and has it
    ],
)
def test_the_same_key_makes_one_case_that_rings_once(
    up: Installation, durable_postgresql: PostgreSQL, where: str, marked: bool
) -> None:
    up.stop("web")
    up.start("web", failpoint=where)
    key, words = f"outage-{where}", another_fraud() | {"when": up.now().isoformat()}
    durable_postgresql.stop()
    try:
        first = up.report(key, **words)
        assert up.processes["web"].await_end(30) == KILLED
    finally:
        durable_postgresql.start()
    assert first.taken is ("outage" in where)
    up.processes.pop("web")
    up.start("web")
    again = up.report(key, **words)
    assert again.taken, again
    eventually(lambda: not up.status(again.token)["case"].startswith("Z"), "it did not enter the ledger")
    up.lapse_leases()
    up.await_settled()
    case = up.status(again.token)["case"]
    assert not first.taken or up.status(first.token)["case"] == case
    alerts = [text for code in {case, again.code, first.body.get("case", case)} for text in up.texts("officer", code)]
    assert [AGAIN in text for text in alerts] == [marked]
