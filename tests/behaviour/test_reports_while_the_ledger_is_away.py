"""The database is down: a report still gets a code and a place on disk, the officer a text, and nothing goes twice."""

from __future__ import annotations

import base64
import errno
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest import MonkeyPatch
from sqlalchemy import select, update

from ledger import tables as t
from ledger.events import PRIORITY
from ledger.reporting import reports
from ledger.reporting.reportin import ReportIn
from ledger.store.unit_of_work import UnitOfWork
from ledger.texts import claims, settling
from ledger.texts.calls import Outcome
from services.spooler import Spooler
from services.worker import run_open
from tests.behaviour.door_tools import FORM, a_client, cases, ledger_away, spool_full
from tests.behaviour.stories import only_police_ring, read_all
from tests.world import PUBLIC, World, another_fraud, body

URL = "/api/v1/reports"


@contextmanager
def away(world: World) -> Iterator[Spooler]:
    """For longer than a blip."""
    with ledger_away(world):
        world.parts.spooler.ask()
        world.clock.advance(3)
        yield world.parts.spooler


def form(world: World, **changes: str) -> str:
    """Send the form; the path of the status page it leads to."""
    answer = a_client(world).post("/report", data=FORM | {"submission_key": "k-1"} | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].removeprefix(PUBLIC)


def spool_code(world: World, path: str) -> str:
    page = world.client.get(path)
    assert page.status_code == 200
    found = re.search(r'class="code">(Z\w{4})<', page.text)
    assert found, page.text
    return found[1]


def everybody_is_told(world: World, code: str, officer: str = "") -> None:
    """The first texts of an ordinary report, but for those in `officer`'s place."""
    if not officer:
        world.phones["officer"].expects("紧急止付", code)
    world.phones["counselor"].expects(code, "30分钟内致电")
    world.phones["student"].expects("已收到", code)


def test_the_student_gets_a_code_and_is_told_to_call_110(world: World) -> None:
    with away(world):
        path = form(world)
        page = world.client.get(path)
        assert page.status_code == 200 and "tel:110" in page.text and "请马上打110" in page.text
        code = spool_code(world, path)
        shown = world.client.get(f"{URL}/{path.rpartition('/')[2]}").get_json()
    assert (shown["case"], shown["state"], shown["obligations"]["police"]["state"]) == (code, "received", "pending")
    assert cases(world) == 0
    real = in_the_ledger(world, path)
    everybody_is_told(world, real)


def in_the_ledger(world: World, path: str) -> str:
    """The case code that the same link shows once the ledger is back."""
    world.pump()
    shown = world.client.get(f"{URL}/{path.rpartition('/')[2]}").get_json()
    assert not shown["case"].startswith("Z")
    return str(shown["case"])


def test_it_enters_by_itself_and_both_codes_and_the_link_lead_to_it(world: World) -> None:
    with away(world):
        path = form(world)
        code = spool_code(world, path)
    real = in_the_ledger(world, path)
    assert world.parts.spooler.spool.waiting() == 0
    assert cases(world) == 1
    everybody_is_told(world, real)
    officer = world.user("li", "officer", world.phones["officer"].number)
    assert real in officer.get(f"/duty/{code}", follow_redirects=True).text
    world.phones["officer"].replies(code).expects("由您接单", real)
    assert world.client.get(f"{URL}/{path.rpartition('/')[2]}").get_json()["spool_codes"] == [code]


@pytest.mark.parametrize("shown", ["page", "API"])
def test_one_that_enters_while_its_link_is_looked_for_is_not_denied(
    world: World, monkeypatch: MonkeyPatch, shown: str
) -> None:
    """Not yet in the ledger, then no longer in the spool: nobody who has sent money hears that there is no report."""
    with away(world) as spooler:
        path = form(world)
    find = spooler.find

    def entered_meanwhile(token: str) -> Any:
        world.pump()
        return find(token)

    monkeypatch.setattr(spooler, "find", entered_meanwhile)
    answer = world.client.get(path if shown == "page" else f"{URL}/{path.rpartition('/')[2]}")
    assert (answer.status_code, cases(world), spooler.spool.waiting()) == (200, 1, 0)
    read_all(world)


