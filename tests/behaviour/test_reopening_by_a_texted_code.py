"""The status page on another device: code, the reporter's phone and six texted digits; nobody learns what exists."""

from __future__ import annotations

import re

import pytest

from tests.behaviour.door_tools import a_client, contents
from tests.behaviour.stories import SQLITE, only_police_ring
from tests.world import STUDENT, Report, World


def ask(world: World, code: str, phone: str = STUDENT) -> str:
    answer = a_client(world).post("/reopen", data={"code": code, "phone": phone})
    assert answer.status_code == 200
    return answer.text


def check(world: World, code: str, digits: str, phone: str = STUDENT) -> tuple[int, str | None]:
    answer = a_client(world).post("/reopen/check", data={"code": code, "phone": phone, "digits": digits})
    return answer.status_code, answer.location


def texted(world: World, report: Report) -> str:
    text = world.phones["student"].expects("验证码", report.code, "10分钟内有效")
    found = re.search(r"\d{6}", text.body)
    assert found
    return found[0]


def wrong(digits: str) -> str:
    return f"{(int(digits) + 1) % 10**6:06}"


def test_the_texted_code_opens_the_page_once(world: World) -> None:
    report = only_police_ring(world)
    ask(world, report.code.lower(), "138 0000 0001")
    digits = texted(world, report)
    assert check(world, report.code, f" {digits[:3]} {digits[3:]}") == (303, f"/r/{report.token}")
    assert check(world, report.code, digits)[0] == 422
    assert world.client.get(f"/r/{report.token}").status_code == 200


def test_it_holds_for_ten_minutes_and_only_the_newest(world: World) -> None:
    report = only_police_ring(world)
    ask(world, report.code)
    first = texted(world, report)
    ask(world, report.code)
    second = texted(world, report)
    if first != second:
        assert check(world, report.code, first)[0] == 422
    world.clock.advance(600)
    assert check(world, report.code, second)[0] == 422
    world.advance(0)
    for phone in world.phones.unread():
        world.phones.mark_read(phone)


def test_digits_that_hold_no_more_are_not_texted(world: World) -> None:
    """The provider was away for longer than they hold: they would open nothing."""
    report = only_police_ring(world)
    world.double.faults.add("503", times=None)
    ask(world, report.code)
    world.advance(0)
    world.double.faults.clear()
    world.advance(600)
    world.phones["student"].expects_nothing()
    for text in world.phones.unread():
        world.phones.mark_read(text)  # the police's ladder, meanwhile


def test_no_phone_that_comes_back_later_is_given_digits_that_hold_no_more(world: World) -> None:
    """A carrier keeps a text for a phone that is off as long as we say: these digits open a report for ten minutes."""
    report = only_police_ring(world)
    ask(world, report.code)
    texted(world, report)
    validity = world.double.to(world.phones["student"].number)[-1].validity
    assert validity is not None and 590 <= validity <= 600


def test_five_wrong_tries_spoil_it(world: World) -> None:
    report = only_police_ring(world)
    ask(world, report.code)
    digits = texted(world, report)
    for _ in range(5):
        assert check(world, report.code, wrong(digits))[0] == 422
    assert check(world, report.code, digits)[0] == 422


def test_three_texts_an_hour(world: World) -> None:
    report = only_police_ring(world)
    pages = {ask(world, report.code) for _ in range(3)}
    world.phones.catch_up()
    for _ in range(3):
        texted(world, report)
    pages.add(ask(world, report.code))
    world.phones.catch_up()
    world.phones.assert_all_read()
    assert len(pages) == 1


@SQLITE
@pytest.mark.parametrize("code, phone", [
    ("{code}", "13912340000"), ("A2345", STUDENT), ("", ""), ("\x00'", "x" * 500), ("{code}", "110"),
])  # fmt: skip
def test_an_answer_never_says_whether_a_code_or_a_phone_exists(world: World, code: str, phone: str) -> None:
    report = only_police_ring(world)
    before = contents(world, "attempts")
    asked = code.format(code=report.code)
    shown = ask(world, asked, phone)
    assert contents(world, "attempts") == before
    right = ask(world, report.code)
    digits = texted(world, report)
    assert plain(shown) == plain(right)
    mistaken = a_client(world).post("/reopen/check", data={"code": report.code, "phone": STUDENT,
                                                           "digits": wrong(digits)})  # fmt: skip
    nobody = a_client(world).post("/reopen/check", data={"code": asked, "phone": phone, "digits": digits})
    assert mistaken.status_code == nobody.status_code == 422
    assert plain(mistaken.text) == plain(nobody.text)


def plain(page: str) -> str:
    """Without what was typed."""
    return re.sub(r'value="[^"]*"', "", page)


def test_no_text_goes_to_a_phone_that_is_not_safe_nor_in_a_drill(world: World) -> None:
    report = world.report(phone_unsafe=True)
    world.phones["officer"].expects(report.code)
    world.phones["counselor"].expects(report.code)
    ask(world, report.code)
    world.phones.catch_up()
    world.phones.assert_all_read()


def test_the_digits_are_not_in_the_ledger(world: World) -> None:
    report = only_police_ring(world)
    ask(world, report.code)
    digits = texted(world, report)
    stored = world.rows("SELECT facts FROM deliveries WHERE kind = 'reopening'")
    assert digits not in str(stored)
    hashes = world.rows("SELECT code_hash FROM reopenings")
    assert digits.encode() not in bytes(hashes[0][0])


def test_a_get_changes_nothing(world: World) -> None:
    only_police_ring(world)
    before = contents(world)
    for path in ("/reopen", "/reopen?code=A2345&phone=13800000001", "/reopen?lang=en"):
        assert world.client.get(path).status_code == 200
    assert world.client.get("/reopen/check").status_code == 405
    assert contents(world) == before
