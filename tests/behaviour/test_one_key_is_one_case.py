"""A submission key: sent again it answers the same case and tells nobody anew; what has changed is kept and told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from ledger import codes
from ledger import tables as t
from tests.behaviour.stories import at_once, only_police_ring, read_all, reported
from tests.world import STUDENT, Report, World, another_fraud, body

FORM = {
    "channel": "bank",
    "amount": "38600",
    "when": "30min",
    "phone": STUDENT,
    "for_whom": "self",
    "submission_key": "key-of-one-page",
}


def submit(world: World, **changes: str) -> str:
    """Send the form; the status token it answers with."""
    answer = world.client.post("/report", data=FORM | changes)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].rsplit("/", 1)[1]


def code_of(world: World, token: str) -> str:
    code: str = world.client.get(f"/api/v1/reports/{token}").get_json()["case"]
    return code


def counts(world: World) -> dict[str, int]:
    tables = ("cases", "transfers", "obligations", "case_events", "work", "deliveries", "follow_ups", "contacts")
    return {name: world.rows(f"SELECT count(*) AS n FROM {name}")[0].n for name in tables}


def corrections_of(world: World) -> list[dict[str, Any]]:
    """What was kept beside the report, opened."""
    with world.parts.ledger.begin("test") as uow:
        e = t.case_events.c
        rows = uow.conn.execute(select(t.case_events).where(e.type == "case.amended.v1").order_by(e.seq)).all()
        return [
            json.loads(uow.case(row.case_id).key.open("case_events", row.id, "sealed", row.sealed) or "{}")
            for row in rows
        ]


def test_the_same_body_again_is_the_same_case_and_nothing_new_is_sent(world: World) -> None:
    first = reported(world, key="k1")
    before = counts(world)
    again = world.report(key="k1")
    assert (again.code, again.token, again.duplicate) == (first.code, first.token, True)
    assert counts(world) == before
    world.phones.assert_all_read()


def test_another_body_is_refused_and_leaves_no_trace(world: World) -> None:
    reported(world, key="k1")
    before = counts(world)
    answer = world.client.post("/api/v1/reports", json=body(amount="99"), headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert counts(world) == before
    world.phones.assert_all_read()


def test_a_code_that_is_taken_makes_way_for_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first, before = reported(world), counts(world)
    drawn = iter([first.code, "K7M3P"])
    monkeypatch.setattr(codes, "new_code", lambda kind: next(drawn))
    assert world.report(**another_fraud()).code == "K7M3P"
    assert counts(world)["cases"] == before["cases"] + 1
    world.pump()
    read_all(world)


def test_without_a_key_every_report_is_one(world: World) -> None:
    assert reported(world).code != reported(world).code


def test_fifty_at_once_with_one_key_are_one_case(world: World) -> None:
    app = world.client.application

    def post() -> tuple[int, str]:
        answer = app.test_client().post("/api/v1/reports", json=body(), headers={"Idempotency-Key": "k1"})
        return answer.status_code, answer.get_json()["case"]

    answers = at_once([post] * 50)
    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    [code] = {code for _, code in answers}
    assert counts(world)["cases"] == 1
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(code).expects_nothing()


def test_a_key_of_the_form_and_one_of_the_api_never_meet(world: World) -> None:
    report = reported(world, key="key-of-one-page")
    other = code_of(world, submit(world))
    assert other != report.code
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(other)


def test_the_form_sent_twice_is_one_case(world: World) -> None:
    token = submit(world)
    assert submit(world) == token
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(code_of(world, token)).expects_nothing()


def test_what_the_form_adds_later_reaches_whoever_was_rung_in_one_text(world: World) -> None:
    token = submit(world)
    code = code_of(world, token)
    world.phones["officer"].expects("缺户名账号时间", code)
    for name in ("counselor", "student"):
        world.phones[name].expects(code)
    assert submit(world, payee_account="6217 0000 0000 4417", payee_name="某人") == token
    world.phones["officer"].expects(code, "有补充", "新报户名账号").expects_nothing()
    assert corrections_of(world) == [{"payee_account": "6217 0000 0000 4417", "payee_name": "某人"}]
    officer = world.user("ouyang", "officer", world.phones["officer"].number)
    sheet = officer.get(f"/duty/{code}").text
    assert "6217 0000 0000 4417" in sheet  # what was missing is in its place
    assert "某人" in sheet


def test_what_the_form_adds_after_an_acknowledgement_reaches_the_owner_alone(world: World) -> None:
    token = submit(world)
    code = code_of(world, token)
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(code)
    world.call_the_student(Report(world, code, token, False))
    world.until(120)
    world.phones["officer"].expects(code)
    world.phones["backup"].expects(code).replies().expects("由您接单")
    world.phones["officer"].expects("已有人接单")
    submit(world, when="2026-11-24T14:32")
    world.phones["backup"].expects("有补充", "新报时间")
    world.phones["officer"].expects_nothing()


def test_a_correction_stands_beside_the_old_value(world: World) -> None:
    token = submit(world, payee_name="甲")
    code = code_of(world, token)
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(code)
    submit(world, payee_name="乙", amount="40000")
    world.phones["officer"].expects("有补充", "新报户名金额")
    assert corrections_of(world) == [{"amount": "40,000", "payee_name": "乙"}]
    row = world.rows("SELECT amount_fen FROM transfers")[0]
    assert row.amount_fen == 3_860_000
    assert submit(world, payee_name="乙", amount="40000") == token  # the same again is nothing new
    world.phones["officer"].expects_nothing()


def test_a_phone_said_to_be_unsafe_later_gets_nothing_from_then_on(world: World) -> None:
    """The receipt has not gone out yet when the form comes again with the box ticked."""
    token = submit(world)
    submit(world, phone_unsafe="1", victim_phone="13800000021")
    code = code_of(world, token)
    world.phones["officer"].expects("紧急止付", code)
    world.phones["counselor"].expects(code)
    world.phones["officer"].expects("有补充")
    world.phones["student"].expects_nothing()
    assert world.rows("SELECT phone_unsafe FROM cases")[0].phone_unsafe
    assert corrections_of(world) == [{"phone_unsafe": "yes", "victim_phone": "+8613800000021"}]


def test_another_phone_on_the_same_page_is_another_case(world: World) -> None:
    """A computer in the library: two students, one page."""
    first = code_of(world, submit(world))
    second = code_of(world, submit(world, phone="13800000002"))
    assert first != second
    for name in ("officer", "counselor"):
        assert {world.phones[name].expects("").code for _ in range(2)} == {first, second}
    world.phones["student"].expects(first)
    world.phones.add("other", "+8613800000002").expects(second)


def test_twenty_at_once_of_a_changed_form_keep_one_correction(world: World) -> None:
    token = submit(world)
    code = code_of(world, token)
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(code)
    app = world.client.application
    form = FORM | {"payee_account": "6217000000004417"}
    answers = at_once([lambda: app.test_client().post("/report", data=form).headers["Location"]] * 20)
    assert {address.rsplit("/", 1)[1] for address in answers} == {token}
    assert len(corrections_of(world)) == 1
    world.phones["officer"].expects("有补充", "新报账号").expects_nothing()


def test_an_amendment_that_nobody_was_rung_for_yet_is_in_the_first_alert(world: World) -> None:
    token = submit(world)
    submit(world, payee_account="6217000000004417", payee_name="某人", when="2026-11-24T14:32")
    code = code_of(world, token)
    alert = world.phones["officer"].expects("紧急止付", "24日14:32转出", code)
    assert "缺" not in alert.body
    for name in ("counselor", "student"):
        world.phones[name].expects(code)
    world.phones["officer"].expects("有补充", "新报户名账号时间")


def test_an_officer_rung_for_another_case_hears_nothing(world: World) -> None:
    only_police_ring(world)
    token = submit(world, submission_key="another")
    code = code_of(world, token)
    for name in ("officer", "counselor", "student"):
        world.phones[name].expects(code)
    world.phones["officer"].expects_nothing()
