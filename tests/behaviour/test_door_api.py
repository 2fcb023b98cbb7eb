"""The API: what is refused says why and stores nothing; what is optional is never a reason to refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from ledger.school import people
from ledger.store.unit_of_work import Ledger
from tests.behaviour.door_tools import cases, ledger_away, shared_world, sheet, spool_full, unread
from tests.world import World, body

URL = "/api/v1/reports"
NONSENSE: list[Any] = [
    None,
    True,
    0,
    -1.5,
    "",
    " ",
    "💥",
    "\u202e反",
    [],
    [[]],
    {},
    {"a": ["b"]},
    "x" * 20_000,
    ["x"] * 300,
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


def post(world: World, raw: bytes | str, **options: Any) -> TestResponse:
    return world.client.post(URL, data=raw, content_type=options.pop("content_type", "application/json"), **options)


def is_problem(answer: TestResponse, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    said: dict[str, Any] = answer.get_json()
    assert said.keys() == {"type", "title", "status", "detail", "errors"}
    assert said["status"] == status
    assert said["title"] and said["detail"]
    for error in said["errors"]:
        assert error.keys() == {"field", "message", "message_zh"}
    return said


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"nope", b"{'a': 1}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b"\xff\xfe{}",
        b'"\xff"', b"[" * 100_000, b"[" * 500 + b"]" * 500, b'{"a":' * 40 + b"1" + b"}" * 40,
        json.dumps(body(), ensure_ascii=False).encode("gb18030"),
    ],
    ids=lambda raw: repr(raw[:16]),
)  # fmt: skip
def test_what_is_no_json_is_400_and_stores_nothing(door: World, raw: bytes) -> None:
    before = cases(door)
    is_problem(post(door, raw), 400)
    assert cases(door) == before


@pytest.mark.parametrize("raw", [b"null", b"[]", b"[[]]", b"5", b'"text"', b"true", b"{}", b'{"reporter": []}'])
def test_any_json_but_a_report_is_422_and_stores_nothing(door: World, raw: bytes) -> None:
    before = cases(door)
    assert is_problem(post(door, raw), 422)["errors"]
    assert cases(door) == before


def test_the_problem_names_the_fields_in_both_languages(door: World) -> None:
    said = is_problem(door.client.post(URL, json={"reporter": {"phone": "110"}, "transfers": []}), 422)
    assert {error["field"] for error in said["errors"]} == {"reporter.phone", "transfers[0].amount"}
    assert "手机号" in said["errors"][0]["message_zh"] and "phone" in said["errors"][0]["message"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "nonsense", None]
)
def test_another_type_is_415(door: World, kind: str | None) -> None:
    is_problem(post(door, json.dumps(body()), content_type=kind), 415)


@pytest.mark.parametrize(
    "kind",
    ["application/json; charset=utf-8", "application/json;charset=latin-1", "application/a+json", "APPLICATION/JSON"],
)
def test_json_by_any_of_its_names_is_taken(door: World, kind: str) -> None:
    assert post(door, json.dumps(body()), content_type=kind).status_code == 201


@pytest.mark.parametrize("amount, fen", [
    (38600, 3860000), (38600.1, 3860010), (0.07, 7), (1.005, 101), (3.86e4, 3860000), ("3,800", 380000),
    ("１.２万", 1200000), ("3800元", 380000), (100000000000, 10**13),
])  # fmt: skip
def test_an_amount_is_read_exactly(door: World, amount: Any, fen: int) -> None:
    made = door.report(amount=amount)
    assert door.rows(
        "SELECT t.amount_fen FROM transfers t JOIN cases c ON c.id = t.case_id WHERE c.code = :code", code=made.code
    ) == [(fen,)]


@pytest.mark.parametrize(
    "amount",
    ["-5", "0", "0.001", "1e400", "-1e5", "1" + "0" * 5000, "1e999999999999", "true", "null", '""', '"abc"', "[1]",
     '{"a":1}', '"-3800"', "100000000000.01", '"\\ud800"', '"9' + "9" * 100 + '"'],
    ids=lambda text: text[:16],
)  # fmt: skip
def test_an_amount_that_is_none_is_422_and_stores_nothing(door: World, amount: str) -> None:
    before = cases(door)
    raw = '{"reporter": {"phone": "13800000001"}, "transfers": [{"amount": ' + amount + "}]}"
    said = is_problem(post(door, raw), 422)
    assert [error["field"] for error in said["errors"]] == ["transfers[0].amount"]
    assert cases(door) == before


TOP = ("kind", "fraud_type", "narrative", "called_110", "language")
REPORTER = ("name", "student_no", "college", "for_whom", "victim_phone", "phone_unsafe")
TRANSFER = ("currency", "when", "channel", "payee_account", "payee_name", "payee_bank", "payer_bank",
            "payer_account_tail", "serial")  # fmt: skip


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: repr(value)[:16])
def test_nonsense_in_every_optional_field_at_once_never_refuses(door: World, value: Any) -> None:
    report = {
        "reporter": {"phone": "13800000001", **dict.fromkeys(REPORTER, value)},
        "transfers": [{"amount": 5, **dict.fromkeys(TRANSFER, value)}, value],
        **dict.fromkeys(TOP, value),
        "unknown": value,
    }
    answer = door.client.post(URL, json=report)
    assert answer.status_code == 201, answer.text
    code = answer.get_json()["case"]
    assert len(sheet(door, code)["transfers"]) == 1
    if value not in (None, "", " ", True, 0, -1.5) and not isinstance(value, str):
        kept = unread(door, code)
        assert {"narrative", "reporter.name", "transfers[0].when", "called_110", "transfers[1]"} <= kept.keys()
        assert kept["reporter.name"] == json.dumps(value, ensure_ascii=False)[:200]


def test_numbers_where_text_is_expected_are_read_as_they_were_written(door: World) -> None:
    raw = """{"reporter": {"phone": 13800000001, "student_no": 2026010101, "phone_unsafe": 1},
              "transfers": [{"amount": 5, "payee_account": 6217000000004417000001, "serial": %s}]}""" % ("7" * 6000)
    answer = post(door, raw)
    assert answer.status_code == 201, answer.text
    facts = sheet(door, answer.get_json()["case"])
    assert facts["transfers"][0]["payee_account"] == "6217000000004417000001"
    assert facts["transfers"][0]["serial"] == "7" * 200
    assert facts["case"]["match_grade"] == "student_no" and facts["case"]["phone_unsafe"]


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE cases; --", '=HYPERLINK("http://x","y")', "+1+1", "@SUM(A1)", "-2+3|cmd", "<script>1</script>",
        "{{ 7 * 7 }}", "😀👨‍👩‍👧‍👦", "مرحبا بالعالم", "%00%0a", "${jndi:ldap://x}", "名\t字\n第二行", "a\u2028b", "é",
    ],
)  # fmt: skip
def test_text_is_kept_as_it_was_written(door: World, text: str) -> None:
    facts = sheet(door, door.report(narrative=text, name=text, payee_name=text, payee_account=text).code)
    expected = text.replace("\t", "")  # control characters are not text
    assert facts["reporter"]["narrative"] == facts["reporter"]["name"] == expected.strip()
    assert facts["transfers"][0]["payee_name"] == facts["transfers"][0]["payee_account"] == expected.strip()


def test_what_no_database_can_hold_is_left_out(door: World) -> None:
    raw = """{"reporter": {"phone": "138\\u00000000\\ud8000001", "name": "a\\u0000b\\ud800c\\u202ed",
                           "college": "\\u0000"},
              "transfers": [{"amount": 5, "currency": "\\u0000\\u0000\\u0000"}], "\\ud800": "\\udfff"}"""
    answer = post(door, raw)
    assert answer.status_code == 201, answer.text
    assert sheet(door, answer.get_json()["case"])["reporter"]["name"] == "abcd"


def test_what_is_too_long_is_cut_and_said_to_the_officer(door: World) -> None:
    made = door.report(narrative="经" * 12_000, name="名" * 300)
    facts, kept = sheet(door, made.code)["reporter"], unread(door, made.code)
    assert (len(facts["narrative"]), len(facts["name"])) == (10_000, 200)
    assert "12000" in kept["narrative"] and "300" in kept["reporter.name"]


def test_beyond_fifty_transfers_the_rest_is_kept_as_written(door: World) -> None:
    made = door.report(transfers=[{"amount": n, "serial": f"S{n}"} for n in range(1, 54)])
    assert len(sheet(door, made.code)["transfers"]) == 50
    assert '"S53"' in unread(door, made.code)["transfers"]


def test_a_transfer_without_an_amount_is_kept_beside_one_that_has_it(door: World) -> None:
    made = door.report(transfers=[{"payee_account": "abc"}, {"amount": "3800"}, {"amount": "很多"}])
    assert [item["amount"] for item in sheet(door, made.code)["transfers"]] == ["3,800"]
    assert unread(door, made.code).keys() >= {"transfers[0]", "transfers[2]"}


@pytest.mark.parametrize("transfers", [None, [], 5, "x", {}, [None], [{"amount": "?"}]])
def test_money_that_is_still_here_needs_a_phone_only(door: World, transfers: Any) -> None:
    answer = door.client.post(
        URL, json={"kind": "in_progress", "reporter": {"phone": "13800000001"}, "transfers": transfers}
    )
    assert answer.status_code == 201, answer.text
    token = answer.get_json()["token"]
    assert door.client.get(f"{URL}/{token}").get_json()["obligations"].keys() == {"dissuade", "counselor", "care"}
    assert door.client.get(f"/r/{token}").status_code == 200


def test_an_unknown_college_goes_to_the_default_row(world: World) -> None:
    """Whoever is on duty in the `*` row is rung; nobody falls through."""
    reporter = world.phones.add("stranger", "+8613900000009")
    report = world.report(phone="13900000009", student_no=None, college="月球学院")
    with world.parts.ledger.read() as conn:
        keys, now, zone = world.parts.ledger.keys, world.clock.now(), world.parts.ledger.zone
        default = {role: people.by_id(conn, keys, people.on_duty(conn, None, role, now, zone))[0].phone
                   for role in ("officer", "college_duty")}  # fmt: skip
    for role, words in (("officer", "紧急止付"), ("college_duty", "30分钟内致电")):
        world.phones.add(f"default {role}", default[role] or "").expects(words, report.code)
    reporter.expects("已收到", report.code)
    assert report.status()["state"] == "alerted"


def test_the_same_key_and_body_is_one_case_and_another_body_422(door: World) -> None:
    before = cases(door)
    first, again = door.report("key-1"), door.report("key-1")
    assert (first.duplicate, again.duplicate) == (False, True)
    assert (first.code, first.token) == (again.code, again.token)
    is_problem(door.client.post(URL, json=body(amount=1), headers={"Idempotency-Key": "key-1"}), 422)
    assert cases(door) == before + 1


def test_the_order_of_names_and_the_spaces_make_no_other_body(door: World) -> None:
    report = body()
    turned = dict(reversed(report.items()))
    headers = {"Idempotency-Key": "key-order"}
    assert post(door, json.dumps(report), headers=headers).status_code == 201
    assert post(door, json.dumps(turned, indent=3, ensure_ascii=False), headers=headers).status_code == 200


@pytest.mark.parametrize("key", ["k" * 5000, "键", 'a b;c"d', "'; --"])
def test_any_key_works(door: World, key: str) -> None:
    key = key.encode().decode("latin-1")
    assert [door.report(key).duplicate, door.report(key).duplicate] == [False, True]


def test_keys_that_differ_only_in_their_tail_are_different(door: World) -> None:
    assert door.report("k" * 4000 + "1").code != door.report("k" * 4000 + "2").code


def test_an_empty_key_is_no_key(door: World) -> None:
    codes = {door.client.post(URL, json=body(), headers={"Idempotency-Key": ""}).get_json()["case"] for _ in range(2)}
    assert len(codes) == 2


def test_the_last_of_equal_names_counts(door: World) -> None:
    raw = '{"reporter": {"phone": "x", "phone": "13800000001"}, "transfers": [{"amount": 1, "amount": 2}]}'
    answer = post(door, raw)
    assert sheet(door, answer.get_json()["case"])["transfers"][0]["amount"] == "2"


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/v2", "/api/v1/reports/", "/api/v1/reports/a/b", "/api/v1/reports/none",
     "/api/v1/reports/%00", "/api/v1/reports/%ff", "/webhooks/x", "/drill/x"],
)  # fmt: skip
def test_no_such_address_is_a_problem_too(door: World, path: str) -> None:
    is_problem(door.client.get(path), 404)


@pytest.mark.parametrize("method, path, allowed", [
    ("GET", URL, "POST"), ("PUT", URL, "POST"), ("DELETE", URL + "/x", "GET"), ("POST", "/healthz", "GET"),
    ("GET", "/webhooks/twilio/status", "POST"), ("GET", "/webhooks/twilio/message", "POST"),
])  # fmt: skip
def test_another_method_is_405_and_says_which(door: World, method: str, path: str, allowed: str) -> None:
    answer = door.client.open(path, method=method)
    is_problem(answer, 405)
    assert allowed in answer.headers["Allow"]


def test_over_one_mebibyte_is_413(door: World) -> None:
    before = cases(door)
    is_problem(post(door, json.dumps(body(narrative="x" * (1 << 20)))), 413)
    assert cases(door) == before
    assert post(door, json.dumps(body(narrative="x" * 1_000_000))).status_code == 201


def test_with_ledger_and_spool_away_it_is_503_and_may_be_tried_again(door: World) -> None:
    with ledger_away(door), spool_full(door):
        answer = post(door, json.dumps(body()), headers={"Idempotency-Key": "away"})
        assert "110" in is_problem(answer, 503)["detail"]
        assert answer.headers["Retry-After"] == "2"
        is_problem(door.client.get(f"{URL}/x"), 503)
    assert not door.report("away").duplicate


def test_an_error_says_nothing_of_the_inside(door: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("SELECT phone FROM cases -- 13800000001")

    monkeypatch.setattr(Ledger, "begin", fail)
    answer = post(door, json.dumps(body()))
    is_problem(answer, 500)
    assert not any(word in answer.text for word in ("SELECT", "Traceback", "RuntimeError", "13800000001", ".py"))
