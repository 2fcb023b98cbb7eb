"""Each way in which money may have gone has a page that asks for what the sheet shows of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from intake import answers
from intake.questions import HOW, QUESTIONS, asked, page_of
from ledger import channels
from ledger.ringing.match_keys import MATCH_KEYS
from notifier.wording import en, zh

PAGES = {question.slug: question for question in QUESTIONS}


@pytest.mark.parametrize("way", channels.OTHERS)
def test_each_has_a_page_words_for_texts_and_something_to_do(way: str) -> None:
    assert PAGES[way].of == (way,) and way in channels.ACTIONS and way in zh._CHANNEL and way in en._CHANNEL
    assert len(way) <= 8  # as long as the column
    assert set(channels.DETAILS.get(way, {})) <= {field.name for field in PAGES[way].fields}


def test_who_does_not_know_a_name_leaves_its_place_free() -> None:
    """A later answer would find it taken, and be kept where nobody looks."""
    now = datetime(2026, 11, 24, 6, 40, tzinfo=UTC)
    for typed, filled in ({"name": "不知道", "student_no": "无"}, {}), ({"name": "张某"}, {"name": "张某"}):
        assert answers.read(PAGES["who"], typed, now, UTC).case == filled


def slugs(*ways: str, questioned: bool = False) -> set[str]:
    return {question.slug for question in asked(ways, questioned=questioned)}


@pytest.mark.parametrize(("ways", "there", "not_there"), [
    (("bank",), {"time", "bank", "money"}, {HOW, *channels.OTHERS}),
    (("other",), {HOW, "time", "bank"}, {*channels.OTHERS}),
    (("cash",), {HOW, "cash"}, {"time", "bank", "scan"}),
    (("voucher",), {HOW, "voucher", "time"}, {"bank"}),
    (("bank", "cash"), {HOW, "cash", "time", "bank"}, {"voucher"}),
])  # fmt: skip
def test_what_does_not_fit_is_not_asked(ways: tuple[str, ...], there: set[str], not_there: set[str]) -> None:
    assert there <= slugs(*ways) and not not_there & slugs(*ways)


def test_who_may_be_questioned_is_not_asked_where_the_money_came_from() -> None:
    assert slugs("bank") - slugs("bank", questioned=True) == {"money"}
    assert "money" not in {question.slug for question in asked(None, questioned=True)}


@pytest.mark.parametrize("way", channels.WORDS)
@pytest.mark.parametrize("key", MATCH_KEYS)
def test_what_the_police_ask_for_has_a_page_that_is_asked(way: str, key: str) -> None:
    assert page_of(key, way) in slugs(way)
