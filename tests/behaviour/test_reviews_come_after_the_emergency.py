"""The traceback review (倒查): afterwards, by the office, of the case's own steps; what was written stands for good."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from ledger import tables as t
from ledger.figures import college
from ledger.police import reviews
from ledger.store import anchors
from services.compose import anchor_file
from tests.behaviour.door_tools import contents, shared_world
from tests.behaviour.export_tools import seal
from tests.behaviour.test_drills_touch_nobody import end, start
from tests.behaviour.test_the_counselor_s_record import contact, counselor
from tests.behaviour.test_two_numbers import reports
from tests.world import Report, World, another_fraud

UNREVIEWED = "/desk/figures/unreviewed"
SAID = "值守手机静音，第一条短信没人看到"


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Here nobody reads the texts, as the other `world` asks."""
    yield from shared_world(request, tmp_path_factory)


@pytest.fixture
def office(world: World) -> FlaskClient:
    return world.user("guard", "security", world.phones["office"].number)


@pytest.fixture
def officer(world: World) -> FlaskClient:
    return world.user("ouyang", "officer", world.phones["officer"].number)


def page(report: Report) -> str:
    return f"/duty/{report.code}/review"


def words(client: FlaskClient, report: Report) -> str:
    answer = client.get(page(report))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text.split("<main", 1)[1]))


def write(world: World, client: FlaskClient, report: Report, step: str = "acknowledged", text: str = SAID) -> int:
    return world.press(client, page(report), step=step, text=text).status_code


def is_open(client: FlaskClient, report: Report) -> bool:
    """Whether it shows steps and takes a review."""
    shown = client.get(page(report)).text
    assert ("用了多久" in shown) == ("<textarea" in shown)
    return "<textarea" in shown


def new(world: World, **changes: str) -> Report:
    report = world.report(**(another_fraud() | changes))
    world.pump()
    return report


def decided(world: World, officer: FlaskClient, outcome: str = "stopped") -> Report:
    """Taken 3 minutes after the report, the reporter reached after 5 more, filed after 10, decided after 20."""
    report = new(world)
    for minutes, form in ((3, {}), (5, {"progress": "contacted"}), (10, {"progress": "filed"}),
                          (20, {"outcome": outcome, "amount": "1"})):  # fmt: skip
        world.clock.advance(minutes * 60)
        world.press(officer, f"/duty/{report.code}/{'outcome' if form else 'acknowledge'}", **form)
    world.pump()
    return report


def test_the_steps_of_a_case_with_their_minutes(world: World, office: FlaskClient, officer: FlaskClient) -> None:
    report = decided(world, officer)
    shown = words(office, report)
    for step in ("转出 开始 11-24 14:32", "报告 8 分钟 11-24 14:40", "首条短信发出 0 分钟", "接单 3 分钟 11-24 14:43",
                 "联系报案人 5 分钟", "报送止付 10 分钟", "结果 20 分钟 用时最长 11-24 15:18"):  # fmt: skip
        assert step in shown, step
    world.press(officer, f"/duty/{report.code}/outcome", outcome="registered", number="A1")
    assert words(office, report) == shown, "what decides nothing is no step"


def test_what_became_of_a_review_is_said_on_its_own_page_alone(
    world: World, office: FlaskClient, officer: FlaskClient
) -> None:
    """The page of the case has other words for what was done to it."""
    report = decided(world, officer)
    write(world, office, report)
    assert "已记录" in words(office, report)
    write(world, office, report, "filed")
    assert "没有记录" not in office.get(f"/duty/{report.code}").text


def test_what_is_not_known_is_said_and_takes_no_time(world: World, office: FlaskClient) -> None:
    report = new(world, when="30min")
    world.press(office, f"/duty/{report.code}/close")
    shown = words(office, report)
    assert "转出 没有记录" in shown and "报告 不知道用了多久 11-24 14:40" in shown and "接单 没有记录" in shown


def test_never_before_the_emergency_is_over(world: World, office: FlaskClient, officer: FlaskClient) -> None:
    report = new(world)
    takes, goes_on = (f"/duty/{report.code}/{deed}" for deed in ("acknowledge", "outcome"))
    for path, progress in ((takes, ""), (goes_on, "contacted"), (goes_on, "filed")):
        assert not is_open(office, report)
        assert "倒查" not in office.get(f"/duty/{report.code}").text
        before = contents(world, "access_log")
        assert write(world, office, report) == 303
        assert "没有记录：处置还没有结束" in office.get(page(report)).text
        assert contents(world, "access_log") == before
        world.press(officer, path, progress=progress)
    world.press(officer, f"/duty/{report.code}/outcome", outcome="refused_name")
    assert not is_open(office, report), "a stop that was refused is to be filed again"
    world.press(officer, f"/duty/{report.code}/outcome", outcome="stopped")
    assert is_open(office, report)
    assert page(report) in office.get(f"/duty/{report.code}").text


