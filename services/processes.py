"""The long-running processes: which parts each starts, and how each ends (SIGTERM: finish what is in hand, exit 0)."""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import structlog

from ledger.errors import StoplineError
from ledger.events import QUEUES
from services.compose import Parts, build_parts, logging_as_json, refuse_a_forgetful_database
from services.settings import BadSettings, Settings, load
from services.threads import die_with_any_thread

log = structlog.get_logger()
GARBAGE = (20_000, 20, 50)  # objects more before a collection, which stops every thread: the rule of 700 is for scripts
DOORS_GIVE_WAY = 5  # niceness: on a machine of its own nothing; beside a worker, in a burst, who has been taken is rung
REFRESH_S = 10.0  # how often the clock's reference is taken anew


def up(host: str, port: int) -> int:
    """Everything in one process."""
    settings = load()
    parts = build_parts(settings, queues=QUEUES, sweep=True, clock_looks=True)
    return _serve(parts, ("spooler", "sender", "relay", "worker", "clock", "auditor"), host, port)


def web_only(host: str, port: int) -> int:
    """The doors, which ring for what they take; the spool; and a relay that publishes straight after each commit."""
    settings = brokered()
    with suppress(OSError):  # a sandbox may forbid it; it is speed only
        os.nice(DOORS_GIVE_WAY)
    parts = build_parts(settings, at_door=True)
    rings = ("sender",) if settings.door_rings == "on" else ()
    return _serve(parts, ("spooler", *rings, "relay"), host, port)


def relay() -> int:
    parts = build_parts(brokered(), sweep=True)
    return _wait(parts, ("relay",), "relay")


def worker(queues: tuple[str, ...]) -> int:
    """Handlers for these queues (all by default), and senders for what they decide."""
    unknown = [name for name in queues if name not in QUEUES]
    if unknown:
        raise BadSettings([f"no queue {unknown[0]!r}; there are: {', '.join(QUEUES)}"])
    parts = build_parts(brokered(), queues=queues or QUEUES)
    return _wait(parts, ("sender", "relay", "worker"), "worker")


def clock() -> int:
    """Deadlines, work that stayed open, texts that stayed unsent; with a relay that catches up."""
    parts = build_parts(brokered(), sweep=True, clock_looks=True)
    return _wait(parts, ("sender", "relay", "clock", "auditor"), "clock")


def brokered() -> Settings:
    settings = load()
    if settings.embedded:
        raise BadSettings(["STOPLINE_BROKER_URL: separate processes need a broker, for example amqp://…; or use `up`"])
    return settings


def _serve(parts: Parts, names: tuple[str, ...], host: str, port: int) -> int:
    from services import web  # a worker needs none of it

    refuse_a_forgetful_database(parts.ledger)
    server = web.WebServer(web.build_app(parts), host, port)
    stop = _on_signal()
    die_with_any_thread(stop)
    serving = threading.Thread(target=server.run, name="web", daemon=True)
    parts.start(*names)
    serving.start()
    _collect_rarely()
    print(f"ready http://{host}:{server.port}", flush=True)  # noqa: T201  # the only line on stdout: scripts wait for it
    _keep_time(parts, stop)
    server.close()
    parts.stop()
    return 0


def _wait(parts: Parts, names: tuple[str, ...], name: str) -> int:
    refuse_a_forgetful_database(parts.ledger)
    stop = _on_signal()
    die_with_any_thread(stop)
    parts.start(*names)
    _collect_rarely()
    print(f"ready {name}", flush=True)  # noqa: T201
    _keep_time(parts, stop)
    parts.stop()
    return 0


def _collect_rarely() -> None:
    gc.freeze()  # what was built at the start stays: no collection need look at it
    gc.set_threshold(*GARBAGE)


def _keep_time(parts: Parts, stop: threading.Event) -> None:
    """Until the end: say that we live, and keep the clock's reference fresh.

    The file is for a container's health check. A database that is away leaves the old reference in force.
    """
    alive = Path(tempfile.gettempdir()) / f"stopline-{os.getpid()}.alive"
    alive.touch()
    while not stop.wait(REFRESH_S):
        alive.touch()
        if parts.ledger.postgres:
            try:
                parts.steady.refresh()
            except Exception as error:  # noqa: BLE001  # any driver error means the same: keep the old reference
                log.warning("clock_not_refreshed", error=type(error).__name__)
    alive.unlink(missing_ok=True)


def _on_signal() -> threading.Event:
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def guarded(run: Callable[[], int]) -> int:
    """Run a command; faults of the operator's making are one line each on stderr, not a traceback."""
    logging_as_json()
    try:
        return run()
    except BadSettings as bad:
        print(bad, file=sys.stderr)  # noqa: T201
        return 2
    except StoplineError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
