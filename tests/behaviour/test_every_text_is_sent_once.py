"""Whatever the provider does, a person hears of a case, and hears of it once; a doubtful call is asked about first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection, event

from ledger import tables as t
from ledger.errors import LedgerAway
from ledger.events import PRIORITY
from ledger.ringing import alerting
from ledger.school import people
from ledger.school.demo_school import demo_school
from ledger.texts import claims, deliveries, settling
from ledger.texts.calls import Claim, Outcome
from notifier.channel import Accepted, Outgoing
from services.texts import renderer
from services.worker import run_open
from tests.behaviour.stories import POSTGRESQL, only_police_ring, read_all, reported, school_without, world_with
from tests.one_process import eventually
from tests.private_services import free_port
from tests.world import START, Report, World

LEASE_S = claims.LEASE.total_seconds()


def creations(world: World, name: str) -> int:
    """Requests to send a text to this phone."""
    return sum(record.to == world.phones[name].number for record in world.double.creations)


def report_with_trouble(world: World) -> Report:
    """The officer's text meets the planned fault; the others have theirs."""
    report = world.report()
    world.phones["counselor"].expects(report.code)
    world.phones["student"].expects(report.code)
    world.call_the_student(report)
    return report


def claim(world: World, limit: int = 1, by: UUID | None = None) -> list[Claim]:
    """What a sender would do first."""
    render = renderer(world.parts.settings, world.clock)
    return claims.claim(world.parts.ledger, limit, PRIORITY["notice"], render, by=by)


def call(world: World, made: Claim) -> Accepted:
    """What a sender would do next."""
    text = Outgoing(str(made.id), made.draft.to, made.body, urgent=True, validity_s=300)
    answer = world.parts.channel.send(text)
    assert isinstance(answer, Accepted)
    return answer


def test_a_text_that_came_too_fast_is_sent_a_moment_later_once(world: World) -> None:
    world.double.faults.add("429", to=world.phones["officer"].number)
    report = report_with_trouble(world)
    world.phones["officer"].expects_nothing()
    world.advance(1)
    world.phones["officer"].expects("紧急止付", report.code).expects_nothing()
    world.until(119)
    assert creations(world, "officer") == 2
    world.phones.assert_all_read()


def test_a_provider_that_says_to_come_again_much_later_keeps_the_next_person_for_less_than_half_a_minute(
    world: World,
) -> None:
    world.double.faults.add("429_for_30_s", to=world.phones["officer"].number, times=3)
    report = report_with_trouble(world)
    for second in range(1, 20):
        world.until(second)
    world.phones["backup"].expects_nothing()
    world.until(20)
    for name in ("backup", "officer"):  # with the second step, which replaces the first one's
        world.phones[name].expects("紧急止付", report.code)
    world.until(60)
    assert creations(world, "officer") == 4


@pytest.mark.parametrize("fault", ["500", "drop_before", "hang"])
def test_a_lost_text_is_asked_for_and_sent_again_marked(world: World, fault: str) -> None:
    world.use_provider(call_s=1)
    world.double.faults.add(fault, to=world.phones["officer"].number)
    report = report_with_trouble(world)
    assert [row.state for row in report.texts()] == ["unknown"]
    world.advance(2)
    world.phones["officer"].expects("重发：紧急止付", report.code)
    world.until(119)
    assert creations(world, "officer") == 2
    world.phones.assert_all_read()


