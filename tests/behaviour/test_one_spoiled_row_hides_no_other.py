"""A row that cannot be opened, by a disk's fault or since its key was destroyed, takes no other from a list with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update

from ledger import tables as t
from ledger.store import limits
from ledger.texts import deliveries
from services import inquiries
from services.worker import run_open
from tests.behaviour.stories import SQLITE, read_all, reported
from tests.world import World, another_fraud

UNREADABLE = {"destroyed": b"", "no text": b"\xff:x", "short": b"k"}
SPOILED = UNREADABLE | {"of a key that is gone": b"gone:" + bytes(60)}
LISTS = (
    ("security", "office", "/desk/board"), ("security", "office", "/desk/followups"),
    ("counselor", "counselor", "/desk/followups"), ("psychologist", None, "/desk/care"),
    ("officer", "officer", "/duty"), ("security", "desk", "/duty"),
    ("keeper", None, "/desk/ledger"),
)  # fmt: skip


@pytest.fixture
def codes(world: World) -> tuple[str, str]:
    """Two students who say that they are not safe, who stand in every list."""
    both = reported(world).code, world.report(**another_fraud()).code
    world.pump()
    with world.parts.ledger.begin("unsafe") as uow:
        uow.conn.execute(update(t.follow_ups).values(immediate=True, referred_at=uow.now))
    read_all(world)
    return both


def spoil(world: World, code: str, **values: bytes | None) -> None:
    with world.parts.ledger.begin("spoil") as uow:
        uow.conn.execute(update(t.cases).where(t.cases.c.code == code).values(**values))


@pytest.mark.parametrize("how", SPOILED)
def test_of_two_students_both_stand_in_every_list(world: World, codes: tuple[str, str], how: str) -> None:
    spoil(world, codes[0], row_key=SPOILED[how])
    for n, (role, who, path) in enumerate(LISTS):
        phone = world.phones[who].number if who else None
        staff = world.user(f"{role}{n}", role, phone, world.college if role in ("counselor", "keeper") else None)
        answer = staff.get(path)
        assert answer.status_code == 200, path
        assert [code in answer.text for code in codes] == [True, True], path


def test_a_spoiled_number_is_left_out_of_the_list(world: World, codes: tuple[str, str]) -> None:
    spoil(world, codes[0], phone_sealed=b"spoiled", victim_id=None)
    counselor = world.user("counselor", "counselor", world.phones["counselor"].number, world.college)
    assert all(code in counselor.get("/desk/followups").text for code in codes)


@pytest.mark.parametrize("page", ["/duty/{}", "/duty/{}/sheet", "/duty/{}/sheet.json", "/duty/{}/sheet.pdf"])
@pytest.mark.parametrize("language, words", [("zh", "这份记录打不开"), ("en", "This record cannot be opened")])
def test_its_own_page_says_that_trying_again_is_of_no_use(
    world: World, codes: tuple[str, str], page: str, language: str, words: str
) -> None:
    spoil(world, codes[0], row_key=b"")
    officer = world.user("officer", "officer", world.phones["officer"].number)
    answer = officer.get(page.format(codes[0]), query_string={"lang": language})
    said = answer.get_json()["detail"] if page.endswith(".json") else answer.text
    assert answer.status_code == 410 and words in said
    assert officer.get(page.format(codes[1])).status_code == 200


def test_an_answer_of_one_who_cannot_be_opened_is_kept_as_any_stranger_s(world: World, codes: tuple[str, str]) -> None:
    officer = world.phones["officer"]
    with world.parts.ledger.begin("spoil") as uow:
        index = uow.keys.blind("phone", officer.number)
        uow.conn.execute(update(t.people).where(t.people.c.phone_index == index).values(called_sealed=b"spoiled"))
    officer.replies(codes[0])
    with world.parts.ledger.read() as conn:
        assert len(conn.execute(select(t.inbound)).all()) == 1
    read_all(world)


@pytest.mark.parametrize("how", SPOILED)
def test_the_clock_climbs_on_for_the_other(world: World, how: str) -> None:
    spoiled, other = reported(world).code, world.report(**another_fraud()).code
    world.pump()
    spoil(world, spoiled, row_key=SPOILED[how])
    read_all(world)
    world.advance(200)
    assert any(other in text.body for text in world.phones.unread(world.phones["backup"].number))
    read_all(world)


def written(world: World) -> None:
    """All texts are written, and none is sent yet."""
    while run_open(world.parts.ledger, world.handlers):
        pass


@pytest.mark.parametrize(("how", "left", "said"), [
    *((how, "failed_permanent", "text_without_words") for how in UNREADABLE),
    ("of a key that is gone", "pending", "key_missing"),  # another process may have it
])  # fmt: skip
def test_a_text_that_cannot_be_opened_keeps_none_behind_it_waiting(
    world: World, how: str, left: str, said: str
) -> None:
    spoiled, other = world.report().code, world.report(**another_fraud()).code
    written(world)
    spoil(world, spoiled, row_key=SPOILED[how])
    world.parts.sender.drain()
    of = "SELECT DISTINCT d.state FROM deliveries d JOIN cases c ON c.id = d.case_id WHERE c.code = :code"
    assert [row.state for row in world.rows(of, code=spoiled)] == [left]
    assert {row.state for row in world.rows(of, code=other)} <= {"sent", "delivered"}
    assert said in world.alarms()
    read_all(world)


@pytest.mark.parametrize("how", UNREADABLE)
def test_a_text_given_up_makes_the_next_person_due_although_its_case_does_not_open(world: World, how: str) -> None:
    """Its key is put back from a backup: nobody waits for the next step of the ladder then."""
    report = world.report()
    written(world)
    key = world.rows("SELECT row_key FROM cases")[0].row_key
    spoil(world, report.code, row_key=UNREADABLE[how])
    world.parts.sender.drain()
    world.parts.clock.tick()
    assert "obligation_stuck" in world.alarms()
    spoil(world, report.code, row_key=bytes(key))
    world.advance(10)
    world.phones["backup"].expects(report.code)
    read_all(world)


def test_a_key_s_name_that_is_none_is_a_spoiled_row_and_holds_nothing_up(world: World) -> None:
    """Not one of another process, which would be waited for; nor can the name be written into an alarm."""
    spoiled, other = world.report().code, world.report(**another_fraud()).code
    written(world)
    with world.parts.ledger.read() as conn:
        key: bytes = conn.execute(select(t.cases.c.row_key).where(t.cases.c.code == spoiled)).scalar_one()
    spoil(world, spoiled, row_key=b"\x00" + key)
    world.parts.sender.drain()
    of = "SELECT DISTINCT d.state FROM deliveries d JOIN cases c ON c.id = d.case_id WHERE c.code = :code"
    assert [row.state for row in world.rows(of, code=spoiled)] == ["failed_permanent"]
    assert {row.state for row in world.rows(of, code=other)} <= {"sent", "delivered"}
    read_all(world)


def test_what_became_of_a_bundle_is_written_of_the_others_in_it(world: World) -> None:
    world.parts.ledger.limits = limits.Limits(burst=limits.burst("1/600"))
    _single, spoiled, other = (world.report(**another_fraud(), student_no="") for _ in range(3))
    written(world)
    spoil(world, spoiled.code, row_key=b"")
    world.advance(21)
    assert [text.state for text in other.texts()] == ["delivered"]
    assert other.state("police") == "alerted"
    read_all(world)


@pytest.mark.parametrize("which", ["earlier", "later"])
def test_of_one_fraud_the_others_are_told_who_has_it(world: World, which: str) -> None:
    three = [world.report().code for _ in range(3)]
    world.pump()
    read_all(world)
    spoil(world, three[0 if which == "earlier" else 2], row_key=b"")
    world.phones["officer"].replies(three[1])
    read_all(world)
    open_work = "SELECT w.queue FROM work w JOIN case_events e ON e.id = w.event_id JOIN cases c ON c.id = e.case_id "
    assert world.rows(open_work + "WHERE w.state <> 'done' AND c.code = :code", code=three[1]) == []


def test_who_is_rung_for_both_is_asked_which_they_mean(world: World, codes: tuple[str, str]) -> None:
    spoil(world, codes[0], row_key=b"")
    world.phones["officer"].replies("1").expects("您有2件待接", *codes)


def test_the_provider_is_asked_about_the_others_texts_and_its_own(world: World, codes: tuple[str, str]) -> None:
    """As if no callback had come. The latest is asked for first."""
    with world.parts.ledger.begin("unheard") as uow:
        lost = {"state": "sent", "delivered_at": None, "sent_at": uow.now - timedelta(seconds=40)}
        uow.conn.execute(update(t.deliveries).where(t.deliveries.c.kind == "officer").values(lost))
        latest = deliveries.unheard(uow.conn, uow.now)[0]["id"]
        its = select(t.deliveries.c.case_id).where(t.deliveries.c.id == latest).scalar_subquery()
        uow.conn.execute(update(t.cases).where(t.cases.c.id == its).values(row_key=b""))
    inquiries.ask(world.parts.ledger, world.parts.clock._channel)
    states = [row.state for row in world.rows("SELECT state FROM deliveries WHERE kind = 'officer' ORDER BY state")]
    assert states == ["delivered", "delivered"]


@pytest.mark.parametrize("which", [0, 1])
def test_a_drill_that_cannot_be_opened_keeps_no_other_from_ending(
    world: World, codes: tuple[str, str], which: int
) -> None:
    with world.parts.ledger.begin("drills") as uow:
        uow.conn.execute(update(t.cases).values(drill=True, received_at=uow.now - timedelta(hours=2)))
    spoil(world, codes[which], row_key=b"")
    world.clock.advance(11)
    world.parts.clock.tick()
    assert [row.code for row in world.rows("SELECT code FROM cases WHERE closed_at IS NOT NULL")] == [codes[1 - which]]
    read_all(world)


FIELDS = ("phone", "name", "narrative", "details", "unread")


@SQLITE
@pytest.mark.parametrize("field", FIELDS)
def test_one_spoiled_field_hides_no_other_fact_of_its_case(world: World, field: str) -> None:
    code = reported(world, narrative="客服说我订单异常").code
    read_all(world)
    spoil(world, code, **{f"{field}_sealed": b"spoiled"})
    officer = world.user("officer", "officer", world.phones["officer"].number)
    counselor = world.user("counselor", "counselor", world.phones["counselor"].number, world.college)
    duty, sheet, record = (staff.get(path.format(code)) for staff, path in (
        (officer, "/duty/{}"), (officer, "/duty/{}/sheet"), (counselor, "/desk/followups/{}")))  # fmt: skip
    assert [page.status_code for page in (duty, sheet, record)] == [200, 200, 200]
    assert all("4417" in page.text for page in (duty, sheet))
    assert officer.get(f"/duty/{code}/sheet.pdf").status_code == 200
    told = officer.get(f"/duty/{code}/sheet.json").get_json()
    assert told.get("unreadable", False) == (field in ("phone", "name", "narrative"))
    assert ("有内容读不出" in record.text) == (field in ("phone", "narrative", "details"))


@SQLITE
def test_a_spoiled_account_is_one_to_be_asked(world: World) -> None:
    code = (report := reported(world)).code
    read_all(world)
    with world.parts.ledger.begin("spoil") as uow:
        uow.conn.execute(update(t.transfers).values(payee_account_sealed=b"spoiled"))
    officer = world.user("officer", "officer", world.phones["officer"].number)
    for page in ("/duty/{}", "/duty/{}/sheet"):
        shown = officer.get(page.format(code)).text
        assert "有内容读不出，已标“待问”，请致电问清" in shown and "待问" in shown and "某人" in shown
        assert "还缺：账号" in shown and "都有" not in shown and "齐全" not in shown
    status = world.client.get(f"/r/{report.token}")
    assert status.status_code == 200 and "某人" in status.text


@SQLITE
def test_a_shift_that_cannot_be_read_takes_nobody_of_its_duty_away(world: World) -> None:
    """Whoever holds it is rung rather than nobody."""
    with world.parts.ledger.begin("spoil") as uow:
        officer = t.duties.c.role == "officer"
        held = uow.conn.execute(select(t.duties).where(officer)).mappings().first()
        assert held
        uow.conn.execute(insert(t.duties).values(**{**held, "id": t.new_id(), "days": "x"}))
    code = world.report().code
    world.pump()
    world.phones["officer"].expects(code)
    read_all(world)
