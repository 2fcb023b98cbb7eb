"""State machines: the legal moves as tables, and callbacks in any order."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import states
from ledger.states import DELIVERY_RANK, ORDER, OUTCOMES, can_move, case_outcome, case_state, merge, to_file


@pytest.mark.parametrize(
    ("kind", "old", "new", "legal"),
    [
        ("police", "pending", "alerted", True),
        ("police", "pending", "acknowledged", True),
        ("police", "acknowledged", "done", True),
        ("police", "acknowledged", "alerted", True),
        ("police", "filed", "alerted", True),
        ("police", "contacted", "acknowledged", False),
        ("police", "alerted", "pending", False),
        ("police", "done", "acknowledged", True),
        ("police", "done", "done", False),
        ("police", "closed", "done", False),
        ("counselor", "contacted", "filed", False),
        ("counselor", "alerted", "contacted", True),
        ("dissuade", "pending", "done", True),
        ("care", "open", "closed", True),
        ("care", "closed", "in_progress", True),
        ("care", "in_progress", "open", False),
        ("case", "received", "stopped", True),
        ("case", "filed", "received", False),
        ("case", "stopped", "refused", True),
        ("case", "closed", "acknowledged", True),
    ],
)
def test_moves(kind: str, old: str, new: str, legal: bool) -> None:
    assert can_move(kind, old, new) is legal


def test_every_later_state_can_be_entered_from_every_earlier_one() -> None:
    for kind, order in ORDER.items():
        assert all(can_move(kind, old, new) for old, new in itertools.combinations(order, 2))


@pytest.mark.parametrize(
    ("police", "outcome", "shown"),
    [
        ("pending", None, "received"),
        ("alerted", None, "alerted"),
        ("acknowledged", None, "acknowledged"),
        ("contacted", None, "acknowledged"),
        ("filed", None, "filed"),
        ("filed", "accepted_110", "filed"),
        ("acknowledged", "registered", "acknowledged"),
        ("done", "stopped", "stopped"),
        ("done", "already_stopped", "stopped"),
        ("done", "returned", "stopped"),
        ("done", "stopped_empty", "stopped_empty"),
        ("done", "refused_name", "refused"),
        ("acknowledged", "too_late", "too_late"),
        ("done", "not_fraud", "not_fraud"),
        ("done", "false_report", "false_report"),
        ("done", None, "closed"),
    ],
)
def test_case_state(police: str, outcome: str | None, shown: str) -> None:
    assert case_state(police, outcome) == shown
    assert shown in ORDER["case"]


@pytest.mark.parametrize(
    ("outcomes", "one"),
    [
        ([], None),
        (["stopped", None], None),
        (["stopped", "accepted_110"], None),
        (["refused_name", "stopped", "too_late"], "stopped"),
        (["too_late", "refused_other"], "refused_other"),
        (["false_report"], "false_report"),
    ],
)
def test_the_outcome_of_several_transfers(outcomes: list[str | None], one: str | None) -> None:
    assert case_outcome(outcomes) == one


@pytest.mark.parametrize(
    ("outcomes", "left"),
    [
        ([], True),
        (["stopped", None], True),
        (["registered"], True),
        (["refused_name"], True),
        (["stopped", "refused_other"], True),
        (["stopped", "too_late"], False),
    ],
)
def test_a_stop_is_still_to_be_filed(outcomes: list[str | None], left: bool) -> None:
    assert to_file(outcomes) is left


def test_every_outcome_that_decides_has_a_weight_and_fits_its_column() -> None:
    assert {code for code, outcome in OUTCOMES.items() if outcome.case} == set(states._WEIGHT)
    assert all(len(code) <= 16 for code in OUTCOMES)


@pytest.mark.parametrize(
    ("current", "reported", "after"),
    [
        ("pending", "sending", "sending"),
        ("sending", "unknown", "unknown"),
        ("unknown", "sent", "sent"),
        ("sent", "unknown", "sent"),
        ("sent", "undelivered", "undelivered"),
        ("undelivered", "sent", "undelivered"),
        ("delivered", "undelivered", "delivered"),
        ("failed_permanent", "delivered", "delivered"),
        ("pending", "cancelled", "cancelled"),
        ("sending", "cancelled", "sending"),
        ("cancelled", "delivered", "delivered"),
    ],
)
def test_merge(current: str, reported: str, after: str) -> None:
    assert merge(current, reported) == after


@given(st.lists(st.sampled_from(sorted(DELIVERY_RANK)), min_size=1), st.randoms(use_true_random=False))
def test_callbacks_in_any_order_and_repeated_end_alike(heard: list[str], chance: random.Random) -> None:
    shuffled = sorted(heard * 2, key=lambda _: chance.random())
    ends = set()
    for sequence in (heard, shuffled, heard[::-1]):
        state = "pending"
        for word in sequence:
            state = merge(state, word)
        ends.add(state)
    assert len(ends) == 1


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(KeyError):
        merge("sent", "read")