def test_a_resend_whose_note_got_no_answer_goes_out_at_once(world: World) -> None:
    """It had been asked for and not found, and nobody has called since: its lease of 13 s need not lapse."""
    engine, lost = world.parts.ledger.engine, list[str]()

    def see(connection: Connection, _cursor: object, statement: str, values: object, *_: object) -> None:
        connection.info["resend"] = statement.startswith("UPDATE deliveries") and "attempt" in statement

    def lose(connection: Connection) -> None:
        if connection.info.pop("resend", False) and not lost:
            lost.append("the answer")
            connection.connection.driver_connection.commit()  # type: ignore[union-attr]
            raise LedgerAway("the answer to the commit was lost")

    world.double.faults.add("drop_before", to=world.phones["officer"].number)
    report = report_with_trouble(world)
    event.listen(engine, "before_cursor_execute", see)
    event.listen(engine, "commit", lose)
    world.advance(2)
    event.remove(engine, "commit", lose)
    assert lost
    world.phones["officer"].expects("重发：紧急止付", report.code)
    world.until(119)
    assert creations(world, "officer") == 2
    world.phones.assert_all_read()


@pytest.mark.parametrize("fault", ["drop_after", "hang_after"])
def test_a_text_whose_answer_was_lost_is_found_and_not_sent_again(world: World, fault: str) -> None:
    world.use_provider(call_s=1)
    world.double.faults.add("callbacks_lost", to=world.phones["officer"].number)
    world.double.faults.add(fault, to=world.phones["officer"].number)
    report = report_with_trouble(world)
    assert [row.state for row in report.texts()] == ["unknown"]
    world.advance(2)
    world.phones["officer"].expects("紧急止付", report.code)
    assert [row.state for row in report.texts()] == ["delivered"]
    world.until(119)
    assert creations(world, "officer") == 1
    world.phones.assert_all_read()


def test_a_text_that_is_found_to_have_failed_is_the_next_person_s_and_not_called_again(world: World) -> None:
    world.double.mode = "manual"
    world.double.faults.add("callbacks_lost", to=world.phones["officer"].number)
    world.double.faults.add("drop_after", to=world.phones["officer"].number)
    report = report_with_trouble(world)
    world.phones.mark_read(world.double.to(world.phones["officer"].number)[0])
    world.double.fail(world.double.to(world.phones["officer"].number)[0].sid, 30008)
    world.advance(2)
    first = report.texts()[0]
    assert (first.state, first.available_at) == ("failed_temporary", None)
    for name in ("backup", "officer"):  # the next step's
        world.phones[name].expects("紧急止付", report.code)
    world.advance(30)
    assert creations(world, "officer") == 2


def test_after_a_second_doubtful_call_the_next_person_is_rung(world: World) -> None:
    world.double.faults.add("500", to=world.phones["officer"].number, times=2)
    report = report_with_trouble(world)
    world.advance(2)
    world.phones["backup"].expects_nothing()
    world.advance(2)
    world.phones["backup"].expects("紧急止付", report.code)
    world.phones["officer"].expects("第2次提醒", report.code)  # may be his first: nobody knows
    assert creations(world, "officer") == 3
    world.until(239)
    world.phones.assert_all_read()


def test_while_the_provider_cannot_be_asked_the_next_person_is_rung(world: World) -> None:
    """Nobody knows whether the officer was told. He hears of it with them, and the first text is not sent again."""
    world.double.faults.add("500", to=world.phones["officer"].number)
    world.double.faults.add("500", times=None, on="fetch")
    report = report_with_trouble(world)
    world.until(6)
    world.phones["backup"].expects_nothing()
    world.until(10)
    world.phones["backup"].expects("紧急止付", report.code)
    world.phones["officer"].expects("第2次提醒", report.code)  # may be his first
    world.until(40)
    world.double.faults.clear()
    world.until(119)
    world.phones.assert_all_read()
    assert creations(world, "officer") == 2


def steps_after(world: World, report: Report, seconds: int) -> list[int]:
    """Of the officers' texts, when the clock has looked; nobody has called any by then."""
    world.clock.advance(seconds)
    world.parts.clock.tick()
    return [row.step for row in report.texts()]


