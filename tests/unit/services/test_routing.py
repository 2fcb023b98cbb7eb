"""Every event reaches a handler for each queue that consumes it, on the broker as in the ledger."""

from ledger.events import CONSUMERS, PRIORITY, QUEUES, TYPES
from services import topology
from services.handlers import HANDLERS


def test_each_consumed_event_has_a_handler_and_no_handler_is_without_an_event() -> None:
    assert set(HANDLERS) == {(queue, name) for name, queues in CONSUMERS.items() for queue in queues}


def test_every_event_is_named_in_the_past_tense_with_a_version() -> None:
    assert all(name.endswith(".v1") and name.count(".") == 2 for name in TYPES)


def test_the_broker_binds_exactly_what_the_ledger_routes() -> None:
    bound = {(key, queue) for exchange, queue, key in topology.bindings() if exchange == topology.EXCHANGE}
    assert bound == {(name, queue) for name, queues in CONSUMERS.items() for queue in queues}


def test_every_queue_is_a_durable_quorum_queue_with_a_limit_and_a_place_for_the_dead() -> None:
    declared = dict(topology.queues())
    for queue in QUEUES:
        assert declared[queue]["x-queue-type"] == "quorum"
        assert declared[queue]["x-delivery-limit"] == topology.DELIVERY_LIMIT
        assert topology.dead_queue(declared[queue]["x-dead-letter-routing-key"]) in declared


def test_police_texts_come_before_all_others() -> None:
    assert sorted(PRIORITY, key=PRIORITY.__getitem__)[0] == "police"
