"""The broker's side as data: a topic exchange for what others may hear, too, and one for what is ours alone; a durable
quorum queue for each consumer, a dead-letter queue each.

Only features that RabbitMQ 3.10 (Debian) and 4.x share are used.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote, urlsplit

from ledger.events import CONSUMERS, PUBLISHED, QUEUES

EXCHANGE, INNER, DEAD = "stopline.events", "stopline.inner", "stopline.dead"
# A message comes back when its consumer dies. The ledger's work row stays, so what is dropped here is not lost.
DELIVERY_LIMIT = 20


def dead_queue(queue: str) -> str:
    return f"{queue}.dead"


def exchanges() -> list[tuple[str, str]]:
    """(name, type); all durable."""
    return [(EXCHANGE, "topic"), (INNER, "topic"), (DEAD, "direct")]


def exchange_of(event: str) -> str:
    """Where events of this type go: who listens to all of the one exchange hears nothing of what is ours alone."""
    return EXCHANGE if event in PUBLISHED else INNER


def queues() -> list[tuple[str, dict[str, Any]]]:
    """(name, arguments); all durable."""
    live = [
        (
            queue,
            {
                "x-queue-type": "quorum",
                "x-delivery-limit": DELIVERY_LIMIT,
                "x-dead-letter-exchange": DEAD,
                "x-dead-letter-routing-key": queue,
            },
        )
        for queue in QUEUES
    ]
    return live + [(dead_queue(queue), {"x-queue-type": "quorum"}) for queue in QUEUES]


def bindings() -> list[tuple[str, str, str]]:
    """(exchange, queue, routing key)."""
    live = [(exchange_of(event), queue, event) for event, consumers in CONSUMERS.items() for queue in consumers]
    return live + [(DEAD, dead_queue(queue), queue) for queue in QUEUES]


def pika_url(url: str) -> str:
    """The address as pika reads it. In `amqp://host//` kombu finds the virtual host `/`, pika one without a name."""
    parts = urlsplit(url)
    host = quote(unquote(parts.path[1:]) or "/", safe="")
    return parts._replace(path=f"/{host}").geturl()
