"""What nobody else gets: texts go to known numbers only, pages carry no code, secrets stand nowhere as they are."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import LargeBinary, select

from ledger import tables as t
from ledger.school.demo_school import demo_school
from ledger.staff import accounts, remembered
from services.web import build_app
from tests.behaviour.door_tools import FORM, a_client, contents, shared_world
from tests.behaviour.stories import SQLITE, read_all
from tests.behaviour.test_door_signing_in import Account
from tests.world import World, csrf

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted(path for room in ("intake", "desk") for path in (ROOT / room / "templates").rglob("*.html"))
NO_ACCOUNT = ("/api", "/webhooks", "/report", "/warn", "/drill", "/r/", "/reopen")  # nothing there is done in a name
# Whoever holds two ledgers can see which rows hold equal values of these, and of nothing else.
FOUND_BY_EQUALS = {
    "cases.phone_index", "cases.victim_phone_index", "transfers.payee_account_index", "people.phone_index",
    "people.student_no_index", "deliveries.to_index", "inbound.from_index", "attempts.who_index",
}  # fmt: skip
DIGESTS = {
    "cases.submission_hash", "cases.body_hash", "cases.token_hash", "users.invite_hash", "users.password_hash",
    "remembered.token_hash", "reopenings.code_hash", "spooled.token_hash",
}  # fmt: skip


def test_texts_go_to_the_roster_and_to_the_reporter_s_own_number_only(world: World) -> None:
    """Not to the victim's phone, the fraudster's, or a stranger's who wrote to us."""
    reporter, victim, stranger = "+8613912340001", "+8613912340002", "+8613912340003"
    changes = {"victim_phone": victim, "payee_account": "13912340004", "narrative": "他的电话 13912340005"}
    report = world.report(phone=reporter, for_whom="other", student_no=None, **changes)
    world.phones.catch_up()
    for body in ("收到", report.code, "停"):
        world.double.reply(stranger, body)
    form = {"phone": "13912340006", "qq": "13912340007"}
    world.client.post(f"/r/{report.token}/more/contacts", data=form)
    world.client.post("/reopen", data={"code": report.code, "phone": victim})
    world.client.post(f"/r/{report.token}/unsafe")
    for seconds in (130, 300, 900, 3600):
        world.advance(seconds)
        read_all(world)
    roster = {person.phone for person in demo_school().people if person.phone}
    told = {text.to for text in world.double.outbound()}
    assert reporter in told
    assert told <= roster | {reporter}


def test_only_what_is_looked_up_has_a_blind_index_and_no_note_has_one() -> None:
    columns = {f"{table.name}.{column.name}": column for table in t.metadata.sorted_tables for column in table.c}
    assert {name for name in columns if name.endswith("_index")} == FOUND_BY_EQUALS
    assert all(isinstance(columns[name].type, LargeBinary) for name in FOUND_BY_EQUALS)


def test_tokens_and_passwords_are_kept_as_digests_only() -> None:
    """A new column for a secret has to be added here, and so be thought about."""
    secret = re.compile(r"hash|token|password|secret|otp")
    columns = {f"{table.name}.{column.name}" for table in t.metadata.sorted_tables for column in table.c}
    found = {name for name in columns if secret.search(name.partition(".")[2])}
    # A lease's token is no secret; the second factor's secret is sealed, since both sides have to know it.
    assert found - {"deliveries.token", "users.totp_sealed", "users.totp_used"} == DIGESTS


def test_a_password_s_hash_costs_what_it_should() -> None:
    """In a process of its own: tests sign in with cheap hashes. At least what OWASP's cheat sheet on passwords asks."""
    program = "from ledger.staff import accounts; print(accounts.hashed('a long enough password'))"
    made = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    found = re.fullmatch(r"\$(\w+)\$v=19\$m=(\d+),t=(\d+),p=\d+\$\S+\n", made.stdout)
    assert found and found[1] == "argon2id" and int(found[2]) >= 19_456 and int(found[3]) >= 2


