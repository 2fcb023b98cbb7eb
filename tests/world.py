"""A whole service in this process: the real doors, handlers, senders and clock over a real database and the Twilio
double; nothing runs by itself, so a test says when, and the clock stands still until it is advanced."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from ledger import codes
from ledger import tables as t
from ledger.care import contacts
from ledger.school import people
from ledger.school.demo_school import demo_school
from ledger.school.schoolrows import School
from ledger.staff import accounts
from ledger.store import naming
from ledger.store.clock import ManualClock
from notifier.twilio.client import TwilioChannel, TwilioConfig
from services.compose import Parts, build_parts
from services.settings import Settings, load
from services.web import build_app
from services.worker import run_open
from tests.fakes.phones import Phones
from tests.fakes.twilio_double import TwilioDouble
from tests.made_once import TEMPLATES, enrol, keep_secrets, migrate

# A Tuesday, 14:40 in Shanghai: everybody of the day shift is on duty.
START = datetime(2026, 11, 24, 6, 40, tzinfo=UTC)
PUBLIC = "http://stopline.test"
TOKEN = "token-of-the-double"
STUDENT, STUDENT_NO = "13800000001", "2026010101"


def settings_for(database_url: str, folder: Path, double: TwilioDouble, **more: Any) -> Settings:
    return load(
        **{"unverified_burst": "off", "number_budget": "off"} | more,
        database_url=database_url,
        state_dir=str(folder),
        public_url=PUBLIC,
        channel="twilio",
        twilio_account_sid=double.account_sid,
        twilio_auth_token=double.auth_token,
        twilio_from=double.number,
        twilio_api_base=double.base_url,
        sms_wording="detailed",
    )


@dataclass
class World:
    """See the module. Phones are the made-up school's; `phones["officer"]` is on duty for the student's college."""

    parts: Parts
    clock: ManualClock
    double: TwilioDouble
    client: FlaskClient
    phones: Phones
    school: School
    _seen: int = field(default=0)

    @classmethod
    def make(cls, database_url: str, folder: Path, school: School | None = None, **more: Any) -> World:
        """An empty ledger with the made-up school in it."""
        clock = ManualClock(START)
        holder: list[FlaskClient] = []

        def post(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> int:
            # A client of its own for each call: callbacks come from several threads.
            client = holder[0].application.test_client()
            return client.post(url.removeprefix(PUBLIC), data=dict(form), headers=dict(headers)).status_code

        double = TwilioDouble.start(
            auth_token=TOKEN, now=clock.now, post=post, message_webhook=f"{PUBLIC}/webhooks/twilio/message"
        )
        keep_secrets(folder / "secrets.json")
        settings = settings_for(database_url, folder, double, **more)
        migrate(settings.database_url)
        parts = build_parts(settings, given=clock)
        school = school or demo_school()
        with parts.ledger.begin("roster") as uow:
            enrol(uow, school, settings)
        parts.spooler.refresh_list()
        app = build_app(parts)
        app.config["TESTING"] = False
        app.jinja_env.bytecode_cache = TEMPLATES
        holder.append(app.test_client())
        phones = Phones(double, {person.key: person.phone for person in school.people if person.phone})
        world = cls(parts, clock, double, holder[0], phones, school)
        phones._pump = world.pump
        world._name_the_main_characters()
        return world

    def _name_the_main_characters(self) -> None:
        """By what they are in this story, found as the service finds them."""
        with self.parts.ledger.read() as conn:
            keys = self.parts.ledger.keys
            match = people.match(conn, keys, None, STUDENT_NO, people.Match())
            self.college = match.college or ""
            counselor = people.by_id(conn, keys, [match.counselor])
            self._add("counselor", counselor)
            self._add("stand_in", people.by_id(conn, keys, [counselor[0].stand_in]))
            for name in ("officer", "backup", "desk", "college_duty", "deputy_secretary", "office"):
                on_duty = people.on_duty(conn, match.college, name, self.clock.now(), self.parts.ledger.zone)
                self._add(name, people.by_id(conn, keys, on_duty))
        self.phones.add("student", f"+86{STUDENT}")

    def _add(self, name: str, found: list[people.Person]) -> None:
        if found and found[0].phone:
            self.phones.add(name, found[0].phone)

    def close(self) -> None:
        self.double.release()
        self.parts.sender.stop()
        self.double.close()  # callbacks that are under way would open connections anew
        self.parts.ledger.engine.dispose()

    # What happens

    def pump(self) -> None:
        """Let everything that is due now happen, until nothing is left to do. As in a process, the clock's glance
        says who has something to do: hundreds of thousands of looks in vain would be half of all behaviour tests."""
        clock = self.parts.clock
        while True:
            self.parts.spooler.ask()
            self.parts.spooler.tick()
            if self.parts.spooler.silent:
                return  # the ledger is away
            found = clock.seen()
            worked = "open" in found and run_open(self.parts.ledger, self.handlers)
            due = [steps for steps in (clock.escalation, clock.own, clock.asking) if clock.is_due(steps, found)]
            for steps in due:
                clock.tick(steps)
            if worked or due:
                found = clock.seen()  # they have written
            if not ("texts" in found and self.parts.sender.drain()) and not worked:
                return

    @property
    def handlers(self) -> Any:
        from services.handlers import HANDLERS

        return HANDLERS

    def advance(self, seconds: float) -> None:
        """Time passes, and what fell due in it happens."""
        self.clock.advance(seconds)
        self.phones.catch_up()

    def until(self, seconds: float) -> None:
        """Advance to so many seconds after the start of the test."""
        self.advance((START + timedelta(seconds=seconds) - self.clock.now()).total_seconds())

    # What is done

    def report(self, key: str | None = None, **changes: Any) -> Report:
        """A report by the API; `amount`, `when` … change the transfer, `phone`, `student_no` … the reporter."""
        answer = self.client.post(
            "/api/v1/reports", json=body(**changes), headers={"Idempotency-Key": key} if key else {}
        )
        assert answer.status_code in (200, 201), answer.text
        made = answer.get_json()
        return Report(self, made["case"], made["status_url"].removeprefix(PUBLIC + "/r/"), made["duplicate"])

    def user(self, name: str, role: str, phone: str | None = None, college: str | None = None) -> FlaskClient:
        """A signed-in member of staff, with a browser of their own."""
        with self.parts.ledger.begin("user") as uow:
            found = people.by_phone(uow.conn, uow.keys, phone) if phone else []
            made = accounts.add(uow, name, role, found[0].id if found else None, college)
        client = self.client.application.test_client()
        otp = pyotp.TOTP(made.totp_secret).at(self.clock.now())
        form = {"username": name, "password": made.password, "otp": otp, "csrf_token": csrf(client, "/login")}
        assert client.post("/login", data=form).status_code == 303
        return client

    def press(self, client: FlaskClient, path: str, **form: str) -> TestResponse:
        """A button on a page of the staff's."""
        return client.post(path, data={**form, "csrf_token": csrf(client, "/login")})

    def call_the_student(self, report: Report) -> None:
        """The counselor has reached the student: their obligation is settled and their first call not asked for."""
        with self.parts.ledger.begin("contact") as uow:
            case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
            contacts.record(uow, case, "call_30m", contacts.Said("yes"), "test")

    @contextmanager
    def another(self) -> Iterator[Parts]:
        """A second process over the same ledger, under the same clock."""
        parts = build_parts(self.parts.settings, given=self.clock)
        try:
            yield parts
        finally:
            parts.sender.stop()
            parts.ledger.engine.dispose()

    def use_provider(self, api_base: str | None = None, call_s: float = 10) -> None:
        """From now on texts go to this address (by default the double's), each call given up after `call_s`."""
        config = TwilioConfig(
            account_sid=self.double.account_sid,
            auth_token=self.double.auth_token,
            sender=self.double.number,
            api_base=api_base or self.double.base_url,
            callback_base=PUBLIC,
        )
        channel = TwilioChannel(config, connect_s=call_s, read_s=call_s, call_s=call_s)
        self.parts.sender._channels = {**self.parts.sender._channels, "provider": channel}
        self.parts.clock._channel = channel

    def person(self, key: str) -> str:
        """The id of somebody on the roster, as pages write it."""
        with self.parts.ledger.read() as conn:
            return str(conn.execute(select(t.people.c.id).where(t.people.c.key == key)).scalar_one())

    def alarms(self) -> list[str]:
        """Kinds of alarms that are up."""
        return [row.kind for row in self.rows("SELECT kind FROM alarms WHERE cleared_at IS NULL ORDER BY at")]

    def degraded(self) -> list[str]:
        found: list[str] = self.client.get("/readyz").get_json()["degraded"]
        return found

    def rows(self, query: str, **values: Any) -> list[Any]:
        """Look into the ledger."""
        with self.parts.ledger.read() as conn:
            return list(conn.execute(text(query), values).all())


