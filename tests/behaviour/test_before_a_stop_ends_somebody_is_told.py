"""A stop holds the money for 48 hours, and once more: before it ends somebody is told, who can still do something."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ledger import deadlines
from ledger import tables as t
from ledger.errors import LedgerAway
from ledger.school import roster
from ledger.school.demo_school import demo_school
from ledger.store import failpoints
from tests.behaviour.stories import at_once, read_all, school_without, taken, world_with
from tests.behaviour.test_a_transfer_after_the_outcome import press, record
from tests.behaviour.test_drills_touch_nobody import start
from tests.world import START, Report, World, another_fraud

HOUR = 3600
EARLY, LAST, END = 42 * HOUR, 47 * HOUR, 48 * HOUR
Told = tuple[str, int, int]  # who (their key on the roster), hours that are left, how often it may be renewed


def told(report: Report) -> list[Told]:
    """The warnings of a case that were written, in order."""
    d, p, c = t.deliveries.c, t.people.c, t.cases.c
    query = select(p.key, d.facts, d.created_at).join(t.people, p.id == d.person_id).join(t.cases, c.id == d.case_id)
    query = query.where(c.code == report.code, d.kind == "lapse").order_by(d.created_at, p.key)
    with report.world.parts.ledger.read() as conn:
        return [(row.key, row.facts["hours_left"], row.facts["again"]) for row in conn.execute(query)]


def goes_by(world: World, seconds: float) -> None:
    """So much time since the start of the test; what others hear of meanwhile is other promises' business."""
    world.until(seconds)
    read_all(world)


def stopped_case(world: World, officer: FlaskClient, **changes: object) -> Report:
    report = taken(world, **changes)
    record(world, officer, report)
    return report


def press_again(world: World, by: FlaskClient, report: Report, n: int = 1, at: str = "") -> str:
    """再止付; what the page says then."""
    path = f"/duty/{report.code}"
    assert world.press(by, f"{path}/stop-again", transfer=str(n), stopped_at=at).status_code == 303
    return by.get(path).text


def of_transfer(world: World, report: Report, n: int = 1) -> tuple[timedelta | None, bool]:
    """When its stop ends, counted from the start of the test; whether it was renewed."""
    x, c = t.transfers.c, t.cases.c
    query = select(x.stop_ends_at, x.stop_renewed).join(t.cases, c.id == x.case_id)
    with world.parts.ledger.read() as conn:
        row = conn.execute(query.where(c.code == report.code, x.position == n)).one()
    return row.stop_ends_at and row.stop_ends_at - START, row.stop_renewed


def test_its_owner_is_told_six_hours_and_one_hour_before_and_in_the_last_the_office_too(
    world: World, officer: FlaskClient
) -> None:
    report = stopped_case(world, officer)
    goes_by(world, EARLY - 1)
    assert told(report) == []
    world.until(EARLY)
    world.phones["officer"].expects(f"{report.code}的止付26日14:40到期，还剩6小时，还可再止付1次。请办理并记录结果。")
    read_all(world)
    goes_by(world, LAST - 1)
    assert told(report) == [("O01", 6, 1)]
    world.until(LAST)
    for name in ("officer", "office"):
        world.phones[name].expects(f"{report.code}的止付26日14:40到期，还剩1小时，还可再止付1次")
    goes_by(world, END + 24 * HOUR)
    assert told(report) == [("O01", 6, 1), ("B01", 1, 1), ("O01", 1, 1)]
    ends = (START + timedelta(hours=48)).isoformat()
    assert report.events("outcome.recorded.v1")[0]["stop_ends_at"] == ends
    assert report.events("stop.ending.v1") == [
        {"transfers": [1], "stop_ends_at": ends, "told": 1},
        {"transfers": [1], "stop_ends_at": ends, "told": 2},
    ]