def test_who_was_rung_by_another_door_is_not_rung_by_one_that_has_not_heard_that_it_is_back(world: World) -> None:
    """The form is sent twice: one door has taken it, this one knows of its last question, up to a second ago."""
    path = form(world)
    everybody_is_told(world, in_the_ledger(world, path))
    with away(world) as spooler:
        pass
    spool_code(world, form(world))
    assert spooler.silent
    assert (spooler.tick(), cases(world)) == (0, 1)
    world.phones.assert_all_read()


def test_deadlines_count_from_the_report_and_the_ladder_from_its_entering(world: World) -> None:
    with away(world):
        path = form(world)
        world.clock.advance(600)
    real = in_the_ledger(world, path)
    everybody_is_told(world, real)
    world.advance(119)
    world.phones.assert_all_read()
    world.advance(2)
    world.phones["officer"].expects("第2次提醒", "报告已过12分钟")
    world.phones["backup"].expects(real)


def test_the_same_key_is_one_report_in_the_spool_and_in_the_ledger(world: World) -> None:
    """Stored, its answer lost, sent again while the ledger is away, and once more when it is back."""
    first = world.report("lost")
    with away(world):
        again = world.client.post(URL, json=body(), headers={"Idempotency-Key": "lost"})
        once_more = world.client.post(URL, json=body(), headers={"Idempotency-Key": "lost"})
    assert (again.status_code, once_more.status_code) == (201, 200)
    assert again.get_json()["case"] == once_more.get_json()["case"]
    other = world.client.post(URL, json=body(amount="1.00"), headers={"Idempotency-Key": "fresh"})
    assert other.status_code == 201
    world.pump()
    assert world.client.get(f"{URL}/{again.get_json()['token']}").get_json()["case"] == first.code
    assert cases(world) == 2
    for text in world.phones.unread():
        world.phones.mark_read(text)


def test_a_form_sent_again_with_something_changed_is_the_same_case_with_a_correction(world: World) -> None:
    with away(world):
        first, second = form(world), form(world, amount="38700")
        assert spool_code(world, first) == spool_code(world, second)
    real = in_the_ledger(world, first)
    assert in_the_ledger(world, second) == real
    assert cases(world) == 1
    kinds = [row.type for row in world.rows("SELECT type FROM case_events")]
    assert "case.amended.v1" in kinds
    for text in world.phones.unread():
        world.phones.mark_read(text)


def test_another_body_under_the_same_key_is_refused_as_ever(world: World) -> None:
    with away(world):
        assert world.client.post(URL, json=body(), headers={"Idempotency-Key": "k"}).status_code == 201
        assert world.client.post(URL, json=body(amount="1"), headers={"Idempotency-Key": "k"}).status_code == 422
        assert world.parts.spooler.spool.waiting() == 1
    everybody_is_told(world, in_the_only_case(world))


def in_the_only_case(world: World) -> str:
    world.pump()
    return str(world.rows("SELECT code FROM cases")[0].code)


def test_what_was_answered_with_a_code_is_a_report_even_if_its_key_was_another_s(world: World) -> None:
    world.report("k")
    with away(world):
        assert world.client.post(URL, json=body(amount="1.00"), headers={"Idempotency-Key": "k"}).status_code == 201
    world.pump()
    assert cases(world) == 2
    for text in world.phones.unread():
        world.phones.mark_read(text)


def test_other_currencies_are_not_added_up_with_yuan(world: World) -> None:
    """As in the ledger's own alerts."""
    paid = [{"amount": "500"}, {"amount": "900", "currency": "USD"}]
    with away(world) as spooler:
        assert world.client.post(URL, json=body(transfers=paid), headers={"Idempotency-Key": "k"}).status_code == 201
        spooler.tick()
        world.phones["officer"].expects("紧急止付", "500元等2笔")
    world.pump()
    read_all(world)


