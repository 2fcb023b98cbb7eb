"""A stop that comes in after the owner has done something is owed like the first one: reminded of, then another's."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from ledger.ready.auditing import audit
from tests.behaviour.stories import SQLITE, only_police_ring, opened_again, read_all, taken
from tests.behaviour.test_a_transfer_after_the_outcome import press, record, states
from tests.behaviour.test_drills_touch_nobody import start
from tests.world import Report, World

PROGRESS = pytest.mark.parametrize("progress", ["contacted", "filed", "accepted_110"])


def add(world: World, report: Report, page: str = "another", amount: str = "500") -> None:
    form = {"page": page, "amount": amount, "payee_account": "6217 0000 0000 4418", "payee_name": "李四"}
    assert world.client.post(f"/r/{report.token}/more/transfer", data=form).status_code == 303


def added(world: World, report: Report, page: str = "another") -> None:
    """A further transfer, of which the owner has read."""
    add(world, report, page)
    world.phones["officer"].expects(report.code, "新增转账")


def is_reminded(world: World, *words: str, after: float = 600) -> None:
    """So many seconds from now, and not before."""
    world.advance(after - 1)
    world.phones.assert_all_read()
    world.advance(1)
    for name in ("officer", "office"):
        world.phones[name].expects("尚无进展", "5分钟后转他人", *words)


def is_moved_on(world: World, report: Report, to: str = "backup", *words: str) -> None:
    world.advance(299)
    world.phones.assert_all_read()
    world.advance(1)
    world.phones["officer"].expects(report.code, "15分钟无进展", "已转其他警官")
    world.phones[to].expects("紧急止付", report.code, *words)


def is_left_alone(world: World) -> None:
    """But for one who reached the reporter and filed nothing, who is told so once: see the filing deadline."""
    world.advance(3600)
    for text in world.phones.unread():
        if "尚未报送" in text.body:
            world.phones.mark_read(text)
    world.phones.assert_all_read()


def at_work(world: World, officer: FlaskClient, progress: str = "filed") -> Report:
    """Progress was pressed in time, and an hour went by."""
    report = taken(world)
    press(world, officer, report, progress)
    is_left_alone(world)
    return report


@PROGRESS
def test_of_a_transfer_that_comes_in_after_progress_its_owner_is_reminded_and_then_another_is_rung(
    world: World, officer: FlaskClient, progress: str
) -> None:
    report = at_work(world, officer, progress)
    before = report.status()
    added(world, report)
    shown = report.status()["obligations"]["police"]
    assert shown == before["obligations"]["police"] | {"owed_since": "2026-11-24T07:40:00.000Z"}
    assert report.status()["state"] == before["state"]
    is_reminded(world, report.code, "新增第2笔已10分钟", "欧阳警官")
    is_moved_on(world, report, "backup", "（新增第2笔）", "500元")  # of that alone
    assert states(report) == ("alerted", "alerted")
    assert report.status()["obligations"]["police"]["owed_since"] == shown["owed_since"]
    world.phones["backup"].replies(report.code).expects("由您接单")
    world.phones["officer"].expects("已有人接单", "上官警官")
    backup = world.user("shangguan", "officer", world.phones["backup"].number)
    press(world, backup, report, "filed")
    assert states(report) == ("filed", "filed")
    is_left_alone(world)


@PROGRESS
@pytest.mark.parametrize("again", ["contacted", "filed", "accepted_110"])
def test_progress_pressed_again_counts(world: World, officer: FlaskClient, progress: str, again: str) -> None:
    """Also where it changes no state."""
    report = at_work(world, officer, progress)
    added(world, report)
    is_reminded(world)
    press(world, officer, report, again)
    is_left_alone(world)
    furthest = "contacted" if {progress, again} == {"contacted"} else "filed"
    assert report.state("police") == furthest
    assert len(report.events("progress.recorded.v1")) == 2


def test_a_second_occasion_is_reminded_of_like_the_first(world: World, officer: FlaskClient) -> None:
    report = at_work(world, officer)
    for n in (2, 3):
        added(world, report, f"page {n}")
        is_reminded(world, f"新增第{n}笔已10分钟")
        press(world, officer, report, "filed")
        is_left_alone(world)
    assert report.state("police") == "filed"


def test_five_transfers_within_a_minute_are_one_clock_from_the_first_on(world: World, officer: FlaskClient) -> None:
    report = at_work(world, officer)
    for n in range(5):
        add(world, report, f"page {n}", str(500 + n))
        world.advance(10)
    world.phones["officer"].expects("新增转账")
    world.advance(20)
    world.phones["officer"].expects("新增转账")  # what followed within a minute, in one text
    is_reminded(world, "新增第2笔", after=530)
    is_moved_on(world, report)


def test_one_that_comes_in_before_any_progress_changes_no_clock(world: World) -> None:
    report = taken(world)
    world.advance(300)
    added(world, report)
    is_reminded(world, "接单已10分钟", after=300)
    is_moved_on(world, report)


def test_one_that_comes_in_before_anybody_has_the_case_is_its_owner_s_with_the_others(world: World) -> None:
    report = only_police_ring(world)
    world.advance(60)
    added(world, report)
    world.until(119)
    world.phones.assert_all_read()
    world.until(120)  # the ladder keeps its times
    world.phones["officer"].expects("第2次提醒")
    world.phones["backup"].expects("紧急止付", report.code)
    world.phones["officer"].replies(report.code).expects("由您接单")
    world.phones["backup"].expects("已有人接单")
    is_reminded(world, "接单已10分钟")
    is_moved_on(world, report, "desk")


def test_an_outcome_of_the_first_is_no_progress_with_the_second_and_one_of_the_second_is(
    world: World, officer: FlaskClient
) -> None:
    report = at_work(world, officer)
    added(world, report)
    world.advance(60)
    record(world, officer, report, "stopped", 1)
    is_reminded(world, "新增第2笔", after=540)
    record(world, officer, report, "registered", 2)  # decides nothing, but somebody is at work on it
    is_left_alone(world)
    assert states(report) == ("filed", "filed")


def test_an_outcome_before_any_progress_leaves_what_came_in_since(world: World, officer: FlaskClient) -> None:
    """The clock then counts from when that came in."""
    report = taken(world)
    world.advance(120)
    added(world, report)
    world.advance(60)
    record(world, officer, report, "too_late", 1)
    assert report.state("police") == "acknowledged"
    is_reminded(world, "新增第2笔", after=540)
    record(world, officer, report, "stopped", 2)
    assert states(report) == ("done", "stopped")
    is_left_alone(world)


def test_of_two_the_one_without_an_outcome_is_owed_from_its_own_time(world: World, officer: FlaskClient) -> None:
    report = at_work(world, officer)
    added(world, report, "second")
    world.advance(300)
    added(world, report, "third")
    record(world, officer, report, "too_late", 2)
    is_reminded(world, "新增第3笔")


def test_a_button_of_a_page_that_was_open_before_it_came_in_is_no_progress_with_it(
    world: World, officer: FlaskClient
) -> None:
    report = taken(world)
    shown = officer.get(f"/duty/{report.code}").text
    assert shown.count('name="seen" value="1"') == 3
    world.advance(60)
    added(world, report)
    for path, form in (("outcome", {"progress": "filed"}), ("voice", {"voice": "called"})):
        assert world.press(officer, f"/duty/{report.code}/{path}", seen="1", **form).status_code == 303
    assert report.state("police") == "filed"
    is_reminded(world, "新增第2笔")
    assert officer.get(f"/duty/{report.code}").text.count('name="seen" value="2"') == 3
    world.press(officer, f"/duty/{report.code}/outcome", progress="filed", seen="2")
    is_left_alone(world)


def test_nor_does_it_close_the_case_over_it(world: World, officer: FlaskClient) -> None:
    report = at_work(world, officer)
    added(world, report)
    close = f"/duty/{report.code}/close"
    assert world.press(officer, close, seen="1").status_code == 303
    assert "没有结案" in officer.get(f"/duty/{report.code}").text and report.state("police") == "filed"
    is_reminded(world)
    world.press(officer, close, seen="2")
    assert states(report) == ("done", "closed")


@SQLITE
def test_a_number_that_no_page_wrote_counts_as_having_seen_all(world: World, officer: FlaskClient) -> None:
    report = at_work(world, officer)
    added(world, report)
    world.press(officer, f"/duty/{report.code}/outcome", progress="filed", seen="-1; 一")
    is_left_alone(world)


def test_after_outcome_and_progress_a_further_one_is_owed_in_the_state_it_had(
    world: World, officer: FlaskClient
) -> None:
    report = at_work(world, officer)
    record(world, officer, report)
    taken_at = report.status()["obligations"]["police"]["acknowledged_at"]
    added(world, report)
    assert states(report) == ("filed", "filed")
    assert report.status()["obligations"]["police"]["acknowledged_at"] == taken_at
    is_reminded(world, "新增第2笔已10分钟")
    is_moved_on(world, report)


@pytest.mark.parametrize("outcome", ["refused_name", "refused_other"])
def test_a_refused_stop_that_had_been_filed_and_is_opened_again_is_owed_again(
    world: World, officer: FlaskClient, office: FlaskClient, outcome: str
) -> None:
    report = at_work(world, officer)
    record(world, officer, report, outcome)
    opened_again(world, office, report)
    assert states(report) == ("filed", "refused")
    is_reminded(world, "又有止付要办已10分钟")
    is_moved_on(world, report)
    assert states(report) == ("alerted", "refused")


@pytest.mark.parametrize("progress", ["contacted", "filed"])
def test_what_waited_for_the_bank_when_it_was_closed_waits_on(
    world: World, officer: FlaskClient, office: FlaskClient, progress: str
) -> None:
    report = at_work(world, officer, progress)
    opened_again(world, office, report)
    is_left_alone(world)
    assert report.state("police") == progress


def test_one_that_came_in_before_the_closing_is_owed_once_the_office_opens_it(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = at_work(world, officer)
    added(world, report)
    world.press(office, f"/duty/{report.code}/close")
    is_left_alone(world)
    assert report.status()["obligations"]["police"]["owed_since"] is None
    world.press(office, f"/duty/{report.code}/reopen")
    assert states(report) == ("filed", "filed")
    is_reminded(world)
    is_moved_on(world, report)


@pytest.mark.parametrize("outcome", [None, "stopped"])
def test_one_whose_amount_nobody_can_read_is_owed_too(world: World, officer: FlaskClient, outcome: str | None) -> None:
    report = at_work(world, officer)
    if outcome:
        record(world, officer, report, outcome)
    before = report.status()["state"]
    add(world, report, amount="很多")
    world.phones["officer"].expects(report.code, "其他信息")
    assert states(report) == ("filed", before)
    is_reminded(world, "又有止付要办已10分钟")
    press(world, officer, report, "contacted")
    is_left_alone(world)
    assert states(report) == ("done" if outcome else "filed", before)


@pytest.mark.parametrize("by", ["its own time", "a page from before"])
def test_one_without_a_place_on_the_sheet_is_owed_whatever_becomes_of_those_that_have_one(
    world: World, officer: FlaskClient, by: str
) -> None:
    report = taken(world)
    world.advance(60)
    seen = re.findall(r'name="seen" value="(\d+)"', officer.get(f"/duty/{report.code}").text)[0]
    add(world, report, amount="很多")
    world.phones["officer"].expects(report.code, "其他信息")
    if by == "its own time":
        record(world, officer, report)
    else:
        assert world.press(officer, f"/duty/{report.code}/outcome", progress="filed", seen=seen).status_code == 303
    before = {"its own time": ("acknowledged", "acknowledged"), "a page from before": ("filed", "filed")}[by]
    assert states(report) == before
    is_reminded(world, "又有止付要办已10分钟")
    seen = re.findall(r'name="seen" value="(\d+)"', officer.get(f"/duty/{report.code}").text)[0]
    assert world.press(officer, f"/duty/{report.code}/outcome", progress="contacted", seen=seen).status_code == 303
    is_left_alone(world)
    if by == "a page from before":
        record(world, officer, report)
    assert states(report) == ("done", "stopped")


def test_one_that_came_before_anybody_took_the_case_is_asked_for_as_well(world: World, officer: FlaskClient) -> None:
    report = only_police_ring(world)
    add(world, report, amount="很多")
    world.phones["officer"].expects(report.code, "其他信息")
    world.phones["officer"].replies(report.code).expects("由您接单")
    for n in range(2):  # put right once
        record(world, officer, report, ("stopped", "stopped_empty")[n])
        assert states(report) == ("acknowledged", "acknowledged")
    is_reminded(world)
    press(world, officer, report, "contacted")
    is_left_alone(world)
    assert states(report) == ("done", "stopped_empty")


def test_whom_one_without_a_place_rang_anew_is_done_when_they_have_asked(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = at_work(world, officer)
    record(world, officer, report)
    world.press(office, f"/duty/{report.code}/close")
    add(world, report, amount="很多")
    world.phones["officer"].expects(report.code).replies(report.code).expects("由您接单")
    read_all(world)
    press(world, officer, report, "filed")
    assert states(report) == ("done", "stopped")
    is_left_alone(world)


def test_what_has_no_place_on_the_sheet_is_owed_again_when_the_office_opens_the_case(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = taken(world)
    add(world, report, amount="很多")
    read_all(world)
    record(world, officer, report)
    opened_again(world, office, report)
    is_reminded(world)
    press(world, officer, report, "contacted")
    is_left_alone(world)


@pytest.mark.parametrize("first", ["the transfer", "the refusal"])
def test_a_refusal_is_done_once_what_has_no_place_on_the_sheet_was_asked_for(
    world: World, officer: FlaskClient, first: str
) -> None:
    report = taken(world)

    def comes_in() -> None:
        add(world, report, amount="很多")
        read_all(world)

    def is_refused() -> None:
        record(world, officer, report, "refused_name")

    for step in (comes_in, is_refused) if first == "the transfer" else (is_refused, comes_in):
        step()
        world.advance(60)
    assert report.state("police") == "acknowledged"
    press(world, officer, report, "contacted")
    assert states(report) == ("done", "refused")
    is_left_alone(world)


def test_a_refused_stop_that_the_office_opened_again_is_not_done_by_a_word_on_another(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = at_work(world, officer)
    record(world, officer, report, "refused_name")
    world.advance(60)
    opened_again(world, office, report)
    add(world, report, amount="很多")
    read_all(world)
    press(world, officer, report, "contacted")
    assert states(report)[0] == "filed"
    is_left_alone(world)


@pytest.mark.parametrize("word", ["frozen", "registered"])
def test_a_word_on_a_transfer_that_is_stopped_ends_nothing_of_a_refused_one_to_be_filed_anew(
    world: World, officer: FlaskClient, office: FlaskClient, word: str
) -> None:
    report = at_work(world, officer)
    added(world, report)
    record(world, officer, report, "stopped")
    record(world, officer, report, "refused_name", 2)
    assert states(report) == ("done", "stopped")
    opened_again(world, office, report)
    record(world, officer, report, word)
    assert states(report) == ("filed", "stopped")
    is_reminded(world, "尚无进展", after=600)
    record(world, officer, report, "refused_other", 2)
    assert states(report) == ("done", "stopped")


def test_who_gets_one_of_two_refused_stops_through_is_at_work_on_both(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = at_work(world, officer)
    added(world, report)
    for position in (1, 2):
        record(world, officer, report, "refused_name", position)
    opened_again(world, office, report)
    record(world, officer, report, "stopped")
    assert states(report) == ("filed", "stopped")
    is_left_alone(world)
    record(world, officer, report, "stopped", 2)
    assert states(report) == ("done", "stopped")


@pytest.mark.parametrize("word", ["stopped", "registered"])
def test_a_word_on_a_transfer_that_came_later_is_no_progress_with_a_refused_stop_to_be_filed_anew(
    world: World, officer: FlaskClient, office: FlaskClient, word: str
) -> None:
    report = at_work(world, officer)
    record(world, officer, report, "refused_name")
    opened_again(world, office, report)
    world.advance(60)
    added(world, report)
    record(world, officer, report, word, 2)
    assert states(report)[0] == "filed"
    is_reminded(world, after=540)


@pytest.mark.parametrize("word", ["stopped", "registered"])
def test_a_word_on_a_stop_to_be_filed_anew_is_progress_where_something_was_said_of_all_others(
    world: World, officer: FlaskClient, office: FlaskClient, word: str
) -> None:
    report = at_work(world, officer)
    added(world, report)
    record(world, officer, report, "refused_name")
    record(world, officer, report, "registered", 2)
    opened_again(world, office, report)
    record(world, officer, report, word)
    assert states(report)[0] == "filed"
    is_left_alone(world)


def test_a_refused_stop_of_a_case_that_was_closed_again_is_not_waited_for(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = at_work(world, officer)
    record(world, officer, report, "refused_name")
    for deed in ("close", "reopen", "close"):
        world.press(office, f"/duty/{report.code}/{deed}")
    add(world, report)
    world.phones["officer"].expects("紧急止付", report.code).replies(report.code).expects("由您接单")
    record(world, officer, report, "stopped", 2)
    assert states(report) == ("done", "stopped")
    read_all(world)


def test_what_decides_nothing_of_a_refused_stop_is_no_progress_with_one_of_which_nothing_is_known(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = at_work(world, officer)
    record(world, officer, report, "refused_name")
    added(world, report)
    world.advance(60)
    opened_again(world, office, report)
    record(world, officer, report, "registered")
    assert states(report) == ("filed", "filed")
    is_reminded(world, after=600)


def test_one_that_comes_in_while_a_refused_stop_is_owed_changes_no_clock(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = at_work(world, officer)
    record(world, officer, report, "refused_name")
    opened_again(world, office, report)
    world.advance(480)
    added(world, report)
    assert states(report) == ("filed", "filed")
    is_reminded(world, "又有止付要办已10分钟", after=120)
    is_moved_on(world, report)


@SQLITE
@pytest.mark.parametrize(
    ("slug", "form"),
    [("correct", {"payee_name": "王五"}), ("time", {"when": "14:32:10"}), ("bank", {"payee_bank": "示例银行"})],
)
def test_a_correction_is_no_new_stop(world: World, officer: FlaskClient, slug: str, form: dict[str, str]) -> None:
    report = at_work(world, officer)
    data = {"page": slug, "transfer": "1", **form}
    assert world.client.post(f"/r/{report.token}/more/{slug}", data=data).status_code == 303
    world.pump()
    for text in world.phones.unread():
        assert "补充" in text.body
        world.phones.mark_read(text)
    is_left_alone(world)


def test_a_page_that_is_sent_twice_is_one_occasion(world: World, officer: FlaskClient) -> None:
    report = at_work(world, officer)
    added(world, report)
    press(world, officer, report, "filed")
    add(world, report)
    is_left_alone(world)


def test_page_list_and_board_say_that_it_waits_and_the_buttons_are_there(
    world: World, officer: FlaskClient, office: FlaskClient
) -> None:
    report = at_work(world, officer)
    words = {
        f"/duty/{report.code}": ("第2笔，15:40新报，止付还没有进展", "Transfer 2 came in at 15:40: no progress"),
        "/duty": ("又有止付要办", "Another stop to file"),
        "/desk/board": ("又有止付要办", "Another stop is to be filed"),
        f"/r/{report.token}": ("又有止付要办", "Another stop is to be filed"),
    }

    def said() -> list[bool]:
        return [
            text in (world.client if path.startswith("/r/") else office).get(f"{path}?lang={lang}").text
            for path, both in words.items()
            for lang, text in zip(("zh", "en"), both, strict=True)
        ]

    assert not any(said())
    added(world, report)
    assert all(said())
    shown = officer.get(f"/duty/{report.code}").text
    assert all(f'name="progress" value="{it}"' in shown for it in ("contacted", "filed", "accepted_110"))
    world.advance(60)
    added(world, report, "third")
    for lang, several in (("zh", "第2笔等2笔，15:40起新报"), ("en", "Transfer 2 and 1 more came in from 15:40 on")):
        assert several in officer.get(f"/duty/{report.code}?lang={lang}").text
    press(world, officer, report, "filed")
    assert not any(said())


def test_a_clock_that_was_away_moves_it_on_at_once_and_one_that_is_late_is_seen(
    world: World, officer: FlaskClient
) -> None:
    report = at_work(world, officer)
    added(world, report)
    world.clock.advance(662)
    with world.parts.ledger.read() as conn:
        assert "1 obligations whose next step" in audit(conn, world.clock.now()).late[0]
    world.clock.advance(300)
    world.phones["officer"].expects("已转其他警官").expects_nothing()
    world.phones["backup"].expects(report.code)


def test_a_drill_has_the_same_clock_and_ends_by_itself(world: World, office: FlaskClient) -> None:
    drill = start(world, college="WY")
    world.pump()
    press(world, office, drill, "filed")
    add(world, drill)
    for seconds in (600, 300):
        world.advance(seconds)
    assert all(drill.events(f"case.owner_{it}.v1") for it in ("reminded", "released"))
    world.advance(3600)
    assert states(drill) == ("done", "closed")
    assert world.double.log == []