@pytest.mark.parametrize("danger", ["unsafe", "immediate"])
def test_nor_while_the_student_is_in_danger(
    world: World, office: FlaskClient, officer: FlaskClient, danger: str
) -> None:
    report, mine = decided(world, officer), counselor(world)
    assert is_open(office, report)
    if danger == "unsafe":
        world.client.post(f"/r/{report.token}/unsafe")
        world.pump()
        assert not is_open(office, report)
        contact(world, mine, report)
    else:
        contact(world, mine, report, danger="yes")
        world.pump()
        assert not is_open(office, report)
        world.press(mine, f"/desk/followups/{report.code}/safe")
    assert is_open(office, report)


def test_a_further_transfer_takes_the_emergency_up_again(
    world: World, office: FlaskClient, officer: FlaskClient
) -> None:
    report = decided(world, officer)
    assert write(world, office, report) == 303
    world.client.post(f"/r/{report.token}/more/transfer", data={"amount": "500"})
    world.pump()
    assert not is_open(office, report)


def test_a_drill_is_never_reviewed(world: World, office: FlaskClient) -> None:
    drill = start(world, college="WY", phones="1")
    end(world, drill)
    world.pump()
    assert "演练不倒查" in office.get(f"/duty/{drill.code}/review").text
    assert world.press(office, f"/duty/{drill.code}/review", step="filed", text=SAID).status_code == 303
    assert world.rows("SELECT 1 FROM case_events WHERE type = 'case.reviewed.v1'") == []
    assert reports(world).over == 0


def test_several_reviews_stand_one_under_the_other_and_none_is_overwritten(
    world: World, office: FlaskClient, officer: FlaskClient
) -> None:
    report, second = decided(world, officer), world.user("second", "admin")
    for client, step, text in (
        (office, "acknowledged", SAID),
        (second, "filed", "银行要求补材料"),
        (office, "filed", SAID),
    ):
        assert write(world, client, report, step, text) == 303
    shown = words(office, report)
    found = [shown.index(it) for it in ("guard 可以更快：接单", "second 可以更快：报送止付", "银行要求补材料")]
    assert found == sorted(found) and shown.count(SAID) == 2 and "倒查记录 3" in shown
    events = report.events("case.reviewed.v1")
    assert events == [{"step": "acknowledged"}, {"step": "filed"}, {"step": "filed"}]
    file = anchor_file(world.parts.settings)
    anchors.anchor(world.parts.ledger, file)
    with world.parts.ledger.read() as conn:
        assert list(anchors.verify(conn, world.parts.ledger.keys, file)) == []


def test_a_page_that_is_sent_twice_is_one_review(world: World, office: FlaskClient, officer: FlaskClient) -> None:
    report = decided(world, officer)
    for _ in range(2):
        assert write(world, office, report) == 303
    assert write(world, world.user("second", "security"), report) == 303  # somebody else found the same
    assert len(report.events("case.reviewed.v1")) == 2


@pytest.mark.parametrize(("step", "text", "said"), [
    ("", SAID, "请选择哪一步"), ("transferred", SAID, "请选择哪一步"), ("x" * 5000, SAID, "请选择哪一步"),
    ("filed", " \x00 ", "请写明哪里可以更快"),
])  # fmt: skip
def test_what_is_missing_is_asked_for_and_what_was_typed_stays(
    world: World, office: FlaskClient, officer: FlaskClient, step: str, text: str, said: str
) -> None:
    report = decided(world, officer)
    answer = world.press(office, page(report), step=step, text=text)
    assert answer.status_code == 422 and said in answer.text
    assert (SAID in answer.text) == (text == SAID) and ("checked" in answer.text) == (step == "filed")
    assert report.events("case.reviewed.v1") == []


def test_the_words_are_sealed_with_the_case_s_key(world: World, office: FlaskClient, officer: FlaskClient) -> None:
    report = decided(world, officer)
    write(world, office, report)
    with world.parts.ledger.begin("spoil") as uow:
        row = uow.conn.execute(select(t.case_events).where(t.case_events.c.type == "case.reviewed.v1")).mappings().one()
        assert SAID.encode() not in row["sealed"]
        assert uow.case(row["case_id"]).key.open("case_events", row["id"], "sealed", row["sealed"]) == SAID
        uow.conn.execute(update(t.case_events).where(t.case_events.c.id == row["id"]).values(sealed=b"x" * 40))
    assert "有内容读不出" in words(office, report)


