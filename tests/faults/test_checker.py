"""Each rule of the checker can fail, and is kept by a history in which all is well: hand-made ones, no service."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.checker import PROMISES, judge
from tests.faults.history import timeline
from tests.faults.outage_stories import STORIES
from tests.faults.story import AGAIN, BACKUP, CARE, CODE, COUNSELOR, DESK, OFFICER, PAGE, POLICE, SECOND, Story, well


def page_gone(story: Story) -> None:
    well(story)
    story.page, story.page_status = None, 404


def no_police_alert(story: Story) -> None:
    story.asks(100.0).taken(100.1).create(100.5, COUNSELOR, CARE, "d2").reply(101.0)


def no_counselor_alert(story: Story) -> None:
    story.asks(100.0).taken(100.1).create(100.5, OFFICER, POLICE, "d1").reply(101.0)


def no_follow_up(story: Story) -> None:
    well(story)
    story.page = {**PAGE, "obligations": {**PAGE["obligations"], "care": {"opened_at": None}}}  # type: ignore[dict-item]


def said_to_be_alerted_but_nobody_was(story: Story) -> None:
    story.asks(100.0).taken(100.1).create(100.5, COUNSELOR, CARE, "d2").create(190.0, OFFICER, POLICE, "d1")
    story.reply(191.0)


def stored_from_a_4xx(story: Story) -> None:
    well(story)
    story.asks(110.0, valid=False, key="k2", phone="13900000002").add(110.1, "fail", "report", key="k2", status=422)
    story.create(111.0, "+8613900000002", "【示例大学】已收到，编号K7M4P。请马上报警。", "d9")


def an_invalid_one_accepted(story: Story) -> None:
    well(story)
    story.asks(110.0, valid=False, key="k2", phone="13900000002").taken(110.1, case="K7M4P", key="k2", token="t2")


def two_cases_for_a_key(story: Story) -> None:
    well(story)
    story.add(110.0, "invoke", "replay", key="k1", door="api", valid=True, phone="13900000001")
    story.add(110.1, "ok", "replay", key="k1", status=200, token="t2", case="K7M4P", duplicate=True)


def a_case_nobody_was_told_of(story: Story) -> None:
    well(story)
    story.create(111.0, OFFICER, POLICE.replace(CODE, "K7M4P"), "d9")


def never_told(story: Story) -> None:
    well(story)
    story.asks(110.0, key="k2", phone="13900000002").add(115.0, "info", "report", key="k2", error="ReadTimeout")


def refused_though_right(story: Story) -> None:
    well(story)
    story.asks(110.0, key="k2", phone="13900000002").add(110.1, "fail", "report", key="k2", status=422)


def late_after_the_heal(story: Story) -> None:
    story.broken(90.0, 130.0).report(police_at=145.5).reply(150.0)


def in_time_after_the_heal(story: Story) -> None:
    story.broken(90.0, 130.0).report(police_at=144.5).reply(150.0)


def repeated_though_made(story: Story) -> None:
    well(story)
    story.look(101.5, OFFICER).create(102.0, OFFICER, AGAIN, "d1")


def repeated_without_a_look(story: Story) -> None:
    story.report().create(100.2, OFFICER, POLICE, "d1", status=None, made=False).reply(101.0)


def repeated_without_the_mark(story: Story) -> None:
    story.report().create(100.2, OFFICER, POLICE, "d1", status=None, made=False).look(100.3, OFFICER).reply(101.0)


def repeated_as_it_should_be(story: Story) -> None:
    story.asks(100.0).taken(100.1).create(100.5, COUNSELOR, CARE, "d2")
    story.create(100.2, OFFICER, POLICE, "d1", status=None, made=False).look(102.3, OFFICER)
    story.create(102.4, OFFICER, AGAIN, "d1").reply(103.0)


def asked_three_times(story: Story) -> None:
    repeated_as_it_should_be(story)
    story.create(100.3, OFFICER, POLICE, "d1", status=None, made=False)


def refused_for_now_and_tried_again(story: Story) -> None:
    story.report().create(100.2, OFFICER, POLICE, "d1", status=429, made=False).reply(101.0)


def late_by_one_paused_beyond_its_lease(story: Story) -> None:
    story.broken(100.2, 115.0, "pause worker", "pause")
    story.asks(100.0).taken(100.1).create(100.5, COUNSELOR, CARE, "d2")
    story.look(114.0, OFFICER).create(114.1, OFFICER, AGAIN, "d1").create(115.5, OFFICER, POLICE, "d1").reply(117.0)


def late_by_one_paused_for_less(story: Story) -> None:
    story.broken(108.0, 115.0, "pause worker", "pause")
    story.asks(100.0).taken(100.1).create(100.5, COUNSELOR, CARE, "d2")
    story.look(101.0, OFFICER).create(101.1, OFFICER, AGAIN, "d1").create(115.5, OFFICER, POLICE, "d1").reply(117.0)


def steps_in_time(story: Story) -> None:
    story.report().create(221.0, OFFICER, SECOND, "d3").create(221.0, BACKUP, POLICE, "d4")


def steps_in_time_under_an_advanced_clock(story: Story) -> None:
    story.report().add(150.0, "info", "advance", seconds=60.0)
    story.create(161.0, OFFICER, SECOND, "d3").create(161.0, BACKUP, POLICE, "d4").create(281.0, DESK, POLICE, "d5")


def a_step_missed(story: Story) -> None:
    story.report()


def a_step_late(story: Story) -> None:
    story.report().create(223.0, OFFICER, SECOND, "d3").create(221.0, BACKUP, POLICE, "d4")


def a_step_early(story: Story) -> None:
    story.report().create(219.0, OFFICER, SECOND, "d3").create(221.0, BACKUP, POLICE, "d4")


def a_step_doubled(story: Story) -> None:
    steps_in_time(story)
    story.create(222.0, BACKUP, POLICE, "d5")


def begun_while_a_worker_was_dead_and_steps_in_time(story: Story) -> None:
    story.broken(99.0, 101.0)
    steps_in_time(story)


def begun_while_a_worker_was_dead_and_a_step_missed(story: Story) -> None:
    story.broken(99.0, 101.0).report()


def a_text_of_a_step_lost_on_its_way(story: Story) -> None:
    story.broken(220.0, 222.0, "twilio reset", "link twilio").report().create(228.0, BACKUP, AGAIN, "d4")


def begun_in_other_trouble_and_a_step_missed(story: Story) -> None:
    story.broken(99.0, 101.0, "provider 429", "provider").report()


def rung_after_the_acknowledgement(story: Story) -> None:
    well(story)
    story.create(221.0, OFFICER, SECOND, "d3")


def a_call_that_had_begun(story: Story) -> None:
    story.report(police_at=102.0).reply(101.0)


def a_call_by_one_that_was_stopped(story: Story) -> None:
    well(story)
    story.broken(100.9, 104.0, "pause worker", "pause").create(104.5, BACKUP, POLICE, "d3")


CASES: list[tuple[Callable[[Story], None], set[int]]] = [
    (well, set()),
    (page_gone, {1}),
    (no_police_alert, {1, 4}),
    (no_counselor_alert, {1, 4}),
    (no_follow_up, {1}),
    (said_to_be_alerted_but_nobody_was, {4}),
    (stored_from_a_4xx, {2}),
    (an_invalid_one_accepted, {1, 2, 4}),
    (two_cases_for_a_key, {2}),
    (a_case_nobody_was_told_of, {2}),
    (never_told, {3}),
    (refused_though_right, {3}),
    (late_after_the_heal, {4}),
    (in_time_after_the_heal, set()),
    (repeated_though_made, {5}),
    (repeated_without_a_look, {5}),
    (repeated_without_the_mark, {5}),
    (repeated_as_it_should_be, set()),
    (asked_three_times, {5}),
    (refused_for_now_and_tried_again, set()),
    (late_by_one_paused_beyond_its_lease, set()),
    (late_by_one_paused_for_less, {5}),
    (steps_in_time, set()),
    (steps_in_time_under_an_advanced_clock, set()),
    (a_step_missed, {6}),
    (a_step_late, {6}),
    (a_step_early, {6}),
    (a_step_doubled, {6}),
    (begun_while_a_worker_was_dead_and_steps_in_time, set()),
    (begun_while_a_worker_was_dead_and_a_step_missed, {6}),
    (a_text_of_a_step_lost_on_its_way, set()),
    (begun_in_other_trouble_and_a_step_missed, set()),
    (rung_after_the_acknowledgement, {7}),
    (a_call_that_had_begun, set()),
    (a_call_by_one_that_was_stopped, set()),
    *STORIES,
]


@pytest.mark.parametrize(("tell", "broken"), CASES, ids=[tell.__name__ for tell, _ in CASES])
def test_rule(tell: Callable[[Story], None], broken: set[int]) -> None:
    story = Story()
    tell(story)
    found = story.verdict()
    assert set(found) == broken, found


def test_every_rule_has_a_story_that_breaks_it() -> None:
    assert set().union(*(broken for _, broken in CASES)) == set(PROMISES)


def test_figures_and_the_timeline_say_what_happened() -> None:
    story = Story()
    late_after_the_heal(story)
    found = story.verdict()
    verdict = judge(story.history, story.requests)
    assert (verdict.figures["accepted"], verdict.figures["lost"], verdict.figures["faults"]) == (1, 0, 1)
    assert verdict.figures["p99"] == pytest.approx(45.4)
    assert [line.startswith("BROKEN") for line in verdict.lines()] == [number in found for number in PROMISES]
    told = timeline(story.history, story.requests, verdict.found())
    assert "promise 4: k1 K7M3P" in told
    assert "!! info   fault   phase=inject name=kill -9 worker" in told
    assert POLICE in told


def test_steps_that_had_no_allowance_are_counted() -> None:
    for tell, strict in ((steps_in_time, 1), (begun_in_other_trouble_and_a_step_missed, 0), (late_after_the_heal, 0)):
        story = Story()
        tell(story)
        assert story.figures()["steps to the second"] == strict, tell.__name__


def spooled(told: str = "Z2QK7", page_says: bool = True, fault: str = "database immediate stop") -> Story:
    """Taken in the middle of an outage, under another code; its officer was texted with that one."""
    story = Story()
    story.page = PAGE | ({"spool_codes": ["Z2QK7"]} if page_says else {})
    story.asks(100.0).taken(100.1, case=told, token="t0").broken(90.0, 110.0, fault, "database")
    story.create(100.5, OFFICER, POLICE.replace(CODE, "Z2QK7"), "d1")
    return story.create(111.0, COUNSELOR, CARE, "d2")


def test_a_report_is_followed_from_its_first_code_to_its_last() -> None:
    assert spooled().verdict() == {}


def test_its_own_link_and_the_spool_s_are_one_case() -> None:
    assert spooled().taken(120.0, token="t1").verdict() == {}
    assert set(spooled().taken(120.0, token="t1").taken(121.0, token="t2").verdict()) == {2}


def test_a_second_alert_under_the_last_code_is_one_too_many() -> None:
    assert set(spooled().create(112.0, OFFICER, POLICE, "d3").verdict()) == {6}


def test_unless_nobody_could_know_of_the_first_commit_and_then_a_third_is() -> None:
    twice = spooled(fault="fsync fails").create(112.0, OFFICER, POLICE, "d3")
    assert twice.verdict() == {} and twice.figures()["rung under both codes"] == 1
    assert set(twice.create(113.0, OFFICER, POLICE, "d4").verdict()) == {6}
    at_the_stroke = spooled().create(112.0, OFFICER, POLICE, "d3").asks(89.9)
    assert at_the_stroke.add(90.5, "info", "report", key="k1", error="no answer").verdict() == {}
    before_it = spooled().create(112.0, OFFICER, POLICE, "d3").asks(80.0)
    assert before_it.add(80.1, "info", "report", key="k1", error="no answer").verdict() == {}
    answered = spooled().create(112.0, OFFICER, POLICE, "d3").asks(80.0)
    assert set(answered.add(80.1, "info", "report", key="k1", status=500, says_110=True).verdict()) >= {6}
    after_it = spooled().create(112.0, OFFICER, POLICE, "d3").asks(101.0)
    assert set(after_it.add(101.1, "info", "report", key="k1", error="no answer").verdict()) >= {6}
    assert spooled().figures()["rung under both codes"] == 0


def test_a_door_that_was_stopped_may_give_to_the_spool_what_another_has_taken() -> None:
    """For a moment after it goes on: it believes that the database is still away."""
    for resumed, broken in ((99.0, set[int]()), (97.0, {6}), (101.0, {6})):
        twice = spooled().broken(resumed - 4.0, resumed, "pause web", "pause").create(112.0, OFFICER, POLICE, "d3")
        assert set(twice.verdict()) == broken, resumed


def test_a_code_that_no_page_leads_to_is_a_lost_report() -> None:
    assert set(spooled(page_says=False).verdict()) >= {1, 13}