@dataclass
class Report:
    world: World
    code: str
    token: str
    duplicate: bool

    def status(self) -> dict[str, Any]:
        answer = self.world.client.get(f"/api/v1/reports/{self.token}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.get_json()
        return shown

    def events(self, type_: str) -> list[Any]:
        """Data of this case's events of a type, in order."""
        query = select(t.case_events.c.data).join(t.cases, t.cases.c.id == t.case_events.c.case_id)
        query = query.where(t.cases.c.code == self.code, t.case_events.c.type == type_).order_by(t.case_events.c.seq)
        with self.world.parts.ledger.read() as conn:
            return list(conn.scalars(query))

    def texts(self, obligation: str = "police") -> list[Any]:
        """This obligation's alerts as rows of the ledger, in their order."""
        query = (
            select(t.deliveries)
            .join(t.obligations, t.obligations.c.id == t.deliveries.c.obligation_id)
            .join(t.cases, t.cases.c.id == t.obligations.c.case_id)
            .where(t.cases.c.code == self.code, t.obligations.c.kind == obligation)
            .order_by(t.deliveries.c.step, t.deliveries.c.id)
        )
        with self.world.parts.ledger.read() as conn:
            return list(conn.execute(query).all())

    def state(self, obligation: str) -> str:
        state: str = self.status()["obligations"][obligation]["state"]
        return state


REPORTER = ("phone", "name", "student_no", "college", "class", "for_whom", "victim_phone", "phone_unsafe")
TOP = ("kind", "fraud_type", "narrative", "called_110", "language")


_frauds = itertools.count(10_000)  # far from the numbers that tests write out


def another_fraud() -> dict[str, str]:
    """Changes that make a report of the made-up student one of its own: another phone, another account."""
    n = next(_frauds)
    return {"phone": f"139{n:08}", "payee_account": f"6217 {n // 10**8:04} {n // 10**4 % 10**4:04} {n % 10**4:04}"}


def body(**changes: Any) -> dict[str, Any]:
    """A complete report as the API takes it, by the made-up student, with changes."""
    transfer = {
        "amount": "38600.00",
        "when": "2026-11-24T14:32:00+08:00",
        "channel": "bank",
        "payee_account": "6217 0000 0000 4417",
        "payee_name": "某人",
    }
    report: dict[str, Any] = {"reporter": {"phone": STUDENT, "student_no": STUDENT_NO}, "transfers": [transfer]}
    for name, value in changes.items():
        if name in REPORTER:
            report["reporter"][name] = value
        elif name in TOP or name == "transfers":
            report[name] = value
        else:
            transfer[name] = value
    return report


def csrf(client: FlaskClient, page: str) -> str:
    """The token of a page's form, as a browser would send it back."""
    html = client.get(page).text
    return html.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'stopline.db'}"
