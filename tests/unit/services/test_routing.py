"""Every event reaches a handler for each queue that consumes it, on the broker as in the ledger."""

from ledger.events import CONSUMERS, PRIORITY, PUBLISHED, QUEUES, TYPES
from services import topology
from services.handlers import HANDLERS


def test_each_consumed_event_has_a_handler_and_no_handler_is_without_an_event() -> None:
    assert set(HANDLERS) == {(queue, name) for name, queues in CONSUMERS.items() for queue in queues}


def test_every_event_is_named_in_the_past_tense_with_a_version() -> None:
    assert all(name.endswith(".v1") and name.count(".") == 2 for name in TYPES)


def test_the_broker_binds_exactly_what_the_ledger_routes() -> None:
    bound = {(key, queue) for exchange, queue, key in topology.bindings() if exchange != topology.DEAD}
    assert bound == {(name, queue) for name, queues in CONSUMERS.items() for queue in queues}


def test_what_is_ours_alone_goes_by_an_exchange_of_its_own() -> None:
    """Whoever listens to all of `stopline.events` hears nothing of who feels unsafe, or who is in danger."""
    bound = {(exchange, key) for exchange, _, key in topology.bindings() if exchange != topology.DEAD}
    assert bound == {(topology.EXCHANGE if name in PUBLISHED else topology.INNER, name)
                     for name, queues in CONSUMERS.items() if queues}  # fmt: skip
    assert {name for exchange, name in bound if exchange == topology.INNER} == {
        "student.unsafe.v1", "immediate.acknowledged.v1", "followup.handed_over.v1",
    }  # fmt: skip


def test_every_queue_is_a_durable_quorum_queue_with_a_limit_and_a_place_for_the_dead() -> None:
    declared = dict(topology.queues())
    for queue in QUEUES:
        assert declared[queue]["x-queue-type"] == "quorum"
        assert declared[queue]["x-delivery-limit"] == topology.DELIVERY_LIMIT
        assert topology.dead_queue(declared[queue]["x-dead-letter-routing-key"]) in declared


def test_police_texts_come_before_all_others() -> None:
    assert sorted(PRIORITY, key=PRIORITY.__getitem__)[0] == "police"