def test_only_the_office_reads_and_writes_it_and_each_reading_is_logged(
    world: World, office: FlaskClient, officer: FlaskClient
) -> None:
    report = decided(world, officer)
    others = {role: world.user(f"one-{role}", role, None, "WY") for role in ("counselor", "psychologist", "leader")}
    for name, client in {"officer": officer, **others}.items():
        assert (client.get(page(report)).status_code, write(world, client, report)) == (403, 403), name
        assert page(report) not in client.get("/desk", follow_redirects=True).text
    assert page(report) not in officer.get(f"/duty/{report.code}").text
    before = len(world.rows("SELECT 1 FROM access_log WHERE action = 'review.read'"))
    office.get(page(report))
    [*_, row] = world.rows("SELECT object FROM access_log WHERE action = 'review.read' ORDER BY id")
    assert row.object.startswith("case:") and before + 1 == len(
        world.rows("SELECT 1 FROM access_log WHERE action = 'review.read'")
    )
    assert office.get("/duty/NSUCH/review").status_code == 404


def test_it_reads_nothing_of_care_or_family(world: World, office: FlaskClient, officer: FlaskClient) -> None:
    report = decided(world, officer)
    seal(world, report, family="父母在外地", money_source="借的学费", narrative="先是刷单")
    contact(world, counselor(world), report, note="室友陪着", need="food")
    shown = words(office, report)
    for private in ("父母", "学费", "刷单", "室友", "饭钱", "138", "6217", "某人"):
        assert private not in shown, private


def test_the_figures_say_how_many_cases_that_are_over_have_a_review(
    world: World, office: FlaskClient, officer: FlaskClient
) -> None:
    written, _, closed = decided(world, officer), decided(world, officer), new(world)
    refused, open_ = decided(world, officer, "refused_other"), new(world)
    world.press(office, f"/duty/{closed.code}/close")
    assert (reports(world).reviewed, reports(world).over) == (0, 3)
    for _ in range(2):
        write(world, office, written, "filed", SAID)
        write(world, office, written, "alerted", SAID)
    it = reports(world)
    assert (it.reviewed, it.over, it.year) == (1, 3, 5)
    listed = office.get("/desk/figures").text
    assert page(written) in listed and page(closed) in listed and "已写" in listed and "还没写" in listed
    assert page(refused) not in listed and page(open_) not in listed
    leader = world.user("dean", "leader", None, "WY").get("/desk/figures").text
    assert written.code in leader and "/review" not in leader and "1 / 3" in leader


def test_cases_of_a_year_without_a_review_are_listed_oldest_first(
    world: World, office: FlaskClient, officer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, first, second = (decided(world, officer) for _ in range(3))
    open_, theirs = new(world), new(world, student_no="2026020104")
    world.press(office, f"/duty/{theirs.code}/close")
    write(world, office, written, "filed", SAID)
    drill = start(world, college="WY", phones="1")
    end(world, drill)
    world.clock.advance(100 * 86400)  # so that the figures list none of them any more
    later = world.user("xuanyuan", "security")
    shown, figures = (later.get(path).text for path in (UNREVIEWED, "/desk/figures"))
    assert page(first) not in figures and f'href="{UNREVIEWED}"' in figures
    assert shown.index(page(first)) < shown.index(page(second)) < shown.index(page(theirs))
    assert not [it for it in (written, open_, drill) if it.code in shown]
    leader = world.user("dean", "leader", None, "WY").get(UNREVIEWED).text
    assert first.code in leader and theirs.code not in leader and "/review" not in leader
    monkeypatch.setattr(college, "LISTED", 2)
    shown = later.get(UNREVIEWED).text
    assert "只列最早 2 件" in shown and page(theirs) not in shown
    world.clock.advance(266 * 86400)
    assert "没有。" in world.user("another", "admin").get(UNREVIEWED).text
    assert "没有填学院" in world.user("nobody's", "leader").get(UNREVIEWED).text


def test_money_that_never_went_is_reviewed_once_it_is_closed(world: World, office: FlaskClient) -> None:
    report = world.report(kind="in_progress", transfers=[])
    world.pump()
    assert not is_open(office, report)
    world.press(office, f"/duty/{report.code}/close")
    assert is_open(office, report) and "接手" in words(office, report)


def test_every_step_has_words_in_both_languages(world: World, office: FlaskClient, officer: FlaskClient) -> None:
    report = decided(world, officer)
    for step in reviews.STEPS[1:]:
        write(world, office, report, step, f"about {step}")
    english = office.get(f"{page(report)}?lang=en").text
    assert not [step for step in reviews.STEPS if f"</b> {step}" in english or f"quicker: {step}" in english]
    assert "First text sent" in english and "longest" in english
