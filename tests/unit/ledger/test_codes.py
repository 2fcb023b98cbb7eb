"""Case codes: shape, first letters, look-alikes, and nothing that anybody would mind reading aloud."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import codes
from ledger.codes import fold, looks_like_code, new_code

EVERY_KIND = ("case", "drill", "spool")


@given(st.randoms(use_true_random=False), st.sampled_from(EVERY_KIND))
def test_shape(chance: random.Random, kind: codes.Kind) -> None:
    code = new_code(kind, chance.choice)
    assert len(code) == 5
    assert all(char in codes.ALPHABET for char in code[1:])
    assert code[0].isalpha()
    assert {"drill": code[0] == "Y", "spool": code[0] == "Z", "case": code[0] not in "YZ"}[kind]
    assert looks_like_code(code)
    assert looks_like_code(fold(code))


def test_the_alphabet_holds_no_carrier_command_and_no_twins() -> None:
    assert not set("RTNY01ILO") & set(codes.ALPHABET)


@pytest.mark.parametrize("fragment", ["SB", "2B", "MB", "5B", "58", "44", "74", "38", "64"])
def test_a_blocked_draw_is_drawn_again(fragment: str) -> None:
    draws = iter("A" + fragment + "AA" + "K7M3P")
    assert new_code("case", lambda _: next(draws)) == "K7M3P"


def test_enough_codes_are_left() -> None:
    chance = random.Random(1)
    drawn = (chance.choice("ABCDEFGHJKMPQSUVWX") + "".join(chance.choices(codes.ALPHABET, k=4)) for _ in range(20_000))
    assert sum(not codes.is_blocked(code) for code in drawn) > 14_000


@pytest.mark.parametrize("code", ["K7M3P", "Q8W4C", "YA52P"])
def test_the_codes_of_our_documents_are_codes(code: str) -> None:
    assert looks_like_code(code)
    assert not codes.is_blocked(code)


@pytest.mark.parametrize(
    ("text", "folded"),
    [("k7m3p", "K7M3P"), ("Q8W4C", "QBW4C"), ("ｑｂｗ４ｃ", "QBW4C"), (" S5B82 ", "SSBBZ"), ("YA52P", "YASZP")],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize("text", ["K7M3", "K7M3PP", "7K7M3", "K7M3O", "", "收到", "K7 M3"])
def test_not_a_code(text: str) -> None:
    assert not looks_like_code(text)


@given(st.text())
def test_any_text_folds_to_a_fixed_point(text: str) -> None:
    assert fold(fold(text)) == fold(fold(fold(text)))
    looks_like_code(text)
