"""The error table: what a refusal says of the number, and what a message status is to us."""

import pytest

from notifier.channel import Refused
from notifier.twilio.errors import ERRORS, refusal, state

DELIVERY_STATES = {"sent", "delivered", "undelivered", "failed_temporary", "failed_permanent"}


@pytest.mark.parametrize(
    ("status", "code", "key", "permanent"),
    [
        (400, "21211", "21211", True),
        (400, "21610", "21610", True),
        (400, "21614", "21614", True),
        (400, "21408", "21408", False),
        (400, "21606", "21606", False),
        (400, None, "http-400", True),
        (401, "20003", "20003", False),
        (401, None, "http-401", False),
        (403, "20403", "20403", False),
        (404, None, "http-404", False),
        (422, None, "http-422", True),
        (429, "20429", "20429", False),
        (429, "63038", "20429", False),
        (429, None, "20429", False),
    ],
)
def test_refusal(status: int, code: str | None, key: str, permanent: bool) -> None:
    refused = refusal(status, code, 2.0)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.permanent, refused.retry_after_s) == (key, permanent, 2.0)
    assert refused.reason


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        *[(status, None, "sent") for status in ("queued", "accepted", "scheduled", "sending", "sent")],
        ("delivered", None, "delivered"),
        ("read", None, "delivered"),
        ("undelivered", "30003", "undelivered"),
        ("undelivered", None, "undelivered"),
        ("failed", "30003", "failed_temporary"),
        ("failed", "30005", "failed_temporary"),
        ("failed", "30007", "failed_temporary"),
        ("failed", "30008", "failed_temporary"),
        ("failed", "21610", "failed_permanent"),
        ("failed", "30006", "failed_permanent"),
        ("failed", "12345", "failed_permanent"),
        ("failed", None, "failed_permanent"),
        ("canceled", None, "failed_permanent"),
        ("received", None, None),
        ("", None, None),
    ],
)
def test_state(status: str, code: str | None, expected: str | None) -> None:
    assert state(status, code) == expected
    assert expected is None or expected in DELIVERY_STATES


def test_what_to_do_next() -> None:
    assert {code for code in ("30003", "30005", "30008") if ERRORS[code].then == "next_person"} == {
        "30003",
        "30005",
        "30008",
    }
    assert ERRORS["30007"].then == "reword"
    assert ERRORS["20429"].then == "wait"
    assert ERRORS["20003"].then == "operator"
