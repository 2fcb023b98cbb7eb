"""What answers of a screening ask for, as a table."""

from __future__ import annotations

import pytest

from ledger.care import screening
from ledger.care.screening import IMMEDIATE, SAME_DAY

CALM = {**dict.fromkeys(("phq2_1", "phq2_2", "phq9_9", "gad2_1", "gad2_2"), "0"), **dict.fromkeys(screening.ASQ, "no")}


@pytest.mark.parametrize(
    ("answers", "action"),
    [
        ({}, None),
        (CALM, None),
        ({**CALM, "asq5": "no"}, None),
        # Two questions together, at three and not before; one that was not asked counts nothing.
        ({"phq2_1": "1", "phq2_2": "1"}, None),
        ({"phq2_1": "1", "phq2_2": "2"}, SAME_DAY),
        ({"phq2_2": "3"}, SAME_DAY),
        ({"gad2_1": "2", "gad2_2": "0"}, None),
        ({"gad2_1": "2", "gad2_2": "1"}, SAME_DAY),
        ({"gad2_1": "3"}, SAME_DAY),
        # Never one questionnaire with another.
        ({"phq2_1": "2", "gad2_1": "2"}, None),
        ({"phq9_9": "0"}, None),
        ({"phq9_9": "1"}, SAME_DAY),
        ({"phq9_9": "3"}, SAME_DAY),
        # Any yes or refusal of the ASQ; the fifth question makes it a matter of minutes.
        *(({**CALM, item: said}, SAME_DAY) for item in screening.ASQ for said in ("yes", "refused")),
        ({**CALM, "asq3": "yes", "asq5": "no"}, SAME_DAY),
        ({**CALM, "asq3": "yes", "asq5": "yes"}, IMMEDIATE),
        ({**CALM, "asq1": "refused", "asq5": "refused"}, IMMEDIATE),
        ({"asq5": "yes"}, IMMEDIATE),
        ({"asq5": "refused"}, IMMEDIATE),
        ({"asq5": "no"}, None),
        ({"phq2_1": "3", "phq2_2": "3", "phq9_9": "3", "gad2_1": "3", "gad2_2": "3", "asq5": "yes"}, IMMEDIATE),
    ],
)
def test_answers_ask_for_an_action(answers: dict[str, str], action: str | None) -> None:
    assert screening.action(answers) == action


@pytest.mark.parametrize(
    ("answers", "lacks"),
    [
        ({}, False),
        (CALM, False),
        ({"phq9_9": "3"}, False),
        ({**CALM, "asq4": "yes"}, True),
        ({"asq1": "refused"}, True),
        ({"asq1": "yes", "asq5": "no"}, False),
        ({"asq1": "yes", "asq5": "refused"}, False),
    ],
)
def test_after_a_yes_or_a_refusal_the_fifth_question_has_to_be_asked(answers: dict[str, str], lacks: bool) -> None:
    assert screening.lacks_now(answers) is lacks


def test_what_is_no_answer_is_one_not_given() -> None:
    typed = {"asq5": "maybe", "gad2_1": "4", "gad2_2": "٣", "phq2_1": " 3", "phq9_9": "", "note": "x", "asq1": "no"}
    assert screening.read(typed | {"phq2_2": "2"}) == {"phq2_2": "2", "asq1": "no"}
