"""One writer at a time, the most urgent first, and everybody in the end."""

import threading
from collections.abc import Callable

import pytest

from ledger.store.unit_of_work import DOOR, ROUTINE, URGENT
from ledger.store.writer_lock import OVERTAKEN_BY, WriterLock


def waiting(lock: WriterLock, many: int) -> None:
    """Until so many stand in the queue."""
    turn = threading.Event()
    while len(lock._waiting) < many:
        turn.wait(0.001)


def line_up(lock: WriterLock, urgencies: list[int], work: Callable[[int], None]) -> list[threading.Thread]:
    """Threads that queue in this order while somebody else writes."""
    threads = []
    for number, urgency in enumerate(urgencies):

        def write(number: int = number, urgency: int = urgency) -> None:
            with lock.held(urgency):
                work(number)

        thread = threading.Thread(target=write)
        thread.start()
        waiting(lock, number + 1)
        threads.append(thread)
    return threads


def test_the_most_urgent_goes_first_and_equals_in_their_order() -> None:
    lock = WriterLock()
    order: list[int] = []
    urgencies = [ROUTINE, URGENT, DOOR, ROUTINE, DOOR, URGENT]
    with lock.held(ROUTINE):
        threads = line_up(lock, urgencies, order.append)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == [2, 4, 1, 5, 0, 3]


@pytest.mark.parametrize("urgency", [URGENT, ROUTINE])
def test_only_so_many_urgent_ones_overtake(urgency: int) -> None:
    """However many doors keep coming: who waits for less has a turn of their own."""
    lock = WriterLock()
    order: list[int] = []
    with lock.held(ROUTINE):
        threads = line_up(lock, [urgency, *[DOOR] * (OVERTAKEN_BY[urgency] + 20)], order.append)
    for thread in threads:
        thread.join()
    assert order.index(0) == OVERTAKEN_BY[urgency] - 1


def test_forty_writers_all_get_their_turn_and_never_two_at_once() -> None:
    lock, inside, most, done = WriterLock(), 0, 0, []

    def write(urgency: int) -> None:
        nonlocal inside, most
        for _ in range(50):
            with lock.held(urgency):
                inside += 1
                most = max(most, inside)
                inside -= 1
        done.append(urgency)

    threads = [threading.Thread(target=write, args=(number % 3,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 40
    assert most == 1


def test_an_error_hands_it_on() -> None:
    lock = WriterLock()
    with pytest.raises(ZeroDivisionError), lock.held(DOOR):
        raise ZeroDivisionError
    with lock.held(ROUTINE):
        pass
