"""Names, phones, accounts and what people wrote stand in no file, no log line and no event, however it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from ledger import tables as t
from ledger.demo_school import demo_school
from ledger.events import COUNSELOR, Envelope, ReportReceived
from services.handlers import HANDLERS
from tests.behaviour.stories import SQLITE
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
}


def spellings(secret: str) -> set[bytes]:
    """As text, as JSON writes it, and in the two-byte form."""
    escaped = json.dumps(secret)[1:-1]
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)) if secret.isdecimal() else secret
    return {secret.encode(), escaped.encode(), secret.encode("utf-16-le"), grouped.encode()}


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
    form = {"amount": "1", "phone": CANARIES["reporter"], "submission_key": "k"}
    world.client.post("/report", data=form)
    world.client.post("/report", data=form | {"payee_name": CANARIES["corrected"]})
    world.advance(3600)
    world.client.get("/readyz")
    world.client.get("/nowhere/" + CANARIES["name"])


def _stumble(uow: Any, event: Envelope) -> None:
    raise ValueError(f"cannot understand {uow.case(event.case_id).field('name')} at {CANARIES['reporter']}")


def checkpoint(world: World) -> None:
    """Everything goes from the log of writes into the file itself."""
    with world.parts.ledger.engine.connect() as conn:
        conn.exec_driver_sql("COMMIT")
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


@SQLITE
def test_not_in_the_database_the_logs_or_the_events(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as logs:
        full_story(world, monkeypatch)
    checkpoint(world)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "stopline.db" and path.stat().st_size > 100_000 for path in files)
    assert any(path.name == "anchors.log" for path in files)
    assert {path.name: leaks for path in files if (leaks := found_in(path.read_bytes()))} == {}

    assert {entry["event"] for entry in logs} >= {"text_refused", "text_unknown", "reply_taken"}
    printed = capfd.readouterr()
    said = json.dumps(logs, default=str, ensure_ascii=False) + printed.out + printed.err
    assert found_in(said.encode()) == []

    events = [Envelope(row.id, row.type, row.at, row.case_id, row.data).cloudevent() for row in _events(world)]
    assert {event["type"] for event in events} >= {"report.received.v1", "case.amended.v1", "case.owner_released.v1"}
    assert found_in(json.dumps(events, default=str, ensure_ascii=False).encode()) == []

    for text in world.phones.unread():  # nor in any text: an officer's own name in what colleagues read is meant
        assert not any(secret in text.body for secret in CANARIES.values()), text.body
        world.phones.mark_read(text)


def _events(world: World) -> Any:
    with world.parts.ledger.read() as conn:
        return conn.execute(select(t.case_events)).all()


@SQLITE
def test_the_search_itself_can_find_something(world: World, tmp_path: Path) -> None:
    with world.parts.ledger.begin("leak") as uow:
        uow.conn.execute(t.alarms.insert().values(dedup="x", kind="x", at=uow.now, reason=f"{CANARIES['name']}"))
        uow.conn.execute(t.anchors.insert().values(seq=1, at=uow.now, content={"x": CANARIES["note"]}, mac=b""))
    checkpoint(world)
    assert found_in((tmp_path / "stopline.db").read_bytes()) == ["name", "note"]
