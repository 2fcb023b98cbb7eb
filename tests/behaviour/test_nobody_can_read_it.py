"""Names, phones, accounts and words stay out of the database's bytes, the logs, the broker and other people's texts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture

from ledger import anchors
from ledger.events import Envelope
from tests.world import World, sqlite_url

CANARIES = {
    "name": "金丝雀甲",
    "payee_name": "金丝雀乙",
    "payee_account": "6217009999888877771",
    "narrative": "金丝雀的案件经过很长",
    "victim_phone": "13911112222",
    "student_no": "CANARY20260001",
}


@pytest.fixture
def logged() -> Iterator[LogCapture]:
    capture = LogCapture()
    before = structlog.get_config()
    structlog.configure(processors=[capture], cache_logger_on_first_use=False)
    yield capture
    structlog.configure(**before)


@pytest.fixture
def story(tmp_path: Path, logged: LogCapture) -> World:
    """A full story with a canary in every field that a person fills in."""
    world = World.make(sqlite_url(tmp_path), tmp_path)
    report = world.report(phone="13988887777", **CANARIES)
    world.phones["officer"].expects(report.code).replies().expects("由您接单")
    officer = world.user("o", "officer", world.phones["officer"].number)
    assert CANARIES["payee_name"] in officer.get(f"/duty/{report.code}").text
    world.advance(1900)
    with world.parts.ledger.begin("read-log") as uow:
        anchors.log_read(uow, "user:1", "case.read", "case:1")
    world.advance(61)
    return world


def secrets_of(world: World) -> list[str]:
    """Every canary, and every name and phone of the roster, in the forms in which they might turn up."""
    people = [word for person in world.school.people for word in (person.name, person.phone, person.phone[3:]) if word]
    return [*CANARIES.values(), "6217 0099", "13988887777", "+8613988887777", *people]


def test_the_database_holds_none_of_it_in_the_clear(story: World, tmp_path: Path) -> None:
    with story.parts.ledger.engine.connect() as conn:
        conn.exec_driver_sql("COMMIT")
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    content = b"".join(file.read_bytes() for file in tmp_path.glob("stopline.db*"))
    assert len(content) > 100_000
    forms = [
        (secret, form)
        for secret in secrets_of(story)
        for form in (secret.encode(), json.dumps(secret).strip('"').encode())
        if len(form) >= 6
    ]
    assert [secret for secret, form in forms if form in content] == []
    story.close()


def test_no_log_line_and_no_message_to_the_broker_has_any_of_it(story: World, logged: LogCapture) -> None:
    said = json.dumps([dict(entry) for entry in logged.entries], default=str, ensure_ascii=False)
    with story.parts.ledger.read() as conn:
        rows: list[Any] = list(conn.exec_driver_sql("SELECT id, type, at, case_id, data FROM case_events"))
    published = "".join(
        json.dumps(Envelope(r[0], r[1], story.clock.now(), r[3], json.loads(r[4])).cloudevent(), ensure_ascii=False)
        for r in rows
    )
    assert published.count("report.received.v1") == 1
    assert [secret for secret in secrets_of(story) if secret in said or secret in published] == []
    story.close()


def test_no_text_names_the_victim_or_an_account_or_carries_a_link(story: World) -> None:
    texts = "\n".join(text.body for text in story.double.outbound())
    assert "紧急止付" in texts
    assert [secret for secret in CANARIES.values() if secret in texts] == []
    assert "http" not in texts
    assert "13988887777" not in texts
    story.close()
