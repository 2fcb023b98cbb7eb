"""Work that cannot be done is tried a few times, parked with its reason and an alarm, and keeps nobody else waiting.

What begins an alert is never parked, and the clock has it as well.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from ledger import tables as t
from ledger.events import CARE, COUNSELOR, POLICE, Envelope, ReportConverted, ReportReceived
from ledger.ready.auditing import BEGUN_WITHIN
from ledger.reporting.reports import NET
from ledger.ringing import alerting
from ledger.school import people
from ledger.store import work
from ledger.store.unit_of_work import UnitOfWork
from ledger.texts import deliveries
from services import handlers
from services.handlers import HANDLERS
from tests.behaviour.stories import only_police_ring, read_all, reported
from tests.world import START, STUDENT, Report, World


@pytest.fixture
def poisoned(world: World, monkeypatch: pytest.MonkeyPatch) -> Report:
    """The handler of the follow-up fails for this report, and says what a log must not repeat."""
    report = world.report()

    def trip(uow: UnitOfWork, event: Envelope) -> None:
        if uow.case(event.case_id).code == report.code:
            raise ValueError(f"cannot read {STUDENT} of {uow.case(event.case_id).readable('phone')}")
        handlers.open_follow_up(uow, event)

    monkeypatch.setitem(HANDLERS, (CARE, ReportReceived.type), trip)
    return report


def read_first_texts(world: World) -> None:
    world.phones["officer"].expects("紧急止付")
    world.phones["counselor"].expects("30分钟内致电")
    world.phones["student"].expects("已收到")


def row(world: World, queue: str = CARE) -> Any:
    with world.parts.ledger.read() as conn:
        return conn.execute(select(t.work).where(t.work.c.queue == queue).order_by(t.work.c.event_id)).first()


def test_it_is_tried_with_growing_waits_and_parked_after_the_fifth(world: World, poisoned: Report) -> None:
    read_first_texts(world)
    waits = []
    for attempt in range(1, work.MAX_ATTEMPTS):
        assert (row(world).state, row(world).attempts) == ("open", attempt)
        assert world.alarms() == []
        waits.append((row(world).available_at - world.clock.now()) / timedelta(seconds=1))
        world.advance(waits[-1])
    assert waits == [2, 4, 8, 16]
    assert (row(world).state, row(world).attempts) == ("parked", work.MAX_ATTEMPTS)
    assert row(world).reason.startswith("ValueError at behaviour/test_poison_is_parked.py:")
    assert STUDENT not in row(world).reason
    assert world.alarms() == ["work_parked"]
    assert world.degraded() == ["alarms"]
    office = world.user("office", "security")
    assert poisoned.code in office.get("/duty").text
    world.advance(60)
    assert row(world).attempts == work.MAX_ATTEMPTS


def test_it_delays_others_by_nothing(world: World, poisoned: Report) -> None:
    read_first_texts(world)
    for _ in range(5):
        other = only_police_ring(world)  # at the very second: nothing was advanced
        assert other.state("care") == "in_progress"
    assert world.clock.now() == START
    assert (row(world).state, row(world).attempts) == ("open", 1)


def test_mended_it_is_taken_up_again_and_its_alarm_is_over(
    world: World, poisoned: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_first_texts(world)
    for _ in range(work.MAX_ATTEMPTS):
        world.advance(20)
    assert row(world).state == "parked"
    monkeypatch.setitem(HANDLERS, (CARE, ReportReceived.type), handlers.open_follow_up)
    assert work.reopen_parked(world.parts.ledger) == 1
    assert world.alarms() == []
    world.pump()
    assert (poisoned.state("care"), row(world).state) == ("open", "done")
    assert work.reopen_parked(world.parts.ledger) == 0


def test_an_event_that_nobody_handles_is_parked_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(HANDLERS, (CARE, ReportReceived.type))
    world.report()
    for _ in range(work.MAX_ATTEMPTS):
        world.advance(20)
    assert row(world).reason.startswith("KeyError")
    read_first_texts(world)


MONEY_STILL_HERE = {"kind": "in_progress", "transfers": None}
FIRST = [(POLICE, "police", {}), (POLICE, "dissuade", MONEY_STILL_HERE), (COUNSELOR, "counselor", {})]
each_first_alert = pytest.mark.parametrize(("queue", "kind", "changes"), FIRST, ids=[kind for _, kind, _ in FIRST])


@each_first_alert
def test_the_clock_begins_an_alert_whose_work_fails_and_nobody_is_rung_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, queue: str, kind: str, changes: dict[str, Any]
) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(HANDLERS, (queue, ReportReceived.type), lambda *_: 1 / 0)
        report = world.report(**changes)
        world.phones.catch_up()
        world.advance(9)
        assert report.texts(kind) == []
        world.advance(1)
        rung = [row.to_index for row in report.texts(kind)]
        assert rung and report.state(kind) == "alerted"
        assert row(world, queue).state == "open"
        read_all(world)
    world.advance(20)
    assert row(world, queue).state == "done"
    assert [text.to_index for text in report.texts(kind)] == rung
    assert world.alarms() == []


@each_first_alert
def test_the_clock_begins_an_alert_whatever_became_of_its_work(
    world: World, queue: str, kind: str, changes: dict[str, Any]
) -> None:
    """It hangs, say, or a person put it aside. Of the police no auditor calls the report late before that."""
    report = world.report(**changes)
    with world.parts.ledger.begin("aside") as uow:
        uow.conn.execute(update(t.work).where(t.work.c.queue == queue).values(state="done"))
    net = NET[kind].total_seconds()
    world.phones.catch_up()
    world.advance(net - 1)
    assert report.texts(kind) == []
    world.advance(1)
    assert report.state(kind) == "alerted"
    assert net < BEGUN_WITHIN.total_seconds() or kind == "counselor"
    read_all(world)
    world.advance(60)
    assert {text.step for text in report.texts(kind)} == {0}
    read_all(world)


def test_the_clock_begins_the_alert_for_money_that_has_gone_after_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = world.report(**MONEY_STILL_HERE)
    read_all(world)
    monkeypatch.setitem(HANDLERS, (POLICE, ReportConverted.type), lambda *_: 1 / 0)
    assert world.client.post(f"/r/{report.token}/sent", data={"amount": "3800", "channel": "bank"}).status_code == 303
    world.advance(0)
    world.phones["officer"].expects_nothing()
    world.advance(10)
    world.phones["officer"].expects("紧急止付", report.code)


@each_first_alert
def test_the_work_of_an_alert_is_tried_once_a_minute_for_as_long_as_it_takes(
    world: World, monkeypatch: pytest.MonkeyPatch, queue: str, kind: str, changes: dict[str, Any]
) -> None:
    """Nobody can ring, neither worker nor clock. A person is told at the fifth try, until it has succeeded."""
    with monkeypatch.context() as patched:
        patched.setattr(alerting, "_ring", lambda *_, **__: 1 / 0)
        report = world.report(**changes)
        world.phones.catch_up()
        for wait in (2, 4, 8, 16):
            assert "alert_not_begun" not in world.alarms()
            world.advance(wait)
        assert "alert_not_begun" in world.alarms()
        office = world.user("office", "security")
        assert report.code in office.get("/duty").text
        for attempt in range(work.MAX_ATTEMPTS + 1, work.MAX_ATTEMPTS + 4):
            world.advance(60)
            assert (row(world, queue).state, row(world, queue).attempts) == ("open", attempt)
        assert report.texts(kind) == []
    world.advance(60)
    assert (report.state(kind), row(world, queue).state) == ("alerted", "done")
    assert world.alarms() == []
    read_all(world)


def test_whoever_has_mended_the_cause_has_it_tried_now(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(HANDLERS, (POLICE, ReportReceived.type), lambda *_: 1 / 0)
        world.report()
        for wait in (0, 2, 4, 8, 16):
            world.advance(wait)
        assert world.alarms() == ["alert_not_begun"]
    assert work.reopen_parked(world.parts.ledger) == 1
    world.pump()
    assert (row(world, POLICE).state, world.alarms()) == ("done", [])
    read_all(world)


def test_half_of_a_failed_handler_s_work_is_never_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(uow: UnitOfWork, event: Envelope) -> None:
        handlers.alert_police(uow, event)
        raise RuntimeError

    monkeypatch.setitem(HANDLERS, (POLICE, ReportReceived.type), trip)
    report = world.report()
    world.phones["officer"].expects_nothing()
    assert report.state("police") == "pending"
    for name in ("counselor", "student"):
        world.phones[name].expects(report.code)


BAD_FACTS: list[dict[str, Any]] = [{}, {"code": "K7M3P", "nth": "often"}, {"code": "K7M3P", "at": 5}]


@pytest.mark.parametrize("facts", BAD_FACTS)
def test_a_text_without_words_is_failed_with_an_alarm_and_holds_up_no_other(
    world: World, facts: dict[str, Any]
) -> None:
    report = reported(world)
    kind = "stand_down" if "at" in facts else "escalation"
    with world.parts.ledger.begin("test") as uow:
        [officer] = people.by_phone(uow.conn, uow.keys, world.phones["officer"].number)
        case = uow.case(uow.conn.execute(select(t.cases.c.id)).scalar_one())
        deliveries.tell(uow, officer, kind, facts, case=case, dedup="bad", priority=0)
        deliveries.tell(uow, officer, "unknown_code", {"code": "KKKK3"}, case=None, dedup="good", priority=3)
    world.phones["officer"].expects("未找到编号KKKK3").expects_nothing()
    bad = world.rows("SELECT state, error_code, available_at FROM deliveries WHERE dedup = 'bad'")
    assert [tuple(found) for found in bad] == [("failed_permanent", "wording", None)]
    assert world.alarms() == ["text_without_words"]
    assert report.code in world.user("office", "security").get("/duty").text
    assert work.reopen_parked(world.parts.ledger) == 0  # whoever runs the service has seen it
    assert world.alarms() == []


def test_an_alert_without_words_makes_the_next_person_due(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from notifier.wording import zh

    original = zh.TEXTS.copy()

    def trip(msg: Any, ctx: Any) -> str:
        if msg.nth == 1 and not tripped:
            tripped.append(msg)
            raise RuntimeError("a bug in the wording")
        said: str = original[type(msg)](msg, ctx)
        return said

    tripped: list[Any] = []
    for kind in original:
        if kind.kind == "officer":
            monkeypatch.setitem(zh.TEXTS, kind, trip)
    report = world.report()
    for name in ("backup", "officer"):
        world.phones[name].expects("紧急止付", report.code)
    for name in ("counselor", "student"):
        world.phones[name].expects(report.code)
    assert report.state("police") == "alerted"


def test_a_row_that_does_not_open_holds_up_no_other(world: World) -> None:
    """Somebody has tampered with a text that waits, or its case has been erased."""
    first, second = world.report(), world.report()
    from services.worker import run_open

    run_open(world.parts.ledger, world.handlers)
    with world.parts.ledger.begin("test") as uow:
        c, d = t.cases.c, t.deliveries.c
        bad = uow.conn.execute(select(c.id).where(c.code == first.code)).scalar_one()
        uow.conn.execute(t.deliveries.update().where(d.case_id == bad).values(to_sealed=bytes(60)))
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(second.code)
    assert set(world.alarms()) >= {"text_without_words"}
    for text in world.phones.unread():  # the ladder of the first goes on with fresh texts
        assert first.code in text.body
        world.phones.mark_read(text)
