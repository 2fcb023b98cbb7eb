"""Work that cannot be done is tried a few times, parked with its reason and an alarm, and keeps nobody else waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from ledger import tables as t
from ledger.events import COUNSELOR, POLICE, Envelope, ReportReceived
from ledger.school import people
from ledger.store import work
from ledger.store.unit_of_work import UnitOfWork
from ledger.texts import deliveries
from services import handlers
from services.handlers import HANDLERS
from tests.behaviour.stories import only_police_ring, reported
from tests.world import START, STUDENT, Report, World


@pytest.fixture
def poisoned(world: World, monkeypatch: pytest.MonkeyPatch) -> Report:
    """The counselor's handler fails for this report, and says what a log must not repeat."""
    report = world.report()

    def trip(uow: UnitOfWork, event: Envelope) -> None:
        if uow.case(event.case_id).code == report.code:
            raise ValueError(f"cannot read {STUDENT} of {uow.case(event.case_id).readable('phone')}")
        handlers.alert_counselor(uow, event)

    monkeypatch.setitem(HANDLERS, (COUNSELOR, ReportReceived.type), trip)
    return report


def row(world: World) -> Any:
    with world.parts.ledger.read() as conn:
        return conn.execute(select(t.work).where(t.work.c.queue == COUNSELOR).order_by(t.work.c.event_id)).first()


def test_it_is_tried_with_growing_waits_and_parked_after_the_fifth(world: World, poisoned: Report) -> None:
    world.phones["officer"].expects("紧急止付")
    world.phones["student"].expects("已收到")
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
    world.phones["counselor"].expects_nothing()


def test_it_delays_others_by_nothing(world: World, poisoned: Report) -> None:
    world.phones["officer"].expects("紧急止付")
    world.phones["student"].expects("已收到")
    for _ in range(5):
        other = only_police_ring(world)  # at the very second: nothing was advanced
        assert other.state("care") == "in_progress"
    assert world.clock.now() == START
    assert (row(world).state, row(world).attempts) == ("open", 1)


def test_mended_it_is_taken_up_again_and_its_alarm_is_over(
    world: World, poisoned: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.phones["officer"].expects("紧急止付")
    world.phones["student"].expects("已收到")
    for _ in range(work.MAX_ATTEMPTS):
        world.advance(20)
    assert row(world).state == "parked"
    monkeypatch.setitem(HANDLERS, (COUNSELOR, ReportReceived.type), handlers.alert_counselor)
    assert work.reopen_parked(world.parts.ledger) == 1
    assert world.alarms() == []
    world.phones["counselor"].expects("30分钟内致电", poisoned.code)
    assert row(world).state == "done"
    assert work.reopen_parked(world.parts.ledger) == 0


def test_an_event_that_nobody_handles_is_parked_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(HANDLERS, (COUNSELOR, ReportReceived.type))
    world.report()
    for _ in range(work.MAX_ATTEMPTS):
        world.advance(20)
    assert row(world).reason.startswith("KeyError")
    world.phones["officer"].expects("紧急止付")
    world.phones["student"].expects("已收到")


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
