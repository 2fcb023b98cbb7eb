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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import structlog

from ledger.events import QUEUES
from services import compose, processes
from services.settings import BadSettings
from services.threads import DIED

log = structlog.get_logger()
Start = Callable[[], int]  # runs a process to its end; its exit status

ENDING = frozenset({signal.SIGTERM, signal.SIGINT})
# What the parent waits for: told to end, one has died, a pause is over.
HEARD = ENDING | {signal.SIGCHLD, signal.SIGALRM}
WRONG = 2  # exit status of a process whose settings are wrong
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
    family = Family([Member(kind, known[kind]) for kind in kinds])
    _load((host, port) if "web" in kinds else None)
    return family.keep()


def _load(door: tuple[str, int] | None) -> None:
    """What processes need, and do it once as each will: so that it is shared, and a fault is said once.

    `door`: where one is to listen. Nothing is kept: no connection may be there when processes are split off.
    """
    from services import web

    parts = compose.build_parts(processes.brokered(), queues=QUEUES, sweep=True, clock_looks=True)
    try:
        compose.refuse_a_forgetful_database(parts.ledger)
        web.build_app(parts)
        if door:
            web.refuse_taken(*door)
    finally:
        parts.ledger.engine.dispose()
    del parts
    gc.collect()
    gc.freeze()  # a collection would write into every page that is shared


@dataclass
class Member:
    """One process: by name, what it runs. `due`: when to start it, by the monotonic clock, while it does not run."""

    name: str
    start: Start
    due: float | None = 0.0
    since: float = 0.0
    proven: bool = False  # it has lived for a while, so it can with these settings


class Family:
    """Processes by what each runs. They end with their parent, also when it is killed.

    Signals are not handled where they come but waited for, by the one thread that forks: none comes between two steps.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)  # what nobody would hear may be dropped before it is waited for
        signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        self._members = members
        self._living: dict[int, Member] = {}
        self._ending = False
        self._status = 0
        # Only the parent holds the writing end: who waits at the other is told when it is gone.
        self._reads, self._writes = os.pipe()

    def keep(self) -> int:
        """Until told to end. The exit status: 0, or that of the first that went wrong while ending."""
        if ENDING & signal.sigpending():
            return 0
        self._start_who_is_due()
        while self._living or not self._ending:
            if signal.sigwait(HEARD) in ENDING:
                self._end()
            self._bury()
            if not self._ending:
                self._start_who_is_due()
        return self._status

    def _end(self) -> None:
        self._ending = True
        for pid in self._living:  # none of them is buried yet, so it is still that process
            os.kill(pid, signal.SIGTERM)

    def _bury(self) -> None:
        while self._living:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            if member := self._living.pop(pid, None):  # the first process of a container is told of others' children
                self._gone(member, os.waitstatus_to_exitcode(ended))

    def _gone(self, member: Member, status: int) -> None:
        if self._ending:
            self._status = self._status or (0 if status in (0, -signal.SIGTERM) else 1)
            return
        log.error("process_died", process=member.name, status=status)
        lived = time.monotonic() - member.since
        member.proven = member.proven or lived >= YOUNG_S
        if status == WRONG and not member.proven:  # another try would end the same way
            self._status = WRONG
            self._end()
        member.due = time.monotonic() + (0 if lived >= YOUNG_S else PAUSE_S)

    def _start_who_is_due(self) -> None:
        for member in self._members:
            if member.due is not None and member.due <= time.monotonic():
                self._split_off(member)
        waiting = [member.due for member in self._members if member.due is not None]
        if waiting:
            signal.setitimer(signal.ITIMER_REAL, max(0.001, min(waiting) - time.monotonic()))

    def _split_off(self, member: Member) -> None:
        try:
            pid = os.fork()
        except OSError as error:  # no memory, or too many processes: the others go on
            log.error("process_not_started", process=member.name, error=error.strerror)
            member.due = time.monotonic() + PAUSE_S
            return
        if not pid:
            self._become(member.start)
        member.due, member.since = None, time.monotonic()
        self._living[pid] = member
        log.info("process_started", process=member.name, pid=pid)

    def _become(self, start: Start) -> NoReturn:
        """In the new process: whatever happens, it must not go on as its parent."""
        status = DIED
        try:
            os.close(self._writes)
            for number in (*ENDING, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
            threading.Thread(target=self._end_with_parent, name="parent", daemon=True).start()
            status = processes.guarded(start)
        except BaseException:
            log.exception("process_failed")
        finally:
            os._exit(status)

    def _end_with_parent(self) -> None:
        os.read(self._reads, 1)  # returns when nobody can write any more
        os.kill(os.getpid(), signal.SIGTERM)
