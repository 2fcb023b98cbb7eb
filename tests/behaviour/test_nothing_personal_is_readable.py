"""Names, phones, accounts and what people wrote stand in no file, no dump, no log line, no text and no message that a
broker is given, however it ends."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from ledger import tables as t
from ledger.events import CONSUMERS, COUNSELOR, QUEUES, Envelope, ReportReceived
from ledger.police import replies
from ledger.school.demo_school import demo_school
from ledger.store.unit_of_work import UnitOfWork
from notifier.channel import Inbound
from services import inquiries
from services.compose import logging_as_json
from services.handlers import HANDLERS
from services.relay import Relay
from tests.behaviour.stories import SQLITE, read_all
from tests.private_services import RabbitMQ
from tests.processes import eventually
from tests.world import World

CANARIES = {
    "reporter": "13912340001",
    "victim": "13912340002",
    "stranger": "13912340003",
    "name": "金丝雀",
    "payee": "黄鹂鸟",
    "account": "6222020200112233445",
    "bank": "画眉银行",
    "tail": "9988776",
    "serial": "2026112422001477",
    "narrative": "百灵唱了一整夜",
    "college": "鹧鸪学院",
    "unread": "布谷点钟",
    "note": "夜莺不肯说话",
    "reply": "喜鹊马上到",
    "corrected": "白头翁",
    "money": "鸬鹚借来的",
    "contact": "鸳鸯表姐",
    "review": "杜鹃叫得太晚",
    "asker": "戴胜问的",
}


def spellings(secret: str) -> set[bytes]:
    """As text, as JSON writes it, in the two-byte form, and as a dump shows bytes."""
    escaped = json.dumps(secret)[1:-1]
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)) if secret.isdecimal() else secret
    plain = {secret.encode(), escaped.encode(), secret.encode("utf-16-le"), grouped.encode()}
    return plain | {secret.encode().hex().encode()}


def secrets() -> dict[str, str]:
    school = demo_school()
    people = {f"{person.key} name": person.name for person in school.people}
    called = {f"{person.key} called": person.called for person in school.people if person.called}
    phones = {f"{person.key} phone": person.phone.removeprefix("+86") for person in school.people}
    return CANARIES | people | called | phones


def found_in(data: bytes) -> list[str]:
    return [name for name, secret in secrets().items() if any(spelling in data for spelling in spellings(secret))]


def full_story(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report with a canary in every field, its whole way through, with troubles of every kind."""
    monkeypatch.setitem(HANDLERS, (COUNSELOR, ReportReceived.type), _stumble)
    world.double.faults.add("500", to=world.phones["O04"].number)
    world.double.faults.add("21211", to=world.phones["desk"].number)
    report = world.report(
        phone=CANARIES["reporter"],
        name=CANARIES["name"],
        for_whom="other",
        victim_phone=CANARIES["victim"],
        college=CANARIES["college"],
        narrative=CANARIES["narrative"],
        payee_account=CANARIES["account"],
        payee_name=CANARIES["payee"],
        payee_bank=CANARIES["bank"],
        payer_bank=CANARIES["bank"],
        payer_account_tail=CANARIES["tail"],
        serial=CANARIES["serial"],
        when=CANARIES["unread"],
        student_no=None,
    )
    world.phones.catch_up()
    monkeypatch.undo()
    for seconds in (130, 10, 200, 300):
        world.advance(seconds)
    world.double.reply(f"+86{CANARIES['stranger']}", CANARIES["reply"])
    world.double.reply(world.phones["officer"].number, f"{CANARIES['reply']} {report.code}")
    world.phones.catch_up()
    officer = world.user("officer", "officer", world.phones["officer"].number)
    assert CANARIES["account"][:4] in officer.get(f"/duty/{report.code}").text
    world.advance(901)
    world.double.reply(world.phones["O04"].number, report.code)
    world.phones.catch_up()
    counselor = world.user("counselor", "counselor", world.phones["C03"].number)
    form = {"contact": "call_30m", "reached": "yes", "note": CANARIES["note"]}
    assert world.press(counselor, f"/desk/followups/{report.code}/contact", **form).status_code == 303
    world.client.post(f"/r/{report.token}/more/money", data={"money_source": CANARIES["money"]})
    world.client.post(f"/r/{report.token}/more/contact", data={"person": CANARIES["contact"]})
    world.client.post(f"/r/{report.token}/more/correct", data={"payee_name": CANARIES["corrected"]})
    world.press(counselor, f"/desk/followups/{report.code}/refer")
    centre, screening = world.user("centre", "psychologist"), f"/desk/care/{report.code}/screening"
    world.press(centre, f"{screening}/consent", said="given", how="phone", asker=CANARIES["asker"])
    assert world.press(centre, screening, asq1="refused", asq5="no").status_code == 303
    form = {"amount": "1", "phone": CANARIES["reporter"], "submission_key": "k"}
    world.client.post("/report", data=form)
    world.client.post("/report", data=form | {"payee_name": CANARIES["corrected"]})
    world.advance(3600)
    world.client.get("/readyz")
    world.client.get("/nowhere/" + CANARIES["name"])
    office = world.user("office", "security")
    world.press(office, f"/duty/{report.code}/close")
    world.press(office, f"/duty/{report.code}/review", step="filed", text=CANARIES["review"])
    assert CANARIES["review"] in office.get(f"/duty/{report.code}/review").text
    world.phones.catch_up()


