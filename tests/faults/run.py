"""One fault run: real processes, load, faults and heals, then the deadlines, then the verdict.

    python -m tests.faults.run --kind embedded|separate|family|cluster --reports N --faults M --rate R --seed S
                               [--calm STEPS] [--folder F] [--results FILE]

Prints one line for each promise; exits 1 when one was broken, 2 when the run itself went wrong. Left behind in the
folder: seed, history.jsonl, provider.jsonl, timeline.txt, results.jsonl and the logs of all processes; from these
`python -m tests.faults.judged FOLDER` judges once more. 90 faults take about 25 minutes. The same
numbers give the same faults in the same order, and the same reports; what meets what is up to the machine.

It wants what scripts/install-services.sh installs: PostgreSQL, RabbitMQ, strace, libfaketime; a full disk is made with
root's rights. A fault that this machine cannot make is left out, and said.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

from tests.fakes.twilio_double import TwilioDouble
from tests.faults import catalogue, texts
from tests.faults.calm import Calm, Probes
from tests.faults.checker import HEALED_S, judge
from tests.faults.fault import Fault, Heal
from tests.faults.history import Entry, History, timeline
from tests.faults.load import Door, Load
from tests.faults.outcome import CALM_EVERY, RATE, Order, Result, missed_faults, report
from tests.faults.people import People
from tests.faults.results import RESULTS, append, no_verdict, row
from tests.faults.site import ALL_KINDS, Site, site

WARM_UP_S = 4.0
GAP_S = (0.3, 2.0)
PATIENCE_S = 90.0  # for whoever still has no answer when all is healed
QUIET_S = 120.0
PROBES = 8
STEPS_S = (120.0, 240.0)  # what the probes wait for, by the service's clock
BEFORE_A_STEP_S, AFTER_A_STEP_S = 6.0, 3.0


class Run:
    def __init__(self, order: Order, on: Site, history: History) -> None:
        self._order, self._on, self._history = order, on, history
        self._chance = random.Random(order.seed)
        self._door = Door(on.public_url, history)
        self._people = People(on.double, history, order.tag)
        self._ids = 0
        self.injected: list[str] = []
        self.missing: list[str] = []

    def go(self) -> None:
        faults, self.missing = catalogue.available(self._on)
        steps = catalogue.plan(faults, self._order.faults, self._chance, self._order.two_at_once)
        self._on.double.mode = "manual"
        load = Load(self._door, self._order.reports, self._order.rate, self._order.tag, self._on._ahead,
                    self._people.alerted)  # fmt: skip
        self._probes = Probes(load, self._order.tag)
        self._people.start()
        load.start()
        time.sleep(WARM_UP_S)
        self._break_all(steps, Calm(faults, self._chance, self._break, self._on.revive))
        self._on.revive()
        if self._order.outage_s:
            self._without_broker(self._order.outage_s)
        self._phase("all healed")
        healed = time.monotonic()
        self._probes.finish(PATIENCE_S)
        load.finish(PATIENCE_S + self._order.reports / self._order.rate)
        self._await_alerts(healed)
        self._probe(load)
        self._people.stop()
        self._read_pages(load)
        self._phase("end")

    def close(self) -> None:
        self._door.close()

    def _break_all(self, steps: Sequence[tuple[Fault, ...]], calm: Calm) -> None:
        calm.begin()
        for n, step in enumerate(steps, 1):
            self._on.revive()
            self._break(step)
            time.sleep(self._chance.uniform(*GAP_S))
            if self._order.calm_every:
                calm.await_step(self._probes.due_in())
                if n % self._order.calm_every == 0:
                    calm.breathe(self._probes.due_in())

    def _break(self, step: Sequence[Fault]) -> None:
        """Inject, wait, heal. What processes need is healed before them: they could not start without it."""
        heals: list[tuple[Fault, int, Heal]] = []
        try:
            for fault in step:
                self._ids += 1
                self._note(fault, self._ids, "inject")
                heals.append((fault, self._ids, fault.inject(self._on, self._chance)))
                self.injected.append(fault.name)
            self._probes.begin(step)
            time.sleep(max(self._chance.uniform(*fault.lasts_s) for fault in step))
        finally:
            for fault, number, heal in sorted(heals, key=lambda it: it[0].group == "crash"):
                heal()
                self._note(fault, number, "heal")

    def _without_broker(self, seconds: float) -> None:
        """Nothing else is broken meanwhile, nor was a moment ago: else the checker could not tell what it is due to."""
        time.sleep(HEALED_S + GAP_S[1])
        (killed,) = (fault for fault in catalogue.of_kind(self._order.kind) if fault.name == "broker kill -9")
        self._break([replace(killed, lasts_s=(seconds, seconds))])

    def _note(self, fault: Fault, number: int, phase: str) -> None:
        self._history.add("info", "fault", phase=phase, name=fault.name, group=fault.group, id=number)

    def _phase(self, name: str) -> None:
        self._history.add("info", "phase", name=name)

    def _await_alerts(self, healed: float) -> None:
        """Until the time that the promise gives is over: then whoever slept through an alert answers.

        What comes later than that is late, and not lost: it is waited for.
        """
        over = max(healed, time.monotonic()) + HEALED_S + 1
        time.sleep(max(0.0, over - time.monotonic()))
        self._people.wake()
        self._await_quiet(QUIET_S)

    def _await_quiet(self, patience_s: float) -> None:
        """Until nobody has been written to for two seconds."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            before = len(self._on.double.log)
            time.sleep(2.0)
            if before == len(self._on.double.log) and not self._people.busy():
                return

    def _probe(self, load: Load) -> None:
        """A few reports that nobody takes, while nothing is broken: their steps have to come to the second."""
        self._phase("steps")
        self._people.sleep_through()
        for n in range(PROBES):
            load.probe(f"{self._order.tag}-probe-{n}")
        began, passed = time.monotonic(), 0.0
        time.sleep(3.0)
        for step in STEPS_S:
            leap = step - BEFORE_A_STEP_S - passed - (time.monotonic() - began)
            self._history.add("info", "advance", seconds=leap)
            self._on.advance(leap)
            passed += leap
            time.sleep(BEFORE_A_STEP_S + AFTER_A_STEP_S)

    def _read_pages(self, load: Load) -> None:
        self._phase("pages")
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda it: self._read_page(*it), load.tokens.items()))

    def _read_page(self, key: str, token: str) -> None:
        for _ in range(3):
            if self._door.look(key, token):
                return