def test_who_waits_in_line_to_be_asked_about_is_not_waited_for(world: World) -> None:
    """Where many texts are in doubt and the provider's lists hang, most have not been looked up half a minute later."""
    world.double.faults.add("500", to=world.phones["officer"].number, times=2)
    world.double.faults.add("500", to=world.phones["backup"].number)
    report = report_with_trouble(world)
    assert steps_after(world, report, 19) == [0]
    assert steps_after(world, report, 1) == [0, 1, 1]
    assert [row.settled for row in report.texts()] == [True, False, False]  # also to who looks while it is asked about
    world.pump()
    assert steps_after(world, report, 19) == [0, 1, 1]
    assert steps_after(world, report, 1)[3:] == [2]
    world.pump()
    read_all(world)


def test_nor_is_one_whose_sender_died_while_it_asked(world: World) -> None:
    world.double.faults.add("500", to=world.phones["officer"].number)
    report = report_with_trouble(world)
    world.clock.advance(15)
    [asked] = claim(world)
    assert asked.was == "unknown"
    assert steps_after(world, report, 5) == [0]
    assert steps_after(world, report, 7) == [0]
    assert steps_after(world, report, 1) == [0, 1, 1]
    world.pump()
    read_all(world)


@POSTGRESQL
def test_before_a_resend_what_the_clock_is_writing_is_waited_for(world: World) -> None:
    """It gives the text up and rings the next step, the same officer in it, while the provider says "not there"."""
    world.double.faults.add("500", to=world.phones["officer"].number)
    report = report_with_trouble(world)
    world.clock.advance(2)
    [asked] = claim(world)
    ledger, this = world.parts.ledger, t.deliveries.c.id == asked.id
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as other:
        with ledger.begin("clock") as uow:
            case = uow.case(asked.case_id or asked.id)
            uow.conn.execute(t.deliveries.update().where(this).values(settled=True))
            uow.conn.execute(t.obligations.update().where(t.obligations.c.kind == "police").values(next_at=uow.now))
            resend = other.submit(claims.again, ledger, asked, "重发")
            eventually(lambda: bool(world.rows(waits)), "it does not wait for the text")
            alerting.look(uow, case, "police")
        assert resend.result(30) is False
    assert [row.step for row in report.texts()] == [0, 1, 1]
    world.pump()
    read_all(world)


def test_a_text_that_was_refused_and_is_called_again_is_in_no_doubt(world: World) -> None:
    """However long ago the first call was: that one reached nobody."""
    world.double.faults.add("429", to=world.phones["officer"].number)
    report = report_with_trouble(world)
    world.clock.advance(40)
    [again] = claim(world)
    assert again.was == "failed_temporary"
    with world.parts.ledger.begin("look") as uow:
        uow.conn.execute(t.obligations.update().where(t.obligations.c.kind == "police").values(next_at=uow.now))
    assert steps_after(world, report, 0) == [0]
    world.advance(14)  # its lease lapses
    read_all(world)


def test_while_nothing_is_known_of_any_text_each_is_rung_early_and_at_their_own_time(world: World) -> None:
    """They may all have heard of it, and may not have: no outage rings anybody more often than that."""
    world.double.faults.add("drop_after", times=None)
    world.double.faults.add("500", times=None, on="fetch")
    world.double.faults.add("callbacks_lost", times=None)
    report = world.report()
    for second in range(1, 470):
        world.until(second)
    assert (creations(world, "officer"), creations(world, "desk")) == (3, 3)
    assert "nobody_reached" in world.alarms()
    listed = len(world.double.log)
    world.double.faults.clear("500")
    for second in range(470, 478):
        world.until(second)
    assert report.state("police") == "alerted"
    assert (creations(world, "officer"), creations(world, "desk")) == (3, 3), "each was there, as the list says"
    world.until(479)
    asked = len(world.double.log)
    world.advance(0)
    assert len(world.double.log) == asked > listed, "and nothing is asked any more"
    read_all(world)