def test_the_officer_of_the_last_duty_list_and_the_desk_are_texted_once(world: World) -> None:
    with away(world) as spooler:
        path = form(world)
        code = spool_code(world, path)
        for _ in range(3):
            spooler.tick()
        officer = world.phones["officer"].expects("紧急止付", code, "38600元", "故障中，按旧名单")
        world.phones["desk"].expects(code, "故障中，按旧名单")
        for text in (officer,):
            assert "4417" not in text.body and "某人" not in text.body
        assert not world.phones.unread()
    real = in_the_ledger(world, path)
    world.phones["counselor"].expects(real)
    world.phones["student"].expects(real)
    world.phones["officer"].expects_nothing()  # reconciled: no second alert for the same report
    shown = world.client.get(f"{URL}/{path.rpartition('/')[2]}").get_json()
    assert shown["obligations"]["police"]["state"] == "alerted"
    # They answer with the code they were given, and the desk is stood down.
    world.phones["officer"].replies(code).expects("由您接单", real)
    world.phones["desk"].expects("已有人接单")


def test_for_a_blip_nobody_is_texted_from_the_spool(world: World) -> None:
    """A commit whose answer was lost is in the ledger all the same, which rings by itself as soon as it is back."""
    first = world.report("lost")
    with ledger_away(world):
        spooler = world.parts.spooler
        spooler.ask()
        again = world.client.post(URL, json=body(), headers={"Idempotency-Key": "lost"})
        assert again.get_json()["case"].startswith("Z")
        world.clock.advance(2.9)
        spooler.ask()
        spooler.tick()
    world.pump()
    everybody_is_told(world, first.code)
    world.phones.assert_all_read()
    assert cases(world) == 1


def test_a_text_that_nobody_has_called_gives_way_to_the_one_that_went_out(world: World) -> None:
    """Stored, and its texts written, but neither answered nor called before the outage; then sent again."""
    world.report("lost")
    run_open(world.parts.ledger, world.handlers)
    with away(world) as spooler:
        again = world.client.post(URL, json=body(), headers={"Idempotency-Key": "lost"}).get_json()
        spooler.tick()
        world.phones["officer"].expects("故障中", again["case"])
        world.phones["desk"].expects("故障中")
    real = in_the_ledger(world, f"/r/{again['token']}")
    world.phones["officer"].expects_nothing()
    world.phones["counselor"].expects(real)
    world.phones["student"].expects(real)
    world.phones["officer"].replies(again["case"]).expects("由您接单", real)
    world.phones["desk"].expects("已有人接单")
    assert cases(world) == 1


def again_while_away(world: World, key: str = "lost") -> None:
    """An outage in which this report comes once more, and its officer is texted from the spool."""
    with away(world) as spooler:
        assert world.client.post(URL, json=body(), headers={"Idempotency-Key": key}).get_json()["case"].startswith("Z")
        spooler.tick()
        world.double.settle()  # its callbacks find nobody who could write them down


def enter(world: World) -> None:
    world.parts.spooler.ask()
    world.parts.spooler.tick()
    assert world.parts.spooler.spool.waiting() == 0


def test_it_gives_way_in_every_outage_anew(world: World) -> None:
    """The spool's own text is refused in the end, and gives way to that of the next outage."""
    officer = world.phones["officer"].number
    world.report("lost")
    run_open(world.parts.ledger, world.handlers)
    world.double.faults.add("drop_before", officer)
    again_while_away(world)
    world.double.faults.add("429", officer, times=None)
    enter(world)
    world.clock.advance(3)
    world.pump()
    world.double.faults.clear("429")
    again_while_away(world)
    enter(world)
    assert cases(world) == 1 and world.alarms() == []
    theirs = (
        "SELECT d.state FROM deliveries d JOIN people p ON p.id = d.person_id WHERE p.role = 'officer' ORDER BY d.id"
    )
    assert [row.state for row in world.rows(theirs)] == ["cancelled", "cancelled", "sent"]
    read_all(world)


def test_a_refusal_written_down_twice_does_not_bring_it_back(world: World) -> None:
    """Written down once, the answer lost in the outage; whoever wrote it insists when the ledger is back."""
    world.report("lost")
    run_open(world.parts.ledger, world.handlers)
    (claim,) = claims.claim(world.parts.ledger, 1, PRIORITY["police"], world.parts.sender._render)
    refused = Outcome(claim, "failed_temporary", error="20429")
    settling.settle(world.parts.ledger, refused)
    again_while_away(world)
    enter(world)
    settling.settle(world.parts.ledger, refused)
    world.clock.advance(6)
    world.pump()
    world.phones["officer"].expects("故障中")
    world.phones["officer"].expects_nothing()
    read_all(world)


