"""What can happen on the way between two parts, and what the provider itself can do wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.faults.fault import Fault, Heal
from tests.faults.site import FAMILY, KINDS, Site

EVERYWHERE, ON_SERVERS = (*KINDS, FAMILY), ("separate", FAMILY)
LINKS = {"client": EVERYWHERE, "callbacks": EVERYWHERE, "twilio": EVERYWHERE} | dict.fromkeys(
    ("postgresql", "rabbitmq"), ON_SERVERS
)
BROKER = "broker"  # losing the way to it is losing it
HOW = ("delay", "reset", "half-open", "truncate")
DELAY_S = (0.1, 0.8)
PROVIDER = ("429", "500", "hang", "drop_before", "drop_after",
            "callbacks_lost", "callbacks_twice", "callbacks_reversed")  # fmt: skip


def faults() -> Iterator[Fault]:
    for link, kinds in LINKS.items():
        group = BROKER if link == "rabbitmq" else f"link {link}"
        for how in HOW:
            yield Fault(f"{link} {how}", group, _break(link, how), kinds)
    yield Fault("postgresql commit answer lost", "link postgresql", _break("postgresql", "commit-lost"), ON_SERVERS)
    for what in PROVIDER:
        yield Fault(f"provider {what.replace('_', ' ')}", "provider", _misbehave(what))


def _break(link: str, how: str):  # type: ignore[no-untyped-def]  # a Fault's `inject`
    def inject(site: Site, chance: random.Random) -> Heal:
        proxy = site.proxies[link]
        proxy.order(f"delay {chance.uniform(*DELAY_S):.2f}" if how == "delay" else how)
        return proxy.heal

    return inject


def _misbehave(what: str):  # type: ignore[no-untyped-def]
    def inject(site: Site, _chance: random.Random) -> Heal:
        site.double.faults.add(what, times=None)

        def heal() -> None:
            site.double.faults.clear(what)
            site.double.release()

        return heal

    return inject