def requests_of(double: TwilioDouble) -> list[Entry]:
    """The double's log as the checker reads it."""
    with double.changed:
        return [_request(record.__dict__) for record in double.log]


def _request(record: dict[str, Any]) -> Entry:
    kept = {name: record[name] for name in ("kind", "to", "body", "outcome", "status", "sid")}
    callback = record["callback"] or ""
    return {"t": round(record["at"], 4), **kept, "delivery": callback.partition("delivery=")[2] or None}


def run(order: Order, folder: Path) -> Result:
    """Run it, judge it, and leave in the folder what explains the verdict."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seed").write_text(f"{order.seed}\n")
    history, began = History(folder / "history.jsonl"), time.monotonic()
    requests: list[Entry] = []
    try:
        with site(order.kind, folder, history, order.planted) as on:
            it = Run(order, on, history)
            try:
                it.go()
            finally:
                it.close()
                requests = requests_of(on.double)
    finally:
        history.close()
        _write_requests(folder / "provider.jsonl", requests)
        verdict = judge(history.entries(), requests)
        (folder / "timeline.txt").write_text(timeline(history.entries(), requests, verdict.found()))
    seconds, missed = time.monotonic() - began, missed_faults(history.entries())
    return Result(verdict, tuple(it.missing), order, tuple(it.injected), missed, seconds)


def _write_requests(file: Path, requests: Sequence[Entry]) -> None:
    file.write_text("".join(json.dumps(it, ensure_ascii=False) + "\n" for it in requests))


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--kind", choices=ALL_KINDS, required=True)
    parser.add_argument("--reports", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--rate", type=float, default=RATE, help="reports a second, at the most")
    parser.add_argument(
        "--outage", type=float, default=0.0, help="at the end, seconds without the broker; --kind separate"
    )
    parser.add_argument("--calm", type=int, default=CALM_EVERY, help="steps of faults between two calms; 0: none")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--folder", type=Path, help="an empty one, for what explains the verdict; else a new one")
    parser.add_argument("--results", type=Path, help=f"a line is appended; {RESULTS.name} holds those of the READMEs")
    options = parser.parse_args(argv)
    if options.folder and options.folder.exists() and any(options.folder.iterdir()):
        parser.error(f"{options.folder} is not empty: two histories in one file can not be judged")
    if options.outage and options.kind != "separate":
        parser.error("--outage: only separate processes have one broker to lose")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = arguments(argv)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="stopline-faults-"))
    order = Order(options.kind, options.reports, options.faults, options.seed, rate=options.rate,
                  outage_s=options.outage, calm_every=options.calm)  # fmt: skip
    results = options.results or folder / "results.jsonl"
    try:
        result = run(order, folder)
    except (AssertionError, RuntimeError, OSError, SubprocessError) as error:
        append(results, no_verdict(order, type(error).__name__))
        sys.stdout.write(f"the run itself went wrong; no verdict\n{traceback.format_exc()}{folder}\n")
        return 2
    append(results, row(result))
    sys.stdout.write(report(result) + f"\n{folder}\n")
    return 0 if result.verdict.kept else 1


__all__ = ["Order", "Result", "report", "run", "texts"]

if __name__ == "__main__":
    sys.exit(main())
