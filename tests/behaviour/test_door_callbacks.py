"""The provider's callbacks: only signed ones count, in any number, and none of them breaks the door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from services.web import build_app
from tests.behaviour.door_tools import contents, shared_world
from tests.world import PUBLIC, TOKEN, World

STATUS, MESSAGE = "/webhooks/twilio/status", "/webhooks/twilio/message"
OFFICER_SAYS = {"MessageSid": "SM1", "From": "+8613800001004", "To": "+15005550006", "Body": "收到"}
FATE = {"MessageSid": "SM404", "MessageStatus": "delivered"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


def signed(world: World, path: str, form: Mapping[str, str], query: str = "", token: str = TOKEN) -> TestResponse:
    url = path + (f"?{query}" if query else "")
    signature = RequestValidator(token).compute_signature(PUBLIC + url, dict(form))
    return world.client.post(url, data=dict(form), headers={"X-Twilio-Signature": signature})


@pytest.mark.parametrize("path, form", [(STATUS, FATE), (MESSAGE, OFFICER_SAYS)])
@pytest.mark.parametrize("signature", [None, "", "x", "签名".encode().decode("latin-1"), "A" * 10_000])
def test_without_a_right_signature_it_is_403(
    door: World, path: str, form: dict[str, str], signature: str | None
) -> None:
    before = contents(door)
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    for data in (form, {}):
        answer = door.client.post(path, data=data, headers=headers)
        assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert door.client.post(path, data=b"\xff\x00", headers=headers, content_type="text/plain").status_code == 403
    assert contents(door) == before


def test_a_raw_byte_in_the_query_is_no_reason_to_fail(door: World) -> None:
    environ = {"QUERY_STRING": "delivery=\xff", "HTTP_X_TWILIO_SIGNATURE": "x"}
    assert door.client.post(STATUS, data=FATE, environ_overrides=environ).status_code == 403


def test_the_signature_covers_body_query_and_address(door: World) -> None:
    right = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}{STATUS}?delivery=x", FATE)
    headers = {"X-Twilio-Signature": right}
    assert door.client.post(f"{STATUS}?delivery=y", data=FATE, headers=headers).status_code == 403
    assert door.client.post(f"{STATUS}?delivery=x", data=FATE | {"More": "1"}, headers=headers).status_code == 403
    assert door.client.post(f"{MESSAGE}?delivery=x", data=FATE, headers=headers).status_code == 403
    assert signed(door, STATUS, FATE, token="another").status_code == 403


def test_the_signature_is_over_the_public_address_whatever_the_proxy_calls_us(door: World) -> None:
    query = urlencode({"delivery": "018f0000-0000-7000-8000-000000000000"})
    signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC}{STATUS}?{query}", FATE)
    headers = {"X-Twilio-Signature": signature, "Host": "10.0.0.7:8110", "X-Forwarded-Host": "evil.example"}
    assert door.client.post(f"{STATUS}?{query}", data=FATE, headers=headers).status_code == 404


def test_a_field_given_twice_is_signed_twice(door: World) -> None:
    form = {"MessageSid": ["SM404"], "MessageStatus": ["delivered"], "Tag": ["a", "b"]}
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + STATUS, _Multi(form))
    raw = urlencode(form, doseq=True)
    answer = door.client.post(STATUS, data=raw, headers={"X-Twilio-Signature": signature},
                              content_type="application/x-www-form-urlencoded")  # fmt: skip
    assert answer.status_code == 404


class _Multi(dict[str, list[str]]):
    def getlist(self, name: str) -> list[str]:
        return self[name]


def test_an_unknown_text_is_404(door: World) -> None:
    assert signed(door, STATUS, FATE).status_code == 404
    assert signed(door, STATUS, FATE, "delivery=018f0000-0000-7000-8000-000000000000").status_code == 404


@pytest.mark.parametrize("path, form, query", [
    (STATUS, {}, ""),
    (STATUS, {"MessageSid": "SM1"}, ""),
    (STATUS, {"MessageSid": "SM1", "MessageStatus": "dancing"}, ""),
    (STATUS, FATE, "delivery=nonsense"),
    (STATUS, FATE, "delivery="),
    (STATUS, FATE | {"MessageSid": "S" * 65}, ""),
    (STATUS, FATE | {"MessageSid": "S\x00"}, ""),
    (STATUS, FATE | {"MessageStatus": "failed", "ErrorCode": "9" * 33}, ""),
    (MESSAGE, {}, ""),
    (MESSAGE, {"MessageSid": "SM1", "From": "+86"}, ""),
    (MESSAGE, {"From": "+86", "Body": "x"}, ""),
    (MESSAGE, OFFICER_SAYS | {"MessageSid": "S" * 65}, ""),
    (MESSAGE, OFFICER_SAYS | {"MessageSid": "S\x00"}, ""),
])  # fmt: skip
def test_a_signed_one_that_cannot_be_read_is_400(door: World, path: str, form: dict[str, str], query: str) -> None:
    before = contents(door)
    answer = signed(door, path, form, query)
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json"), answer.text
    assert contents(door) == before


@pytest.mark.parametrize("body", ["", "\x00", "💥" * 2000, "\u202e", "x" * 100_000, "'; DROP TABLE inbound; --"])
def test_any_text_of_anybody_is_taken_once(door: World, body: str) -> None:
    form = {"MessageSid": f"SM{abs(hash(body))}", "From": "未知\x00号码", "Body": body}
    answers = [signed(door, MESSAGE, form) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].content_type.startswith("text/xml") and answers[0].text.endswith("<Response/>")
    assert door.rows("SELECT count(*) FROM inbound WHERE sid = :sid", sid=form["MessageSid"]) == [(1,)]


def test_a_replayed_acknowledgement_is_one(world: World) -> None:
    report = world.report()
    alert = world.phones["officer"].expects(report.code)
    form = OFFICER_SAYS | {"From": world.phones["officer"].number, "Body": report.code}
    for _ in range(3):
        assert signed(world, MESSAGE, form).status_code == 200
    alert.expects("由您接单").expects_nothing()
    world.phones["counselor"].expects(report.code)
    world.phones["student"].expects(report.code)
    sid = world.rows("SELECT sid FROM deliveries WHERE kind = 'officer'")[0][0]
    before = contents(world)
    for state in ("delivered", "sent", "queued", "delivered"):
        assert signed(world, STATUS, {"MessageSid": sid, "MessageStatus": state}).status_code == 204
    assert contents(world, "deliveries") == {k: v for k, v in before.items() if k != "deliveries"}
    assert world.rows("SELECT state FROM deliveries WHERE sid = :sid", sid=sid) == [("delivered",)]


@pytest.mark.parametrize("path", [STATUS, MESSAGE])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_only_posts_are_taken(door: World, path: str, method: str) -> None:
    assert door.client.open(path, method=method).status_code == 405


def test_without_a_token_nothing_can_be_signed(door: World) -> None:
    """The simulator channel: its phones answer elsewhere."""
    settings = door.parts.settings
    door.parts.settings = settings.model_copy(update={"channel": "simulator", "twilio_auth_token": ""})
    try:
        client = build_app(door.parts).test_client()
    finally:
        door.parts.settings = settings
    for path, form in ((STATUS, FATE), (MESSAGE, OFFICER_SAYS)):
        for token in ("", TOKEN):
            signature = RequestValidator(token).compute_signature(PUBLIC + path, form)
            assert client.post(path, data=form, headers={"X-Twilio-Signature": signature}).status_code == 403