def test_whom_the_early_steps_did_not_reach_their_own_time_does(world: World) -> None:
    """Texts were lost for half a minute, and the provider's lists stay away: nobody can say who heard of it."""
    world.double.faults.add("500", times=None)
    world.double.faults.add("500", times=None, on="fetch")
    report = world.report()
    for second in range(1, 119):
        world.until(second)
        if second == 30:
            world.double.faults.clear("500")
            world.double.faults.add("500", times=None, on="fetch")
    assert "nobody_reached" in world.alarms()
    for second in range(119, 124):
        world.until(second)
    assert {world.phones[name].number for name in ("officer", "backup")} <= {
        text.to for text in world.phones.unread() if report.code in text.body
    }
    read_all(world)


@pytest.mark.parametrize("desk", ["empty", "refused"])
def test_so_it_is_where_the_last_step_has_nobody_whom_a_text_reaches(
    database_url: str, tmp_path: Path, desk: str
) -> None:
    with world_with(database_url, tmp_path, school_without("desk") if desk == "empty" else demo_school()) as world:
        officer, backup = world.phones["officer"].number, world.phones["backup"].number
        if desk == "refused":
            world.double.faults.add("21614", to=world.phones["desk"].number, times=None)
        for number in (officer, backup):
            world.double.faults.add("drop_before", to=number, times=None)
        world.double.faults.add("500", times=None, on="fetch")
        report = report_with_trouble(world)
        for second in range(1, 16):
            world.until(second)
        assert world.alarms() == []  # the backup may still be asked about
        for second in range(16, 119):
            world.until(second)
        assert world.alarms() == ["nobody_reached"]
        assert (creations(world, "officer"), creations(world, "backup")) == (2, 1)
        world.double.faults.clear("drop_before")
        world.until(120)
        assert {text.to for text in world.phones.unread() if report.code in text.body} == {officer, backup}
        assert world.alarms() == []  # somebody has been reached
        read_all(world)


def test_a_text_that_was_replaced_before_anybody_knew_of_it_leaves_its_round_in_doubt(world: World) -> None:
    """The officer may have the first text; the second, which came early, his phone's company refuses as it does all."""
    world.double.faults.add("500", to=world.phones["officer"].number)
    world.double.faults.add("500", times=None, on="fetch")
    report = report_with_trouble(world)
    for name in ("officer", "backup", "desk"):
        world.double.faults.add("21614", to=world.phones[name].number, times=None)
    for second in range(1, 30):
        world.until(second)
    assert world.alarms() == ["nobody_reached"]
    for second in range(30, 120):
        world.until(second)
    assert creations(world, "officer") == 2
    world.double.faults.clear("21614")
    for second in range(120, 123):
        world.until(second)
    world.phones["officer"].expects(report.code)
    read_all(world)


def test_who_was_reached_is_not_rung_again_for_what_was_lost_twice(world: World) -> None:
    """The officer had the first text. What is lost of the second step is said again: no barren round with it."""
    only_police_ring(world)
    officer = world.phones["officer"].number
    for name in ("officer", "backup"):
        world.double.faults.add("drop_before", to=world.phones[name].number, times=None)
    world.double.faults.add("21614", to=world.phones["desk"].number, times=None)
    told, alarmed = set(), set()
    for second in range(1, 470):
        world.until(second)
        alarmed |= set(world.alarms())
        told |= {row.step for row in world.rows("SELECT step FROM deliveries WHERE alert AND kind = 'police'")}
    assert alarmed == set()
    assert not {step for step in told if step % 3 == 0 and step > 0}, f"{officer} is rung when the next round comes"
    world.double.faults.clear()
    read_all(world)


def test_a_ladder_that_ends_in_refusals_does_not_begin_anew_while_only_answers_are_lost(world: World) -> None:
    """Who may have heard of it is rung again when the next round comes, and not each three minutes."""
    for name in ("stand_in", "college_duty", "office"):
        world.double.faults.add("21614", to=world.phones[name].number, times=None)
    for name in ("desk", "counselor"):
        world.double.faults.add("drop_before", to=world.phones[name].number, times=None)
    world.double.faults.add("500", times=None, on="fetch")
    report = world.report(kind="in_progress", transfers=None)
    world.pump()
    world.call_the_student(report)
    for second in range(1, 480):
        world.until(second)
    assert creations(world, "desk") == 1
    world.until(481)
    assert creations(world, "desk") == 2
    read_all(world)


