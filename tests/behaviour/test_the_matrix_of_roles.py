"""Who sees what (DOMAIN §7): each kind of datum is planted as a canary, and every page is walked as every role."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from ledger import contacts
from ledger import tables as t
from tests.behaviour.door_tools import a_client, shared_world
from tests.behaviour.test_door_staff import COUNSELOR, ELSEWHERE, OFFICER, OTHER_COUNSELOR
from tests.world import Report, World

STAFF = ("officer", "elsewhere", "counselor", "other counselor", "psychologist", "leader", "security", "admin")
NOBODY, OFFICE = "nobody", ("security", "admin")
PLANTED = {  # canary → what it stands for, and who may come upon it
    "金丝雀案情": ("case facts", {"officer", "counselor", *OFFICE}),
    "0000 0000 4417": ("the account", {"officer", *OFFICE}),
    "138 0000 0001": ("the student's phone", {"officer", "counselor", *OFFICE}),
    "金丝雀家庭": ("family", {"counselor"}),
    "金丝雀资金": ("the source of the money", {"counselor"}),
    "金丝雀谈话": ("a counselor's note", {"counselor"}),
}
EVERYWHERE = {"金丝雀案情", "0000 0000 4417", "138 0000 0001"}  # where a role may see it, a page does show it


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture(scope="module")
def case(door: World) -> Report:
    """A case of another student stands beside it, so that lists, counts and searches have something to leak."""
    report = door.report(narrative="金丝雀案情")
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
    return report


@pytest.fixture(scope="module")
def seen(door: World, case: Report) -> dict[str, str]:
    """All that each role can read on any page that a GET opens, in both languages, with every way to ask."""
    phones = {"officer": OFFICER, "elsewhere": ELSEWHERE, "counselor": COUNSELOR, "other counselor": OTHER_COUNSELOR}
    kinds = {"elsewhere": "officer", "other counselor": "counselor"}
    clients = {
        name: door.user(
            f"m-{name}",
            kinds.get(name, name),
            f"+86{phones[name]}" if name in phones else None,
            "WY" if name == "leader" else None,
        )
        for name in STAFF
    }
    return {name: walk(client, door, case) for name, client in (clients | {NOBODY: a_client(door)}).items()}


def walk(client: FlaskClient, door: World, case: Report) -> str:
    rules = [rule.rule for rule in door.client.application.url_map.iter_rules() if "GET" in (rule.methods or ())]
    staff = [rule for rule in rules if rule.startswith(("/duty", "/desk"))]
    found = []
    for rule in staff:
        path = re.sub(r"<[^>]+>", case.code, rule)
        for query in ("", "?lang=en", f"?code={case.code}", "?college=*", "?limit=10000"):
            with client.get(path + query, follow_redirects=True) as answer:
                assert answer.status_code < 500, path
                found.append(answer.data.decode(errors="ignore") if answer.status_code == 200 else "")
    return "\n".join(found)


@pytest.mark.parametrize("canary", PLANTED)
@pytest.mark.parametrize("role", [*STAFF, NOBODY])
def test_a_role_reads_its_own_fields_and_no_others(seen: dict[str, str], role: str, canary: str) -> None:
    what, allowed = PLANTED[canary]
    if role not in allowed:
        assert canary not in seen[role], f"{role} came upon {what}"
    elif canary in EVERYWHERE:
        assert canary in seen[role], f"{role} does not find {what}"


def test_rows_of_others_are_nowhere(seen: dict[str, str], case: Report) -> None:
    for role in ("elsewhere", "other counselor", "psychologist"):
        shown = seen[role].replace(f"code={case.code}", "")  # the language switch keeps what was asked
        assert case.code not in shown, role
