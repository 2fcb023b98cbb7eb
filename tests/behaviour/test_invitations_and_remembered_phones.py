"""An invitation opens an account once; a remembered phone needs no code, until it is forgotten."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from ledger import tables as t
from ledger.staff import accounts, invitations
from tests.behaviour.door_tools import a_client, contents, token_in
from tests.behaviour.test_door_signing_in import Account, later
from tests.world import World, csrf

CHOSEN = "a long enough password"


def invite(world: World, name: str) -> str:
    with world.parts.ledger.begin("user") as uow:
        return "/invite/" + invitations.invite(uow, name, "officer", None, None)


def secret_on(page: TestResponse) -> str:
    found = re.search(r'data-copy="([A-Z2-7]+)"', page.text)
    assert found
    return found[1]


def accept(client: FlaskClient, link: str, world: World, **changes: str) -> TestResponse:
    page = client.get(link)
    otp = pyotp.TOTP(secret_on(page)).at(world.clock.now())
    return client.post(link, data={"password": CHOSEN, "otp": otp, "csrf_token": token_in(page)} | changes)


def test_an_invitation_lets_its_owner_choose_a_password_and_opens_once(world: World) -> None:
    link, client = invite(world, "new"), a_client(world)
    page = client.get(link)
    secret = secret_on(page)
    assert accept(client, link, world).headers["Location"] == "/desk"
    assert client.get("/duty").status_code == 200
    assert a_client(world).get(link).status_code == 404
    later(world)
    other = a_client(world)
    form = {"username": "new", "password": CHOSEN, "otp": pyotp.TOTP(secret).at(world.clock.now())}
    assert other.post("/login", data=form | {"csrf_token": csrf(other, "/login")}).status_code == 303


@pytest.mark.parametrize("wrong", [{"password": "short"}, {"otp": "000000"}, {"otp": ""}, {"password": ""}])
def test_what_is_wrong_is_said_and_the_invitation_stays_open(world: World, wrong: dict[str, str]) -> None:
    link, client = invite(world, "tries"), a_client(world)
    refused = accept(client, link, world, **wrong)
    assert refused.status_code == 422
    [field] = re.findall(r'<input id="(\w+)"[^>]* aria-invalid="true"', refused.text)  # and the field says so itself
    assert f'id="{field}-bad"' in refused.text and f'href="#{field}"' in refused.text
    assert accept(client, link, world).status_code == 303


def test_guessing_the_code_of_an_invitation_locks(world: World) -> None:
    link, client = invite(world, "guessed"), a_client(world)
    for _ in range(accounts.MAX_FAILURES):
        assert accept(client, link, world, otp="000000").status_code == 422
    assert accept(client, link, world).status_code == 422


def test_an_invitation_ends_by_time_by_another_one_and_with_the_account(world: World) -> None:
    old = invite(world, "late")
    world.clock.advance(invitations.LASTS.total_seconds())
    assert world.client.get(old).status_code == 410
    with world.parts.ledger.begin("user") as uow:
        new = "/invite/" + invitations.again(uow, "late")
    assert world.client.get(old).status_code == 404
    assert world.client.get(new).status_code == 200
    with world.parts.ledger.begin("user") as uow:
        accounts.disable(uow, "late")
    assert world.client.get(new).status_code == 404


def test_looking_at_an_invitation_changes_nothing_and_the_ledger_holds_no_link(world: World) -> None:
    link = invite(world, "looked")
    before = contents(world)
    for _ in range(3):
        assert world.client.get(link).status_code == 200
    assert contents(world) == before
    with world.parts.ledger.read() as conn:
        assert link.rpartition("/")[2] not in repr(conn.execute(select(t.users)).all())


def test_a_remembered_phone_needs_no_code_but_still_the_password(world: World) -> None:
    account, phone = Account(world, "mine"), a_client(world)
    assert account.sign_in(phone, remember="1").status_code == 303
    assert account.sign_in(phone, otp="").status_code == 303
    assert account.sign_in(phone, otp="", password="wrong").status_code == 401
    assert account.sign_in(a_client(world), otp="").status_code == 401
    world.clock.advance(timedelta(days=30).total_seconds())
    assert account.sign_in(phone, otp="").status_code == 401


def test_a_phone_is_remembered_only_when_asked_and_for_its_own_user(world: World) -> None:
    account, other, phone = Account(world, "asked"), Account(world, "another"), a_client(world)
    assert account.sign_in(phone).status_code == 303
    assert account.sign_in(phone, otp="").status_code == 401
    later(world)
    assert account.sign_in(phone, remember="1").status_code == 303
    assert other.sign_in(phone, otp="").status_code == 401


@pytest.mark.parametrize("end", ["sign-out", "reset", "disable"])
def test_a_remembered_phone_is_forgotten(world: World, end: str) -> None:
    account, phone = Account(world, "forgotten"), a_client(world)
    assert account.sign_in(phone, remember="1").status_code == 303
    kept = phone.get_cookie("phone")
    assert kept
    if end == "sign-out":
        assert phone.post("/logout", data={"csrf_token": csrf(phone, "/duty")}).status_code == 303
    else:
        with world.parts.ledger.begin("test") as uow:
            if end == "reset":
                account.made = accounts.reset(uow, account.name)
            else:
                accounts.disable(uow, account.name)
    stolen = a_client(world)
    stolen.set_cookie("phone", kept.value)
    assert account.sign_in(stolen, otp="").status_code == 401