def test_it_gives_way_only_to_a_text_to_the_same_phone(world: World) -> None:
    """The duty list that the spool knows is up to half a minute old."""
    world.report("lost")
    run_open(world.parts.ledger, world.handlers)
    again_while_away(world)
    with world.parts.ledger.begin("another number") as uow:
        row = uow.conn.execute(select(t.deliveries).where(t.deliveries.c.kind == "officer")).mappings().one()
        uow.change(t.deliveries, row["id"], to_index=uow.keys.blind("phone", "+8613800009999"))
    enter(world)
    assert [row.state for row in world.rows("SELECT state FROM deliveries WHERE kind = 'officer'")] == ["pending"]
    world.pump()
    read_all(world)


def test_a_form_sent_again_with_a_change_rings_nobody_again(world: World) -> None:
    with away(world) as spooler:
        for amount in ("38600", "38700"):
            form(world, amount=amount)
            spooler.tick()
        world.phones["officer"].expects("故障中").expects_nothing()
        world.phones["desk"].expects("故障中").expects_nothing()
    in_the_only_case(world)
    read_all(world)


def test_what_waits_in_the_spool_is_not_taken_beside_it(world: World) -> None:
    """The ledger is back, and the same report comes again before the first has entered."""
    with away(world) as spooler:
        first = world.client.post(URL, json=body(), headers={"Idempotency-Key": "k"}).get_json()
        spooler.tick()
    world.parts.spooler.ask()
    again = world.client.post(URL, json=body(), headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.get_json()["case"], cases(world)) == (200, first["case"], 0)
    world.pump()
    world.phones["officer"].expects("故障中").expects_nothing()
    assert cases(world) == 1
    read_all(world)


def test_the_same_form_from_another_phone_is_another_report_and_rings(world: World) -> None:
    with away(world) as spooler:
        for phone in ("13800000001", "13900000077"):
            form(world, phone=phone)
            spooler.tick()
            world.phones["officer"].expects("故障中")
    enter(world)
    world.pump()
    assert cases(world) == 2
    read_all(world)


def test_a_call_that_cannot_be_written_keeps_no_report_out(world: World) -> None:
    """A database from a backup older than the roster does not know whom the spool has called."""
    with away(world) as spooler:
        form(world)
        spooler.tick()
        (entry,) = spooler.spool.entries()
        spooler.spool.note(entry, replace(spooler.spool.calls(entry)[0], person_id=t.new_id()))
    enter(world)
    world.pump()
    assert cases(world) == 1 and world.alarms() == []
    read_all(world)


def test_a_case_that_cannot_be_opened_keeps_out_neither_its_own_report_nor_others(world: World) -> None:
    """Its key is not on the ring any more, say."""
    world.report("lost")
    world.pump()
    with away(world):
        world.client.post(URL, json=body(), headers={"Idempotency-Key": "lost"})
        form(world, submission_key="k-2", **another_fraud())
    with world.parts.ledger.begin("damage") as uow:
        uow.conn.execute(update(t.cases).values(row_key=b"gone:" + bytes(60)))
    enter(world)
    assert cases(world) == 3
    world.pump()
    read_all(world)


def test_one_that_cannot_enter_is_rung_for_and_said_and_holds_up_no_other(
    world: World, monkeypatch: MonkeyPatch
) -> None:
    accept = reports.accept

    def stumble(uow: UnitOfWork, report: ReportIn, *given: Any, **more: Any) -> reports.Accepted:
        if (report.phone or "").endswith(FORM["phone"]):
            raise ValueError("a bug")
        return accept(uow, report, *given, **more)

    monkeypatch.setattr(reports, "accept", stumble)
    with away(world) as spooler:
        form(world)
        form(world, submission_key="k-2", **another_fraud())
    spooler.ask()
    for _ in range(2):
        spooler.tick()
    assert (cases(world), spooler.spool.waiting(), world.alarms()) == (1, 1, ["spool_stuck"])
    world.phones["officer"].expects("故障中")
    monkeypatch.undo()
    enter(world)
    assert (cases(world), world.alarms()) == (2, [])
    world.pump()
    read_all(world)


def test_a_file_that_was_damaged_refuses_nobody(world: World) -> None:
    with away(world) as spooler:
        form(world)
        (file,) = spooler.spool._folder.glob("*.report")
        file.write_text("{}")
        form(world)
        assert spooler.spool.waiting() == 2
    world.pump()
    assert cases(world) == 1
    read_all(world)


