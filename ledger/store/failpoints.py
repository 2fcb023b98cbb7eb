"""Named places where a test can have the process die (STOPLINE_FAILPOINT): one comparison each when none is armed."""

from __future__ import annotations

import os
import signal

_armed: str | None = None


def arm(name: str | None) -> None:
    """Make the process kill itself at `name`, as `name` or `name@detail` (a place may say which of its kind it is)."""
    global _armed
    _armed = name


def hit(name: str, detail: str = "") -> None:
    if _armed is not None and _armed in (name, f"{name}@{detail}"):
        os.kill(os.getpid(), signal.SIGKILL)
