"""`stopline erase`: nobody can read, find or ring anything of the case any more, what counts stays, and it is refused
for as long as somebody may still need it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, select, update

from ledger import codes
from ledger import tables as t
from ledger.erasure import erasing, holds
from ledger.errors import NotAllowed
from ledger.figures import oversight
from ledger.pages import simulated
from ledger.staff.accounts import User
from ledger.store import alarms, anchors
from ledger.texts import claims, deliveries, settling
from ledger.texts.calls import Outcome
from services.compose import anchor_file, build_ledger
from services.texts import renderer
from tests.behaviour import erasing_tools as tools
from tests.behaviour.door_tools import contents
from tests.behaviour.erasing_tools import LATER, OFFICE, SAID, Run, events_of, found, full, id_of, of, over
from tests.behaviour.stories import SQLITE, read_all, reported
from tests.behaviour.test_one_spoiled_row_hides_no_other import spoil
from tests.world import Report, World

WHY = ("--reason", "request", "--by", OFFICE)


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return tools.runs(world, monkeypatch, capsys)


@pytest.fixture
def office(world: World) -> FlaskClient:
    return world.user(OFFICE, "security", world.phones["office"].number)


def anchored(world: World) -> list[str]:
    """Anchors what there is; the breaks of the chain."""
    file = anchor_file(world.parts.settings)
    while anchors.anchor(world.parts.ledger, file):
        pass
    with world.parts.ledger.read() as conn:
        return list(anchors.verify(conn, world.parts.ledger.keys, file))


def figures(world: World) -> Any:
    somebody = User(t.new_id(), "somebody", "security", None, None, 0)
    with world.parts.ledger.read() as conn:
        return oversight.figures(conn, somebody, world.clock.now(), world.parts.ledger.zone)


def erased(world: World, code: str) -> bool:
    with world.parts.ledger.read() as conn:
        return erasing.erased_at(conn, id_of(world, code)) is not None


def test_nothing_of_it_can_be_read_or_found_any_more_and_what_counts_stays(
    world: World, run: Run, office: FlaskClient
) -> None:
    report, other = full(world, office), over(world, narrative="鹦鹉留下")
    before, there = figures(world), found(world, report)
    assert set(there) == {*SAID, *LATER, "victim", "account", "link", "key"}, "the search itself finds all of it"
    assert anchored(world) == []
    status, said, _ = run("erase", report.code, *WHY, "--yes")
    assert status == 0 and f"{report.code} is erased" in said
    assert not any(secret in said for secret in (*SAID.values(), *LATER.values()))
    assert found(world, report) == {}
    for table in ("uploads", "centre_notes", "screenings", "screening_consents", "reopenings"):
        assert world.rows(f"SELECT count(*) AS n FROM {table}")[0].n == 0, table
    assert (figures(world), anchored(world)) == (before, [])
    assert events_of(world, report.code)[-1] == "case.erased.v1"
    [why] = report.events("case.erased.v1")
    assert (why["reason"], why["unfinished"]) == ("request", []) and set(why) == {"reason", "by", "unfinished", "drill"}
    assert world.rows("SELECT object FROM access_log WHERE action = 'case.erase'")[0].object.startswith("case:")
    with world.parts.ledger.begin("look") as uow:
        assert of(uow, other.code).readable("narrative") == "鹦鹉留下"
    ledger, _ = build_ledger(world.parts.settings, given=world.clock)  # and the service starts
    ledger.engine.dispose()


def test_nobody_is_asked_to_review_it_any_more(world: World, run: Run, office: FlaskClient) -> None:
    report, other = over(world), over(world)
    assert run("erase", report.code, *WHY, "--yes")[0] == 0
    listed = office.get("/desk/figures/unreviewed").text
    assert other.code in listed and report.code not in listed
    counted = office.get("/desk/figures").text  # there it stays: what counts is kept
    assert report.code in counted and "个人信息已删除" in counted
    assert f"/duty/{other.code}/review" in counted and f"/duty/{report.code}/review" not in counted


def test_its_pages_say_that_it_is_gone_and_its_link_finds_nothing(world: World, run: Run, office: FlaskClient) -> None:
    report, _other = full(world, office), over(world)
    sums = world.rows("SELECT sum(amount_fen) AS fen FROM transfers")[0].fen
    assert run("erase", report.code, *WHY, "--yes")[0] == 0
    pages = ("/duty/{}", "/duty/{}/sheet", "/duty/{}/sheet.pdf", "/duty/{}/sheet.json", "/duty/{}/review")
    for page in (*pages, "/desk/followups/{}"):
        assert office.get(page.format(report.code)).status_code == 410, page
    for page in ("/desk/board", "/desk/followups", "/duty", "/desk/figures", "/desk/exports", "/simulator"):
        assert office.get(page).status_code in (200, 404), page
    for path in (f"/r/{report.token}", f"/r/{report.token}/more", f"/api/v1/reports/{report.token}"):
        assert world.client.get(path).status_code == 404
    with world.parts.ledger.read() as conn:
        shown = str(simulated.phones(conn, world.parts.ledger.keys))
    assert not any(secret in shown for secret in (*SAID.values(), *LATER.values()))
    form = {"code": report.code, "phone": SAID["phone"], "digits": "123456"}
    assert world.client.post("/reopen/check", data=form).status_code == 422
    assert world.rows("SELECT sum(amount_fen) AS fen FROM transfers")[0].fen == sums
    world.advance(3 * 86400)
    world.phones.assert_all_read()  # and nobody is rung for it, or told of it


def test_what_waits_to_be_sent_or_done_is_cancelled(world: World, run: Run, office: FlaskClient) -> None:
    report, d, w = over(world), t.deliveries.c, t.work.c
    with world.parts.ledger.begin("waits") as uow:
        case = of(uow, report.code)
        for kind, state in (("student", "pending"), ("officer", "failed_temporary"), ("counselor", "sending")):
            mine = update(t.deliveries).where(d.case_id == case.id, d.kind == kind)
            lease = uow.now if state == "sending" else None
            again = {
                "state": state,
                "available_at": uow.now,
                "lease_until": lease,
                "expires_at": uow.now + timedelta(1),
            }
            assert uow.conn.execute(mine.values(**again)).rowcount == 1, kind
        events = select(t.case_events.c.id).where(t.case_events.c.case_id == case.id)
        uow.conn.execute(update(t.work).where(w.event_id.in_(events), w.queue == "care").values(state="open"))
        uow.conn.execute(update(t.work).where(w.event_id.in_(events), w.queue == "police").values(state="parked"))
        alarms.alarm(uow, "parked:x", "work_parked", "police: x", case.id)
    assert run("erase", report.code, *WHY, "--yes")[0] == 0
    assert {row.state for row in world.rows("SELECT state FROM work")} == {"done"}
    states = {row.kind: row.state for row in world.rows("SELECT kind, state FROM deliveries")}
    assert (states["student"], states["officer"], states["counselor"]) == ("cancelled", "cancelled", "unknown")
    world.advance(120)
    assert world.alarms() == []
    world.phones.assert_all_read()


def test_twice_is_harmless_and_the_same_report_may_come_again(world: World, run: Run, office: FlaskClient) -> None:
    report = full(world, office)
    assert run("erase", report.code, *WHY, "--yes")[0] == 0
    kept = contents(world)
    status, said, _ = run("erase", report.code, *WHY, "--yes")
    assert (status, contents(world)) == (0, kept) and "erased already" in said
    again = world.report(key="the-key", for_whom="other", when="2026-11-24T14:32:00+08:00", **SAID)
    assert again.code != report.code and not again.duplicate
    world.pump()
    read_all(world)


def test_a_number_of_the_student_s_keeps_its_texts_while_another_case_of_theirs_stays(
    world: World, run: Run, office: FlaskClient
) -> None:
    report = over(world, phone=SAID["phone"])
    other = over(world, phone=SAID["phone"], payee_account="6217 0000 0000 9999")
    world.double.reply(f"+86{SAID['phone']}", LATER["student"])
    read_all(world)
    texted = "SELECT count(*) AS n FROM inbound WHERE body_sealed IS NOT NULL"
    assert run("erase", report.code, *WHY, "--yes")[0] == 0
    assert world.rows(texted)[0].n == 1
    assert run("erase", other.code, *WHY, "--yes")[0] == 0
    assert world.rows(texted)[0].n == 0


def test_numbers_that_no_column_holds_are_known_too(world: World, run: Run, office: FlaskClient) -> None:
    """A safe one to which nothing was sent, and the one that was put right from the link."""
    safe, later = "13912340008", "13912340009"
    report, other = over(world, phone=SAID["phone"], phone_unsafe=True), over(world, phone_unsafe=True)
    for code in (report.code, other.code):
        with world.parts.ledger.begin("safe") as uow:
            case = of(uow, code)
            sealed = case.key.seal("cases", case.id, "safe_phone", f"+86{safe}")
            uow.change(t.cases, case.id, safe_phone_sealed=sealed)
    world.client.post("/reopen", data={"code": other.code, "phone": phone_of(world, other.code)})  # a text to it
    world.client.post(f"/r/{report.token}/more/phone", data={"phone": later})
    read_all(world)
    for number in (SAID["phone"], safe, later):
        world.double.reply(f"+86{number}", LATER["student"])
    read_all(world)
    texted = "SELECT count(*) AS n FROM inbound WHERE body_sealed IS NOT NULL"
    assert world.rows(texted)[0].n == 3
    assert run("erase", report.code, *WHY, "--yes")[0] == 0
    assert world.rows(texted)[0].n == 1, "the safe one is another student's as well"
    assert run("erase", other.code, *WHY, "--yes")[0] == 0
    assert world.rows(texted)[0].n == 0


def phone_of(world: World, code: str) -> str:
    with world.parts.ledger.begin("look") as uow:
        return (of(uow, code).readable("phone") or "").removeprefix("+86")


def test_what_the_provider_says_afterwards_brings_nothing_back(world: World, run: Run, office: FlaskClient) -> None:
    """Of a text that a sender had in hand, and of one that was delivered late: by its id it would be found there."""
    report, d = over(world), t.deliveries.c
    with world.parts.ledger.begin("waits") as uow:
        mine = update(t.deliveries).where(d.case_id == of(uow, report.code).id, d.kind == "student")
        again = {"state": "pending", "sid": None, "available_at": uow.now, "expires_at": uow.now + timedelta(1)}
        assert uow.conn.execute(mine.values(**again)).rowcount == 1
    [made] = claims.claim(world.parts.ledger, 1, 3, renderer(world.parts.settings, world.clock))
    assert run("erase", report.code, *WHY, "--yes")[0] == 0
    settling.settle(world.parts.ledger, Outcome(made, "sent", sid="SM1"))
    with world.parts.ledger.begin("status") as uow:
        deliveries.report(uow, made.id, "SM1", "delivered", None)
    assert world.rows("SELECT count(*) AS n FROM deliveries WHERE sid IS NOT NULL")[0].n == 0
    assert [row.state for row in world.rows("SELECT state FROM deliveries WHERE kind = 'student'")] == ["unknown"]


def test_every_table_that_hangs_on_a_case_is_thought_of() -> None:
    """A new one has to be erased, or to hold nothing of anybody, before it is put here."""
    hanging, tables = {"cases"}, t.metadata.sorted_tables  # parents come first
    for table in tables:
        if any(key.column.table.name in hanging for key in table.foreign_keys):
            hanging.add(table.name)
    emptied = {"cases", "transfers", "deliveries", "inbound", "contacts", "follow_ups", "spooled"}
    gone = {"uploads", "reopenings", "centre_notes", "screenings", "screening_consents"}
    of_no_person = {"obligations", "case_events", "work", "alarms"}
    assert hanging == emptied | gone | of_no_person


@SQLITE
def test_it_asks_and_a_dry_run_only_says(world: World, run: Run, office: FlaskClient) -> None:
    report = over(world, days=10)
    kept = contents(world)
    for words, typed, status in (((), None, 1), ((), "y", 1), (("--dry-run", "--yes"), None, 0)):
        done, said, _ = run("erase", report.code, *WHY, *words, typed=typed)
        assert (done, contents(world)) == (status, kept)
        assert report.code in said and "0 days ago" in said and "follow-up closed 跟进结案 2026-11-14" in said
    assert run("erase", report.code, *WHY, typed=report.code.lower())[0] == 0
    assert erased(world, report.code)


@SQLITE
@pytest.mark.parametrize("name, role", [("nobody", None), ("murong", "counselor")])
def test_who_answers_for_it_is_of_the_office(
    world: World, run: Run, office: FlaskClient, name: str, role: str | None
) -> None:
    report = over(world)
    if role:
        world.user(name, role)
    for words in (("erase", report.code, "--reason", "request", "--yes"), ("hold", report.code, "--reason", "appeal")):
        status, said, wrong = run(*words, "--by", name)
        assert (status, said) == (1, "") and f"no account '{name}' of the office" in wrong and "没有这个" in wrong
    assert not erased(world, report.code)


@SQLITE
def test_a_code_that_is_nobody_s_or_was_given_by_the_spool_is_named(
    world: World, run: Run, office: FlaskClient
) -> None:
    report = over(world)
    with world.parts.ledger.begin("spooled") as uow:
        uow.conn.execute(
            t.spooled.insert().values(
                code="ZK7M3", code_fold=codes.fold("ZK7M3"), token_hash=b"x", taken_at=uow.now,
                case_id=of(uow, report.code).id,
            )
        )  # fmt: skip
    assert run("erase", "K7M3P", *WHY)[2] == "there is no case K7M3P 没有这个编号\n"
    assert f"ZK7M3 was given while the ledger was away; here it is: {report.code}" in run("erase", "ZK7M3", *WHY)[2]
    assert run("erase", report.code, *WHY, "--yes")[0] == 0
    assert world.rows("SELECT token_hash FROM spooled")[0].token_hash != b"x"


def unsafe(world: World, report: Report) -> None:
    world.client.post(f"/r/{report.token}/unsafe")
    with world.parts.ledger.begin("record") as uow:
        uow.conn.execute(update(t.follow_ups).values(closed_at=uow.now))


def changed(world: World, report: Report, table: str, **values: Any) -> None:
    of_it = t.metadata.tables[table]
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(of_it).where(of_it.c.case_id == of(uow, report.code).id).values(**values))


def held(world: World, report: Report, why: str) -> None:
    with world.parts.ledger.begin("hold") as uow:
        holds.place(uow, of(uow, report.code), why, t.new_id(), "test")


def counselor(world: World, report: Report) -> None:
    o = t.obligations.c
    with world.parts.ledger.begin("test") as uow:
        mine = update(t.obligations).where(o.case_id == of(uow, report.code).id, o.kind == "counselor")
        uow.conn.execute(mine.values(state="acknowledged"))


def police(world: World, report: Report) -> None:
    """The office opens it again."""
    world.press(world.user("guard", "security"), f"/duty/{report.code}/reopen")


def registered(world: World, report: Report, outcome: str = "registered") -> None:
    """立案 is recorded while the case is open; that is closed again, and the police have it for years."""
    o = t.obligations.c
    with world.parts.ledger.begin("owned") as uow:
        case = of(uow, report.code)
        mine = update(t.obligations).where(o.case_id == case.id, o.kind == "police")
        uow.conn.execute(mine.values(owner_id=uow.conn.scalar(select(t.people.c.id).where(t.people.c.key == "O04"))))
    guard = world.user("guard", "security")
    world.press(guard, f"/duty/{report.code}/reopen")
    form = {"transfer": "1", "outcome": outcome, "number": "受案7788"}
    assert world.press(guard, f"/duty/{report.code}/outcome", **form).status_code == 303
    assert world.press(guard, f"/duty/{report.code}/close").status_code == 303


BARRED: dict[str, Callable[[World, Report], None]] = {
    "follow_up": lambda world, report: changed(world, report, "follow_ups", closed_at=None),
    "police": police,
    "stop": lambda world, it: changed(world, it, "transfers", stop_ends_at=world.clock.now() + timedelta(hours=1)),
    "danger": unsafe,
    "counselor": counselor,
    "hold_police": registered,
    "hold_appeal": lambda world, report: held(world, report, "appeal"),
    "hold_other": lambda world, report: held(world, report, "other"),
}


@pytest.mark.parametrize("bar", BARRED)
def test_it_is_refused_in_both_languages_while_somebody_may_need_it(
    world: World, run: Run, office: FlaskClient, bar: str
) -> None:
    report = over(world)
    BARRED[bar](world, report)
    read_all(world)
    kept = contents(world)
    status, _, wrong = run("erase", report.code, *WHY, "--yes")
    assert (status, contents(world)) == (1, kept)
    assert all(words in wrong for words in erasing.BARS[bar]), wrong
    with pytest.raises(NotAllowed), world.parts.ledger.begin("erase") as uow:  # nor where it came up meanwhile
        erasing.erase(uow, id_of(world, report.code), "request", t.new_id())
    assert contents(world) == kept


@SQLITE
def test_a_drill_is_nobody_s(world: World, run: Run, office: FlaskClient) -> None:
    report = over(world)
    with world.parts.ledger.begin("drill") as uow:
        uow.change(t.cases, of(uow, report.code).id, drill=True)
    assert "a drill holds nobody's data" in run("erase", report.code, *WHY, "--yes")[2]


@pytest.mark.parametrize("why", holds.REASONS)
def test_a_hold_ends_when_somebody_says_so(world: World, run: Run, office: FlaskClient, why: str) -> None:
    report = over(world)
    hold = ("hold", report.code, "--reason", why, "--by", OFFICE)
    status, said, _ = run(*hold)
    assert status == 0 and f"held for 保留: {why}\n" in said
    assert run("erase", report.code, *WHY, "--yes")[0] == 1
    again = run(*hold)
    assert again[0] == 0 and "as before 未变" in again[1]
    assert events_of(world, report.code).count("case.held.v1") == 1
    status, said, _ = run(*hold, "--release")
    assert status == 0 and "held for 保留: nothing 无" in said
    assert run("erase", report.code, *WHY, "--yes")[0] == 0
    assert run(*hold)[0] == 1, "nothing is left to be held"


@pytest.mark.parametrize("outcome", ["registered", "frozen"])
def test_a_case_of_the_police_is_held_by_itself_until_it_is_said_to_be_over(
    world: World, run: Run, office: FlaskClient, outcome: str
) -> None:
    """What they freeze goes back to whoever lost it, as far as anybody knows by then who that was."""
    report = over(world)
    registered(world, report, outcome)
    read_all(world)
    assert run("erase", report.code, *WHY, "--yes")[0] == 1
    assert run("hold", report.code, "--reason", "police", "--by", OFFICE, "--release")[0] == 0
    assert run("erase", report.code, *WHY, "--yes")[0] == 0


@contextmanager
def failing_at(world: World, nth: int) -> Iterator[list[str]]:
    """The process is killed before its nth write: what it wrote until then."""
    written: list[str] = []

    def count(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("UPDATE", "DELETE", "INSERT", "WITH")):
            if len(written) == nth:
                raise KeyboardInterrupt
            written.append(statement)

    event.listen(world.parts.ledger.engine, "before_cursor_execute", count)
    try:
        yield written
    finally:
        event.remove(world.parts.ledger.engine, "before_cursor_execute", count)


def test_whoever_dies_in_the_middle_leaves_it_whole(world: World, office: FlaskClient) -> None:
    report = full(world, office)
    case_id, kept, nth = id_of(world, report.code), contents(world), 0
    while not erased(world, report.code):
        with failing_at(world, nth):
            try:
                with world.parts.ledger.begin("erase") as uow:
                    erasing.erase(uow, case_id, "request", t.new_id())
            except KeyboardInterrupt:
                assert contents(world) == kept, f"after {nth} writes"
        nth += 1
    assert nth > 12
    assert found(world, report) == {}


@pytest.mark.parametrize("row_key", [b"", b"\xff:x"])
def test_a_case_whose_key_is_gone_is_ended_and_nobody_is_told_that_it_was_done(
    world: World, run: Run, office: FlaskClient, row_key: bytes
) -> None:
    report = reported(world)
    world.client.post(f"/r/{report.token}/unsafe")
    world.pump()
    read_all(world)
    spoil(world, report.code, row_key=row_key)
    status, _, wrong = run("erase", report.code, *WHY, "--yes")
    assert status == 1 and "--key-is-gone" in wrong and "恢复" in wrong and "the follow-up record is open" in wrong
    status, said, _ = run("erase", report.code, *WHY, "--yes", "--key-is-gone")
    assert status == 0 and "will be ended, though not done" in said and "a student may be in danger" in said
    [why] = report.events("case.erased.v1")
    assert why["unfinished"] == ["danger", "police", "counselor", "follow_up"]
    assert "followup.closed.v1" not in (types := events_of(world, report.code)) and "case.closed.v1" not in types
    assert [row.state for row in world.rows("SELECT DISTINCT state FROM obligations ORDER BY state")] == [
        "closed",
        "done",
    ]
    assert world.rows("SELECT state FROM follow_ups")[0].state == "closed"
    assert world.alarms() == []
    world.advance(5 * 86400)
    world.phones.assert_all_read()
    assert anchored(world) == []
    for page in ("/desk/board", "/desk/followups", "/duty"):
        assert report.code not in office.get(page).text


def test_what_is_open_is_ended_only_where_the_key_is_gone_and_nothing_holds_it(
    world: World, run: Run, office: FlaskClient
) -> None:
    report = reported(world)
    read_all(world)
    status, _, wrong = run("erase", report.code, *WHY, "--yes", "--key-is-gone")
    assert status == 1 and "its key is there" in wrong and "密钥还在" in wrong
    with world.parts.ledger.begin("erase") as uow, pytest.raises(NotAllowed, match="its key is there"):
        erasing.erase(uow, id_of(world, report.code), "request", t.new_id(), gone=True)
    held(world, report, "appeal")
    spoil(world, report.code, row_key=b"")
    assert "an appeal is open" in run("erase", report.code, *WHY, "--yes", "--key-is-gone")[2]
    assert not erased(world, report.code)
