"""Another system of the school, with a user and a queue of its own on the same broker, hears what becomes of a case:
all of it at least once, whatever dies meanwhile, and nothing personal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pika
import pyotp
import pytest
from pika.exceptions import ChannelClosedByBroker

from ledger.events import PUBLISHED
from ledger.school.demo_school import demo_school
from tests.private_services import RabbitMQ
from tests.processes import SEPARATE, Answer, Installation, eventually
from tests.world import another_fraud

QUEUE = "campus.all"
CANARIES = {"name": "金丝雀", "payee_name": "黄鹂鸟", "narrative": "百灵唱了一整夜", "payee_bank": "画眉银行"}
NOTE = "夜莺不肯说话"


class Outsider:
    """As docs/events.md tells it to: it may read the one exchange and queues of its own."""

    def __init__(self, rabbitmq: RabbitMQ) -> None:
        self.url = rabbitmq.url.replace("guest:guest", "campus:word")
        self.bodies: list[bytes] = []
        self._heard: list[dict[str, Any]] = []

    def listen(self) -> None:
        with self._channel() as channel:
            limited = {"x-queue-type": "quorum", "x-max-length": 100_000}
            channel.queue_declare(QUEUE, durable=True, arguments=limited)
            channel.queue_bind(QUEUE, "stopline.events", routing_key="#")

    def leave(self) -> None:
        with self._channel() as channel:
            channel.queue_delete(QUEUE)

    def heard(self, case: str) -> list[dict[str, Any]]:
        """All about a case so far, as it came."""
        with self._channel() as channel:
            while (got := channel.basic_get(QUEUE, auto_ack=True))[0]:
                self._heard.append(self._read(*got))
        return [event for event in self._heard if event["subject"] == case]

    def _read(self, method: Any, properties: Any, body: bytes) -> dict[str, Any]:
        self.bodies.append(body)
        event: dict[str, Any] = json.loads(body)
        assert event.keys() == {"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "data"}
        assert (event["specversion"], event["source"]) == ("1.0", "stopline")
        assert event["datacontenttype"] == properties.content_type == "application/json"
        assert event["type"] == method.routing_key
        assert UUID(event["id"]) == UUID(properties.message_id) and UUID(event["subject"])
        assert datetime.fromisoformat(event["time"]).tzinfo
        assert event["data"]["drill"] is False
        assert properties.delivery_mode == 2  # the broker keeps it over a restart of its own
        return event

    def _channel(self) -> Any:
        return _Opened(pika.BlockingConnection(pika.URLParameters(self.url)))


class _Opened:
    """A channel whose connection ends with it."""

    def __init__(self, connection: pika.BlockingConnection) -> None:
        self._connection = connection

    def __enter__(self) -> Any:
        return self._connection.channel()

    def __exit__(self, *_: object) -> None:
        self._connection.close()


class Staff:
    """Somebody signed in, with a browser of their own."""

    def __init__(self, on: Installation, name: str, role: str, phone: str | None = None) -> None:
        known = ("--phone", phone) if phone else ()
        made = json.loads(on.command("user", "add", name, "--role", role, *known, "--json").stdout)
        self._on, self._cookies = on, dict[str, str]()
        on.advance(31)  # a code is good once
        otp = pyotp.TOTP(made["totp_secret"]).at(on.now())
        assert self.press("/login", username=name, password=made["password"], otp=otp).status == 303

    def press(self, path: str, **form: str) -> Answer:
        page = self._ask("GET", "/login").body["text"]
        token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        return self._ask("POST", path, **form, csrf_token=token)

    def _ask(self, method: str, path: str, **form: str) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        answer = self._on.request(method, path, urlencode(form) if form else None, headers)
        for cookie in answer.headers.getlist("Set-Cookie") if answer.status else ():  # type: ignore[attr-defined]  # urllib3's
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer


@pytest.fixture(scope="module")
def started(separate: Installation) -> Installation:
    separate.start_all()
    separate.await_broker()
    return separate


@pytest.fixture(scope="module")
def outsider(started: Installation, rabbitmq: RabbitMQ) -> Iterator[Outsider]:
    rabbitmq.rabbitmqctl("add_user", "campus", "word")
    rabbitmq.rabbitmqctl("set_permissions", "campus", r"^campus\.", r"^campus\.", r"^(stopline\.events|campus\..*)$")
    made = Outsider(rabbitmq)
    made.listen()
    yield made
    made.leave()  # later tests of this broker want to see what no queue takes
    rabbitmq.rabbitmqctl("delete_user", "campus")


@pytest.fixture(scope="module")
def office(started: Installation) -> Staff:
    return Staff(started, "xuanyuan", "security")


@pytest.fixture
def up(started: Installation, rabbitmq: RabbitMQ) -> Iterator[Installation]:
    yield started
    rabbitmq.start()
    started.start(*(name for name in SEPARATE if name not in started.processes))
    started.await_broker()


def case_id(on: Installation, report: Answer) -> str:
    return str(on.rows("SELECT id FROM cases WHERE code = :code", code=report.code)[0][0])


def acknowledged(on: Installation, **changes: str) -> Answer:
    """A report that officer and counselor have answered, so that it rings no more."""
    report = on.accepted(**another_fraud() | changes)
    on.await_settled()
    for role in ("officer", "counselor"):
        on.phones[role].replies(report.code)
    eventually(lambda: on.state(report.token, "police") == "acknowledged", "nobody has it")
    eventually(lambda: on.state(report.token, "counselor") == "acknowledged", "nobody has the student")
    return report


def stopped_and_closed(office: Staff, report: Answer) -> None:
    assert office.press(f"/duty/{report.code}/outcome", outcome="stopped", amount="38600").status == 303
    assert office.press(f"/duty/{report.code}/close").status == 303


def all_heard(on: Installation, outsider: Outsider, case: str) -> list[dict[str, Any]]:
    """Every event of the case that others are told of, which have come by then."""
    rows = on.rows("SELECT id, type FROM case_events WHERE case_id = :case ORDER BY seq", case=case)
    wanted = {str(row.id) for row in rows if row.type in PUBLISHED}
    eventually(lambda: {event["id"] for event in outsider.heard(case)} >= wanted, "not all of it was heard")
    heard = outsider.heard(case)
    assert {event["id"] for event in heard} == wanted  # and nothing else
    return heard


def test_the_whole_story_is_heard_with_ids_and_facts_only(up: Installation, outsider: Outsider, office: Staff) -> None:
    typed = another_fraud() | CANARIES
    report = acknowledged(up, **typed)
    case = case_id(up, report)
    assert up.request("POST", f"/r/{report.token}/unsafe").status == 303
    stopped_and_closed(office, report)
    mine = Staff(up, "murong", "counselor", up.phones["counselor"].number)
    record = f"/desk/followups/{report.code}"
    for kind in ("call_30m", "face_24h", "h48", "h72", "d7", "d14", "d30", "d90"):
        reached = (
            "yes" if kind in ("call_30m", "face_24h") else "declined"
        )  # those to come are not kept before their time
        form = {"contact": kind, "reached": reached, "danger": "no", "note": NOTE}
        assert mine.press(f"{record}/contact", **form).status == 303
    mine.press(f"{record}/close", debt="none", told="1")
    office.press(f"{record}/close", sign="1")
    assert up.state(report.token, "care") == "closed"

    heard = all_heard(up, outsider, case)
    told = {event["type"]: event["data"] for event in heard}
    assert set(told) == {
        "report.received.v1", "followup.opened.v1", "case.acknowledged.v1", "counselor.acknowledged.v1",
        "outcome.recorded.v1", "case.closed.v1", "followup.closed.v1",
    }  # fmt: skip
    assert len(heard) == len(told)  # where nothing fails, nothing comes twice
    assert told["report.received.v1"] == {"source": "api", "drill": False}
    assert told["case.acknowledged.v1"]["via"] == "reply"
    assert datetime.fromisoformat(told["outcome.recorded.v1"].pop("stop_ends_at")) > datetime.now(UTC)
    assert told["outcome.recorded.v1"] == {
        "transfer": 1, "outcome": "stopped", "amount_fen": 3_860_000, "drill": False,
    }  # fmt: skip
    said = "\n".join(json.dumps(json.loads(body), ensure_ascii=False) for body in outsider.bodies)
    people = [known for person in demo_school().people for known in (person.name, person.phone) if known]
    secrets = [*typed.values(), typed["payee_account"].replace(" ", ""), NOTE, report.code, *people]
    assert not [secret for secret in secrets if secret.removeprefix("+86") in said]
    up.await_settled()


def test_what_happens_while_the_broker_is_away_is_heard_afterwards(
    up: Installation, outsider: Outsider, office: Staff, rabbitmq: RabbitMQ
) -> None:
    """The clock has done all our work by then, which needs no message any more; the others' do."""
    rabbitmq.await_registered(QUEUE)
    rabbitmq.stop()
    report = acknowledged(up)
    stopped_and_closed(office, report)
    up.await_settled()
    rabbitmq.start()
    up.await_broker()
    heard = {event["type"] for event in all_heard(up, outsider, case_id(up, report))}
    assert heard >= {"report.received.v1", "followup.opened.v1", "outcome.recorded.v1", "case.closed.v1"}


