"""Who of a sender's threads may call what: the police's texts first, and no look-up keeps a new text waiting."""

from __future__ import annotations

from uuid import uuid4

import pytest

from services.crew import LOOK_UP_EVERY_S, Asked, Crew, Turn


def some(number: int) -> list[Asked]:
    return [(uuid4(), uuid4()) for _ in range(number)]


class Watch:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.mark.parametrize("idle, urgent, others, taken", [
    (8, 1, 1, (1, 1)),
    (8, 0, 20, (0, 6)),  # two stay for the police
    (8, 20, 20, (8, 0)),
    (3, 2, 5, (2, 0)),
    (2, 0, 1, (0, 0)),
    (0, 1, 1, (0, 0)),
])  # fmt: skip
def test_new_texts_find_threads_the_police_first(idle: int, urgent: int, others: int, taken: tuple[int, int]) -> None:
    crew = Crew(8)
    crew.idle = idle
    assert crew.take(urgent, others) == taken
    assert crew.idle == idle - sum(taken)


def test_half_of_the_threads_at_most_look_up() -> None:
    crew = Crew(8)
    assert crew.turn() == Turn(limit=4, police_only=False, asks=True)
    crew.ask(some(4), police_only=False)
    assert crew.turn() == Turn(limit=1, police_only=True, asks=True)  # and one of those kept for the police
    crew.ask(some(1), police_only=True)
    assert crew.turn() == Turn(limit=1, police_only=False, asks=False)


def test_of_those_kept_for_the_police_one_looks_up_once_a_second() -> None:
    watch = Watch()
    crew = Crew(8, watch)
    crew.idle = crew.reserved
    assert crew.turn() == Turn(limit=1, police_only=True, asks=True)
    crew.back(1)
    assert crew.turn() == Turn(limit=2, police_only=True, asks=False)
    crew.back(2)
    watch.at += LOOK_UP_EVERY_S
    assert crew.turn().asks
    crew.ask([text := some(1)[0]], police_only=True)
    crew.back(1)
    watch.at += LOOK_UP_EVERY_S
    assert not crew.turn().asks
    crew.back(2)
    crew.asked(text)
    assert crew.turn().asks


def test_it_does_so_however_many_of_the_others_look_up() -> None:
    """Those may be about counselors' texts, and hang."""
    crew = Crew(8)
    crew.ask(some(4), police_only=False)
    crew.idle = crew.reserved
    assert crew.turn() == Turn(limit=1, police_only=True, asks=True)
    crew.ask(some(1), police_only=True)
    crew.idle = 8
    assert not crew.turn().asks


def test_the_last_idle_thread_looks_nothing_up() -> None:
    crew = Crew(4)
    crew.idle = 1
    assert crew.turn() == Turn(limit=1, police_only=True, asks=False)


def test_a_text_that_two_threads_look_up_is_counted_twice() -> None:
    """A look-up may outlast its lease: then the text is claimed again, beside the first."""
    crew, text = Crew(4), uuid4()
    first, second = (text, uuid4()), (text, uuid4())
    crew.ask([first, second], police_only=False)
    crew.asked(first)
    assert crew.turn().limit == 1  # of two


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_small_crew_looks_up_as_well(threads: int) -> None:
    crew = Crew(threads)
    assert crew.turn() == Turn(limit=1, police_only=False, asks=True)


def test_nobody_is_taken_where_nobody_is_idle() -> None:
    crew = Crew(4)
    crew.idle = 0
    assert crew.turn() == Turn(limit=0, police_only=True, asks=False)
