"""Staff pages: what each role may see and do, that it is logged, and that a GET changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from ledger import codes
from ledger import tables as t
from tests.behaviour.door_tools import a_client, contents, shared_world, token_in
from tests.world import Report, World, another_fraud, csrf

ROLES = ("officer", "counselor", "psychologist", "keeper", "leader", "security", "admin")
POLICE, CARE = ("officer", "security", "admin"), ("counselor", "security", "admin")
# By their places in the made-up school: on duty for the student's college, on duty for the other one, their counselors.
OFFICER, ELSEWHERE, COUNSELOR, OTHER_COUNSELOR = "13800001004", "13800001006", "13800001001", "13800001002"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture(scope="module")
def staff(door: World) -> dict[str, FlaskClient]:
    """One of each role, signed in; officer and counselor are those of the student, `elsewhere` those of others."""
    phones = {"officer": OFFICER, "counselor": COUNSELOR}
    made = {
        role: door.user(
            f"one-{role}", role, f"+86{phones[role]}" if role in phones else None, "WY" if role == "keeper" else None
        )
        for role in ROLES
    }
    made["elsewhere"] = door.user("elsewhere", "officer", f"+86{ELSEWHERE}")
    made["other counselor"] = door.user("other", "counselor", f"+86{OTHER_COUNSELOR}")
    return made


@pytest.fixture(scope="module")
def case(door: World, staff: dict[str, FlaskClient]) -> Report:
    report = door.report(**another_fraud())
    door.pump()
    return report


UNSAFE: list[tuple[str, dict[str, str]]] = [
    ("/login", {}),
    ("/logout", {}),
    ("/invite/{code}", {}),
    ("/duty/{code}/acknowledge", {}),
    ("/duty/{code}/outcome", {"progress": "contacted"}),
    ("/duty/{code}/stop-again", {"transfer": "1"}),
    ("/duty/{code}/ask", {}),
    ("/duty/{code}/voice", {"voice": "called"}),
    ("/duty/{code}/kind", {"kind": "BX"}),
    ("/duty/{code}/close", {}),
    ("/duty/{code}/review", {"step": "filed", "text": "x"}),
    ("/duty/{code}/reopen", {}),
    ("/desk/followups/{code}/contact", {"contact": "call_30m", "reached": "yes"}),
    ("/desk/followups/{code}/background", {"family": "x"}),
    ("/desk/followups/{code}/dated", {"purpose": "loan", "day": "2027-01-31"}),
    ("/desk/followups/{code}/family", {"consent": "yes"}),
    ("/desk/followups/{code}/handover", {"person": "x"}),
    ("/desk/followups/{code}/refer", {}),
    ("/desk/followups/{code}/safe", {}),
    ("/desk/followups/{code}/danger", {"danger": "yes"}),
    ("/desk/followups/{code}/close", {"sign": "1"}),
    ("/desk/followups/{code}/reopen", {}),
    ("/desk/care/{code}/note", {"note": "x", "seen": "1"}),
    ("/desk/care/{code}/screening/consent", {"said": "given", "how": "phone"}),
    ("/desk/care/{code}/screening", {"phq2_1": "3"}),
    ("/desk/ledger/{code}/read", {"reason": "x"}),
    ("/desk/ledger/{code}/background", {"family": "x"}),
    ("/desk/exports", {"first": "2026-11-01", "last": "2026-11-24", "reason": "x"}),
    ("/desk/exports/{code}/sign", {}),
    ("/desk/exports/{code}/refuse", {}),
    ("/desk/exports/{code}/drop", {}),
    ("/desk/roster/shifts", {"college": "WY", "role": "officer", "person": "O03", "days": "1"}),
    ("/desk/roster/shifts/{code}/remove", {}),
    ("/desk/roster/phones", {"who": "x", "phone": "+8613900000777"}),
    ("/desk/figures", {}),
    ("/desk/figures/prevention", {}),
]
NO_ACCOUNT = ("/api", "/webhooks", "/report", "/warn", "/drill", "/r/", "/reopen")


def test_every_unsafe_staff_route_is_in_this_list(door: World) -> None:
    """A new route has to be added here, and so be tested."""
    rules = {
        re.sub(r"<[^>]+>", "{code}", rule.rule)
        for rule in door.client.application.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith(NO_ACCOUNT)
    }
    assert rules <= {path for path, _ in UNSAFE}


@pytest.mark.parametrize("path, form", UNSAFE)
@pytest.mark.parametrize("token", [None, "", "x", "of another session"])
def test_without_a_csrf_token_nothing_is_done(
    door: World, staff: dict[str, FlaskClient], case: Report, path: str, form: dict[str, str], token: str | None
) -> None:
    before = contents(door)
    given = csrf(a_client(door), "/login") if token == "of another session" else token
    data = form if given is None else {**form, "csrf_token": given}
    for client in (staff["officer"], staff["counselor"], staff["admin"], a_client(door)):
        answer = client.post(path.format(code=case.code), data=data)
        assert answer.status_code == 400 and answer.content_type == "text/html; charset=utf-8"
        assert "过期" in answer.text
    assert contents(door) == before


def test_get_pages_by_role(door: World, staff: dict[str, FlaskClient], case: Report) -> None:
    for role in ROLES:
        client = staff[role]
        assert client.get("/duty").status_code == (200 if role in POLICE else 403), role
        assert client.get(f"/duty/{case.code}").status_code == (200 if role in POLICE else 403), role
        assert client.get("/desk/followups").status_code == (200 if role in CARE else 403), role
        assert client.get(f"/desk/followups/{case.code}").status_code == (200 if role in CARE else 403), role
        assert client.get("/desk/care").status_code == (200 if role == "psychologist" else 403), role
        assert client.get(f"/desk/care/{case.code}").status_code == (404 if role == "psychologist" else 403), role
        for path in ("/desk/ledger", f"/desk/ledger/{case.code}"):
            assert client.get(path).status_code == (200 if role == "keeper" else 403), role
        assert client.get("/desk/reads").status_code == (200 if role in POLICE[1:] else 403), role
        assert client.get("/desk").status_code == 303, role
    for path in (
        "/duty",
        f"/duty/{case.code}",
        "/desk",
        "/desk/followups",
        f"/desk/followups/{case.code}",
        "/desk/care",
    ):
        assert a_client(door).get(path).status_code == 302


def test_rows_by_owner(door: World, staff: dict[str, FlaskClient], case: Report) -> None:
    assert case.code in staff["officer"].get("/duty").text
    assert case.code not in staff["elsewhere"].get("/duty").text
    assert staff["elsewhere"].get(f"/duty/{case.code}").status_code == 404
    assert case.code in staff["counselor"].get("/desk/followups").text
    assert case.code not in staff["other counselor"].get("/desk/followups").text
    for role in ("security", "admin"):
        assert case.code in staff[role].get("/duty").text
        assert case.code in staff[role].get("/desk/followups").text


def act(client: FlaskClient, path: str, **form: str) -> int:
    page = client.get("/desk", follow_redirects=True)
    return client.post(path, data={**form, "csrf_token": token_in(page)}).status_code


@pytest.mark.parametrize("role, acknowledge, outcome, contact", [
    ("officer", 303, 303, 403), ("elsewhere", 404, 404, 403), ("counselor", 403, 403, 303),
    ("other counselor", 403, 403, 404), ("psychologist", 403, 403, 403), ("keeper", 403, 403, 403),
    ("leader", 403, 403, 403),
    ("security", 400, 303, 403), ("admin", 400, 303, 403),
])  # fmt: skip
def test_deeds_by_role(
    door: World, staff: dict[str, FlaskClient], role: str, acknowledge: int, outcome: int, contact: int
) -> None:
    """Office and desk acknowledge for an officer whom they name, so without a name it is 400."""
    report = door.report(**another_fraud())
    door.pump()
    client, code = staff[role], report.code
    assert act(client, f"/duty/{code}/acknowledge") == acknowledge
    assert report.state("police") == ("acknowledged" if acknowledge == 303 else "alerted")
    assert act(client, f"/duty/{code}/outcome", progress="contacted") == outcome
    assert report.state("police") == ("contacted" if acknowledge == 303 else "alerted")
    assert act(client, f"/desk/followups/{code}/contact", contact="call_30m", reached="yes", note="x") == contact
    assert report.state("counselor") == ("contacted" if contact == 303 else "alerted")


def test_the_office_takes_a_case_for_an_officer_who_then_sees_it(door: World, staff: dict[str, FlaskClient]) -> None:
    report = door.report(**another_fraud())
    door.pump()
    with door.parts.ledger.read() as conn:
        named = conn.execute(t.people.select().where(t.people.c.key == "O03")).mappings().one()["id"]
    assert staff["elsewhere"].get(f"/duty/{report.code}").status_code == 404
    for wrong in ("nobody", "x" * 5000, str(t.new_id()), "\x00"):
        assert act(staff["security"], f"/duty/{report.code}/acknowledge", person=wrong) == 400
    assert act(staff["security"], f"/duty/{report.code}/acknowledge", person=str(named)) == 303
    assert report.state("police") == "acknowledged"
    assert staff["elsewhere"].get(f"/duty/{report.code}").status_code == 200
    assert act(staff["officer"], f"/duty/{report.code}/outcome", progress="filed") == 303
    assert report.state("police") == "acknowledged"  # not the owner


@pytest.mark.parametrize("deed, form, allowed", [
    ("ask", {}, POLICE), ("voice", {"voice": "called"}, POLICE), ("close", {}, POLICE), ("reopen", {}, POLICE[1:]),
])  # fmt: skip
def test_an_officer_s_deeds_by_role(
    door: World, staff: dict[str, FlaskClient], case: Report, deed: str, form: dict[str, str], allowed: tuple[str, ...]
) -> None:
    """Another's case is 404; nothing is done by those who may not, nor to a case that nobody has taken."""
    report = door.report(payee_name="")
    door.pump()
    events = "SELECT count(*) FROM case_events WHERE type IN ('student.asked.v1', 'voice.recorded.v1')"
    before = door.rows(events)
    for role in ("officer", "counselor", "psychologist", "keeper", "leader"):
        expected = 303 if role in allowed else 403
        assert act(staff[role], f"/duty/{report.code}/{deed}", **form) == expected, role
    assert act(staff["elsewhere"], f"/duty/{report.code}/{deed}", **form) == (404 if "officer" in allowed else 403)
    assert door.rows(events) == before
    assert report.state("police") == "alerted"
    for wrong in ("", "x", "\x00", "c" * 5000):
        assert act(staff["officer"], f"/duty/{report.code}/voice", voice=wrong) == 400


