"""Guessing from one address ends after some tries, counted in the ledger by all processes; reporting never does."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from ledger import tables as t
from ledger.staff import attempts
from services.web import build_app
from tests.behaviour.door_tools import FORM, a_client
from tests.behaviour.stories import read_all
from tests.behaviour.test_door_signing_in import Account
from tests.world import STUDENT, World, csrf


def guess_sign_in(client: FlaskClient, **where: str) -> TestResponse:
    form = {"username": "nobody", "password": "x", "otp": "1", "csrf_token": csrf(client, "/login")}
    return client.post("/login", data=form, environ_base=where)


def guess_code(client: FlaskClient, **where: str) -> TestResponse:
    return client.post("/reopen", data={"code": "K7M3P", "phone": STUDENT}, environ_base=where)


def guess_digits(client: FlaskClient, **where: str) -> TestResponse:
    typed = {"code": "K7M3P", "phone": STUDENT, "digits": "123456"}
    return client.post("/reopen/check", data=typed, environ_base=where)


def guess_invitation(client: FlaskClient, **where: str) -> TestResponse:
    form = {"password": "x" * 20, "otp": "1", "csrf_token": csrf(client, "/login")}
    return client.post("/invite/guessed", data=form, environ_base=where)


GUESSES = {"sign-in": (guess_sign_in, 401), "code": (guess_code, 200), "digits": (guess_digits, 422),
           "invitation": (guess_invitation, 404)}  # fmt: skip


@pytest.mark.parametrize("kind", GUESSES)
def test_guessing_ends_for_a_while_and_says_for_how_long(world: World, kind: str) -> None:
    guess, answered = GUESSES[kind]
    client, another = a_client(world), build_app(world.parts).test_client()  # two processes count together
    for n in range(attempts.MOST):
        assert guess((client, another)[n % 2]).status_code == answered
    for refused in (guess(client), guess(another)):
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= attempts.WITHIN.total_seconds()
        assert "试的次数太多" in refused.text and "110" in refused.text
    assert guess(client, REMOTE_ADDR="10.0.0.9").status_code == answered
    world.clock.advance(attempts.WITHIN.total_seconds())
    assert guess(client).status_code == answered


def test_a_refused_guess_writes_nothing_and_what_is_over_is_forgotten(world: World) -> None:
    client = a_client(world)

    def counted() -> list[int]:
        with world.parts.ledger.read() as conn:
            return list(conn.scalars(select(t.attempts.c.tries).order_by(t.attempts.c.tries)))

    for _ in range(attempts.MOST + 3):
        guess_code(client)
    assert counted() == [attempts.MOST]
    world.clock.advance(attempts.WITHIN.total_seconds())
    guess_sign_in(client)
    assert counted() == [1]


def test_neither_a_report_nor_signing_in_rightly_counts(world: World) -> None:
    account = Account(world, "often")
    for _ in range(attempts.MOST):
        guess_code(a_client(world))
    for _ in range(attempts.MOST + 5):
        assert a_client(world).post("/report", data=FORM).status_code == 303
    for _ in range(attempts.MOST + 5):
        world.clock.advance(30)
        assert account.sign_in().status_code == 303
    with world.parts.ledger.read() as conn:
        assert conn.scalar(select(func.count()).select_from(t.attempts)) == 1
    read_all(world)
