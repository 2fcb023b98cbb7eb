"""Stories in which one part is away for a while, each with the promises that are broken in it (8 and above)."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.story import BACKUP, CARE, CODE, COUNSELOR, OFFICER, PAGE, POLICE, Story, well


def late_without_the_broker(story: Story) -> None:
    story.broken(95.0, 99.0, "broker wiped", "broker").broken(100.0, 130.0, "broker kill -9", "broker")
    story.report(police_at=108.0).reply(109.0)


def refused_by_the_provider_alone(story: Story) -> None:
    story.broken(99.0, 103.0, "provider 429", "provider").asks(100.0).taken(100.1)
    story.create(100.5, OFFICER, POLICE, "d1", status=429, made=False).create(100.5, COUNSELOR, CARE, "d2")


def nobody_else_tried(story: Story) -> None:
    refused_by_the_provider_alone(story)
    story.create(131.0, BACKUP, POLICE, "d3").reply(132.0)


def somebody_else_tried(story: Story) -> None:
    refused_by_the_provider_alone(story)
    story.create(117.0, BACKUP, POLICE, "d3").reply(132.0)


def the_same_one_reached_at_last(story: Story) -> None:
    refused_by_the_provider_alone(story)
    story.create(113.0, OFFICER, POLICE, "d1").reply(132.0)


def nobody_else_tried_after_no_answer(story: Story) -> None:
    story.broken(99.0, 103.0, "provider hang", "provider").asks(100.0).taken(100.1).create(100.5, COUNSELOR, CARE, "d2")
    story.create(100.5, OFFICER, POLICE, "d1", status=None, made=False)
    story.create(141.0, BACKUP, POLICE, "d3").reply(142.0)


def nobody_else_tried_but_more_was_broken(story: Story) -> None:
    nobody_else_tried(story)
    story.broken(120.0, 121.0)


def late_beside_rubbish(story: Story) -> None:
    story.broken(99.0, 102.0, "broker rubbish in a queue", "broker").report(police_at=102.5).reply(104.0)


def in_time_beside_rubbish(story: Story) -> None:
    story.broken(99.0, 102.0, "broker rubbish in a queue", "broker").report(police_at=102.0).reply(104.0)


def late_beside_rubbish_and_more(story: Story) -> None:
    late_beside_rubbish(story)
    story.broken(90.0, 91.0)


def turned_away(
    story: Story, since: float = 105.0, status: int = 503, says_110: bool = True, key: str = "sep1-2",
    fault: str = "spool full, database stopped",
) -> None:  # fmt: skip
    well(story)
    story.broken(104.0, 110.0, fault, "database")
    story.asks(since, key=key, phone="13900000002")
    story.add(since + 0.1, "info", "report", key=key, status=status, says_110=says_110)
    story.asks(111.0, key=key, phone="13900000002").taken(111.1, case="K7M4P", key=key, token="t2")
    story.create(111.5, OFFICER, POLICE.replace(CODE, "K7M4P"), "d3")
    story.create(111.5, COUNSELOR, CARE.replace(CODE, "K7M4P"), "d4")
    page = {**PAGE, "case": "K7M4P"}
    story.add(290.0, "ok", "status", key=key, status=200, answer=page)
    story.add(112.0, "invoke", "reply", kind="police", number=OFFICER, case="K7M4P")


def turned_away_where_one_process_writes_both(story: Story) -> None:
    turned_away(story, key="emb1-2", fault="fsync fails")


def turned_away_where_only_the_database_could_not_write(story: Story) -> None:
    turned_away(story, fault="fsync fails")


def turned_away_where_the_spool_was_well(story: Story) -> None:
    turned_away(story, since=103.0)


def turned_away_without_a_word_of_110(story: Story) -> None:
    turned_away(story, says_110=False)


def turned_away_by_a_blunder(story: Story) -> None:
    turned_away(story, status=500)


def spooled_under_a_ledger_s_code(story: Story) -> None:
    well(story)
    story.page = {**PAGE, "spool_codes": ["K2QK7"]}


def a_case_under_a_spool_s_code(story: Story) -> None:
    story.asks(100.0).taken(100.1, case="Z7M3P").reply(101.0)
    story.page = {**PAGE, "case": "Z7M3P"}


STORIES: list[tuple[Callable[[Story], None], set[int]]] = [
    (late_without_the_broker, {8}),
    (nobody_else_tried, {4, 9}),
    (somebody_else_tried, set()),
    (the_same_one_reached_at_last, set()),
    (nobody_else_tried_after_no_answer, {4, 9}),
    (nobody_else_tried_but_more_was_broken, {4}),
    (late_beside_rubbish, {10}),
    (in_time_beside_rubbish, set()),
    (late_beside_rubbish_and_more, set()),
    (turned_away, set()),
    (turned_away_where_one_process_writes_both, set()),
    (turned_away_where_only_the_database_could_not_write, {13}),
    (turned_away_where_the_spool_was_well, {13}),
    (turned_away_without_a_word_of_110, {13}),
    (turned_away_by_a_blunder, {13}),
    (spooled_under_a_ledger_s_code, {13}),
    (a_case_under_a_spool_s_code, {1, 4, 13}),
]
