"""One writer at a time, in order of urgency and then of arrival; nobody starves."""

import threading

from ledger.writer_lock import WriterLock

DOOR, URGENT, ROUTINE = 0, 1, 2


def waiting(lock: WriterLock) -> int:
    with lock._mutex:
        return len(lock._waiting)


def test_whoever_is_more_urgent_goes_first_and_equals_in_the_order_of_their_coming() -> None:
    lock, order = WriterLock(), list[str]()

    def write(name: str, urgency: int) -> None:
        with lock.held(urgency):
            order.append(name)

    threads = []
    with lock.held(ROUTINE):
        for name, urgency in (("a", ROUTINE), ("b", URGENT), ("c", ROUTINE), ("d", DOOR), ("e", DOOR)):
            thread = threading.Thread(target=write, args=(name, urgency))
            thread.start()
            threads.append(thread)
            while waiting(lock) < len(threads):
                pass
    for thread in threads:
        thread.join()
    assert order == ["d", "e", "b", "a", "c"]


def test_forty_writers_each_get_their_turns_and_never_two_at_once() -> None:
    lock, inside, most, turns = WriterLock(), 0, 0, [0] * 40

    def write(number: int) -> None:
        nonlocal inside, most
        for _ in range(50):
            with lock.held(number % 3):
                inside += 1
                most = max(most, inside)
                turns[number] += 1
                inside -= 1

    threads = [threading.Thread(target=write, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert turns == [50] * 40
    assert most == 1


def test_an_error_inside_hands_the_lock_over() -> None:
    lock = WriterLock()
    for _ in range(2):
        try:
            with lock.held(DOOR):
                raise ValueError
        except ValueError:
            pass