@pytest.mark.parametrize("form, status", [
    ({}, 400), ({"progress": "dancing"}, 400), ({"progress": "dancing", "outcome": "stopped"}, 400),
    ({"outcome": "x"}, 400), ({"outcome": "stopped", "transfer": "x"}, 400),
    ({"outcome": "stopped", "transfer": "-1"}, 400), ({"outcome": "stopped", "transfer": "9" * 5000}, 400),
    ({"outcome": "stopped", "transfer": "٣"}, 400), ({"outcome": "stopped", "transfer": "0"}, 303),
    ({"outcome": "stopped", "transfer": "999"}, 303), ({"outcome": "stopped", "transfer": "1", "amount": "\x00"}, 303),
    ({"outcome": "stopped", "amount": "9" * 5000}, 303),
])  # fmt: skip
def test_a_nonsense_outcome_is_refused_or_changes_no_other_transfer(
    door: World, staff: dict[str, FlaskClient], form: dict[str, str], status: int
) -> None:
    report = door.report(transfers=[{"amount": 5}, {"amount": 6}])
    door.pump()
    assert act(staff["officer"], f"/duty/{report.code}/acknowledge") == 303
    assert act(staff["officer"], f"/duty/{report.code}/outcome", **form) == status
    assert report.state("police") == "acknowledged"


