"""The phone language keeps its promises: order, answers, and that no text goes unnoticed."""

import threading
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import pytest
import urllib3

from tests.fakes.phones import Phones
from tests.fakes.twilio_double import TwilioDouble

OFFICER, STUDENT = "+8613800000001", "+8613800000002"


class World:
    """An application of one rule: a reply is answered at the next pump."""

    def __init__(self) -> None:
        self.inbox: list[Mapping[str, str]] = []
        self.status = 204
        self.double = TwilioDouble.start(message_webhook="http://app/", post=self.receive)
        self.pool = urllib3.PoolManager()

    def receive(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> int:
        self.inbox.append(form)
        return self.status

    def pump(self) -> None:
        while self.inbox:
            form = self.inbox.pop()
            self.send(f"{form['Body']}由您接单（03:14）。", form["From"])

    def send(self, body: str = "紧急止付K7M3P：请接单。", to: str = OFFICER) -> None:
        url = f"{self.double.base_url}/2010-04-01/Accounts/{self.double.account_sid}/Messages.json"
        login = urllib3.make_headers(basic_auth=f"{self.double.account_sid}:{self.double.auth_token}")
        form = urlencode({"To": to, "From": "+15005550006", "Body": body})
        assert self.pool.request("POST", url, body=form, headers=login).status == 201


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.pool.clear()
    world.double.close()


@pytest.fixture
def phones(world: World) -> Phones:
    return Phones(world.double, {"officer": OFFICER, "student": STUDENT}, world.pump)


def test_a_conversation_reads_like_one(world: World, phones: Phones) -> None:
    world.send()
    phones["officer"].expects("紧急止付", "K7M3P").replies().expects("K7M3P由您接单").expects_nothing()
    phones["student"].expects_nothing()
    phones.assert_all_read()


def test_texts_are_read_in_their_order(world: World, phones: Phones) -> None:
    world.send("first")
    world.send("second")
    phones["officer"].expects("first").expects("second")


def test_a_text_that_nobody_expected_is_named(world: World, phones: Phones) -> None:
    world.send()
    with pytest.raises(AssertionError, match="not in the next text"):
        phones["officer"].expects("由您接单")
    with pytest.raises(AssertionError, match="expected no text"):
        phones["officer"].expects_nothing()
    world.send(to="+8613800000009")
    with pytest.raises(AssertionError, match=r"officer \+8613800000001: 紧急止付.*\nnobody we know \+8613800000009"):
        phones.assert_all_read()


def test_a_missing_text_is_named(world: World, phones: Phones) -> None:
    with pytest.raises(AssertionError, match="student got no text"):
        phones["student"].expects("已收到")


def test_a_reply_needs_a_code_and_a_webhook_that_takes_it(world: World, phones: Phones) -> None:
    world.send("值班通知")
    text = phones["officer"].expects("值班")
    with pytest.raises(AssertionError, match="no case code"):
        text.replies()
    world.status = 503
    with pytest.raises(AssertionError, match="503"):
        text.replies("1")


@pytest.mark.parametrize(("body", "code"), [("编号K7M3P，Q8W4C", "K7M3P"), ("UTF16: YA52P.", "YA52P")])
def test_the_first_case_code_is_found(world: World, phones: Phones, body: str, code: str) -> None:
    world.send(body)
    assert phones["officer"].expects().code == code


def test_a_text_given_up_by_the_network_is_on_no_phone(world: World, phones: Phones) -> None:
    world.double.faults.add("30003")
    world.send()
    phones["officer"].expects_nothing()


def test_without_a_pump_reading_waits_for_the_double(world: World) -> None:
    phones = Phones(world.double, {"officer": OFFICER})
    world.double.faults.add("hang")
    thread = threading.Thread(target=world.send)
    thread.start()
    world.double.wait_for(lambda: world.double.hanging)
    world.double.release()
    assert phones["officer"].expects("止付").code == "K7M3P"
    thread.join()
