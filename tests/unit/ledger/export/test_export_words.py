"""The exported ledger says things as the pages do, in both languages."""

from pathlib import Path

import pytest

from ledger.export import export_words as words

TEMPLATES = Path(__file__).parents[4] / "desk" / "templates" / "desk"
PAGES = "".join((TEMPLATES / name).read_text() for name in ("_words.html", "_care_words.html", "followup.html"))
TABLES = (words.POLICE, words.DISSUADING, words.FOLLOW_UP, words.CONTACTS, words.MODES, words.NEEDS, words.REFERRAL)
SINGLE = (words.AGREED, words.REACHED, words.DECLINED, words.NOT_REACHED, words.OVERDUE, words.TO_COME, words.NEEDED,
          words.PRESUMED)  # fmt: skip


@pytest.mark.parametrize("pair", [*SINGLE, *(pair for table in TABLES for pair in table.values())])
def test_each_pair_of_words_is_one_of_the_pages(pair: words.Words) -> None:
    zh, en = pair
    assert f't("{zh}", "{en}")' in PAGES
