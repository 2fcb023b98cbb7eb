"""The double is held to Twilio's own client and request validator."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.fakes.twilio_double import TwilioDouble

TOKEN, OFFICER, SENDER = "token-of-the-double", "+8613800000001", "+15005550006"
STATUS = "http://127.0.0.1:9/webhooks/twilio/status?delivery=7"
INBOUND = "http://127.0.0.1:9/webhooks/twilio/message"


class Webhook:
    """Stands where the application would: checks each signature as Twilio's library does, and keeps the forms."""

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.status = 204

    def __call__(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> int:
        assert RequestValidator(TOKEN).validate(url, dict(form), headers["X-Twilio-Signature"])
        self.forms.append(dict(form))
        return self.status

    @property
    def states(self) -> list[str]:
        return [form["MessageStatus"] for form in self.forms if "MessageStatus" in form]


class Rehosted(TwilioHttpClient):  # type: ignore[misc]  # the library ships no types
    """The official HTTP client has no base address to set: rewrite the host."""

    def __init__(self, base_url: str) -> None:
        super().__init__(timeout=10)
        self._base_url = base_url

    def request(self, method: str, url: str, *arguments: Any, **options: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self._base_url), *arguments, **options)


@pytest.fixture
def webhook() -> Webhook:
    return Webhook()


@pytest.fixture
def double(webhook: Webhook) -> Iterator[TwilioDouble]:
    double = TwilioDouble.start(message_webhook=INBOUND, post=webhook)
    yield double
    double.close()


@pytest.fixture
def client(double: TwilioDouble) -> Iterator[Client]:
    http = Rehosted(double.base_url)
    yield Client(double.account_sid, TOKEN, http_client=http)
    http.session.close()


def send(client: Client, body: str = "紧急止付K7M3P：请接单。", to: str = OFFICER) -> Any:
    return client.messages.create(to=to, from_=SENDER, body=body, status_callback=STATUS, validity_period=300)


def refusal(client: Client, **form: str) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(**form)
    return caught.value.status, caught.value.code


def test_a_text_is_made_and_delivered_with_signed_callbacks(
    double: TwilioDouble, client: Client, webhook: Webhook
) -> None:
    made = send(client)
    double.settle()
    assert (made.status, made.to, made.num_segments) == ("queued", OFFICER, "1")
    assert abs(datetime.now(UTC) - made.date_created) < timedelta(minutes=1)
    assert webhook.states == ["sent", "delivered"]
    assert {form["MessageSid"] for form in webhook.forms} == {made.sid}
    assert client.messages(made.sid).fetch().status == "delivered"
    record = double.log[0]
    assert (record.kind, record.to, record.sid, record.outcome, record.status) == (
        "create",
        OFFICER,
        made.sid,
        "made",
        201,
    )
    assert (record.validity, record.callback) == (300, STATUS)


def test_manual_mode_waits_for_the_test(double: TwilioDouble, client: Client, webhook: Webhook) -> None:
    double.mode = "manual"
    first, second, third = send(client), send(client), send(client)
    assert webhook.forms == []
    assert double.sent(first.sid) == [204]
    assert double.deliver(first.sid) == [204]
    double.undeliver(second.sid, error_code=30003)
    double.fail(third.sid, 30005)
    assert webhook.states == ["sent", "delivered", "sent", "undelivered", "failed"]
    assert [form.get("ErrorCode") for form in webhook.forms] == [None, None, None, "30003", "30005"]
    assert client.messages(third.sid).fetch().error_code == 30005


def test_lists_are_filtered_newest_first_and_paged(double: TwilioDouble, client: Client) -> None:
    sids = [send(client, f"text {number}").sid for number in range(5)]
    send(client, to="+8613800000002")
    listed = client.messages.list(to=OFFICER, page_size=2)
    assert [message.sid for message in listed] == sids[::-1]
    now = datetime.now(UTC)
    assert len(client.messages.list(date_sent_after=now - timedelta(minutes=5))) == 6
    assert client.messages.list(date_sent_before=now - timedelta(minutes=5)) == []
    assert [record.outcome for record in double.log if record.kind == "list"] == ["found"] * 5
    page = client.messages.page(page_size=4)
    assert page.next_page_url and len(list(page)) == 4


def test_refusals_are_twilios(double: TwilioDouble, client: Client) -> None:
    assert refusal(client, to="", from_=SENDER, body="x") == (400, 21604)
    assert refusal(client, to=OFFICER, body="x") == (400, 21603)
    assert refusal(client, to=OFFICER, from_=SENDER) == (400, 21602)
    assert refusal(client, to="13800000001", from_=SENDER, body="x") == (400, 21211)
    with pytest.raises(TwilioRestException) as caught:
        client.messages("SM" + "0" * 32).fetch()
    assert caught.value.status == 404
    assert double.outbound() == []
    assert {record.outcome for record in double.creations} == {"refused"}


