"""Shooting at a whole service: batches of inputs at a fresh ledger each, so that any one can be sent again by itself.

Everything an input is made of comes from `SEED NUMBER`; the report it aims at is the first of its batch.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import text
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from ledger import tables as t
from tests.fuzz import judge
from tests.fuzz.rosters import Rosters
from tests.fuzz.shots import MAKERS, Aim, Shot
from tests.fuzz.words import IMAGE, SCRIPT, Chance
from tests.world import World, body

BATCH = 2_000
ROSTERS_IN = 50  # one input in so many is a school file
# Of what is stored; that somebody has tried is counted whatever came of it.
_STORED = [table.name for table in t.metadata.sorted_tables if table is not t.attempts]
_COUNTS = text("SELECT " + ", ".join(f"(SELECT count(*) FROM {name})" for name in _STORED))


@dataclass
class Found:
    """One input that broke a promise; enough to send it again."""

    seed: int
    number: int
    kind: str
    faults: list[str]
    shot: str

    def __str__(self) -> str:
        again = f"python -m tests.fuzz --seed {self.seed} --only {self.number}"
        return f"{self.kind}, input {self.number}: {'; '.join(self.faults)}\n  {self.shot[:600]}\n  again: {again}"


@dataclass
class Figures:
    inputs: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    followed: int = 0
    found: list[Found] = field(default_factory=list)


@dataclass
class Range:
    """A ledger to shoot at, and the report that all aim at."""

    world: World
    client: FlaskClient
    aim: Aim
    rosters: Rosters

    @classmethod
    def over(cls, world: World, folder: Path) -> Range:
        report = world.report()
        world.pump()
        delivery = world.rows("SELECT id FROM deliveries ORDER BY created_at, id LIMIT 1")[0][0]
        return cls(
            world, world.client, Aim(report.token, report.code, str(delivery)), Rosters(folder, world.parts.ledger)
        )

    def counts(self) -> tuple[int, ...]:
        with self.world.parts.ledger.read() as conn:
            return tuple(conn.execute(_COUNTS).one())

    def send(self, shot: Shot) -> TestResponse:
        return self.client.open(shot.path, method=shot.method, data=shot.body, content_type=shot.kind,
                                headers=dict(shot.headers))  # fmt: skip


def shoot(at: Range, seed: int, numbers: range, figures: Figures) -> None:
    """These inputs, one after the other; what they break is in `figures`."""
    before = at.counts()
    for number in numbers:
        chance = Chance(f"{seed} {number}")
        figures.inputs += 1
        if chance.one_in(ROSTERS_IN):
            kind, shot, wrong = "roster", "a school file", list(at.rosters.faults(chance))
        else:
            kind = chance.choices(list(MAKERS), [weight for _, weight in MAKERS.values()])[0]
            sent = MAKERS[kind][0](chance, at.aim)
            status, wrong, before = judged(at, sent, before)
            figures.statuses[status] += 1
            shot = repr(sent)
        figures.kinds[kind] += 1
        if wrong:
            figures.found.append(Found(seed, number, kind, wrong, shot))


def judged(at: Range, sent: Shot, before: tuple[int, ...]) -> tuple[int, list[str], tuple[int, ...]]:
    """(status, what is wrong, what the ledger holds now)."""
    try:
        with capture_logs() as logs:
            answer = at.send(sent)
    except Exception as error:  # noqa: BLE001  # whatever comes out here, the server would have answered 500
        return 500, [f"raised {type(error).__name__}: {error}"], at.counts()
    after = at.counts()
    wrong = list(judge.faults(sent, answer, before, after))
    wrong += [f"logged {entry}" for entry in logs if entry["log_level"] in ("error", "critical")]
    return answer.status_code, wrong, after


def follow(at: Range) -> Iterator[str]:
    """What was taken goes its whole way: handlers, texts, and every page of the staff's that shows it."""
    with capture_logs() as logs:
        at.world.pump()
    yield from (f"logged {entry}" for entry in logs if entry["log_level"] in ("error", "critical"))
    yield from (f"parked: {row}" for row in at.world.rows("SELECT queue, reason FROM work WHERE state = 'parked'"))
    office = at.world.user("office", "admin")
    pages = ["/duty", "/desk/board", "/desk/followups", "/desk/readiness"]
    for (code,) in at.world.rows("SELECT code FROM cases ORDER BY received_at DESC LIMIT 60"):
        pages += [f"/duty/{code}", f"/duty/{code}/sheet", f"/duty/{code}/sheet.json", f"/duty/{code}/sheet.pdf"]
    for page in pages:
        answer = office.get(page)
        if answer.status_code not in (200, 404):
            yield f"{page} answers {answer.status_code}"
        if answer.mimetype == "text/html" and (SCRIPT in answer.text or IMAGE in answer.text):
            yield f"{page} shows what was typed as code"


def run(new_world: Callable[[Path], World], folder: Path, seed: int, inputs: int, follow_every: int = 10) -> Figures:
    """So many inputs in batches, a fresh ledger for each; each `follow_every`th batch is followed to its end."""
    figures, begun = Figures(), time.monotonic()
    for batch, first in enumerate(range(0, inputs, BATCH)):
        place = folder / f"batch-{batch}"
        place.mkdir()
        world = new_world(place)
        try:
            at = Range.over(world, place)
            shoot(at, seed, range(first, min(first + BATCH, inputs)), figures)
            if batch % follow_every == 0:
                figures.followed += 1
                wrong = list(follow(at))
                figures.found += [Found(seed, first, "followed", wrong[:20], f"batch {batch}")] if wrong else []
        finally:
            world.close()
    figures.seconds = time.monotonic() - begun
    return figures


def keep(found: list[Found], folder: Path) -> Path:
    """The seeds of what broke, for who mends it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"seed-{found[0].seed}.json"
    file.write_text(json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=True))
    return file


__all__ = ["Figures", "Found", "Range", "body", "follow", "keep", "run", "shoot"]
