"""The transaction that stores a report writes the officer's text too, and the door's own senders call it.

Neither a queue nor a second commit stands between; what the queue brings later finds it done, and no trouble with it
keeps a report out.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection, event

from intake.doors import Door, Provider
from ledger.errors import LedgerAway, Tampered
from ledger.events import POLICE
from ledger.reporting import reports
from ledger.reporting.reportin import ReportIn, TransferIn
from ledger.ringing import alerting, linking, match_keys
from services.worker import run_open
from tests.one_process import eventually
from tests.world import PUBLIC, World, another_fraud, body


@pytest.fixture
def open_door(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A world with the senders of a door, and nothing else that runs by itself."""
    yield from started(World.make(database_url, tmp_path))


def started(world: World) -> Iterator[World]:
    world.parts.sender._at_door = True
    world.parts.sender.start()
    yield world
    world.parts.sender.stop()
    world.double.settle()
    world.close()


def labels(world: World) -> list[str]:
    """Of the transactions from now on."""
    found: list[str] = []
    world.parts.ledger.on_commit.append(lambda done: found.append(done.label))
    return found


def officer_texts(world: World, code: str) -> list[str]:
    """The officer's texts that the provider was asked to send, once the senders have come to rest."""
    sender = world.parts.sender
    eventually(lambda: sender._crew.idle == sender._crew.threads and not sender._uncalled, "a sender is not done")
    number = world.phones["officer"].number
    return [it.body or "" for it in world.double.creations if it.to == number and code in (it.body or "")]


def test_the_officer_is_rung_by_the_transaction_that_stores_the_report(open_door: World) -> None:
    done = labels(open_door)
    report = open_door.report()
    [text] = officer_texts(open_door, report.code)
    assert "紧急止付" in text
    assert done[:2] == ["report", "settle:officer"] or set(done) == {"report", "settle:officer", "status"}  # a receipt
    assert report.state("police") == "alerted"


def test_what_is_rung_with_is_what_was_stored(open_door: World) -> None:
    """The step is begun from rows that were not read again: they have to be whole."""
    with open_door.parts.ledger.begin("look") as uow:
        written: list[dict[str, Any]] = []
        uow.put_rows = lambda statement, case, rows, **more: written.extend(map(dict, rows))  # type: ignore[method-assign]
        report = reports.accept(uow, ReportIn("13800000001", transfers=(TransferIn(amount_fen=100),)), ring=True)
        read = [*uow.take_rows(alerting.OBLIGATION, uow.case(report.case_id), duty="police"),
                *uow.take_rows(match_keys.TRANSFERS, uow.case(report.case_id))]  # fmt: skip
        changed = {"step", "entered_at", "next_at", "ladder_at"}
        assert [without(row, changed) for row in written[: len(read)]] == [without(dict(it), changed) for it in read]


def without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_the_queue_s_own_work_rings_nobody_a_second_time(open_door: World) -> None:
    report = open_door.report()
    assert len(officer_texts(open_door, report.code)) == 1
    run_open(open_door.parts.ledger, open_door.handlers, POLICE)
    assert len(officer_texts(open_door, report.code)) == 1
    assert open_door.rows("SELECT count(*) FROM work WHERE queue = 'police' AND state = 'open'") == [(0,)]


def test_money_still_here_is_rung_for_at_the_door_too(open_door: World) -> None:
    report = open_door.report(kind="in_progress", transfers=[])
    officer_texts(open_door, report.code)
    states = [row.state for row in report.texts("dissuade")]
    assert states and set(states) <= {"sent", "delivered"}


def test_the_same_key_again_rings_nobody(open_door: World) -> None:
    first, again = open_door.report("key-1"), open_door.report("key-1")
    assert again.duplicate and again.code == first.code
    assert len(officer_texts(open_door, first.code)) == 1


def no_ladder(*_: Any) -> None:
    raise Tampered


