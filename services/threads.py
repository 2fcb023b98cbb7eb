"""Threads that may not die unseen. Every loop of ours is a `Lasting` one, and a thread that ends all the same ends its
process: a supervisor starts another, while a process that lives on without its relay or its clock looks well."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()
DIED = 70  # exit status (EX_SOFTWARE)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0


class Lasting(threading.Thread):
    """Calls `step` again and again until `stopping` is set.

    A step handles what it can foresee and does its own waiting. What it did not foresee is said with its traceback,
    and the step is called again a moment later: no error in one text, event or row may end the work on all others.
    """

    def __init__(self, name: str, step: Callable[[], None], stopping: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._step, self._stopping, self._pause = step, stopping, Pause(stopping)

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._step()
                self._pause.reset()
            except Exception:  # see above
                log.exception("thread_stumbled", thread=self.name)
                self._pause.wait()


class Pause:
    """A wait that doubles each time until it is reset; ends at once when `stopping` is set."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping, self._next = stopping, FIRST_PAUSE_S

    def wait(self) -> None:
        self._stopping.wait(self._next)
        self._next = min(self._next * 2, LONGEST_PAUSE_S)

    def reset(self) -> None:
        self._next = FIRST_PAUSE_S


def die_with_any_thread(stopping: threading.Event) -> None:
    """From now on a thread that dies takes the process with it, unless the process is stopping anyway."""

    def hook(died: threading.ExceptHookArgs) -> None:
        name = died.thread.name if died.thread else ""
        log.critical("thread_died", thread=name, error=died.exc_type.__name__, exc_info=died.exc_value)
        if not stopping.is_set():
            os._exit(DIED)

    threading.excepthook = hook