def test_nobody_answers_and_the_ladder_goes_on_where_the_outage_left_it(world: World) -> None:
    with away(world) as spooler:
        path = form(world)
        spooler.tick()
        world.phones["officer"].expects("故障中")
        world.phones["desk"].expects("故障中")
    real = in_the_ledger(world, path)
    world.phones["counselor"].expects(real)
    world.phones["student"].expects(real)
    world.advance(121)
    world.phones["officer"].expects("第2次提醒", real)
    world.phones["backup"].expects("紧急止付", real)


def test_a_call_whose_answer_was_lost_is_looked_up_once_the_ledger_is_back(world: World) -> None:
    world.double.faults.add("drop_after", world.phones["officer"].number)
    with away(world) as spooler:
        path = form(world)
        spooler.tick()
        spooler.tick()
        world.phones["officer"].expects("故障中")
        world.phones["desk"].expects("故障中")
    real = in_the_ledger(world, path)
    world.advance(3)
    world.phones["officer"].expects_nothing()
    states = world.rows("SELECT state, sid FROM deliveries WHERE kind = 'outage'")
    assert all(row.state in ("sent", "delivered") and row.sid for row in states) and len(states) == 2
    world.phones["counselor"].expects(real)
    world.phones["student"].expects(real)


def test_whom_the_spool_may_have_reached_is_not_waited_for_where_the_provider_cannot_say(world: World) -> None:
    """Given up before the ladder's step has begun: the step has to hear of it all the same."""
    world.double.faults.add("drop_before", world.phones["officer"].number)
    world.double.faults.add("drop_before", world.phones["desk"].number)
    with away(world) as spooler:
        path = form(world)
        for _ in range(5):
            spooler.tick()
            world.clock.advance(3)
        world.double.faults.add("500", times=None, on="fetch")
    world.parts.spooler.ask()
    world.parts.spooler.tick()
    for _ in range(3):  # the look-up is before the handler, as without a broker
        world.parts.sender.drain()
        world.clock.advance(2)
    real = in_the_ledger(world, path)
    for _ in range(25):
        world.advance(1)
    world.phones["backup"].expects("紧急止付", real)
    read_all(world)


@pytest.mark.parametrize("fault", ["drop_before", "21211", "30003"])  # lost again, refused, or taken and not delivered
def test_whom_the_spool_s_text_did_not_reach_is_not_waited_for_though_it_was_known_before_the_step_began(
    world: World, fault: str
) -> None:
    rung = [world.phones[name].number for name in ("officer", "desk")]
    for number in rung:
        world.double.faults.add("drop_before", number)
    with away(world) as spooler:
        path = form(world)
        spooler.tick()
    for number in rung:
        world.double.faults.add(fault, number)
    enter(world)
    for _ in range(3):  # the look-ups and the resend are before the handler, as without a broker
        world.parts.sender.drain()
        world.double.settle()
        world.clock.advance(2)
    assert [row.step for row in world.rows("SELECT step FROM obligations WHERE kind = 'police'")] == [-1]
    real = in_the_ledger(world, path)
    world.phones["backup"].expects("紧急止付", real)
    read_all(world)


def test_silence_of_a_phone_that_the_spool_rang_counts_as_switched_off_after_a_minute(world: World) -> None:
    world.double.mode = "manual"
    with away(world) as spooler:
        path = form(world)
        spooler.tick()
    real = in_the_ledger(world, path)
    world.advance(59)
    world.phones["backup"].expects_nothing()
    world.advance(1)
    world.phones["backup"].expects("紧急止付", real)
    read_all(world)


def test_a_refused_call_is_tried_again_and_rung_anew_by_the_ledger(world: World) -> None:
    world.double.faults.add("429", world.phones["officer"].number, times=2)
    with away(world) as spooler:
        path = form(world)
        spooler.tick()
        spooler.tick()
        world.phones["officer"].expects_nothing()
        world.clock.advance(6)
        spooler.tick()
        world.phones["desk"].expects("故障中")
    real = in_the_ledger(world, path)
    everybody_is_told(world, real)