def nothing_there(*_: Any) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("trouble", [no_ladder, nothing_there])
def test_what_goes_wrong_with_the_ringing_keeps_no_report_out(
    open_door: World, monkeypatch: pytest.MonkeyPatch, trouble: Callable[..., None]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(alerting, "begin", trouble)
        report = open_door.report()
    assert officer_texts(open_door, report.code) == []
    assert open_door.rows("SELECT count(*) FROM cases") == [(1,)]
    run_open(open_door.parts.ledger, open_door.handlers, POLICE)
    assert len(officer_texts(open_door, report.code)) == 1


def test_another_body_under_the_same_key_is_still_a_conflict(open_door: World) -> None:
    report = open_door.report("key-1")
    headers, other = {"Idempotency-Key": "key-1"}, body(amount="39000.00")
    assert open_door.client.post("/api/v1/reports", json=other, headers=headers).status_code == 422
    assert len(officer_texts(open_door, report.code)) == 1


def test_the_later_report_of_one_fraud_says_so_at_the_door(open_door: World) -> None:
    first, later = open_door.report(), open_door.report()
    [text] = officer_texts(open_door, later.code)
    assert "疑同" in text and first.code in text


def test_what_two_doors_did_not_see_of_each_other_the_worker_links(
    open_door: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two reports of one fraud in one moment: neither transaction sees the other, and both ring."""
    first = open_door.report()
    with monkeypatch.context() as patched:
        patched.setattr(linking, "look", lambda *_: None)
        later = open_door.report()
    assert "疑同" not in officer_texts(open_door, later.code)[0]
    run_open(open_door.parts.ledger, open_door.handlers, POLICE)
    assert later.events("case.linked.v1")
    assert len(officer_texts(open_door, later.code)) == 1 and first.events("case.linked.v1") == []


def test_a_door_looks_for_no_texts_of_others(open_door: World) -> None:
    """The counselor's text, written where no sender is free, is left to the workers."""
    report = open_door.report(**another_fraud())
    officer_texts(open_door, report.code)
    hands, open_door.parts.ledger.hands = open_door.parts.ledger.hands, None
    run_open(open_door.parts.ledger, open_door.handlers)
    open_door.parts.ledger.hands = hands
    for _ in range(2):  # the second is taken up when the round that the first began has ended
        open_door.parts.sender.wake()
        eventually(lambda: not open_door.parts.sender._wake.is_set(), "its dispatcher does not wake")
    officer_texts(open_door, report.code)
    counselor = open_door.phones["counselor"].number
    assert [it for it in open_door.double.creations if it.to == counselor] == []


def test_a_door_whose_senders_are_all_calling_leaves_the_ringing_to_the_workers(open_door: World) -> None:
    """There the text is called as it is written; here it would wait for somebody to look."""
    sender = open_door.parts.sender
    busy, sender._crew.idle = sender._crew.idle, 0
    report = open_door.report()
    assert open_door.rows("SELECT count(*) FROM deliveries") == [(0,)]
    sender._crew.idle = busy
    run_open(open_door.parts.ledger, open_door.handlers, POLICE)
    assert len(officer_texts(open_door, report.code)) == 1


def test_of_several_in_hand_at_once_only_the_first_is_rung_at_the_door(open_door: World) -> None:
    """The others are rung sooner by a worker, which does them together."""
    parts = open_door.parts
    door = Door(parts.ledger, parts.spooler, PUBLIC, "", cast("Provider", None), lambda _: False)
    with door.pace.one_more():
        second = door.accept(ReportIn("+8613900000002"), None, "")
    alone = door.accept(ReportIn("+8613900000003"), None, "")
    assert officer_texts(open_door, second.code) == []
    assert len(officer_texts(open_door, alone.code)) == 1
    run_open(parts.ledger, open_door.handlers, POLICE)
    assert len(officer_texts(open_door, second.code)) == 1


def test_after_a_commit_without_an_answer_the_officer_hears_once(open_door: World) -> None:
    """The report is in the ledger and in the spool. Its text was claimed and not called: it is put back for others."""

    def lose(connection: Connection) -> None:
        connection.connection.driver_connection.commit()  # type: ignore[union-attr]
        raise LedgerAway("the answer to the commit was lost")

    event.listen(open_door.parts.ledger.engine, "commit", lose, once=True)
    given = open_door.report().code
    state = "SELECT state FROM deliveries"
    eventually(lambda: open_door.rows(state) == [("pending",)], "not put back")
    assert given.startswith("Z")
    open_door.pump()
    [(code,)] = open_door.rows("SELECT code FROM cases")
    [text] = officer_texts(open_door, code)
    assert "重发" not in text and officer_texts(open_door, given) == []


def test_while_reports_wait_in_the_spool_the_workers_ring(open_door: World) -> None:
    """The same report may be in it, with somebody called whose answer was lost: that text is to be asked for first."""
    spooled = open_door.parts.spooler.take(ReportIn("+8613900000005"), "the-key", "")
    report = open_door.report(**another_fraud())
    assert officer_texts(open_door, report.code) == []
    open_door.pump()
    assert len(officer_texts(open_door, report.code)) == 1
    assert open_door.rows("SELECT count(*) FROM spooled WHERE code = :code", code=spooled.code) == [(1,)]


def test_a_spool_that_cannot_be_read_keeps_no_report_out(open_door: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> set[str]:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(open_door.parts.spooler.spool, "names", broken)
        report = open_door.report()
    run_open(open_door.parts.ledger, open_door.handlers, POLICE)
    assert len(officer_texts(open_door, report.code)) == 1


def test_in_a_flood_of_strangers_the_door_bundles(database_url: str, tmp_path: Path) -> None:
    for world in started(World.make(database_url, tmp_path, unverified_burst="1/600")):
        first, second = (world.report(phone=f"1391111000{n}", student_no="", payee_account="") for n in (1, 2))
        assert len(officer_texts(world, first.code)) == 1 and officer_texts(world, second.code) == []
        assert [row.bundle_id is not None for row in second.texts()] == [True] * len(second.texts()) != []
        world.advance(21)
        assert len(officer_texts(world, second.code)) == 1


def test_where_the_door_is_not_to_ring_the_worker_does(database_url: str, tmp_path: Path) -> None:
    for world in started(World.make(database_url, tmp_path, door_rings="off")):
        report = world.report()
        assert officer_texts(world, report.code) == []
        run_open(world.parts.ledger, world.handlers, POLICE)
        assert len(officer_texts(world, report.code)) == 1
