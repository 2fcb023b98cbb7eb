"""Every fault that one Linux machine can have, and a random but repeatable order of them."""

from __future__ import annotations

import random

from tests.faults import cluster_faults, disk_faults, family_faults, link_faults, process_faults, server_faults
from tests.faults.fault import Fault
from tests.faults.site import Site

ALL: tuple[Fault, ...] = (*process_faults.faults(), *server_faults.faults(), *disk_faults.faults(),
                         *link_faults.faults(), *family_faults.faults(), *cluster_faults.faults())  # fmt: skip


def of_kind(kind: str) -> list[Fault]:
    return [fault for fault in ALL if kind in fault.kinds]


def available(site: Site) -> tuple[list[Fault], list[str]]:
    """What can be had here, and one line for each fault that cannot."""
    said = {fault.name: fault.lacking(site) for fault in of_kind(site.kind)}
    return ([fault for fault in of_kind(site.kind) if not said[fault.name]],
            [f"{name}: {why}" for name, why in said.items() if why])  # fmt: skip


def plan(faults: list[Fault], count: int, chance: random.Random, two_at_once: float) -> list[tuple[Fault, ...]]:
    """So many faults, each kind once before any comes again; now and then two that do not hinder each other."""
    order: list[Fault] = []
    while len(order) < count:
        order += chance.sample(faults, min(len(faults), count - len(order)))
    steps: list[tuple[Fault, ...]] = []
    while order:
        first = order.pop()
        other = next((at for at, it in enumerate(order) if _together(first, it)), None)
        if other is not None and chance.random() < two_at_once:
            steps.append((first, order.pop(other)))
        else:
            steps.append((first,))
    return steps


def _together(one: Fault, other: Fault) -> bool:
    """Not two of one group, and not two of those that stop and start processes: each has to find them running."""
    processes = {"crash", "pause"}
    apart = not {one.group, *one.touches} & {other.group, *other.touches}
    return apart and not {one.group, other.group} <= processes