def test_a_resend_that_is_lost_as_well_is_said_again_though_it_was_given_up_before(world: World) -> None:
    """The desk, on the last rung, whom nobody comes after."""
    report = only_police_ring(world)
    world.until(239)
    read_all(world)
    desk = world.phones["desk"]
    world.double.faults.add("500", to=desk.number, times=2)
    world.double.faults.add("500", times=None, on="fetch")
    world.until(252)
    assert creations(world, "desk") == 1
    world.double.faults.clear()
    world.double.faults.add("500", to=desk.number)
    for second in range(253, 300):
        world.until(second)
    assert creations(world, "desk") == 3
    desk.expects("第2次提醒", report.code)  # may be the first that they read
    read_all(world)


@pytest.mark.parametrize("healed", [9, 17])  # in the second step, and in the last
def test_whom_a_healed_provider_has_lost_is_told_soon_though_an_earlier_text_was_never_known_of(
    world: World, healed: int
) -> None:
    """The first text is replaced and forgotten, those of the second step are lost for good, the desk has no texts."""
    officer, backup, desk = (world.phones[name].number for name in ("officer", "backup", "desk"))
    world.double.faults.add("21614", to=desk, times=None)
    world.double.faults.add("500", times=None, on="all")
    report = world.report()
    for second in range(1, healed + 1):
        world.until(second)
    world.double.faults.clear("500")
    for number in (officer, backup):
        world.double.faults.add("500", to=number)
    assert world.alarms().count("nobody_reached") == (healed > 9)
    for second in range(healed + 1, healed + 28):
        world.until(second)
    told = {text.to for text in world.phones.unread() if report.code in text.body}
    assert {officer, backup} <= told
    read_all(world)


def test_a_provider_that_cannot_be_asked_is_asked_less_and_less(world: World) -> None:
    """2, 4, 8, 13, 18 … seconds after the call: whoever comes back after an outage is not met by a storm."""
    world.double.faults.add("500", to=world.phones["officer"].number)
    world.double.faults.add("500", times=None, on="fetch")
    report_with_trouble(world)
    officer = world.phones["officer"].number
    asked = []
    for second in range(1, 50):
        before = len(world.double.log)
        world.until(second)
        listed = [it for it in world.double.log[before:] if it.kind == "list" and it.to == officer]
        asked += [second] * bool(listed)
    assert asked == [2, 4, 8]  # then the officer has a newer one, and nobody has to know any more
    read_all(world)


def test_of_a_provider_that_keeps_no_lists_a_lost_text_is_sent_once_more(world: World) -> None:
    world.double.faults.add("500", to=world.phones["officer"].number)
    world.double.faults.add("404", times=None, on="fetch")
    report = report_with_trouble(world)
    world.advance(2)
    world.phones["officer"].expects("重发：紧急止付", report.code)
    world.until(119)
    assert creations(world, "officer") == 2
    world.phones.assert_all_read()


