"""`stopline run`: processes of one parent, which loads once what all of them need and starts anew whichever dies.

A process that is split off shares what is loaded already, so three take two thirds of the memory that they take when
each is started by itself, and one that died is there again in a moment.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import structlog

from ledger.events import QUEUES
from services import compose, processes
from services.settings import BadSettings
from services.threads import DIED

log = structlog.get_logger()
Start = Callable[[], int]  # runs a process to its end; its exit status

ENDING = (signal.SIGTERM, signal.SIGINT)
WRONG = 2  # exit status of a process whose settings are wrong: another try would end the same way
YOUNG_S, PAUSE_S = 5.0, 1.0  # one that died younger than this is started anew after a pause


def run(kinds: tuple[str, ...], host: str, port: int) -> int:
    """These processes, several of a kind where it is named more than once; by default one `web`, `worker` and `clock`.

    Ends when it is told to, with 0 if all of them did.
    """
    known: Mapping[str, Start] = {
        "web": lambda: processes.web_only(host, port),
        "worker": lambda: processes.worker(()),
        "clock": processes.clock,
        "relay": processes.relay,
    }
    kinds = kinds or ("web", "worker", "clock")
    if unknown := [kind for kind in kinds if kind not in known]:
        raise BadSettings([f"no process {unknown[0]!r}; there are: {', '.join(known)}"])
    if kinds.count("web") > 1:
        raise BadSettings(["one web at most: another needs a port, and so a command, of its own"])
    _load()
    return Family([(kind, known[kind]) for kind in kinds]).keep()


def _load() -> None:
    """What processes need, and do it once as each will: so that it is shared, and a fault is said once.

    Nothing is kept: no connection and no thread may be there when processes are split off.
    """
    from services import web

    parts = compose.build_parts(processes.brokered(), queues=QUEUES, sweep=True, clock_looks=True)
    try:
        compose.refuse_a_forgetful_database(parts.ledger)
        web.build_app(parts)
    finally:
        parts.ledger.engine.dispose()
    del parts
    gc.collect()
    gc.freeze()  # a collection would write into every page that is shared


class Family:
    """Processes by what each runs. They end with their parent, also when it is killed."""

    def __init__(self, members: list[tuple[str, Start]]) -> None:
        self._members = members
        self._living: dict[int, tuple[str, Start, float]] = {}  # process id → and since when
        self._stopping = threading.Event()
        # Only the parent holds the writing end: who waits at the other is told when it is gone.
        self._reads, self._writes = os.pipe()

    def keep(self) -> int:
        """Until told to end. The exit status: 0, or that of the first that went wrong while ending."""
        for number in ENDING:
            signal.signal(number, self._told_to_end)
        for name, start in self._members:
            self._split_off(name, start)
        status = 0
        while self._living:
            pid, ended = os.wait()
            if pid in self._living:  # the first process of a container is told of others' children, too
                wrong = self._gone(pid, os.waitstatus_to_exitcode(ended))
                status = status or wrong
        return status

    def _told_to_end(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()
        for pid in list(self._living):
            with suppress(ProcessLookupError):  # it ended a moment ago
                os.kill(pid, signal.SIGTERM)

    def _gone(self, pid: int, status: int) -> int:
        """Start it anew, unless all are to end. What the parent has to say of it at its own end."""
        name, start, since = self._living.pop(pid)
        if self._stopping.is_set():
            return 0 if status in (0, -signal.SIGTERM) else 1
        log.error("process_died", process=name, status=status)
        if status == WRONG:
            self._told_to_end(signal.SIGTERM, None)
            return WRONG
        if time.monotonic() - since < YOUNG_S:
            self._stopping.wait(PAUSE_S)
        if not self._stopping.is_set():
            self._split_off(name, start)
        return 0

    def _split_off(self, name: str, start: Start) -> None:
        # A signal waits until the new process is known here, or has ways of its own to take it.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        pid = os.fork()
        if not pid:
            self._become(start)
        self._living[pid] = (name, start, time.monotonic())
        log.info("process_started", process=name, pid=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def _become(self, start: Start) -> NoReturn:
        """In the new process: whatever happens, it must not go on as its parent."""
        status = DIED
        try:
            os.close(self._writes)
            for number in ENDING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            threading.Thread(target=self._end_with_parent, name="parent", daemon=True).start()
            status = processes.guarded(start)
        except BaseException:
            log.exception("process_failed")
        finally:
            os._exit(status)

    def _end_with_parent(self) -> None:
        os.read(self._reads, 1)  # returns when nobody can write any more
        os.kill(os.getpid(), signal.SIGTERM)