@SQLITE
def test_a_remembered_phone_s_token_is_long_and_stands_nowhere(world: World) -> None:
    account = Account(world, "remembered")
    phone = a_client(world)
    assert account.sign_in(phone, remember="1").status_code == 303
    kept = phone.get_cookie("phone")
    assert kept and len(kept.value) * 6 >= 128
    with world.parts.ledger.read() as conn:
        assert kept.value not in repr(conn.execute(select(t.remembered)).all())
    assert remembered.LASTS.days == 30


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_code_or_style_of_its_own(path: Path) -> None:
    text = re.sub(r"'[^'{]*'\s*\|\s*safe\b", "", path.read_text())  # a constant of ours is safe
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+\s*=|javascript:|\|\s*safe\b", text), path


@pytest.fixture(scope="module", params=["sqlite"])
def simulated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """With the simulated phones, which have routes of their own, on a public https address."""
    for world in shared_world(request, tmp_path_factory):
        changes = {"channel": "simulator", "public_url": "https://stop.example.cn"}
        world.parts.settings = world.parts.settings.model_copy(update=changes)
        world.client = build_app(world.parts).test_client()
        yield world


def unsafe_rules(client: FlaskClient) -> list[tuple[str, str]]:
    """(path, method) of everything of the staff's that is no GET."""
    rules = [rule for rule in client.application.url_map.iter_rules() if not rule.rule.startswith(NO_ACCOUNT)]
    pairs = [(re.sub(r"<[^>]+>", "K7M3P", rule.rule), method) for rule in rules for method in rule.methods or ()]
    return sorted(pair for pair in pairs if pair[1] not in ("GET", "HEAD", "OPTIONS"))


def test_every_unsafe_route_of_the_staff_s_wants_its_token(simulated: World) -> None:
    """By the map of routes itself, the simulated phones among them."""
    rules = unsafe_rules(simulated.client)
    assert len(rules) >= 17 and ("/simulator/reply", "POST") in rules
    before = contents(simulated)
    for path, method in rules:
        for form in ({}, {"csrf_token": ""}, {"csrf_token": "x"}):
            answer = simulated.client.open(path, method=method, data=form, base_url="https://stop.example.cn")
            assert answer.status_code == 400, (path, answer.status_code)
            assert "过期" in answer.text
    assert contents(simulated) == before


def test_over_https_every_cookie_is_kept_from_plain_http_and_from_scripts(simulated: World) -> None:
    client, url = simulated.client.application.test_client(), "https://stop.example.cn"
    answers = [client.get(path, base_url=url) for path in ("/login?lang=en", "/?lang=en", "/simulator?lang=zh")]
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert len(cookies) >= 3
    for cookie in cookies:
        parts = {part.strip() for part in cookie.split(";")}
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= parts, cookie
        assert cookie.startswith(("__Host-session=", "lang=")), cookie


@SQLITE
@pytest.mark.parametrize("route", ["status", "message", "voice"])
def test_a_callback_without_its_header_is_403_on_every_route(world: World, route: str) -> None:
    before = contents(world)
    form = {
        "MessageSid": "SM1",
        "MessageStatus": "sent",
        "From": "+1",
        "Body": "x",
        "CallSid": "C",
        "CallStatus": "busy",
    }
    assert world.client.post(f"/webhooks/twilio/{route}", data=form).status_code == 403
    assert contents(world) == before


@SQLITE
def test_a_forged_address_neither_refuses_nor_lifts_a_limit(world: World) -> None:
    """Failed sign-ins lock the account, whoever they seem to come from; reports are taken from anywhere."""
    account = Account(world, "forged")
    for n in range(accounts.MAX_FAILURES):
        client = a_client(world)
        form = {"username": "forged", "password": "x", "otp": "1", "csrf_token": csrf(client, "/login")}
        client.post("/login", data=form, headers={"X-Forwarded-For": f"10.0.0.{n}"})
    assert account.sign_in().status_code == 401
    for _ in range(40):
        forged = {"X-Forwarded-For": "6.6.6.6"}
        assert a_client(world).post("/report", data=FORM, headers=forged).status_code == 303
    read_all(world)