def test_money_that_is_still_here_has_no_outcome_and_no_page_breaks(door: World, staff: dict[str, FlaskClient]) -> None:
    report = door.report(kind="in_progress", transfers=[])
    door.pump()
    for role in ("security", "admin"):
        assert staff[role].get(f"/duty/{report.code}").status_code == 200
        assert act(staff[role], f"/duty/{report.code}/outcome", progress="contacted") in (303, 400)
        assert act(staff[role], f"/duty/{report.code}/outcome", outcome="stopped") in (303, 400)


@pytest.mark.parametrize("contact", ["", "x", "\x00", "call_30m\x00", "d" * 5000, "'"])
def test_an_unknown_contact_is_400(door: World, staff: dict[str, FlaskClient], case: Report, contact: str) -> None:
    assert act(staff["counselor"], f"/desk/followups/{case.code}/contact", contact=contact, reached="yes") == 400


def test_a_code_may_be_typed_with_look_alikes(door: World, staff: dict[str, FlaskClient]) -> None:
    report = next(r for r in iter(lambda: door.report(), None) if set(r.code) & set("5S8B2Z"))
    door.pump()
    for typed in (report.code.lower(), report.code.translate(str.maketrans("5S8B2Z", "S5B8Z2")), f" {report.code} "):
        assert staff["officer"].get(f"/duty/{quote(typed)}").status_code == 200
        assert staff["officer"].get(f"/duty?code={quote(typed)}", follow_redirects=True).status_code == 200
    wide = "".join(chr(ord(char) + 0xFEE0) for char in report.code)
    assert staff["officer"].get(f"/duty/{quote(wide)}").status_code == 200