def _stumble(uow: Any, event: Envelope) -> None:
    raise ValueError(f"cannot understand {uow.case(event.case_id).readable('name')} at {CANARIES['reporter']}")


def checkpoint(world: World) -> None:
    """Everything goes from the log of writes into the file itself."""
    with world.parts.ledger.engine.connect() as conn:
        conn.exec_driver_sql("COMMIT")
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture
def kept(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], dict[str, bytes]]:
    """Everything that is kept, by its name: the ledger as its file or as a dump, and what lies beside it."""

    def read() -> dict[str, bytes]:
        url = world.parts.settings.database_url
        dumped: dict[str, bytes] = {}
        if world.parts.ledger.postgres:
            dumped["dump"] = request.getfixturevalue("postgresql").dump(url)
        else:
            checkpoint(world)
        return dumped | {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    return read


def test_not_in_the_database_the_logs_or_the_events(
    world: World,
    kept: Callable[[], dict[str, bytes]],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with capture_logs() as logs:
        full_story(world, monkeypatch)
    files = kept()
    assert len(files.get("stopline.db") or files["dump"]) > 100_000 and "anchors.log" in files
    assert {name: leaks for name, data in files.items() if (leaks := found_in(data))} == {}

    assert {entry["event"] for entry in logs} >= {"text_refused", "text_unknown", "reply_taken"}
    printed = capfd.readouterr()
    said = json.dumps(logs, default=str, ensure_ascii=False) + printed.out + printed.err
    assert found_in(said.encode()) == []

    events = [event.cloudevent() for event in _events(world)]
    assert {event["type"] for event in events} >= {"report.received.v1", "case.amended.v1", "case.owner_released.v1"}
    assert found_in(json.dumps(events, default=str, ensure_ascii=False).encode()) == []

    for text in world.phones.unread():  # nor in any text: an officer's own name in what colleagues read is meant
        assert not any(secret in text.body for secret in CANARIES.values()), text.body
        world.phones.mark_read(text)


def test_not_in_what_is_said_of_a_row_that_the_database_refuses(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(uow: UnitOfWork, *_: Any) -> None:
        uow.insert(t.deliveries, [{"id": t.new_id(), "dedup": "x", "kind": CANARIES["name"], "facts": CANARIES}])
        uow.write_changes()

    monkeypatch.setattr(replies, "take", refused)
    logging_as_json()
    inquiries._take(world.parts.ledger, Inbound("SM1", world.phones["officer"].number, "1", world.clock.now()))
    line = capsys.readouterr().err
    assert "reply_failed" in line and "IntegrityError" in line
    assert found_in(line.encode()) == [] and "Failing row" not in line and "constraint" not in line


def _events(world: World) -> list[Envelope]:
    with world.parts.ledger.read() as conn:
        rows = conn.execute(select(t.case_events)).all()
    return [Envelope(row.id, row.type, row.at, row.case_id, row.data) for row in rows]


@SQLITE
def test_not_in_what_a_broker_is_given(world: World, rabbitmq: RabbitMQ, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event of the story goes to a real broker by the real relay, and waits there for nobody."""
    full_story(world, monkeypatch)
    read_all(world)
    events = _events(world)
    rabbitmq.rabbitmqctl("add_vhost", "canaries")
    rabbitmq.rabbitmqctl("set_permissions", "-p", "canaries", "guest", ".*", ".*", ".*")
    url = rabbitmq.url.replace("%2F", "canaries")
    relay = Relay(world.parts.ledger, [url], sweep=False)
    relay.start()
    try:
        eventually(lambda: relay.connected, "the relay is not connected")
        relay.submit(events)
        wanted = Counter(queue for event in events for queue in CONSUMERS[event.type])
        eventually(lambda: _waiting(url) == wanted, "not all of them have come")
    finally:
        relay.stop()
    assert set(wanted) == set(QUEUES)
    assert found_in("\n".join(_taken(url)).encode()) == []


def _waiting(url: str) -> Counter[str]:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        return Counter({queue: channel.queue_declare(queue, passive=True).method.message_count for queue in QUEUES})


def _taken(url: str) -> Iterator[str]:
    """All that the broker tells a consumer of each message: where it stood, its properties and its body."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        for queue in QUEUES:
            while (message := channel.basic_get(queue, auto_ack=True))[0]:
                yield "\n".join(map(str, message))


def test_the_search_itself_can_find_something(world: World, kept: Callable[[], dict[str, bytes]]) -> None:
    with world.parts.ledger.begin("leak") as uow:
        mac = CANARIES["reply"].encode()
        uow.conn.execute(t.alarms.insert().values(dedup="x", kind="x", at=uow.now, reason=f"{CANARIES['name']}"))
        uow.conn.execute(t.anchors.insert().values(seq=1, at=uow.now, content={"x": CANARIES["note"]}, mac=mac))
    files = kept()
    assert found_in(files.get("stopline.db") or files["dump"]) == ["name", "note", "reply"]