def test_a_stop_once_more_begins_another_48_hours_and_is_the_last(world: World, officer: FlaskClient) -> None:
    report = stopped_case(world, officer)
    goes_by(world, EARLY)
    assert "已记录。" in press_again(world, officer, report)
    assert of_transfer(world, report) == (timedelta(hours=90), True)
    goes_by(world, END + HOUR)
    assert told(report) == [("O01", 6, 1)]
    goes_by(world, 2 * EARLY)  # the night of another shift
    goes_by(world, EARLY + LAST)
    goes_by(world, EARLY + END + HOUR)
    assert told(report)[1:] == [("O01", 6, 0), ("O02", 6, 0), ("B01", 1, 0), ("O01", 1, 0), ("O02", 1, 0)]
    assert report.events("stop.renewed.v1") == [
        {"transfer": 1, "stop_ends_at": (START + timedelta(hours=90)).isoformat(), "drill": False}
    ]


def test_twice_is_all_there_is(world: World, officer: FlaskClient) -> None:
    report = stopped_case(world, officer)
    press_again(world, officer, report)
    goes_by(world, HOUR)
    assert "已经再止付过" in press_again(world, officer, report)
    assert of_transfer(world, report) == (timedelta(hours=48), True)
    assert len(report.events("stop.renewed.v1")) == 1
    assert 'action="/duty/' + report.code + '/stop-again"' not in officer.get(f"/duty/{report.code}").text


@pytest.mark.parametrize(
    "outcome",
    ["frozen", "returned", "stopped_empty", "already_stopped", "refused_name", "too_late", "not_fraud", "false_report"],
)
def test_an_outcome_that_needs_no_stop_any_more_ends_the_warnings(
    world: World, officer: FlaskClient, outcome: str
) -> None:
    report = stopped_case(world, officer)
    record(world, officer, report, outcome)
    assert of_transfer(world, report) == (None, False)
    goes_by(world, END + HOUR)
    assert told(report) == []


@pytest.mark.parametrize("outcome", ["registered", "accepted_110"])
def test_what_holds_no_money_ends_no_warnings(world: World, officer: FlaskClient, outcome: str) -> None:
    report = stopped_case(world, officer)
    goes_by(world, HOUR)
    world.press(officer, f"/duty/{report.code}/outcome", transfer="1", outcome=outcome, number="立2026-7")
    goes_by(world, EARLY)
    assert told(report) == [("O01", 6, 1)]


def test_the_amount_that_comes_later_moves_no_end(world: World, officer: FlaskClient) -> None:
    report = stopped_case(world, officer)
    goes_by(world, 10 * HOUR)
    record(world, officer, report)
    assert of_transfer(world, report) == (timedelta(hours=48), False)


def test_a_closed_case_is_told_of_all_the_same_and_may_be_stopped_once_more(world: World, officer: FlaskClient) -> None:
    report = stopped_case(world, officer)
    page = officer.get(f"/duty/{report.code}").text
    assert "止付到期前仍会提醒" in page
    world.press(officer, f"/duty/{report.code}/close", seen="1")
    assert report.status()["state"] == "closed"
    goes_by(world, EARLY)
    assert told(report) == [("O01", 6, 1)]
    assert "已记录。" in press_again(world, officer, report)
    assert report.status()["state"] == "closed"
    goes_by(world, END)
    assert told(report) == [("O01", 6, 1)]