@pytest.mark.parametrize(
    "where", ["after-commit@outcome", "before-publish@outcome.recorded.v1", "after-publish@outcome.recorded.v1"]
)
def test_the_process_dies_between_commit_and_confirm(
    up: Installation, outsider: Outsider, office: Staff, where: str
) -> None:
    report = acknowledged(up)
    up.await_settled()
    up.stop("web")
    up.start("web", failpoint=where)
    up.await_broker()
    office.press(f"/duty/{report.code}/outcome", outcome="stopped", amount="1")  # it may die before it answers
    assert up.processes["web"].await_end(20) == -9
    up.processes.pop("web")
    outcomes = [e for e in all_heard(up, outsider, case_id(up, report)) if e["type"] == "outcome.recorded.v1"]
    assert len({event["id"] for event in outcomes}) == 1
    up.start("web")
    eventually(lambda: not up.rows("SELECT 1 FROM case_events WHERE publish_after IS NOT NULL"), "not marked")


def test_what_nobody_listens_to_counts_as_published(up: Installation, outsider: Outsider, office: Staff) -> None:
    outsider.leave()
    try:
        report = acknowledged(up)
        stopped_and_closed(office, report)
        waiting = "SELECT 1 FROM case_events WHERE publish_after IS NOT NULL"
        eventually(lambda: not up.rows(waiting), "it waits for somebody who listens")
        assert not [name for name, process in up.processes.items() if process.log("relay_event_returned")]
    finally:
        outsider.listen()


@pytest.mark.parametrize("ours", ["stopline.inner", "stopline.dead"])
def test_an_outsider_hears_nothing_that_is_ours_alone(outsider: Outsider, ours: str) -> None:
    with outsider._channel() as channel, pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
        channel.queue_bind(QUEUE, ours, routing_key="#")


@pytest.mark.parametrize("queue", ["police", "counselor", "care", "notice"])
def test_an_outsider_takes_no_message_away_from_us(outsider: Outsider, queue: str) -> None:
    with outsider._channel() as channel, pytest.raises(ChannelClosedByBroker, match="ACCESS_REFUSED"):
        channel.basic_get(queue)