def test_a_crash_between_entering_and_removing_enters_nothing_twice(world: World) -> None:
    with away(world) as spooler:
        path = form(world)
        spool = spooler.spool
        kept = {file: file.read_bytes() for file in spool._folder.iterdir() if file.is_file()}
    real = in_the_ledger(world, path)
    everybody_is_told(world, real)
    for file, content in kept.items():
        file.write_bytes(content)
    assert spool.waiting() == 1
    world.pump()
    assert (spool.waiting(), cases(world)) == (0, 1)


def test_a_crash_between_removing_a_report_and_its_journal_leaves_no_journal(world: World) -> None:
    """Nor does it take the journal of a report that still waits, which says who was rung for it."""
    with away(world) as spooler:
        path = form(world)
        spooler.tick()
        [journal] = spooler.spool._folder.glob("*.calls")
        spooler.tick()
        assert journal.exists()
        kept = journal.read_bytes()
    real = in_the_ledger(world, path)
    for name in ("officer", "desk"):
        world.phones[name].expects("故障中")
    everybody_is_told(world, real, officer="the spool's")
    journal.write_bytes(kept)
    with spooler.spool.held():
        spooler.tick()
        assert journal.exists()  # the folder is in other hands
    spooler.tick()
    assert not list(spooler.spool._folder.glob("*.calls"))


def test_the_second_door_rings_the_desk_only(world: World) -> None:
    with away(world) as spooler:
        answer = a_client(world).post("/warn", data={"phone": "13800000001", "submission_key": "w"})
        assert answer.status_code == 303
        spooler.tick()
        world.phones["desk"].expects("故障中")
        world.phones["officer"].expects_nothing()
    world.pump()
    assert [row.kind for row in world.rows("SELECT kind FROM cases")] == ["in_progress"]
    for text in world.phones.unread():
        world.phones.mark_read(text)


def test_with_the_disk_full_too_it_is_503_and_call_110(world: World) -> None:
    with away(world), spool_full(world):
        page = a_client(world).post("/report", data=FORM)
        assert page.status_code == 503 and "tel:110" in page.text
        assert world.client.post(URL, json=body()).status_code == 503
    world.pump()
    assert cases(world) == 0


@pytest.mark.parametrize("fails", [1, 2])  # fsync of the file, and of its folder
def test_what_could_not_be_written_for_good_is_not_there(world: World, fails: int, monkeypatch: MonkeyPatch) -> None:
    calls, fsync = itertools.count(1), os.fsync

    def failing(handle: int) -> None:
        if next(calls) == fails:
            raise OSError(errno.EIO, "Input/output error")
        fsync(handle)

    with away(world) as spooler:
        monkeypatch.setattr(os, "fsync", failing)
        assert world.client.post(URL, json=body()).status_code == 503
        assert spooler.spool.waiting() == 0
        path = form(world)
    everybody_is_told(world, in_the_ledger(world, path))
    assert cases(world) == 1


def test_nothing_in_the_spool_can_be_read(world: World) -> None:
    with away(world) as spooler:
        path = form(world, payee_name="金丝雀")
        spooler.tick()
        for name in ("officer", "desk"):
            world.phones[name].expects("故障中")
        files = [file for file in spooler.spool._folder.iterdir() if file.is_file()]
        raw = b"".join(file.name.encode() + file.read_bytes() for file in files)
        assert all(file.stat().st_mode & 0o077 == 0 for file in files if not file.name.startswith(".held"))
    for secret in ("金丝雀", "13800000001", "4417", "38600", path.rpartition("/")[2], "k-1", "8613800001"):
        assert secret.encode() not in raw, secret
    real = in_the_ledger(world, path)
    world.phones["counselor"].expects(real)
    world.phones["student"].expects(real)


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_draft_that_a_crash_cut_short_is_no_report(world: World, cut: int) -> None:
    with away(world) as spooler:
        path = form(world)
        whole = next(spooler.spool._folder.glob("*.report")).read_bytes()
        (spooler.spool._folder / ".draft-1-1").write_bytes(whole[:cut])
        assert spooler.spool.waiting() == 1
        assert len(list(spooler.spool.entries())) == 1
    everybody_is_told(world, in_the_ledger(world, path))


