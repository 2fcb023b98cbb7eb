"""The table of handlers and the table of events say the same."""

from ledger.events import CONSUMERS, PRIORITY, QUEUES, TYPES
from services.handlers import HANDLERS


def test_every_consumer_has_a_handler_and_nobody_else() -> None:
    assert set(HANDLERS) == {(queue, type_) for type_, queues in CONSUMERS.items() for queue in queues}


def test_every_queue_is_one_that_somebody_serves_and_has_its_priority() -> None:
    assert {queue for queue, _ in HANDLERS} == set(QUEUES) == set(PRIORITY)
    assert list(PRIORITY.values()) == sorted(PRIORITY.values())
    assert PRIORITY["police"] == 0


def test_types_are_past_tense_with_a_version_and_unlike_each_other() -> None:
    assert all(type_.rsplit(".", 1)[1].startswith("v") for type_ in TYPES)
    assert len(TYPES) == len({event.__name__ for event in TYPES.values()})
    assert all(len(type_) <= 48 for type_ in TYPES)  # the column's width
