"""Who sees what: each kind of datum is planted as a canary, and every address, be it a page, an API or the
exported ledger, is walked as every role."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from desk.exports import XLSX
from ledger import tables as t
from ledger.care import contacts, dated, family
from ledger.export import exports
from ledger.export.exports import ASKERS, Period
from ledger.staff.accounts import User
from tests.behaviour.door_tools import a_client, shared_world
from tests.behaviour.export_tools import FILE, all_cells
from tests.behaviour.test_door_staff import COUNSELOR, ELSEWHERE, OFFICER, OTHER_COUNSELOR
from tests.world import Report, World, body

STAFF = (
    *("officer", "elsewhere", "counselor", "other counselor", "psychologist"),
    *("keeper", "other keeper", "leader", "security", "admin"),
)
NOBODY, OFFICE = "nobody", ("security", "admin")
PLANTED = {  # canary → what it stands for, and who may come upon it
    "金丝雀案情": ("case facts", {"officer", "counselor", "keeper", *OFFICE}),
    "0000 0000 7741": ("the account", {"officer", *OFFICE}),
    "6217000000007741": ("the account as banks write it", {"officer", *OFFICE}),
    "138 0000 0001": ("the student's phone", {"officer", "counselor", *OFFICE}),
    "+8613800000001": ("the student's phone as it is dialled", {"officer", "counselor", *OFFICE}),
    "金丝雀家庭": ("family, to a keeper in the file alone", {"counselor", "keeper"}),
    "金丝雀资金": ("the source of the money, likewise", {"counselor", "keeper"}),
    "金丝雀谈话": ("a counselor's note", {"counselor"}),
    "金丝雀家长": ("why the family was told", {"counselor"}),
    "贷款到期": ("what falls due on a day", {"counselor"}),
}
IN_ENGLISH = {"贷款到期": "A loan falls due"}
RANG = {"state", "late", "alerted_at", "acknowledged_at"}
SHOWN = {"police": RANG | {"owed_since"}, "counselor": RANG, "care": {"state", "late", "opened_at", "next_contact_at"}}
KEY, TYPED = "a key of the matrix", {"narrative": "金丝雀案情", "payee_account": "6217 0000 0000 7741"}
EVERYWHERE = {"金丝雀案情", "0000 0000 7741", "138 0000 0001"}  # where a role may see it, a page does show it


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture(scope="module")
def case(door: World) -> Report:
    """A case of another student stands beside it, so that lists, counts and searches have something to leak."""
    report = door.report(key=KEY, **TYPED)
    door.report(phone="13800000002")
    door.pump()
    with door.parts.ledger.begin("plant") as uow:
        found = uow.conn.execute(t.cases.select().where(t.cases.c.code == report.code)).mappings().one()
        held = uow.case(found["id"])
        sealed = {
            f"{column}_sealed": held.key.seal("cases", held.id, column, said)
            for column, said in (("family", "金丝雀家庭"), ("money_source", "金丝雀资金"))
        }
        uow.conn.execute(update(t.cases).where(t.cases.c.id == held.id).values(sealed))
        contacts.record(uow, held, "call_30m", contacts.Said("yes", note="金丝雀谈话"), "test")
        dated.add(uow, held, "loan", uow.now + timedelta(hours=1), "test")  # the next one that is owed, in every list
        family.record(uow, held, {"consent": "no", "reason": "金丝雀家长"}, uow.now, "", "test")
    return report


@pytest.fixture(scope="module")
def clients(door: World, case: Report) -> dict[str, FlaskClient]:
    """A signed-in browser of each kind, and one of nobody's."""
    phones = {"officer": OFFICER, "elsewhere": ELSEWHERE, "counselor": COUNSELOR, "other counselor": OTHER_COUNSELOR}
    kinds = {"elsewhere": "officer", "other counselor": "counselor", "other keeper": "keeper"}
    colleges = {"leader": "WY", "keeper": "WY", "other keeper": "GX"}
    signed_in = {
        name: door.user(
            f"m-{name}",
            kinds.get(name, name),
            f"+86{phones[name]}" if name in phones else None,
            colleges.get(name),
        )
        for name in STAFF
    }
    return signed_in | {NOBODY: a_client(door)}


@pytest.fixture(scope="module")
def exporting(door: World, case: Report, clients: dict[str, FlaskClient]) -> list[str]:
    """Each of those who may ask for the ledger has asked for all of it, and somebody has signed."""
    names = [name for name in STAFF if clients[name].get("/desk/exports").status_code == 200]
    with door.parts.ledger.begin("sign") as uow:
        signer = User(t.new_id(), "signer", "admin", None, None, 0)
        found = {row["username"]: row for row in uow.conn.execute(t.users.select()).mappings()}
        uow.conn.execute(t.users.insert().values({**found["m-admin"], "id": signer.id, "username": "signer"}))
        for row in (found[f"m-{name}"] for name in names):
            user = User(row["id"], row["username"], row["role"], None, row["person_id"], 0)
            exports.ask(uow, user, Period(None, None), "test", 1)
        for export in uow.conn.scalars(select(t.exports.c.id)).all():
            exports.decide(uow, export, signer, sign=True)
    return names


