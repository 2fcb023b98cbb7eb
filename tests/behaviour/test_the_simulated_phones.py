"""The simulator tells the whole story: phones in its order, a clock that can be advanced, and faults on demand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from flask.testing import FlaskClient

from ledger.school import roster
from ledger.school.demo_school import demo_school
from ledger.staff import accounts
from ledger.store.clock import DemoClock
from services.compose import Parts, build_parts
from services.handlers import HANDLERS
from services.settings import load
from services.web import build_app
from services.worker import run_open
from tests.made_once import migrate
from tests.world import body, csrf, sqlite_url

OFFICER, BACKUP = "+8613800001004", "+8613800001005"


@dataclass
class Demo:
    """Everything in one process, as `make demo` builds it, but nothing runs by itself."""

    parts: Parts
    client: FlaskClient

    def page(self) -> str:
        while run_open(self.parts.ledger, HANDLERS) or self.parts.sender.drain():
            pass
        self.parts.clock.tick()
        self.parts.sender.drain()
        return self.client.get("/simulator").text

    def press(self, path: str, **form: str) -> str:
        form["csrf_token"] = csrf(self.client, "/simulator")
        assert self.client.post(f"/simulator/{path}", data=form).status_code == 303
        return self.page()

    def report(self) -> str:
        answer = self.client.post("/api/v1/reports", json=body())
        assert answer.status_code == 201
        return str(answer.get_json()["case"])


def numbers(page: str) -> list[str]:
    return re.findall(r'<span class="mono">(\+\d+)</span>', page)


def make(folder: Path) -> Demo:
    settings = load(database_url=sqlite_url(folder), state_dir=str(folder), channel="simulator")
    migrate(settings.database_url)
    parts = build_parts(settings)
    with parts.ledger.begin("roster") as uow:
        roster.apply(uow, demo_school())
    return Demo(parts, build_app(parts).test_client())


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    made = make(tmp_path)
    yield made
    made.parts.sender.stop()
    made.parts.ledger.engine.dispose()


def test_the_phones_stand_in_the_order_of_the_story(demo: Demo) -> None:
    code = demo.report()
    page = demo.page()
    reporter, officer = numbers(page)[:2]
    assert (reporter, officer in (OFFICER, BACKUP)) == ("+8613800000001", True)
    assert code in page[: page.index('id="phones"')]


def test_two_minutes_on_the_next_officer_is_rung(demo: Demo) -> None:
    demo.report()
    before = demo.page()
    after = demo.press("clock", seconds="120")
    assert len(numbers(after)) > len(numbers(before))
    assert "已快进2分钟" in after


def test_an_answer_on_a_phone_shows_in_the_story(demo: Demo) -> None:
    code = demo.report()
    officer = numbers(demo.page())[1]
    after = demo.press("reply", phone=officer, body=code)
    assert "已接单" in after[: after.index('id="phones"')]


def test_a_phone_that_is_off_is_passed_over_after_a_minute(demo: Demo) -> None:
    demo.report()
    officer = numbers(demo.page())[1]
    demo.press("reply", phone=officer, body="谢谢")
    assert "已关机" in demo.press("fault", phone=officer, on="1")
    demo.press("clock", seconds="3600")  # rings everybody anew, the one phone is off
    page = demo.press("clock", seconds="60")
    assert len(numbers(page)) > 2
    assert "已关机" not in demo.press("fault", phone=officer, on="0")


def test_a_provider_that_is_down_loses_nothing(demo: Demo) -> None:
    demo.press("fault", on="1")
    code = demo.report()
    assert "没发出，会再试" in demo.page()
    demo.press("fault", on="0")
    page = demo.press("clock", seconds="60")
    assert f"紧急止付{code}" in page
    assert "没发出，会再试" not in page


@pytest.mark.parametrize("form", [{"seconds": "7"}, {"seconds": "-60"}, {"seconds": "x"}, {}])
def test_only_the_offered_steps_move_the_clock(demo: Demo, form: dict[str, str]) -> None:
    demo.press("clock", **form)
    assert isinstance(demo.parts.ledger.clock, DemoClock)
    assert demo.parts.ledger.clock.ahead.total_seconds() == 0


def test_the_clock_stays_where_it_was_put_and_people_s_authenticators_do_not_care(demo: Demo, tmp_path: Path) -> None:
    with demo.parts.ledger.begin("user") as uow:
        made = accounts.add(uow, "li", "officer", None, None)
    demo.press("clock", seconds="3600")
    again = build_parts(demo.parts.settings)
    try:
        now, base = again.ledger.clock.now(), again.ledger.authenticators.now()
        assert round((now - base).total_seconds()) == 3600
        otp = pyotp.TOTP(made.totp_secret).at(base)
        assert accounts.sign_in(again.ledger, "li", made.password, otp)
    finally:
        again.sender.stop()
        again.ledger.engine.dispose()


def test_without_the_simulator_the_clock_is_nobody_s(demo: Demo, tmp_path: Path) -> None:
    settings = demo.parts.settings.model_copy(update={"channel": "twilio", "twilio_account_sid": "AC" + "0" * 32})
    parts = build_parts(settings)
    try:
        assert not isinstance(parts.ledger.clock, DemoClock)
        assert build_app(parts).test_client().post("/simulator/clock").status_code == 404
    finally:
        parts.sender.stop()
        parts.ledger.engine.dispose()