def heal_after(world: World, seconds: int) -> None:
    for _ in range(seconds // 2):
        world.advance(2)
    assert world.phones.unread() == []


def heard_within_15_seconds(world: World, report: Report) -> dict[str, int]:
    """How many texts of this case each phone got."""
    for _ in range(15):
        world.advance(1)
    texts = world.phones.unread()
    for text in texts:
        assert report.code in text.body
        world.phones.mark_read(text)
    names = {phone.number: name for name, phone in world.phones._phones.items()}
    numbers = [names[text.to] for text in texts]
    return {name: numbers.count(name) for name in numbers}


def test_after_a_time_without_connection_each_person_hears_of_it_once(world: World) -> None:
    world.use_provider(f"http://127.0.0.1:{free_port()}")
    report = world.report()
    heal_after(world, 60)
    assert world.alarms() == ["nobody_reached", "nobody_reached"]  # police and counselor, each once
    assert world.degraded() == ["alerts", "alarms", "late"]
    world.use_provider()
    heard = heard_within_15_seconds(world, report)
    assert set(heard.values()) == {1}
    assert {"officer", "backup", "desk", "counselor", "student"} <= heard.keys()


@pytest.mark.parametrize(("on", "seconds"), [("create", 40), ("all", 40), ("all", 130)])
def test_after_a_time_of_doubtful_answers_nobody_hears_of_it_twice(world: World, on: str, seconds: int) -> None:
    world.double.faults.add("503", times=None, on=on)
    report = world.report()
    heal_after(world, seconds)
    world.double.faults.clear()
    heard = heard_within_15_seconds(world, report)
    assert set(heard.values()) == {1}, heard
    assert heard.keys() & {"officer", "backup", "desk"}, heard


def test_a_process_that_died_before_its_call_costs_one_lease(world: World) -> None:
    world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    [made] = claim(world)
    assert made.draft.kind == "officer"
    world.phones.catch_up()
    world.phones["officer"].expects_nothing()
    for name in ("counselor", "student"):
        world.phones[name].expects("")
    world.advance(LEASE_S - 1)
    world.phones.assert_all_read()
    world.advance(2)
    world.phones["officer"].expects("重发：紧急止付").expects_nothing()
    assert creations(world, "officer") == 1


def test_a_process_that_died_after_its_call_costs_no_second_text(world: World) -> None:
    world.double.faults.add("callbacks_lost")
    report = world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    [made] = claim(world)
    call(world, made)
    world.double.wait_for(lambda: world.double.to(world.phones["officer"].number)[0].status == "delivered")
    world.advance(LEASE_S + 1)
    world.phones["officer"].expects("紧急止付", report.code).expects_nothing()
    for name in ("counselor", "student"):
        world.phones[name].expects("")
    world.call_the_student(report)
    assert creations(world, "officer") == 1
    assert [row.state for row in report.texts()] == ["delivered"]


def test_a_text_whose_caller_died_twice_is_given_up_and_the_next_officer_rung(world: World) -> None:
    """Each may have sent it, and a third text is forbidden: so the next person is due at once."""
    report = world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    claim(world)
    world.clock.advance(LEASE_S + 1)
    claims.lapse(world.parts.ledger)
    [second] = claim(world)
    assert claims.again(world.parts.ledger, second, second.body)
    world.advance(LEASE_S + 1)
    first = next(row for row in report.texts() if row.kind == "officer")
    assert (first.state, first.settled) == ("unknown", True)
    world.phones["backup"].expects("紧急止付", report.code)
    for name in ("counselor", "student"):
        world.phones[name].expects(report.code)
    world.call_the_student(report)
    assert creations(world, "officer") == 1  # the next step's, which goes to everybody
    world.phones["officer"].expects("提醒", report.code)


def test_a_late_answer_of_a_process_that_slept_beyond_its_lease_is_merged(world: World) -> None:
    report = world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    [slow] = claim(world)
    answer = call(world, slow)
    world.advance(LEASE_S + 1)  # somebody else has asked, and found it
    settling.settle(world.parts.ledger, Outcome(slow, "unknown"))
    settling.settle(world.parts.ledger, Outcome(slow, "sent", sid=answer.sid))
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(report.code)
    world.call_the_student(report)
    assert [(row.state, row.sid, row.available_at) for row in report.texts()] == [("delivered", answer.sid, None)]
    world.until(119)
    world.phones.assert_all_read()


def test_a_definite_refusal_after_the_lease_is_not_called_again(world: World) -> None:
    report = world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    [slow] = claim(world)
    world.clock.advance(LEASE_S + 1)
    claims.lapse(world.parts.ledger)
    settling.settle(world.parts.ledger, Outcome(slow, "failed_permanent", error="21211"))
    assert [(row.state, row.available_at) for row in report.texts()] == [("failed_permanent", None)]
    world.phones["backup"].expects("紧急止付")  # and the officer with the next step, as everybody
    for name in ("counselor", "student"):
        world.phones[name].expects("")
    world.phones["officer"].expects("紧急止付").expects_nothing()


def test_a_retry_that_a_newer_text_has_replaced_is_not_made(world: World) -> None:
    """The first call hangs until the second step has written to the same officer, and is then refused for now."""
    report = world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    [slow] = claim(world)
    with world.parts.ledger.begin("test") as uow:  # a provider call that lasts two minutes, for once
        uow.conn.execute(t.deliveries.update().values(lease_until=START + timedelta(hours=1)))
        uow.conn.execute(t.obligations.update().where(t.obligations.c.kind == "police").values(alerted_at=uow.now))
    world.until(120)
    world.phones["officer"].expects("第2次提醒", report.code)
    settling.settle(world.parts.ledger, Outcome(slow, "failed_temporary", error="20429", retry_after_s=1))
    for _ in range(30):
        world.advance(1)
    world.phones["officer"].expects_nothing()
    for name in ("backup", "counselor", "student"):
        world.phones[name].expects(report.code)
    world.call_the_student(report)
    assert report.texts()[0].state == "failed_temporary"


def test_police_texts_are_claimed_before_all_others(world: World) -> None:
    for _ in range(3):
        world.report()
    run_open(world.parts.ledger, world.handlers)
    kinds = [made.draft.kind for made in claim(world, 9)]
    assert kinds[:3] == ["officer"] * 3
    assert set(kinds[3:6]) == {"counselor"}
    assert set(kinds[6:]) == {"student"}


def test_a_text_of_use_is_not_kept_waiting_by_those_that_are_of_none(world: World) -> None:
    """Ten texts that an acknowledgement has overtaken stand before one that is needed: one call finds it."""
    only_police_ring(world)
    with world.parts.ledger.begin("test") as uow:
        [officer] = people.by_phone(uow.conn, uow.keys, world.phones["officer"].number)
        police = uow.conn.execute(t.obligations.select().where(t.obligations.c.kind == "police")).one()
        case = uow.case(police.case_id)
        for number in range(10):
            deliveries.tell(uow, officer, "officer", {"code": case.code}, case=case, dedup=f"stale {number}",
                            priority=0, obligation=police.id, step=0, alert=True)  # fmt: skip
        deliveries.tell(uow, officer, "unknown_code", {"code": "KKKK3"}, case=None, dedup="needed", priority=3)
        uow.conn.execute(t.obligations.update().where(t.obligations.c.id == police.id).values(state="acknowledged"))
    [made] = claim(world)
    assert made.draft.kind == "unknown_code"
    assert [row.n for row in world.rows("SELECT count(*) AS n FROM deliveries WHERE state = 'cancelled'")] == [10]


def test_a_notice_that_comes_too_late_is_not_sent(world: World) -> None:
    world.use_provider(f"http://127.0.0.1:{free_port()}")
    world.report(student_no=None, phone="13912345678")
    student = world.phones.add("reporter", "+8613912345678")
    run_open(world.parts.ledger, world.handlers, "notice")
    world.parts.sender.drain()
    world.clock.advance(3601)
    world.use_provider()
    world.parts.sender.drain()
    student.expects_nothing()
    rows = world.rows("SELECT state, available_at FROM deliveries WHERE kind = 'student'")
    assert [tuple(row) for row in rows] == [("failed_temporary", None)]
    read_all(world)


def test_a_text_about_no_case_in_particular_is_sent(world: World) -> None:
    """No obligation stands behind it, and none is missed."""
    reported(world)
    world.phones["officer"].replies("KKKK3").expects("未找到编号")
