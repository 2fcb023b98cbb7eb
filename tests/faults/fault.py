"""What a fault is: how it is brought about, and how it is undone again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.faults.site import FAMILY, KINDS, Site

Heal = Callable[[], None]


def _nothing(_site: Site) -> str:
    return ""


@dataclass(frozen=True)
class Fault:
    """`group` names what is broken: two faults of one group are never on at once; `touches` names other groups that it
    breaks for a moment. `lacking` says in a line why this machine cannot have it. `inject` returns how to heal; it may
    take its time, as long as it comes back by itself."""

    name: str
    group: str
    inject: Callable[[Site, random.Random], Heal]
    kinds: tuple[str, ...] = (*KINDS, FAMILY)
    lasts_s: tuple[float, float] = (1.0, 3.0)
    lacking: Callable[[Site], str] = field(default=_nothing)
    touches: tuple[str, ...] = ()


def not_brought_about(site: Site, name: str, why: str) -> None:
    """Said of a fault that was tried in vain: the results do not count it, and the checker still allows for it."""
    site.history.add("info", "missed", name=name, why=why)
