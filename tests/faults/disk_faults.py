"""What can happen to the disk that the database stands on, and to the spool's, which has to do while that is away."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from tests.faults.fault import Fault, Heal, not_brought_about
from tests.faults.server_faults import (
    DATABASE,
    EMBEDDED,
    ON_SERVERS,
    database_killed,
    database_locked,
    database_pids,
    database_runs,
)
from tests.faults.site import Site, is_small

ATTACHED_S = 5.0
AWAY_S = (4.0, 8.0)  # a door waits for a locked database before it turns to the spool
Inject = Callable[[Site, random.Random], Heal]
FSYNC_FAILS = ("-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO")


def faults() -> Iterator[Fault]:
    yield Fault("disk full", DATABASE, _disk_full, lacking=_no_small_disk)
    yield Fault("fsync fails", DATABASE, _fsync_fails, lacking=_no_strace)
    for away, leave, kinds in (
        ("database stopped", database_killed, ON_SERVERS),
        ("database locked", database_locked, EMBEDDED),
        ("disk full", _disk_full, EMBEDDED),
    ):
        yield Fault(f"spool full, {away}", DATABASE, _spool_full(leave), kinds, AWAY_S, _no_small_disk)
    for away, leave, kinds in (
        ("database stopped", database_killed, ON_SERVERS),
        ("database locked", database_locked, EMBEDDED),
    ):
        name = f"spool fsync fails, {away}"
        yield Fault(name, DATABASE, _spool_without_fsync(name, leave), kinds, AWAY_S, _no_strace)


def _no_small_disk(site: Site) -> str:
    return (
        ""
        if is_small(site.disk) and is_small(site.spool_disk)
        else "no small disk to fill: mounting a tmpfs needs root"
    )


def _disk_full(site: Site, _chance: random.Random) -> Heal:
    let_go = _fill(site.disk)

    def heal() -> None:
        let_go()
        if site.postgresql:
            database_runs(site)

    return heal


def _fill(disk: Path) -> Heal:
    """Take all that is left of it."""
    file = disk / "ballast"
    with file.open("wb") as ballast:
        for _ in range(3):  # others write and delete beside us
            with suppress(OSError):
                free = shutil.disk_usage(disk).free
                os.posix_fallocate(ballast.fileno(), ballast.seek(0, os.SEEK_END), free)
    return file.unlink


def _no_strace(_site: Site) -> str:
    if not shutil.which("strace"):
        return "strace is not installed: apt-get install strace"
    able = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0
    return "" if able else "strace may not trace here"


def _fsync_fails(site: Site, _chance: random.Random) -> Heal:
    """The disk says that it could not write. PostgreSQL rightly gives up and recovers; SQLite fails the commit."""
    pids = database_pids(site) if site.postgresql else [site.processes["up"].popen.pid]
    detach = _without_fsync(site, "fsync fails", pids)

    def heal() -> None:
        detach()
        if site.postgresql:
            database_runs(site)

    return heal


def _spool_full(leave: Inject) -> Inject:
    """The database goes first: what is taken between the two lies in a spool that has no room for its journal."""

    def inject(site: Site, chance: random.Random) -> Heal:
        come_back, let_go = leave(site, chance), _fill(site.spool_disk)
        return lambda: (let_go(), come_back())[0]

    return inject


def _spool_without_fsync(name: str, leave: Inject) -> Inject:
    def inject(site: Site, chance: random.Random) -> Heal:
        come_back = leave(site, chance)
        detach = _without_fsync(site, name, site.door_pids())
        return lambda: (detach(), come_back())[0]

    return inject


def _without_fsync(site: Site, name: str, pids: Sequence[int]) -> Callable[[], None]:
    """No fsync of these processes works until what is returned is called."""
    command = ["strace", "-f", "-q", "-o", "/dev/null", *FSYNC_FAILS]
    silent = subprocess.DEVNULL
    tracer = subprocess.Popen([*command, *(word for pid in pids for word in ("-p", str(pid)))],
                              stdin=silent, stdout=silent, stderr=silent)  # fmt: skip
    if not _attached(tracer, pids):
        not_brought_about(site, name, "strace did not attach to every thread")

    def detach() -> None:
        tracer.send_signal(signal.SIGTERM)
        try:
            tracer.wait(20)
        except subprocess.TimeoutExpired:
            tracer.kill()
            tracer.wait()

    return detach


def _attached(tracer: subprocess.Popen[bytes], pids: Sequence[int]) -> bool:
    """Whether every thread came into its hands soon, and it still is there; a fault that only seems to be one proves
    nothing. A database that gives up in the meantime has met the fault: it has no threads left to look at."""
    deadline = time.monotonic() + ATTACHED_S
    while tracer.poll() is None and time.monotonic() < deadline:
        tracers = [_tracer_of(thread) for pid in pids for thread in _threads(pid)]
        if all(each in (tracer.pid, None) for each in tracers):
            return True
        time.sleep(0.02)
    return not any(_threads(pid) for pid in pids)


def _threads(pid: int) -> list[Path]:
    with suppress(OSError):
        return [*Path(f"/proc/{pid}/task").iterdir()]
    return []


def _tracer_of(thread: Path) -> int | None:
    """0: nobody's; None: it has ended, or has not been collected yet."""
    with suppress(OSError):
        said = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines() if ":\t" in line)
        return None if said["State"][0] in "ZX" else int(said["TracerPid"])
    return None