def test_credentials_are_checked(double: TwilioDouble, client: Client) -> None:
    assert client.api.v2010.accounts(double.account_sid).fetch().status == "active"
    stranger = Client(double.account_sid, "wrong", http_client=client.http_client)
    assert refusal(stranger, to=OFFICER, from_=SENDER, body="x") == (401, 20003)


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("429", (429, 20429)), ("500", (500, 500)), ("503", (503, 503)), ("21211", (400, 21211)), ("21610", (400, 21610))],
)
def test_faults_with_an_answer_make_nothing(
    double: TwilioDouble, client: Client, kind: str, answer: tuple[int, int]
) -> None:
    double.faults.add(kind, to=OFFICER)
    send(client, to="+8613800000002")
    assert refusal(client, to=OFFICER, from_=SENDER, body="x") == answer
    assert [record.outcome for record in double.creations] == ["made", kind]
    send(client)
    assert len(double.outbound()) == 2


@pytest.mark.parametrize(("kind", "made"), [("drop_before", 0), ("drop_after", 1)])
def test_a_lost_answer_leaves_the_text_made_or_not(double: TwilioDouble, client: Client, kind: str, made: int) -> None:
    double.faults.add(kind, times=None)
    for _ in range(2):
        with pytest.raises(OSError, match="aborted"):
            send(client)
    assert len(double.to(OFFICER)) == 2 * made
    double.faults.clear()
    send(client)
    assert len(double.to(OFFICER)) == 2 * made + 1


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
def test_a_held_answer_comes_with_its_release(double: TwilioDouble, client: Client, kind: str) -> None:
    double.faults.add(kind)
    thread = threading.Thread(target=send, args=(client,))
    thread.start()
    double.wait_for(lambda: double.hanging == 1)
    assert len(double.outbound()) == (kind == "hang_after")
    double.release()
    thread.join()
    assert len(double.outbound()) == 1
    assert double.hanging == 0


def test_looking_up_can_fail_too(double: TwilioDouble, client: Client) -> None:
    double.faults.add("503", on="fetch")
    sid = send(client).sid
    with pytest.raises(TwilioRestException):
        client.messages(sid).fetch()


@pytest.mark.parametrize(
    ("kind", "states"),
    [
        ("30003", ["sent", "undelivered"]),
        ("callbacks_lost", []),
        ("callbacks_twice", ["sent", "sent", "delivered", "delivered"]),
        ("callbacks_reversed", ["delivered", "sent"]),
    ],
)
def test_faults_after_acceptance(
    double: TwilioDouble, client: Client, webhook: Webhook, kind: str, states: list[str]
) -> None:
    double.faults.add(kind)
    sid = send(client).sid
    double.settle()
    assert webhook.states == states
    assert client.messages(sid).fetch().status == ("undelivered" if kind == "30003" else "delivered")


def test_an_unknown_fault_is_refused(double: TwilioDouble) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        double.faults.add("hnag")


def test_a_reply_is_signed_listed_and_goes_to_the_sender(
    double: TwilioDouble, client: Client, webhook: Webhook
) -> None:
    send(client)
    double.settle()
    assert double.reply(OFFICER, "收到 K7M3P") == 204
    assert (webhook.forms[-1]["From"], webhook.forms[-1]["To"], webhook.forms[-1]["Body"]) == (
        OFFICER,
        SENDER,
        "收到 K7M3P",
    )
    [inbound] = client.messages.list(to=SENDER)
    assert (inbound.direction, inbound.status, inbound.from_) == ("inbound", "received", OFFICER)
    webhook.status = 500
    assert double.call_webhook(inbound.sid) == 500


def test_a_webhook_that_nobody_answers_is_noted() -> None:
    away = TwilioDouble.start(message_webhook="http://127.0.0.1:9/")
    assert away.reply(OFFICER, "1") == 0
    assert "refused" in away.callbacks[0].error
    away.close()


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.fakes.twilio_double", "--port", "0", "--auth-token", TOKEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_as_a_process_it_is_ruled_over_http_and_ends_with_0(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    base = process.stdout.readline().removeprefix("ready ").strip()
    http = Rehosted(base)

    def ask(method: str, path: str) -> Any:
        return http.session.request(method, base + path).json()

    assert ask("POST", "/_fault?kind=nonsense") == {"error": "ValueError: no such fault: 'nonsense' on 'create'"}
    assert ask("POST", "/_fault?kind=drop_after&times=0") == {}
    assert ask("POST", "/_reset?service_ms=1") == {}
    assert ask("POST", "/_mode?mode=manual")["mode"] == "manual"
    sid = send(Client("AC" + "0" * 32, TOKEN, http_client=http)).sid
    assert [record["sid"] for record in ask("GET", "/_log?since=0")] == [sid]
    assert ask("GET", "/_count")["made"] == 1
    assert ask("POST", f"/_deliver?sid={sid}") == {"statuses": [0, 0]}  # nobody stands behind its StatusCallback
    assert ask("POST", "/_reply?from=%2B8613800000001&body=1") == {"status": 0}
    http.session.close()
    process.terminate()
    assert process.wait(10) == 0
