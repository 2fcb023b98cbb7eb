"""「手机可能被操控」: no text goes to that phone; a safe number, where one is given, gets them instead."""

from __future__ import annotations

import pytest

from tests.behaviour.door_tools import FORM, a_client
from tests.behaviour.stories import read_all
from tests.world import World

UNSAFE, SAFE = "13800000001", "13912345678"


def report(world: World, **changes: str) -> str:
    answer = a_client(world).post("/report", data=FORM | {"phone": UNSAFE, "phone_unsafe": "1"} | changes)
    assert answer.status_code == 303
    world.phones.add("safe", f"+86{SAFE}")
    alert = world.phones["officer"].expects("紧急止付")
    world.phones["counselor"].expects(alert.code)
    return alert.code


def test_texts_go_to_the_safe_number_and_to_no_other(world: World) -> None:
    code = report(world, safe_phone="139 1234 5678")
    world.phones["safe"].expects("已收到", code)
    world.phones["student"].expects_nothing()
    officer = world.user("li", "officer", world.phones["officer"].number)
    world.press(officer, f"/duty/{code}/acknowledge")
    sheet = officer.get(f"/duty/{code}/sheet").text
    assert "安全的号码" in sheet and "139 1234 5678" in sheet
    world.client.post("/reopen", data={"code": code, "phone": UNSAFE})
    world.phones["safe"].expects("验证码")


def test_without_one_no_text_goes_out_and_nonsense_refuses_nothing(world: World) -> None:
    code = report(world, safe_phone="不知道")
    world.phones["student"].expects_nothing()
    flags = world.rows("SELECT flags FROM cases WHERE code = :code", code=code)[0].flags
    assert "safe_phone" in str(flags)


def test_a_safe_number_given_later_counts_from_then_on(world: World) -> None:
    data = FORM | {"phone": UNSAFE, "submission_key": "k"}
    first = a_client(world).post("/report", data=data)
    alert = world.phones["officer"].expects("紧急止付")
    world.phones["counselor"].expects(alert.code)
    world.phones["student"].expects(alert.code)
    world.phones.add("safe", f"+86{SAFE}")
    again = a_client(world).post("/report", data=data | {"phone_unsafe": "1", "safe_phone": SAFE})
    assert again.headers["Location"] == first.headers["Location"]
    world.client.post("/reopen", data={"code": alert.code, "phone": UNSAFE})
    world.phones["safe"].expects("验证码")
    for text in world.phones.unread():  # the officer hears of the change
        world.phones.mark_read(text)


@pytest.mark.parametrize("fault", ["429", "500"])
def test_what_waits_for_a_phone_said_to_be_unsafe_afterwards_is_not_sent_either(world: World, fault: str) -> None:
    """Its code and the digits that open the page are what whoever holds the phone would want."""
    world.double.faults.add(fault, to=f"+86{UNSAFE}", times=None)
    data = FORM | {"phone": UNSAFE, "submission_key": "k"}
    a_client(world).post("/report", data=data)
    world.pump()
    code = world.rows("SELECT code FROM cases")[0].code
    world.client.post("/reopen", data={"code": code, "phone": UNSAFE})
    world.pump()
    reached = len(world.double.to(f"+86{UNSAFE}"))
    waiting = "SELECT kind FROM deliveries WHERE person_id IS NULL AND available_at IS NOT NULL"
    assert {row.kind for row in world.rows(waiting)} == {"student", "reopening"}
    a_client(world).post("/report", data=data | {"phone_unsafe": "1", "safe_phone": SAFE})
    world.double.faults.clear()
    for _ in range(4):
        world.advance(20)
    assert len(world.double.to(f"+86{UNSAFE}")) == reached
    assert world.rows(waiting) == []
    world.phones.add("safe", f"+86{SAFE}")
    world.client.post("/reopen", data={"code": code, "phone": UNSAFE})
    world.phones["safe"].expects("验证码")
    read_all(world)


def test_who_calls_the_student_is_given_the_safe_number_or_warned(world: World) -> None:
    """A fraudster who holds the phone would be called else, and would answer that all is well."""
    code = report(world, safe_phone=SAFE)
    world.phones["safe"].expects("已收到", code)
    mine, office = world.user("c", "counselor", world.phones["counselor"].number), world.user("s", "security")
    for client, path in ((mine, "/desk/followups"), (mine, f"/desk/followups/{code}"), (office, "/desk/followups")):
        shown = client.get(path).text
        assert f"tel:+86{SAFE}" in shown and "安全的号码" in shown, path
        assert f"tel:+86{UNSAFE}" not in shown, path


def test_without_a_safe_number_it_says_that_the_phone_may_be_controlled(world: World) -> None:
    code = report(world)
    mine = world.user("c", "counselor", world.phones["counselor"].number)
    for path in ("/desk/followups", f"/desk/followups/{code}"):
        shown = mine.get(path).text
        assert f"tel:+86{UNSAFE}" in shown and "手机可能被操控" in shown, path