@pytest.fixture(scope="module")
def seen(door: World, case: Report, clients: dict[str, FlaskClient], exporting: list[str]) -> dict[str, str]:
    """All that each role can read at any address that a GET opens, in both languages, with every way to ask."""
    return {name: walk(client, door, case) for name, client in clients.items()}


def walk(client: FlaskClient, door: World, case: Report) -> str:
    """Every address, page or API, with the code wherever it wants to know which case."""
    rules = [rule.rule for rule in door.client.application.url_map.iter_rules() if "GET" in (rule.methods or ())]
    found = []
    for number, rule in enumerate(rule for rule in rules if not rule.startswith("/static")):
        path = re.sub(r"<[^>]+>", case.code, rule)
        for query in ("", "?lang=en", f"?code={case.code}", "?college=*", "?limit=10000"):
            found.append(read(client, path + query, f"10.0.{number}.1"))
    return "\n".join(found)


def read(client: FlaskClient, path: str, address: str = "127.0.0.1") -> str:
    """From an address of its own: a limit on guesses must not hide what would have been answered."""
    with client.get(path, follow_redirects=True, environ_base={"REMOTE_ADDR": address}) as answer:
        assert answer.status_code < 500 and answer.status_code != 429, path
        if answer.status_code != 200:
            return ""
        return all_cells(answer.data) if answer.mimetype == XLSX else answer.data.decode(errors="ignore")


@pytest.mark.parametrize("canary", PLANTED)
@pytest.mark.parametrize("role", [*STAFF, NOBODY])
def test_a_role_reads_its_own_fields_and_no_others(seen: dict[str, str], role: str, canary: str) -> None:
    what, allowed = PLANTED[canary]
    if role not in allowed:
        assert canary not in seen[role], f"{role} came upon {what}"
    elif canary in EVERYWHERE:
        assert canary in seen[role], f"{role} does not find {what}"


def test_rows_of_others_are_nowhere(seen: dict[str, str], case: Report) -> None:
    for role in ("elsewhere", "other counselor", "psychologist", "other keeper"):
        shown = seen[role].replace(f"code={case.code}", "")  # the language switch keeps what was asked
        assert case.code not in shown, role


@pytest.mark.parametrize("role", [*STAFF, NOBODY])
def test_the_exported_ledger_has_the_fields_and_rows_of_its_asker_and_no_phone_or_account(
    clients: dict[str, FlaskClient], case: Report, exporting: list[str], role: str
) -> None:
    assert (role in exporting) == (role.removeprefix("other ") in ASKERS)
    file = read(clients[role], FILE)
    assert (case.code in file) == (role in ("counselor", "keeper", *OFFICE))
    for canary, (what, allowed) in PLANTED.items():
        never = canary[0].isdigit() or canary[0] == "+" or canary == "金丝雀家长"
        there = canary in file or IN_ENGLISH.get(canary, canary) in file  # in the language that was asked for last
        assert there == (role in allowed and not never and case.code in file), f"{role}: {what}"
    assert "7741" not in file and "3800000" not in file, role


@pytest.mark.parametrize("role", [*STAFF, NOBODY])
def test_the_api_shows_whoever_has_the_link_states_and_times_and_no_more(
    clients: dict[str, FlaskClient], case: Report, role: str
) -> None:
    """Neither more nor less to somebody who is signed in, however they ask; a code opens nothing."""
    for query in ("", "?lang=en", f"?code={case.code}", "?limit=10000", "?fields=*"):
        shown = json.loads(read(clients[role], f"/api/v1/reports/{case.token}{query}"))
        assert shown == case.status() and shown["case"] == case.code
        assert set(shown) == {"case", "state", "received_at", "obligations", "asked"}
        assert {kind: set(fields) for kind, fields in shown["obligations"].items()} == SHOWN
        assert shown["asked"] == []
    for token in (case.code, case.code.lower(), case.token[:-1], f"{case.token}0", "*", "%25"):
        assert read(clients[role], f"/api/v1/reports/{token}") == ""


@pytest.mark.parametrize("role", [*STAFF, NOBODY])
def test_the_api_takes_a_report_and_reads_none_of_it_back(
    clients: dict[str, FlaskClient], case: Report, role: str
) -> None:
    """The same again, and another under its key: who sends it learns which case it is, or that the key is taken."""
    path, key = "/api/v1/reports", {"Idempotency-Key": KEY}
    same = clients[role].post(path, json=body(**TYPED), headers=key)
    assert (same.status_code, set(same.get_json())) == (
        200,
        {"case", "token", "status_url", "received_at", "duplicate"},
    )
    other = clients[role].post(path, json=body(phone="13800000002"), headers=key)
    assert (other.status_code, case.code in other.text, case.token in other.text) == (422, False, False)
    assert clients[role].get(path).status_code == 405  # there is no list
    assert [canary for canary in PLANTED if canary in same.text + other.text] == []