def test_the_time_of_the_stop_counts_where_it_is_given(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    press(world, officer, report, "filed")
    goes_by(world, 2 * HOUR)
    outcome = {"transfer": "1", "outcome": "stopped", "amount": "100", "stopped_at": "15:10"}
    world.press(officer, f"/duty/{report.code}/outcome", **outcome)
    assert of_transfer(world, report) == (timedelta(hours=48, minutes=30), False)
    world.press(officer, f"/duty/{report.code}/outcome", **outcome | {"stopped_at": "2026-11-24 14:50", "amount": ""})
    assert of_transfer(world, report) == (timedelta(hours=48, minutes=10), False)
    press_again(world, officer, report, at="16:00")
    assert of_transfer(world, report) == (timedelta(hours=49, minutes=20), True)
    world.press(officer, f"/duty/{report.code}/outcome", **outcome | {"stopped_at": "16:10"})
    assert of_transfer(world, report) == (timedelta(hours=49, minutes=30), True)


@pytest.mark.parametrize("typed", ["昨晚", "14:99", "30min", "2026-11-24 20:00", "<b>", "９" * 80])
def test_a_time_that_says_nothing_is_told_beside_its_field_and_the_outcome_is_kept(
    world: World, officer: FlaskClient, typed: str
) -> None:
    report = taken(world)
    outcome = {"transfer": "1", "outcome": "stopped", "amount": "100"}
    world.press(officer, f"/duty/{report.code}/outcome", **outcome, stopped_at=typed)
    page = officer.get(f"/duty/{report.code}").text
    assert "止付时间没有用上" in page and 'id="stopped-1-bad"' in page and "已记录。" in page
    assert report.status()["state"] == "stopped"
    assert of_transfer(world, report) == (timedelta(hours=48), False)
    assert 'id="stopped-1-bad"' not in officer.get(f"/duty/{report.code}").text
    goes_by(world, HOUR)
    page = press_again(world, officer, report, at=typed)
    assert "止付时间没有用上" in page and 'id="stopped-1-bad"' in page
    assert of_transfer(world, report) == (timedelta(hours=49), True)


def test_one_that_is_over_when_it_is_recorded_warns_nobody_and_may_be_stopped_once_more(
    world: World, officer: FlaskClient
) -> None:
    report = taken(world)
    outcome = {"transfer": "1", "outcome": "stopped", "amount": "100", "stopped_at": "2026-11-22 09:00"}
    world.press(officer, f"/duty/{report.code}/outcome", **outcome)
    assert "已到期" in officer.get(f"/duty/{report.code}").text
    goes_by(world, HOUR)
    assert told(report) == []
    press_again(world, officer, report)
    assert of_transfer(world, report) == (timedelta(hours=49), True)


def test_of_one_that_ends_within_hours_its_owner_is_told_at_once(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    outcome = {"transfer": "1", "outcome": "stopped", "amount": "100", "stopped_at": "2026-11-22 19:00"}
    world.press(officer, f"/duty/{report.code}/outcome", **outcome)
    world.phones["officer"].expects("24日19:00到期，还剩4小时")
    assert told(report) == [("O01", 4, 1)]


def test_where_the_owner_is_not_on_duty_who_is_hears_it_too_and_may_read_the_case(
    world: World, officer: FlaskClient
) -> None:
    report = taken(world)
    press(world, officer, report, "filed")
    goes_by(world, 12 * HOUR)
    record(world, officer, report)  # so that six hours before its end is another's shift
    night = world.user("n", "officer", world.phones["backup"].number)
    assert night.get(f"/duty/{report.code}").status_code == 404  # nobody has rung them for it
    assert report.code not in night.get("/duty").text
    goes_by(world, 12 * HOUR + EARLY)
    assert told(report) == [("O01", 6, 1), ("O02", 6, 1)]
    assert "还可再止付1次" in night.get(f"/duty/{report.code}").text
    assert report.code in night.get("/duty").text
    assert "没有记录" in press_again(world, night, report)  # its owner and the office record
    assert of_transfer(world, report) == (timedelta(hours=60), False)


def test_where_the_owner_is_gone_who_is_on_duty_is_told(world: World, officer: FlaskClient) -> None:
    report = taken(world)
    press(world, officer, report, "filed")
    goes_by(world, 12 * HOUR)
    record(world, officer, report)
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(t.people).where(t.people.c.key == "O01").values(active=False))
    goes_by(world, 12 * HOUR + EARLY)
    assert told(report) == [("O02", 6, 1)]


@pytest.mark.parametrize("nobody", [("officer", "backup"), ("officer", "backup", "desk", "office")])
def test_where_nobody_is_on_duty_whoever_can_be_told_is(
    database_url: str, tmp_path: Path, nobody: tuple[str, ...]
) -> None:
    """And where nobody can be told at all, it is looked again until somebody can."""
    with world_with(database_url, tmp_path, demo_school()) as world:
        report = stopped_case(world, world.user("o", "officer", world.phones["officer"].number))
        with world.parts.ledger.begin("test") as uow:
            uow.conn.execute(update(t.people).where(t.people.c.key == "O01").values(active=False))
            roster.apply(uow, school_without(*nobody))
            uow.conn.execute(update(t.people).where(t.people.c.key == "O01").values(active=False))
        goes_by(world, EARLY)
        assert told(report) == ([] if "desk" in nobody else [("D01", 6, 1)])
        with world.parts.ledger.begin("test") as uow:
            roster.apply(uow, demo_school())
        goes_by(world, EARLY + HOUR)
        assert told(report)[-1] == (("O01", 5, 1) if "desk" in nobody else ("D01", 6, 1))
        assert len(told(report)) == 1


def test_after_an_outage_one_warning_is_told_at_once_if_the_stop_still_runs(world: World, officer: FlaskClient) -> None:
    report = stopped_case(world, officer)
    world.until(LAST + 1800)  # nobody looked for two days
    world.phones["officer"].expects("到期，剩余不足1小时")
    read_all(world)
    goes_by(world, END + HOUR)
    assert told(report) == [("B01", 0, 1), ("O01", 0, 1)]


def test_once_it_has_ended_nothing_is_sent_as_if_it_ran(world: World, officer: FlaskClient) -> None:
    report = stopped_case(world, officer)
    goes_by(world, END)
    assert told(report) == [] and report.events("stop.ending.v1") == []
    assert world.rows("SELECT 1 FROM transfers WHERE stop_look_at IS NOT NULL") == []
    page = officer.get(f"/duty/{report.code}").text
    assert "已到期" in page and "/stop-again" in page


def test_a_text_that_waits_out_an_outage_of_the_provider_says_what_is_left_then_or_nothing(
    world: World, officer: FlaskClient
) -> None:
    report = stopped_case(world, officer)
    world.until(EARLY - 60)
    read_all(world)
    world.use_provider("http://127.0.0.1:9")
    world.until(EARLY)
    world.use_provider()
    world.until(EARLY + 2 * HOUR)
    world.phones["officer"].expects("还剩4小时")
    read_all(world)
    world.use_provider("http://127.0.0.1:9")
    world.until(LAST)
    record(world, officer, report, "frozen")
    world.use_provider()
    world.until(LAST + 600)
    assert [it.body for it in world.phones.unread() if "到期" in it.body] == []
    read_all(world)


def test_three_clocks_tell_it_once(world: World, officer: FlaskClient) -> None:
    reports = [stopped_case(world, officer)]
    world.clock.advance(EARLY)
    with world.another() as second, world.another() as third:
        looks = [parts.ledger for parts in (world.parts, second, third)]
        for _ in range(3):
            at_once([lambda ledger=ledger: deadlines.look_at_a_stop(ledger) for ledger in looks])  # type: ignore[misc]
    assert [told(report) for report in reports] == [[("O01", 6, 1)]]
    read_all(world)


@pytest.mark.parametrize("where", ["before-commit", "after-commit"])
def test_a_clock_that_dies_over_it_leaves_one_text(
    world: World, officer: FlaskClient, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    report = stopped_case(world, officer)

    def dies(point: str, label: str) -> None:
        if (point, label) == (where, "look:stops"):
            raise LedgerAway("dead")

    with monkeypatch.context() as patched:
        patched.setattr(failpoints, "hit", dies)
        goes_by(world, EARLY)
    assert told(report) == ([] if where == "before-commit" else [("O01", 6, 1)])
    goes_by(world, EARLY + 60)
    assert told(report) == [("O01", 6, 1)]


def test_a_case_that_cannot_be_read_hides_no_other(world: World, officer: FlaskClient) -> None:
    lost, kept = stopped_case(world, officer), world.report(**another_fraud())
    read_all(world)
    world.call_the_student(kept)
    world.phones["officer"].replies(kept.code).expects("由您接单")
    record(world, officer, kept)
    with world.parts.ledger.begin("test") as uow:
        uow.conn.execute(update(t.cases).where(t.cases.c.code == lost.code).values(row_key=b"gone"))
    goes_by(world, EARLY)
    assert (told(lost), told(kept)) == ([], [("O01", 6, 1)])
    assert [row.reason for row in world.rows("SELECT reason FROM alarms WHERE reason LIKE 'stops%'")] == [
        "stops: KeyMissing"
    ]
    for hour in range(43, 50):
        goes_by(world, hour * HOUR)
    assert world.rows("SELECT 1 FROM transfers WHERE stop_look_at IS NOT NULL") == []


def test_a_drill_warns_nobody(world: World) -> None:
    drill = start(world, college="WY")
    world.phones.catch_up()
    world.press(world.user("s", "security"), f"/duty/{drill.code}/outcome", transfer="1", outcome="stopped")
    assert of_transfer(world, drill)[0] is not None
    assert world.rows("SELECT 1 FROM transfers WHERE stop_look_at IS NOT NULL") == []


TWO = [{"amount": "100"}, {"amount": "200"}]


def test_stops_of_one_sitting_are_one_text(world: World, officer: FlaskClient) -> None:
    report = taken(world, transfers=TWO)
    for n in (1, 2):
        record(world, officer, report, n=n)
        world.advance(300)
    world.until(EARLY)
    world.phones["officer"].expects(f"{report.code}有2笔止付26日14:40起到期，还剩6小时，还可再止付1次")
    read_all(world)
    goes_by(world, EARLY + 600)
    assert told(report) == [("O01", 6, 1)]
    record(world, officer, report, "frozen")
    world.until(LAST)
    read_all(world)
    world.until(LAST + 300)
    world.phones["officer"].expects(f"{report.code}第2笔止付26日14:45到期，还剩1小时")
    read_all(world)


def test_a_stop_gives_way_to_every_alert(world: World, officer: FlaskClient) -> None:
    stopped_case(world, officer)
    goes_by(world, EARLY)
    found = world.rows("SELECT DISTINCT kind, priority FROM deliveries WHERE kind IN ('officer', 'lapse')")
    priority = {row.kind: row.priority for row in found}
    assert priority["officer"] < priority["lapse"]


@pytest.mark.parametrize(("lang", "words"), [("zh", "还可再止付1次"), ("en", "may be stopped once more")])
def test_pages_say_until_when_it_is_held_and_whether_it_may_be_stopped_once_more(
    world: World, officer: FlaskClient, office: FlaskClient, lang: str, words: str
) -> None:
    report = stopped_case(world, officer)
    case = officer.get(f"/duty/{report.code}?lang={lang}").text
    assert "11-26 14:40" in case and words in case
    assert "11-26 14:40" in officer.get(f"/duty?lang={lang}").text
    assert "2026-11-26 14:40" in officer.get(f"/duty/{report.code}/sheet?lang={lang}").text
    sheet = officer.get(f"/duty/{report.code}/sheet.json").get_json()
    assert sheet["transfers"][0]["stop_ends_at"] == "2026-11-26T14:40:00+08:00"
    assert "11-26 14:40" in world.client.get(f"/r/{report.token}?lang={lang}").text
    assert "ending-1" not in office.get("/desk/board").text
    goes_by(world, EARLY)
    late = world.user("s2", "security")
    board = late.get(f"/desk/board?lang={lang}").text
    assert "ending-1" in board and words in board and "11-26 14:40" in board and "欧阳警官" in board


def test_a_student_reads_nothing_of_it_before_the_outcome_is_shown(world: World, officer: FlaskClient) -> None:
    report = taken(world, transfers=TWO)
    record(world, officer, report)
    assert "11-26" not in world.client.get(f"/r/{report.token}").text
    record(world, officer, report, "too_late", n=2)
    assert "11-26 14:40" in world.client.get(f"/r/{report.token}").text


def test_only_the_owner_or_the_office_records_a_second_stop(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = stopped_case(world, officer)
    for role, key in (("officer", "O03"), ("counselor", "C01")):
        stranger = world.user(key, role, world.phones[key].number)
        assert world.press(stranger, f"/duty/{report.code}/stop-again", transfer="1").status_code in (403, 404)
    assert "没有记录" in press_again(world, office, report, n=2)
    assert report.events("stop.renewed.v1") == []
    press_again(world, office, report)
    assert len(report.events("stop.renewed.v1")) == 1
