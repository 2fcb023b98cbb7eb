"""Signing in: who gets in, for how long, and where it may lead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from ledger import tables as t
from ledger.staff import accounts
from ledger.staff.accounts import Credentials
from services.web import build_app
from tests.behaviour.door_tools import a_client, shared_world, token_in
from tests.world import World, csrf

FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    yield from shared_world(request, tmp_path_factory)


class Account:
    """A user who signs in, in a browser of their own."""

    def __init__(self, world: World, name: str, role: str = "officer") -> None:
        self.world, self.name = world, name
        with world.parts.ledger.begin("user") as uow:
            self.made: Credentials = accounts.add(uow, name, role, None, None)

    def otp(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.made.totp_secret).at(self.world.clock.now() + timedelta(seconds=30 * steps))

    def sign_in(self, client: FlaskClient | None = None, next_page: str = "", **changes: str) -> TestResponse:
        client = client or a_client(self.world)
        page = "/login" + (f"?next={quote(next_page)}" if next_page else "")
        form = {
            "username": self.name,
            "password": self.made.password,
            "otp": self.otp(),
            "csrf_token": csrf(client, page),
        }
        return client.post(page, data=form | changes)

    def set(self, **values: Any) -> None:
        with self.world.parts.ledger.begin("test") as uow:
            uow.conn.execute(update(t.users).where(t.users.c.username == self.name).values(values))


def later(world: World) -> None:
    """So that the next code is another one."""
    world.clock.advance(30)


def test_the_right_three_open_the_desk(door: World) -> None:
    client = a_client(door)
    answer = Account(door, "right").sign_in(client)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk")
    assert client.get("/desk").headers["Location"] == "/duty"
    assert client.get("/duty").status_code == 200


@pytest.mark.parametrize("wrong", [
    {"password": "x"}, {"password": ""}, {"password": "密" * 500}, {"otp": ""}, {"otp": "000000"}, {"otp": "x" * 500},
    {"otp": "\x00"}, {"otp": "密码"}, {"username": "nobody"}, {"username": ""}, {"username": "a\x00b"},
    {"username": "' OR 1=1 --"}, {"username": "n" * 5000}, {"password": "\x00"},
])  # fmt: skip
def test_each_wrong_one_is_refused_with_the_same_words(door: World, wrong: dict[str, str]) -> None:
    account = Account(door, f"wrong-{abs(hash(str(wrong)))}")
    reference = account.sign_in(password="reference")
    answer = account.sign_in(None, "", **wrong)
    assert answer.status_code == reference.status_code == 401

    def words(page: TestResponse) -> str:
        return re.sub(r'value="[^"]*"', "", page.text)

    assert words(answer) == words(reference)
    assert "aria" in answer.text or "alert" in answer.text


@pytest.mark.parametrize("spelled", [lambda otp: f" {otp[:3]} {otp[3:]} ", lambda otp: otp.translate(FULL_WIDTH)])
def test_a_code_may_be_typed_with_spaces_or_full_width(door: World, spelled: Any) -> None:
    account = Account(door, f"spelled-{len(spelled('123456'))}")
    assert account.sign_in(otp=spelled(account.otp())).status_code == 303


def test_a_code_works_once_and_for_one_step_of_drift(door: World) -> None:
    account = Account(door, "once")
    used = account.otp()
    assert account.sign_in().status_code == 303
    assert account.sign_in(otp=used).status_code == 401
    assert account.sign_in(otp=account.otp(-1)).status_code == 401  # an older one than the used one
    assert account.sign_in(otp=account.otp(2)).status_code == 401
    assert account.sign_in(otp=account.otp(1)).status_code == 303
    assert account.sign_in(otp=account.otp(1)).status_code == 401


def test_an_unknown_name_costs_as_much_as_a_known_one(door: World, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    real = accounts._hasher.verify

    def verify(password: str, kept: str) -> bool:
        checked.append(kept.split("$")[3])
        return real(password, kept)

    monkeypatch.setattr(accounts._hasher, "verify", verify)
    account = Account(door, "known")
    for name in ("known", "unknown"):
        account.sign_in(username=name, password="wrong")
    assert len(checked) == 2 and checked[0] == checked[1]  # the same parameters of the same slow hash


def test_five_failures_lock_for_five_minutes_by_the_clock(door: World) -> None:
    account = Account(door, "locked")
    for _ in range(5):
        assert account.sign_in(password="wrong").status_code == 401
    assert account.sign_in().status_code == 401
    door.clock.advance(299)
    assert account.sign_in().status_code == 401
    door.clock.advance(1)
    assert account.sign_in().status_code == 303
    for _ in range(4):
        assert account.sign_in(otp="000000").status_code == 401
    later(door)
    assert account.sign_in().status_code == 303  # which wipes the slate clean
    assert account.sign_in(password="wrong").status_code == 401
    later(door)
    assert account.sign_in().status_code == 303


@pytest.mark.parametrize("end", ["disabled", "epoch", "reset", "sign-out", "left the roster"])
def test_a_session_ends_at_once(door: World, end: str) -> None:
    account, client, other = Account(door, f"ends-{end}"), a_client(door), a_client(door)
    if end == "left the roster":
        with door.parts.ledger.begin("test") as uow:
            person = uow.conn.execute(t.people.select().where(t.people.c.key == "O04")).mappings().one()["id"]
        account.set(person_id=person)
    assert account.sign_in(client).status_code == 303
    later(door)
    assert account.sign_in(other).status_code == 303
    assert client.get("/duty").status_code == 200
    if end == "disabled":
        account.set(disabled=True)
    elif end == "epoch":
        account.set(session_epoch=7)
    elif end == "reset":
        with door.parts.ledger.begin("test") as uow:
            accounts.reset(uow, account.name)
    elif end == "sign-out":
        stolen = client.get_cookie("session")
        assert client.post("/logout", data={"csrf_token": csrf(client, "/duty")}).status_code == 303
        assert stolen
        client.set_cookie("session", stolen.value)
    else:
        with door.parts.ledger.begin("test") as uow:
            uow.conn.execute(update(t.people).where(t.people.c.key == "O04").values(active=False))
    for browser in (client, other):
        answer = browser.get("/duty")
        assert answer.status_code == 302 and answer.headers["Location"].startswith("/login?next=")
    later(door)
    assert account.sign_in().status_code == (303 if end in ("epoch", "sign-out") else 401)


@pytest.mark.parametrize("broken", ["x", "eyJfdXNlcl9pZCI6MX0.x.y", "\x00", "." * 4000])
def test_a_forged_session_is_nobody(door: World, broken: str) -> None:
    client = a_client(door)
    client.set_cookie("session", broken)
    assert client.get("/duty").status_code == 302
    assert client.get("/").status_code == 200


NOT_OURS = (
    "https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "\\\\evil.example", "/\n/evil",
    "/\x00", "javascript:alert(1)", "", "duty", " /duty", "/ /evil", "/\u200b/evil", "/\\/evil",
)  # fmt: skip


def test_the_next_page_is_one_of_ours(door: World) -> None:
    account = Account(door, "next")
    for target in NOT_OURS:
        later(door)
        answer = account.sign_in(next_page=target)
        assert answer.status_code == 303
        assert answer.headers["Location"] == "/desk", target
    later(door)
    assert account.sign_in(next_page="/duty/K7M3P?x=1").headers["Location"] == "/duty/K7M3P?x=1"


@pytest.mark.parametrize(
    "public, name", [("http://stopline.test", "session"), ("https://stop.example.cn", "__Host-session")]
)
def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(door: World, public: str, name: str) -> None:
    settings = door.parts.settings
    door.parts.settings = settings.model_copy(update={"public_url": public})
    try:
        client = build_app(door.parts).test_client()
    finally:
        door.parts.settings = settings
    answer = client.get("/login", base_url=public)
    [cookie] = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith(f"{name}=")
    parts = {part.strip() for part in cookie.split(";")}
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= parts and not any(part.startswith("Domain") for part in parts)
    assert ("Secure" in parts) == public.startswith("https")
    assert answer.headers.get("Strict-Transport-Security") == ("max-age=31536000" if "https" in public else None)
    # Browsers send no Referer, as our own policy tells them: that must not keep anybody out.
    form = {"username": "x", "password": "x", "otp": "1", "csrf_token": token_in(answer)}
    assert client.post("/login", base_url=public, data=form).status_code == 401
