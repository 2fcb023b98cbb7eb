"""What keeps a case from being erased, and that it was."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.events.base import Event


@dataclass(frozen=True)
class CaseHeld(Event):
    """It must not be erased. why: one of holds.REASONS. by: the account that was named on the machine."""

    type = "case.held.v1"
    why: str
    by: str


@dataclass(frozen=True)
class HoldReleased(Event):
    """What it was held for is over."""

    type = "case.hold_released.v1"
    why: str
    by: str


@dataclass(frozen=True)
class CaseErased(Event):
    """Nobody can read it any more. reason: one of erasing.REASONS; unfinished: what was open, of a case without a key.

    It outlives the key, so it holds nothing that anybody wrote. Others who keep something of the case have to hear it.
    """

    type = "case.erased.v1"
    published = True
    reason: str
    by: str
    unfinished: tuple[str, ...]
