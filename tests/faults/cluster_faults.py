"""What can happen to a broker of three nodes, and to a database with a standby."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress

from tests.faults.clusters import NODES, Brokers, Node, Pair
from tests.faults.fault import Fault, Heal
from tests.faults.site import CLUSTER, Site
from tests.one_process import eventually

BROKER, DATABASE, KINDS = "broker", "database", (CLUSTER,)


def faults() -> Iterator[Fault]:
    yield Fault("broker node kill -9", BROKER, _node_killed, KINDS, (2.0, 5.0))
    yield Fault("broker node cut off from the others", BROKER, _node_cut_off, KINDS, (4.0, 8.0))
    yield Fault("broker nodes restarted in turn", BROKER, _nodes_restarted, KINDS, (0.0, 1.0))
    yield Fault("database standby lost", DATABASE, _standby_lost, KINDS, (10.0, 15.0))
    yield Fault("database primary lost, standby promoted", DATABASE, _primary_lost, KINDS, (2.0, 5.0))


def _brokers(site: Site) -> Brokers:
    assert site.brokers
    return site.brokers


def _pair(site: Site) -> Pair:
    assert site.pair
    return site.pair


def _all_serve(brokers: Brokers) -> None:
    """Each node, too, takes clients again: one that was cut off pauses until it has found the others."""
    eventually(lambda: brokers.running() == NODES and all(node._ready() for node in brokers.nodes),
               "the nodes do not find each other", 90)  # fmt: skip


def _node_killed(site: Site, chance: random.Random) -> Heal:
    brokers, node = _brokers(site), _any(site, chance)
    node.kill()

    def heal() -> None:
        node.start()
        _all_serve(brokers)

    return heal


def _node_cut_off(site: Site, chance: random.Random) -> Heal:
    brokers, node = _brokers(site), _any(site, chance)
    node.cut_off_from(brokers.others(node))

    def heal() -> None:
        node.join_again(brokers.others(node))
        _all_serve(brokers)

    return heal


def _nodes_restarted(site: Site, _chance: random.Random) -> Heal:
    """As for an upgrade: one after the other, each in good order."""
    brokers = _brokers(site)
    for node in brokers.nodes:
        node.restart()
        _all_serve(brokers)
    return lambda: None


def _any(site: Site, chance: random.Random) -> Node:
    with suppress(RuntimeError):  # see server_faults
        site.await_served()
    return chance.choice(_brokers(site).nodes)


def _standby_lost(site: Site, _chance: random.Random) -> Heal:
    """Every commit waits for it, and no time-out of PostgreSQL's ends that."""
    standby = _pair(site).standby
    standby.kill()
    return standby.start


def _primary_lost(site: Site, _chance: random.Random) -> Heal:
    pair = _pair(site)
    lost = pair.lose_primary()
    return lambda: pair.replace(lost)
