"""Whoever's acknowledgement commits first has the case; everybody else learns who that is, and nobody is rung again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from ledger import codes
from ledger.police import replies
from ledger.police.acknowledgement import Owner, acknowledge
from ledger.store import naming
from tests.behaviour.stories import at_once, only_police_ring, taken
from tests.world import Report, World

OFFICERS = ("O01", "O02", "O03", "O04", "D01", "D02", "B01")  # roster keys of those who may take a case


def reply(world: World, key: str, body: str) -> Callable[[], Any]:
    return lambda: world.double.reply(world.phones[key].number, body)


def bodies(world: World, key: str) -> list[str]:
    """Unread texts of a phone, read now."""
    texts = world.phones.unread(world.phones[key].number)
    for text in texts:
        world.phones.mark_read(text)
    return [text.body for text in texts]


def acknowledgements(report: Report) -> list[Any]:
    return report.events("case.acknowledged.v1")


def test_of_seven_racing_replies_one_wins_and_the_others_stand_down(world: World) -> None:
    report = only_police_ring(world)
    assert set(at_once([reply(world, key, report.code) for key in OFFICERS])) == {200}
    world.phones.catch_up()
    texts = {key: bodies(world, key) for key in OFFICERS}
    won = [key for key, said in texts.items() if any("由您接单" in body for body in said)]
    assert len(won) == len(acknowledgements(report)) == 1
    assert len(texts.pop(won[0])) == 1
    for key, said in texts.items():
        assert said, f"{key} was told nothing"
        assert all("已有人接单" in body for body in said), said
        if key != "O01":  # the officer was rung, so he may hear it twice: of the owner, and in answer to his reply
            assert len(said) == 1


def test_twenty_acknowledgements_by_reply_page_and_proxy_make_one_owner(world: World) -> None:
    report = only_police_ring(world)
    jobs = [reply(world, key, report.code) for key in OFFICERS]
    for key in ("O01", "O02", "O03", "O04", "D01", "B01"):
        client = world.user(f"page-{key}", "security", world.phones[key].number)
        jobs.append(partial(world.press, client, f"/duty/{report.code}/acknowledge"))
    office = [world.user(f"office-{n}", "security") for n in range(7)]
    for number, client in enumerate(office):
        person = world.person(OFFICERS[number % 4])
        jobs.append(partial(world.press, client, f"/duty/{report.code}/acknowledge", person=person))
    assert len(jobs) == 20
    assert {getattr(answer, "status_code", answer) for answer in at_once(jobs)} == {200, 303}
    world.phones.catch_up()
    events = acknowledgements(report)
    assert len(events) == 1
    owners = world.rows("SELECT owner_id FROM obligations WHERE kind = 'police' AND owner_id IS NOT NULL")
    assert len(owners) == 1
    owner = next(key for key in OFFICERS if world.person(key) == events[0]["owner"])
    for key in OFFICERS:
        said = bodies(world, key)
        expected = "由您接单" if key == owner else "已有人接单"
        assert all(expected in body for body in said), (key, owner, said)
    world.until(599)  # and after that only the owner and the office are asked for progress
    world.phones.assert_all_read()


def test_of_a_thousand_racing_acknowledgements_one_wins(world: World) -> None:
    """Twenty at a time, each fifty times; the first of all is decided in the first moment, by whoever gets the row."""
    report = only_police_ring(world)
    people = [UUID(world.person(OFFICERS[n % len(OFFICERS)])) for n in range(20)]

    def take(person: UUID) -> list[Owner]:
        found = []
        for _ in range(50):
            with world.parts.ledger.begin("race") as uow:
                case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
                found.append(acknowledge(uow, case, "police", person, "page", "race"))
        return found

    answers = [owner for found in at_once([partial(take, person) for person in people]) for owner in found]
    assert len(answers) == 1000
    assert [owner.won for owner in answers].count(True) == 1
    assert len({owner.person for owner in answers}) == len(acknowledgements(report)) == 1
    world.pump()
    for key in OFFICERS:
        bodies(world, key)


def test_no_alert_begins_after_an_acknowledgement(world: World) -> None:
    """Texts that were decided and not yet called are cancelled in the same commit."""
    report, phones = only_police_ring(world), world.phones
    world.clock.advance(250)
    world.parts.clock.tick()  # the second and third steps are written, and no sender was there
    waiting = [row for row in report.texts() if row.state == "pending"]
    assert len(waiting) == 3
    phones["officer"].replies(report.code)
    assert {row.state for row in report.texts() if row.step} == {"cancelled"}
    phones["officer"].expects("由您接单").expects_nothing()
    world.until(599)
    phones.assert_all_read()


def test_a_text_whose_call_failed_for_now_is_not_tried_again_after_an_acknowledgement(world: World) -> None:
    phones = world.phones
    world.double.faults.add("429", to=phones["officer"].number, times=1)
    report = world.report()
    phones["counselor"].expects(report.code)
    phones["student"].expects(report.code)
    world.call_the_student(report)
    assert [row.state for row in report.texts()] == ["failed_temporary"]
    world.double.reply(phones["officer"].number, report.code)  # his colleague had told him
    world.advance(30)
    phones["officer"].expects("由您接单").expects_nothing()


def test_an_unknown_text_is_not_sent_again_after_an_acknowledgement(world: World) -> None:
    phones = world.phones
    world.double.faults.add("500", to=phones["officer"].number)
    report = world.report()
    phones["counselor"].expects(report.code)
    phones["student"].expects(report.code)
    world.call_the_student(report)
    phones["backup"].replies(report.code).expects("由您接单")
    phones["officer"].expects("已有人接单", "上官警官")  # the provider may have taken his text after all
    world.advance(60)
    phones.assert_all_read()
    assert [row.state for row in report.texts()] == ["unknown"]
    asked = "SELECT count(*) AS n FROM deliveries WHERE state = 'unknown' AND available_at IS NOT NULL"
    assert world.rows(asked)[0].n == 0


def test_the_owner_who_answers_again_is_told_the_same_again(world: World) -> None:
    report = taken(world)
    world.advance(30)
    world.phones["officer"].replies(report.code.lower()).expects("由您接单", "14:40").expects_nothing()
    assert len(acknowledgements(report)) == 1


def test_a_reply_that_the_provider_hands_in_twice_is_one(world: World) -> None:
    report = only_police_ring(world)
    phone = world.phones["officer"]
    world.double.reply(phone.number, report.code)
    sid = next(message.sid for message in world.double.messages.values() if message.direction == "inbound")
    assert at_once([lambda: world.double.call_webhook(sid)] * 5) == [200] * 5
    phone.expects("由您接单").expects_nothing()
    assert [row.n for row in world.rows("SELECT count(*) AS n FROM inbound")] == [1]


def test_a_reply_that_the_callback_lost_is_found_by_asking(world: World) -> None:
    report = only_police_ring(world)
    webhook, world.double.message_webhook = world.double.message_webhook, None
    world.double.reply(world.phones["officer"].number, report.code)
    world.double.message_webhook = webhook
    world.advance(31)
    world.phones["officer"].expects("由您接单")
    assert acknowledgements(report)[0]["via"] == "reply"


def test_one_reply_that_cannot_be_taken_does_not_hide_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    report = only_police_ring(world)
    webhook, world.double.message_webhook = world.double.message_webhook, None
    take = replies.take

    def trip(uow: Any, sid: str, sender: str, body: str, *more: Any) -> str:
        if body == "poison":
            raise RuntimeError("nobody foresaw this")
        return take(uow, sid, sender, body, *more)

    monkeypatch.setattr(replies, "take", trip)
    world.double.reply(world.phones["backup"].number, "poison")
    world.double.reply(world.phones["officer"].number, report.code)
    world.double.message_webhook = webhook
    world.advance(31)
    world.phones["officer"].expects("由您接单")


def test_a_page_shown_by_a_link_preview_takes_nothing(world: World) -> None:
    report = only_police_ring(world)
    client = world.user("ouyang", "officer", world.phones["officer"].number)
    for address in (f"/duty/{report.code}", f"/duty/{report.code}/acknowledge", f"/duty?code={report.code}"):
        client.get(address)
    assert report.state("police") == "alerted"
    assert world.press(client, f"/duty/{report.code}/acknowledge").status_code == 303
    assert report.state("police") == "acknowledged"
    world.phones["officer"].expects_nothing()  # the page has said it


def test_the_duty_desk_takes_it_for_the_officer_it_called(world: World) -> None:
    report = only_police_ring(world)
    world.until(120)
    world.phones["officer"].expects("第2次提醒")
    world.phones["backup"].expects(report.code)
    office = world.user("office", "security", world.phones["desk"].number)
    world.press(office, f"/duty/{report.code}/acknowledge", person=world.person("O02"))
    world.phones["backup"].expects("由您接单")
    world.phones["officer"].expects("已有人接单", "上官警官")
    assert acknowledgements(report)[0]["via"] == "proxy"
