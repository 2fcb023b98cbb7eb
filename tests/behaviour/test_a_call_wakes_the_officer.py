"""Where a phone can be called, it also rings from the second step on, and one key takes the case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from ledger import tables as t
from ledger.school.demo_school import demo_school
from tests.behaviour.stories import only_police_ring, read_all, world_with
from tests.fakes.twilio_double import Call
from tests.world import PUBLIC, World, another_fraud

VOICE = "+15005550007"
ABROAD = {"O01": "+447700900101", "O02": "+447700900102"}  # of a range that belongs to nobody; calls work there


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    school = demo_school()
    people = tuple(replace(row, phone=ABROAD.get(row.key, row.phone)) for row in school.people)
    with world_with(database_url, tmp_path, replace(school, people=people), twilio_voice_from=VOICE) as made:
        yield made


def second_step(world: World) -> tuple[str, list[Call]]:
    """Two minutes, and nobody answered: the case's code, and the calls that were made."""
    report = only_police_ring(world)
    assert world.double.calls == []
    world.advance(121)
    world.phones["officer"].expects("第2次提醒", report.code)
    world.phones["backup"].expects("紧急止付", report.code)
    return report.code, world.double.calls


def test_from_the_second_step_on_both_officers_are_called_once(world: World) -> None:
    code, calls = second_step(world)
    assert sorted(call.to for call in calls) == sorted(ABROAD.values())
    assert {call.from_ for call in calls} == {VOICE}
    for call in calls:
        assert "，".join(code) in call.said and "按1" in call.said
        assert "38600" not in call.said and "4417" not in call.said
    world.advance(30)
    assert len(world.double.calls) == 2


def test_one_key_takes_the_case_and_the_other_is_told(world: World) -> None:
    code, calls = second_step(world)
    backup = next(call for call in calls if call.to == ABROAD["O02"])
    assert world.double.press(backup, "1") == 200
    world.phones["backup"].expects("由您接单", code)
    world.phones["officer"].expects("已有人接单", "上官警官")
    # The same key once more, as a provider may repeat itself, and the other officer's, who was a moment later.
    officer = next(call for call in calls if call.to == ABROAD["O01"])
    assert [world.double.press(backup, "1"), world.double.press(officer, "1")] == [200, 200]
    owner = world.rows("SELECT p.key FROM obligations o JOIN people p ON p.id = o.owner_id WHERE o.kind = 'police'")
    assert [row.key for row in owner] == ["O02"]
    taken = "SELECT data FROM case_events WHERE type = 'case.acknowledged.v1'"
    assert ["keypad" in str(row.data) for row in world.rows(taken)] == [True]


def test_a_key_that_the_provider_repeats_does_not_give_the_case_back_to_who_was_released(world: World) -> None:
    def police() -> str:
        return str(world.rows("SELECT state FROM obligations WHERE kind = 'police'")[0].state)

    code, calls = second_step(world)
    backup = next(call for call in calls if call.to == ABROAD["O02"])
    assert world.double.press(backup, "1") == 200
    world.phones["backup"].expects("由您接单", code)
    for seconds in (725, 1025):  # reminded, then released, and others are rung
        world.until(seconds)
    read_all(world)
    assert world.double.press(backup, "1") == 200
    assert police() == "alerted"
    for _ in range(10):  # the next round comes to them again
        world.advance(60)
    assert world.double.press(world.double.calls_to(ABROAD["O02"])[-1], "1") == 200  # rung anew, they may take it anew
    assert police() == "acknowledged"
    read_all(world)


def test_another_key_takes_nothing(world: World) -> None:
    code, calls = second_step(world)
    assert world.double.press(calls[0], "2") == 200
    assert world.rows("SELECT state FROM obligations WHERE kind = 'police'")[0].state == "alerted"
    world.phones["officer"].replies(code).expects("由您接单")
    world.phones["backup"].expects("已有人接单")


def test_no_call_is_made_once_somebody_has_the_case(world: World) -> None:
    report = only_police_ring(world)
    world.clock.advance(121)
    world.parts.clock.tick()  # the second step is decided, its texts and calls are written
    world.phones["officer"].replies(report.code).expects("由您接单")
    assert world.double.calls == []


def test_a_phone_that_neither_reads_nor_picks_up_is_left_for_the_next_step(world: World) -> None:
    for number in ABROAD.values():
        world.double.faults.add("30003", number, times=None)
    report = world.report()
    world.phones["counselor"].expects(report.code)
    world.phones["student"].expects(report.code)
    world.phones.catch_up()
    calls = world.double.calls
    assert sorted(call.to for call in calls) == sorted(ABROAD.values())  # the first text had failed at once
    world.phones["desk"].expects_nothing()
    for call in calls:
        assert world.double.end(call, "no-answer") == 204
    world.phones["desk"].expects("紧急止付", report.code).replies().expects("由您接单")