def test_a_process_that_starts_anew_knows_the_last_duty_list(world: World) -> None:
    with away(world):
        form(world)
        old = world.parts.spooler
        anew = Spooler(world.parts.ledger, old.spool, old._channel, old._render, old._list_file)
        anew.ask()
        anew.tick()
        world.phones["officer"].expects("故障中")
        world.phones["desk"].expects("故障中")
    real = in_the_only_case(world)
    world.phones["counselor"].expects(real)
    world.phones["student"].expects(real)


def test_two_processes_that_share_a_folder_ring_once(world: World) -> None:
    with away(world):
        form(world)
        with world.parts.spooler.spool.held() as mine:
            assert mine
            world.parts.spooler.tick()  # the folder is in other hands
            assert not world.double.outbound()
        world.parts.spooler.tick()
        world.phones["officer"].expects("故障中")
        world.phones["desk"].expects("故障中")
    real = in_the_only_case(world)
    world.phones["counselor"].expects(real)
    world.phones["student"].expects(real)


def spoil_content(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'"sealed": "', b'"sealed": "AAAA'))


def spoil_shape(file: Path) -> None:
    file.write_text("[]")


def spoil_sector(file: Path) -> None:
    """The disk does not give it: any OSError will do."""
    file.unlink()
    file.symlink_to(file)


@pytest.mark.parametrize("spoil", [spoil_content, spoil_shape, spoil_sector])
def test_a_file_that_cannot_be_read_keeps_no_other_waiting(world: World, spoil: Callable[[Path], None]) -> None:
    with away(world) as spooler:
        form(world, submission_key="spoiled")
        spoil(next(spooler.spool._folder.glob("*.report")))
        path = form(world, submission_key="whole")
    everybody_is_told(world, in_the_ledger(world, path))
    assert (world.parts.spooler.spool.waiting(), cases(world)) == (1, 1)  # left for somebody to look at
    assert world.degraded() == ["spool"]


def test_a_duty_list_under_a_key_that_is_gone_is_taken_anew(world: World) -> None:
    old = world.parts.spooler
    stored = json.loads(old._list_file.read_bytes())
    stored["row_key"] = base64.b64encode(b"gone:" + bytes(60)).decode()
    old._list_file.write_text(json.dumps(stored))
    anew = Spooler(world.parts.ledger, old.spool, old._channel, old._render, old._list_file)
    assert anew._list == []
    anew.refresh_list()
    assert anew._list == old._list != []


@pytest.mark.parametrize("content", [b"", bytes(100), b"[]", b"{}", b'{"id": 1, "row_key": 2, "sealed": 3}'])
def test_a_spoiled_duty_list_keeps_no_door_shut(world: World, content: bytes) -> None:
    old = world.parts.spooler
    old._list_file.write_bytes(content)
    assert Spooler(world.parts.ledger, old.spool, old._channel, old._render, old._list_file)._list == []


def test_a_slip_of_the_thumb_that_looks_like_a_code_given_without_the_ledger_is_answered(world: World) -> None:
    report = only_police_ring(world)
    officer = world.phones["officer"]
    assert world.double.reply(officer.number, "2K7M3") == 503  # 2 and Z are one sign: it may be known in a moment
    world.advance(90)
    officer.expects_nothing()
    world.advance(60)
    officer.expects("第2次提醒", report.code).expects("未找到编号", "接单未成功").expects_nothing()
    officer.replies(report.code).expects("由您接单")
    world.advance(60)
    read_all(world)


def test_an_answer_that_comes_before_the_report_is_in_the_ledger_is_asked_for_again(world: World) -> None:
    with away(world) as spooler:
        path = form(world)
        code = spool_code(world, path)
        spooler.tick()
        officer = world.phones["officer"].expects("故障中", code)
        world.phones["desk"].expects(code)
    # The ledger is back, the report not in it yet.
    assert world.double.reply(world.phones["officer"].number, code) == 503
    real = in_the_ledger(world, path)
    for name in ("counselor", "student"):
        world.phones[name].expects(real)
    world.clock.advance(400)  # nobody asked for so long: the provider still has the answer
    world.pump()
    assert world.client.get(f"{URL}/{path.rpartition('/')[2]}").get_json()["state"] == "acknowledged"
    assert officer.code == code
    for text in world.phones.unread():
        world.phones.mark_read(text)
