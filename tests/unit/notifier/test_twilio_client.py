"""TwilioChannel against real HTTP: each way a provider can answer, and what we take it for."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from notifier.channel import Accepted, Beside, ChannelAway, Inbound, Outgoing, Receipt, Refused, StatusReport, Unknown
from notifier.twilio.client import TwilioChannel, TwilioConfig
from tests.unit.notifier.provider import (
    MESSAGES,
    SENT_AT,
    TEXT,
    Answer,
    Handler,
    Provider,
    drip,
    drop,
    drop_in_body,
    hang,
    message,
    page,
    says,
    serving,
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        yield server


def config(api_base: str, **changes: Any) -> TwilioConfig:
    return TwilioConfig("AC1", "secret", **{"sender": "+15005550006", "api_base": api_base, **changes})


@pytest.fixture
def channel(provider: Provider) -> Iterator[TwilioChannel]:
    channel = TwilioChannel(config(provider.address, callback_base="https://stopline.example.edu/"))
    yield channel
    channel.close()


@pytest.fixture
def hasty(provider: Provider) -> Iterator[TwilioChannel]:
    """Gives up soon, for answers that never end."""
    channel = TwilioChannel(config(provider.address), connect_s=1, read_s=0.2, call_s=0.4)
    yield channel
    channel.close()


def test_send_hands_over_everything(provider: Provider, channel: TwilioChannel) -> None:
    assert channel.send(TEXT) == Accepted("SM1", "sent")
    method, path, fields, authorization = provider.calls[0]
    assert (method, path) == ("POST", f"{MESSAGES}.json")
    assert fields == {
        "To": TEXT.to,
        "From": "+15005550006",
        "Body": TEXT.body,
        "ValidityPeriod": "300",
        "StatusCallback": f"https://stopline.example.edu/webhooks/twilio/status?delivery={TEXT.delivery_id}",
    }
    assert authorization == "Basic QUMxOnNlY3JldA=="


def test_a_call_carries_its_words_twice_and_where_the_key_goes(provider: Provider) -> None:
    channel = TwilioChannel(
        config(provider.address, voice_sender="+15005550007", callback_base="https://stopline.example.edu")
    )
    provider.answer = says(201, {"sid": "CA1", "status": "queued"})
    spoken = replace(TEXT, spoken=True, body="【示例大学】接单<请>按1。")
    assert channel.send(spoken) == Accepted("CA1", "sent")
    method, path, fields, _authorization = provider.calls[0]
    assert (method, path) == ("POST", "/2010-04-01/Accounts/AC1/Calls.json")
    goes_to = f"https://stopline.example.edu/webhooks/twilio/voice?delivery={TEXT.delivery_id}"
    assert fields.pop("StatusCallback") == goes_to
    gather = ElementTree.fromstring(fields.pop("Twiml")).find("Gather")
    assert gather is not None and gather.attrib["action"] == goes_to and gather.attrib["input"] == "dtmf"
    say = gather.find("Say")
    assert say is not None and (say.text, say.attrib["language"], say.attrib["loop"]) == (
        "示例大学，接单<请>按1。", "zh-CN", "2",
    )  # fmt: skip
    assert fields == {"To": TEXT.to, "From": "+15005550007", "Timeout": "25"}
    channel.close()


@pytest.mark.parametrize(
    ("status", "state"),
    [("in-progress", "delivered"), ("ringing", "sent"), ("no-answer", "undelivered"), ("failed", "failed_permanent")],
)
def test_the_fate_of_a_call_can_be_asked(provider: Provider, channel: TwilioChannel, status: str, state: str) -> None:
    provider.answer = says(200, {"sid": "CA1", "status": status})
    assert channel.status("CA1") == StatusReport("CA1", state, None)


@pytest.mark.parametrize(
    ("changes", "urgent", "sender"),
    [
        ({"urgent_sender": "+15005550001"}, True, ("From", "+15005550001")),
        ({"urgent_sender": "+15005550001"}, False, ("From", "+15005550006")),
        ({"messaging_service_sid": "MG1", "sender": None}, True, ("MessagingServiceSid", "MG1")),
        ({"messaging_service_sid": "MG1", "urgent_sender": "+15005550001"}, True, ("From", "+15005550001")),
    ],
)
def test_sender(provider: Provider, changes: dict[str, Any], urgent: bool, sender: tuple[str, str]) -> None:
    channel = TwilioChannel(config(provider.address, **changes))
    channel.send(Outgoing("d", "+1", "b", urgent, 1))
    channel.close()
    fields = provider.calls[0][2]
    assert {name: fields[name] for name in ("From", "MessagingServiceSid") if name in fields} == dict([sender])
    assert "StatusCallback" not in fields


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [
        (says(201, message(status="delivered")), Accepted("SM1", "delivered")),
        (says(201, message(status="undelivered", error_code=30003)), Accepted("SM1", "undelivered")),
        (says(201, message(status="of a later year")), Accepted("SM1", "sent")),
        (says(429, {"code": 20429}, Retry_After="7"), Refused("20429", "too many requests", False, 7.0)),
        (says(429, b"slow down", Retry_After="soon"), Refused("20429", "too many requests", False)),
        (says(400, {"code": 21211, "message": TEXT.to}), Refused("21211", "not a valid number", True)),
        (says(400, {"code": 21610}), Refused("21610", "recipient has opted out", True)),
        (says(400, {"code": 99999, "message": TEXT.to}), Refused("99999", "refused with HTTP 400", True)),
        (says(400, b"<html>"), Refused("http-400", "refused with HTTP 400", True)),
        (says(401, {"code": 20003}), Refused("20003", "credentials are wrong", False, operator=True)),
        (says(403, {}), Refused("http-403", "refused with HTTP 403", False, operator=True)),
        (says(404, {"code": 20404}), Refused("20404", "refused with HTTP 404", False, operator=True)),
        (says(408, {}), Unknown("HTTP 408")),
        (says(302, {}, Location="/elsewhere"), Unknown("HTTP 302")),
        (says(500, {"code": 20500}), Unknown("HTTP 500")),
        (says(503, b"", Retry_After="1"), Unknown("HTTP 503")),
        (says(201, b"<html>fine</html>"), Unknown("Unreadable")),
        (says(201, b"[" * 100_000), Unknown("Unreadable")),
        (says(201, ["SM1"]), Unknown("Unreadable")),
        (says(201, b""), Unknown("Unreadable")),
        (says(201, b'"' + b"x" * (1 << 20) + b'"'), Unknown("Unreadable")),
        (says(201, {}), Unknown("2xx without a sid")),
        (says(201, message(date_created=5)), Unknown("AttributeError")),
        (drop, Unknown("ProtocolError")),
        (drop_in_body, Unknown("ProtocolError")),
    ],
)
def test_receipts(provider: Provider, channel: TwilioChannel, answer: Answer, receipt: Receipt) -> None:
    provider.answer = answer
    assert channel.send(TEXT) == receipt
    assert len(provider.calls) == 1, "a send is one request, whatever the answer"


@pytest.mark.parametrize(
    "answer",
    [
        hang,
        drip(b"HTTP/1.1 201 Created\r\nX-Slow: "),
        drip(b"HTTP/1.1 201 Created\r\nContent-Length: 99999\r\n\r\n{"),
        drip(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n9999\r\n{"),
    ],
)
def test_an_answer_that_never_ends_is_unknown(provider: Provider, hasty: TwilioChannel, answer: Answer) -> None:
    """The server goes on until the test is over, so only our own limit can end the call."""
    provider.answer = answer
    assert hasty.send(TEXT) == Unknown("ReadTimeoutError")
    with pytest.raises(ChannelAway):
        hasty.status("SM1")
    assert len(provider.calls) == 2


@pytest.mark.parametrize("odd", [drop, drop_in_body])
def test_the_channel_works_again_after_an_answer_cut_short(
    provider: Provider, channel: TwilioChannel, odd: Answer
) -> None:
    provider.answer = odd
    channel.send(TEXT)
    provider.answer = says(201, message())
    assert channel.send(TEXT) == Accepted("SM1", "sent")


def test_connections_are_kept(provider: Provider, channel: TwilioChannel) -> None:
    peers = set()

    def answer(handler: Handler) -> None:
        peers.add(handler.client_address)
        says(201, message())(handler)

    provider.answer = answer
    for _ in range(5):
        channel.send(TEXT)
    assert len(peers) == 1


def expect_nothing_left(channel: TwilioChannel) -> None:
    receipt = channel.send(TEXT)
    assert isinstance(receipt, Refused)
    assert (receipt.code, receipt.permanent) == ("unreachable", False)
    with pytest.raises(ChannelAway):
        channel.find(TEXT, SENT_AT)


def test_nothing_left_when_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        expect_nothing_left(TwilioChannel(config(f"http://127.0.0.1:{unused.getsockname()[1]}")))


def test_nothing_left_when_the_name_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    expect_nothing_left(TwilioChannel(config("http://nowhere.invalid")))


def test_nothing_left_when_the_handshake_fails(provider: Provider) -> None:
    expect_nothing_left(TwilioChannel(config(provider.address.replace("http:", "https:")), connect_s=0.3))
    assert not provider.calls


OLD = format_datetime(SENT_AT - timedelta(seconds=9))


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([], None),
        ([message(status="delivered")], Accepted("SM1", "delivered")),
        ([message(sid="SM0", body="another"), message()], Accepted("SM1", "sent")),
        ([message(body="another")], None),
        ([message(date_created=OLD)], None),
        ([message(date_created=format_datetime(SENT_AT - timedelta(seconds=4)))], Accepted("SM1", "sent")),
        ([message(date_created=None)], Accepted("SM1", "sent")),
        ([message(direction="inbound")], None),
    ],
)
def test_find(provider: Provider, channel: TwilioChannel, listed: list[dict[str, Any]], found: Accepted | None) -> None:
    provider.answer = page(*listed)
    assert channel.find(TEXT, SENT_AT) == found
    method, path, fields, _ = provider.calls[0]
    assert (method, path, fields) == ("GET", f"{MESSAGES}.json", {"To": TEXT.to, "PageSize": "200"})


def pages(*last: dict[str, Any], newer: int) -> Answer:
    """So many full pages of texts to that phone, and then these."""
    another = [message(sid=f"SM{n}", body="another") for n in range(200)]

    def answer(handler: Handler) -> None:
        asked = len(handler.server.calls)
        shown, more = (list(last), None) if asked > newer else (another, f"{MESSAGES}.json?Page={asked}")
        says(200, {"messages": shown, "next_page_uri": more})(handler)

    return answer


def test_find_looks_behind_the_texts_of_a_surge(provider: Provider, channel: TwilioChannel) -> None:
    """Else a call whose answer was lost would be asked about for ever: the list only grows."""
    provider.answer = pages(message(), newer=3)
    assert channel.find(TEXT, SENT_AT) == Accepted("SM1", "sent")
    assert len(provider.calls) == 4


def test_find_reads_no_further_back_than_the_text(provider: Provider, channel: TwilioChannel) -> None:
    provider.answer = pages(newer=99)
    assert channel.find(TEXT, SENT_AT + timedelta(minutes=1)) is None
    assert len(provider.calls) == 1


def test_find_gives_up_somewhere(provider: Provider, channel: TwilioChannel) -> None:
    provider.answer = pages(newer=99)
    with pytest.raises(ChannelAway, match="more than 2000"):
        channel.find(TEXT, SENT_AT)
    assert len(provider.calls) == 10


def rung(sid: str, status: str = "no-answer", **changes: Any) -> dict[str, Any]:
    return {"sid": sid, "status": status, "to": TEXT.to, "date_created": format_datetime(SENT_AT), **changes}


@pytest.mark.parametrize(
    ("listed", "beside", "found"),
    [
        ([], Beside(), None),
        ([rung("CA1", "ringing")], Beside(), Accepted("CA1", "sent")),
        ([rung("CA1", date_created=OLD)], Beside(), None),
        ([rung("CA2"), rung("CA1")], Beside(frozenset({"CA2"})), Accepted("CA1", "undelivered")),
        ([rung("CA2", "ringing")], Beside(frozenset({"CA2"}), 1), None),  # it is known whose that is
        ([rung("CA1", "ringing")], Beside(doubtful=1), ChannelAway),
        ([rung("CA1", "a status of later")], Beside(doubtful=1), None),
        ([rung("CA1")], Beside(doubtful=1), None),
        ([rung("CA2"), rung("CA1", "in-progress")], Beside(doubtful=1), ChannelAway),
        ([rung("CA2"), rung("CA1")], Beside(doubtful=1), Accepted("CA2", "undelivered")),
        ([rung("CA2"), rung("CA1")], Beside(doubtful=2), None),
    ],
)
def test_find_of_a_call(
    provider: Provider,
    channel: TwilioChannel,
    listed: list[dict[str, Any]],
    beside: Beside,
    found: Accepted | type[ChannelAway] | None,
) -> None:
    """The list does not say what a call is about: none of another text is taken, and what may be of either waits."""
    provider.answer = says(200, {"calls": listed, "next_page_uri": None})
    call = replace(TEXT, spoken=True)
    if found is ChannelAway:
        with pytest.raises(ChannelAway, match="has not ended"):
            channel.find(call, SENT_AT, lambda: beside)
    else:
        assert channel.find(call, SENT_AT, lambda: beside) == found


ODD_ANSWERS = [says(500, {}), says(401, {}), says(200, b"<"), says(200, {"a": [], "b": 1}), says(200, {}), drop]


@pytest.mark.parametrize("answer", ODD_ANSWERS)
def test_questions_that_cannot_be_asked(provider: Provider, channel: TwilioChannel, answer: Answer) -> None:
    provider.answer = answer
    for question in (lambda: channel.find(TEXT, SENT_AT), lambda: channel.inbound(SENT_AT)):
        with pytest.raises(ChannelAway):
            question()


def test_status(provider: Provider, channel: TwilioChannel) -> None:
    provider.answer = says(200, message(status="undelivered", error_code=30005))
    assert channel.status("SM1") == StatusReport("SM1", "undelivered", "30005")
    assert provider.calls[0][1] == f"{MESSAGES}/SM1.json"
    provider.answer = says(404, {"code": 20404})
    assert channel.status("SM2") is None
    for odd in (says(500, {}), drop):
        provider.answer = odd
        with pytest.raises(ChannelAway):
            channel.status("SM1")


def test_inbound_is_oldest_first(provider: Provider, channel: TwilioChannel) -> None:
    def received(sid: str, second: int, body: str) -> dict[str, Any]:
        created = format_datetime(SENT_AT + timedelta(seconds=second))
        return message(sid=sid, direction="inbound", **{"from": "+8613800000001"}, body=body, date_created=created)

    provider.answer = page(received("SM3", 3, "收到K7M3P"), message(), received("SM2", 1, "?"), received("SM1", -9, ""))
    first, second = (SENT_AT + timedelta(seconds=n) for n in (1, 3))
    expected = [Inbound("SM2", TEXT.to, "?", first), Inbound("SM3", TEXT.to, "收到K7M3P", second)]
    assert channel.inbound(SENT_AT) == expected
    assert provider.calls[0][2]["To"] == "+15005550006"


def test_inbound_of_a_messaging_service_asks_for_every_number(provider: Provider) -> None:
    channel = TwilioChannel(config(provider.address, sender=None, messaging_service_sid="MG1", urgent_sender="+1"))
    provider.answer = page(message(direction="inbound", body="1"))
    assert [text.body for text in channel.inbound(SENT_AT)] == ["1"]
    assert "To" not in provider.calls[0][2]
    channel.close()


def test_threads_share_a_channel(provider: Provider, channel: TwilioChannel) -> None:
    receipts: list[Receipt] = []
    threads = [threading.Thread(target=lambda: receipts.append(channel.send(TEXT))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receipts == [Accepted("SM1", "sent")] * 16


def test_secrets_stay_out_of_representations() -> None:
    assert "secret" not in repr(config("http://x"))


def test_the_environment_is_not_read(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    channel = TwilioChannel(config(provider.address))
    assert channel.send(TEXT) == Accepted("SM1", "sent")
    channel.close()