def test_a_call_whose_answer_was_lost_is_looked_up_and_not_made_again(world: World) -> None:
    report = only_police_ring(world)
    world.double.faults.add("drop_after", ABROAD["O01"], on="call")
    world.advance(121)
    world.phones["officer"].expects("第2次提醒", report.code)
    world.phones["backup"].expects("紧急止付", report.code)
    world.advance(5)
    assert len(world.double.calls_to(ABROAD["O01"])) == 1
    states = world.rows("SELECT state, sid FROM deliveries WHERE kind = 'call'")
    assert [row.state for row in states] == ["sent", "sent"] and all(row.sid for row in states)


def two_cases(world: World, *faults: str) -> list[str]:
    """Their codes. The officer is called for both, with these faults."""
    codes = [world.report(**another_fraud()).code for _ in range(2)]
    world.phones.catch_up()
    for fault in faults:
        world.double.faults.add(fault, ABROAD["O01"], on="call")
    world.advance(121)
    world.advance(5)
    return codes


def rung_for(world: World, codes: list[str]) -> list[str]:
    """The cases that the officer's phone rang for, call by call."""
    return [next(code for code in codes if "，".join(code) in it.said) for it in world.double.calls_to(ABROAD["O01"])]


def calls_kept(world: World) -> dict[str, str | None]:
    """The provider's id of each case's call to the officer."""
    query = (
        "SELECT c.code, d.sid FROM deliveries d JOIN cases c ON c.id = d.case_id JOIN people p ON p.id = d.person_id"
        " WHERE d.kind = 'call' AND p.key = 'O01'"
    )
    return {row.code: row.sid for row in world.rows(query)}


def test_another_case_s_call_is_not_taken_for_one_that_never_rang(world: World) -> None:
    """The phone rang once and a key took one case: of the other, nobody had heard, and it said `sent`."""
    codes = two_cases(world, "drop_before")
    rung = rung_for(world, codes)
    assert sorted(rung) == sorted(codes)
    sids = [it.sid for it in world.double.calls_to(ABROAD["O01"])]
    assert calls_kept(world) == dict(zip(rung, sids, strict=True))
    read_all(world)


def test_of_two_calls_in_doubt_the_one_that_rang_is_known_by_its_callback_and_the_other_is_made_again(
    world: World,
) -> None:
    codes = two_cases(world, "drop_before", "drop_after")
    [first] = world.double.calls_to(ABROAD["O01"])  # while it rings, nobody can tell whose it is
    assert world.double.end(first, "no-answer") == 204
    world.advance(3)
    assert sorted(rung_for(world, codes)) == sorted(codes)
    assert None not in calls_kept(world).values()
    read_all(world)


def test_of_two_calls_in_doubt_both_are_made_again_where_nobody_ever_says_which_one_rang(world: World) -> None:
    """Once more than needed for one of them, and never again: rather than a case for which no phone rang."""
    codes = two_cases(world, "drop_before", "drop_after")
    [first] = world.double.calls_to(ABROAD["O01"])
    first.status = "no-answer"
    for _ in range(4):
        world.advance(3)
    assert sorted(rung_for(world, codes)[1:]) == sorted(codes)
    read_all(world)


def test_of_two_calls_in_doubt_that_both_rang_none_is_made_again(world: World) -> None:
    codes = two_cases(world, "drop_after", "drop_after")
    made = world.double.calls_to(ABROAD["O01"])
    for it in made:
        it.status = "no-answer"
    for _ in range(4):
        world.advance(3)
    assert sorted(rung_for(world, codes)) == sorted(codes)
    assert set(calls_kept(world).values()) == {it.sid for it in made}
    read_all(world)


def test_a_signed_callback_about_no_call_of_ours_is_404_and_an_unsigned_one_403(world: World) -> None:
    _code, calls = second_step(world)
    stray = replace(calls[0], status_callback=f"{PUBLIC}/webhooks/twilio/voice?delivery={'0' * 32}")
    assert world.double.end(stray, "completed") == 404
    for query in ("", "?delivery=x"):
        unreadable = replace(calls[0], status_callback=f"{PUBLIC}/webhooks/twilio/voice{query}")
        assert world.double.end(unreadable, "completed") == 400
    assert world.client.post("/webhooks/twilio/voice", data={"CallSid": "CA1", "Digits": "1"}).status_code == 403
    text = world.rows("SELECT id FROM deliveries WHERE kind = 'officer'")[0].id
    about_a_text = f"{PUBLIC}/webhooks/twilio/voice?delivery={text}"
    assert world.double.tell_of_call(replace(calls[0]), "in-progress", about_a_text, Digits="1") == 404
    assert world.rows("SELECT state FROM obligations WHERE kind = 'police'")[0].state == "alerted"


def test_a_key_pressed_for_a_case_that_cannot_be_opened_takes_nothing_and_hears_so(world: World) -> None:
    _code, calls = second_step(world)
    with world.parts.ledger.begin("spoil") as uow:
        uow.conn.execute(update(t.cases).values(row_key=b""))
    assert world.double.press(calls[0], "1") == 200