NO_CODES = ("\x00", "K7M3P\x00", "电诈", "%", "'", "K7M3", "K7M3PX", "a" * 5000, "\u202e", "\xff", "-", "ſſſſſ")


@pytest.mark.parametrize("code", NO_CODES)
def test_what_is_no_code_is_404(door: World, staff: dict[str, FlaskClient], code: str) -> None:
    for role in ("officer", "security"):
        assert staff[role].get(f"/duty/{quote(code)}").status_code == 404
        assert staff[role].get(f"/duty?code={quote(code)}", follow_redirects=True).status_code in (404, 200)
        assert act(staff[role], f"/duty/{quote(code)}/acknowledge") == 404


def test_readings_and_refusals_are_logged_without_content(
    door: World, staff: dict[str, FlaskClient], case: Report
) -> None:
    def entries(action: str) -> list[Any]:
        return door.rows("SELECT actor, object FROM access_log WHERE action = :a ORDER BY id", a=action)

    before = {action: len(entries(action)) for action in ("case.read", "case.denied", "page.denied")}
    staff["officer"].get(f"/duty/{case.code}")
    staff["elsewhere"].get(f"/duty/{case.code}")
    staff["leader"].get(f"/duty/{case.code}")
    after = {action: entries(action)[before[action] :] for action in before}
    assert [len(rows) for rows in after.values()] == [1, 1, 1]
    [(reader, what)], [(_, denied)], [(_, page)] = after.values()
    assert reader.startswith("user:") and what.startswith("case:")
    assert (denied, page) == (f"code:{codes.fold(case.code)}", "page:duty.case")


SAMPLES = {"sort": "prevention", "code": "{code}", "token": "{token}", "filename": "intake.css", "slug": "time",
           "upload": "00000000-0000-7000-8000-000000000000"}  # fmt: skip


def test_a_get_of_any_page_by_anybody_changes_nothing_but_the_access_log(
    door: World, staff: dict[str, FlaskClient], case: Report
) -> None:
    """Link previews, prefetching browsers and crawlers fetch everything they see."""
    rules = [rule for rule in door.client.application.url_map.iter_rules() if "GET" in (rule.methods or ())]
    unknown = {name for rule in rules for name in rule.arguments} - SAMPLES.keys()
    assert not unknown, f"give a sample of {unknown}"
    before = contents(door, "access_log")
    for client in (*staff.values(), a_client(door)):
        for rule in rules:
            values = {name: SAMPLES[name].format(code=case.code, token=case.token) for name in rule.arguments}
            path = "".join(values.get(part, part) for part in re.split(r"<(?:\w+:)?(\w+)>", rule.rule))
            for query in ("", "?code=" + case.code, "?lang=en", "?outcome=stopped&progress=filed&person=x"):
                for method in ("GET", "HEAD", "OPTIONS"):
                    with client.open(path + query, method=method) as answer:
                        assert answer.status_code < 500, path
    assert contents(door, "access_log") == before


def test_the_desk_has_to_name_the_officer_it_takes_a_case_for(door: World, staff: dict[str, FlaskClient]) -> None:
    report = door.report(phone="13800000003")
    before = contents(door, "access_log")
    assert door.press(staff["security"], f"/duty/{report.code}/acknowledge", person="").status_code == 400
    assert contents(door, "access_log") == before
