"""The checker catches what it is there to catch: four planted bugs, each struck where it hurts.

Each story is told twice, the same faults at the same places: the service as it is passes, the one with the bug does
not. A story is short, so that it is certain which fault does it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.faults import ringing
from tests.faults.checker import HEALED_S, Verdict, judge
from tests.faults.history import History
from tests.faults.load import Door, Load
from tests.faults.planted import BUGS
from tests.faults.run import requests_of
from tests.faults.site import Site, site
from tests.one_process import eventually

pytestmark = pytest.mark.alone
KEY, AT_ONCE = "planted", 4
Strike = Callable[[Site, Load], None]


def dies_at(point: str) -> Strike:
    """Everything is in one process, which dies at the point while a report is on its way, and is started again."""

    def strike(on: Site, load: Load) -> None:
        on.kill("up")
        on.history.add("info", "fault", phase="inject", name=f"crash {point}", group="crash", id=1)
        armed = on.begin("up", failpoint=point)
        armed.await_ready()
        reporter = threading.Thread(target=load.report, args=(KEY,))
        reporter.start()
        eventually(lambda: not armed.running, f"{point} was not reached", 20)
        on.run("up")
        reporter.join()
        on.history.add("info", "fault", phase="heal", name=f"crash {point}", group="crash", id=1)

    return strike


def broker_takes_and_forgets(on: Site, load: Load) -> None:
    """What is published goes into a connection that nobody reads, and then the connection is lost."""
    proxy = on.proxies["rabbitmq"]
    on.history.add("info", "fault", phase="inject", name="rabbitmq half-open", group="broker", id=1)
    proxy.order("half-open")
    load.report(KEY)
    time.sleep(1.0)  # the publishing is beside the answer: let it write
    proxy.heal()
    on.history.add("info", "fault", phase="heal", name="rabbitmq half-open", group="broker", id=1)


@dataclass(frozen=True)
class Story:
    kind: str
    strike: Strike
    broken: set[int]  # the promises that the bug breaks in it


STORIES = {
    "work-rows-bypassed": Story("embedded", dies_at("after-commit@report"), {1, 4}),
    "ack-before-commit": Story("embedded", dies_at("before-commit@work:counselor"), {1, 4}),
    "confirms-off": Story("separate", broker_takes_and_forgets, {1, 4, 8}),
    "mark-then-send": Story("embedded", dies_at("before-call@officer"), {1, 4}),
}


def told(story: Story, folder: Path, bug: str = "") -> Verdict:
    """The story's verdict: when both alerts have come, or the time for them is over."""
    history = History(folder / "history.jsonl")
    with site(story.kind, folder, history, bug) as on:
        door = Door(on.public_url, history)
        load = Load(door, 0, 1.0, bug, on._ahead)
        story.strike(on, load)
        deadline = time.monotonic() + HEALED_S + 1
        while time.monotonic() < deadline and not _alerted(on):
            time.sleep(0.1)
        eventually(lambda: door.look(KEY, load.tokens[KEY]), "its page says nothing")
        door.close()
        requests = requests_of(on.double)
    history.close()
    return judge(history.entries(), requests)


def _alerted(on: Site) -> bool:
    rung = [*ringing.all_of(requests_of(on.double)).values()]
    return any(case.made("police") and case.made("counselor") for case in rung) and _settled(on)


def _settled(on: Site) -> bool:
    """Nothing new for a moment: the provider's answers have been written."""
    before = len(on.double.log), len(on.double.callbacks)
    time.sleep(0.5)
    return before == (len(on.double.log), len(on.double.callbacks))


@pytest.fixture
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, bool], Verdict]:
    """Of each story with its bug and without it."""
    return _all_told(tmp_path_factory.getbasetemp())


@cache
def _all_told(folder: Path) -> Mapping[tuple[str, bool], Verdict]:
    """Some at once, each in a process of its own: most of the time they wait for something to be late."""
    stories = [(bug, planted) for bug in BUGS for planted in (True, False)]
    with ProcessPoolExecutor(AT_ONCE, get_context("spawn")) as pool:
        return dict(zip(stories, pool.map(_tell, stories, repeat(folder)), strict=True))


def _tell(story: tuple[str, bool], folder: Path) -> Verdict:
    bug, planted = story
    its = folder / f"{bug}-{planted}"
    its.mkdir()
    return told(STORIES[bug], its, bug if planted else "")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", list(BUGS))
def test_the_checker_catches(bug: str, verdicts: Mapping[tuple[str, bool], Verdict]) -> None:
    verdict = verdicts[bug, True]
    broken = {number for number, found in verdict.breaches.items() if found}
    assert 1 in broken or 4 in broken, verdict.lines()
    assert broken <= STORIES[bug].broken, list(verdict.found())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bug", list(BUGS))
def test_without_the_bug_all_promises_are_kept(bug: str, verdicts: Mapping[tuple[str, bool], Verdict]) -> None:
    verdict = verdicts[bug, False]
    assert verdict.kept, list(verdict.found())
    assert verdict.figures["accepted"] == 1
