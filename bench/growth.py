"""Does anything get slower with age? The same pages and steps over ledgers of several sizes, five years each.

    python -m bench.growth [--sizes 1000,100000] [--results FILE]

Each size has a database of its own, analysed and warm. A figure is the 95th percentile of some requests for different
cases, in milliseconds, through the real application without a socket between; and what it is beside the smallest size.
The export's memory is the most that Python held while up to 5,000 records were written, in KiB.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, text

from bench import machine
from bench.load import at
from bench.years import Years, colleges, histories, school
from ledger import deadlines
from ledger import tables as t
from ledger.export import export_rows, export_sheet, exports
from ledger.export.exports import Span
from ledger.figures import contactdays
from ledger.ready import auditing
from ledger.store import outbox, work
from ledger.texts import claims, deliveries
from services.compose import logging_as_json
from tests.private_services import PostgreSQL
from tests.world import World, another_fraud

TRIES, WARM = 40, 5
LINK_WORKS = timedelta(days=90)
RATIO = 1.5  # what the largest may take of the smallest


def measure(world: World, chance: random.Random) -> dict[str, float]:
    """Name of a page or a step → ms."""
    tokens, codes, open_codes = _cases(world, chance)
    office = world.user("office", "security")
    officer = world.user("officer", "officer", world.phones["officer"].number)
    counselor = world.user("counselor", "counselor", world.phones["counselor"].number, world.college)
    leader = world.user("leader", "leader", college=world.college)
    keeper = world.user("keeper", "keeper", college=world.college)
    centre = world.user("centre", "psychologist")
    ledger, now = world.parts.ledger, world.clock.now

    def page(client: Any, path: Callable[[], str]) -> Callable[[], None]:
        def get() -> None:
            answer = client.get(path())
            assert answer.status_code == 200, (answer.status_code, path())

        return get

    def read(what: Callable[[Any], object]) -> Callable[[], None]:
        def look() -> None:
            with ledger.read() as conn:
                what(conn)

        return look

    asked: dict[str, Callable[[], object]] = {
        "status page": page(world.client, lambda: f"/r/{chance.choice(tokens)}"),
        "status, API": page(world.client, lambda: f"/api/v1/reports/{chance.choice(tokens)}"),
        "duty page": page(officer, lambda: "/duty"),
        "a case on duty": page(officer, lambda: f"/duty/{chance.choice(codes)}"),
        "stop-payment sheet": page(officer, lambda: f"/duty/{chance.choice(codes)}/sheet"),
        "board of the office": page(office, lambda: "/desk/board"),
        "counselor's list": page(counselor, lambda: "/desk/followups"),
        "follow-ups, office": page(office, lambda: "/desk/followups"),
        "a follow-up": page(counselor, lambda: f"/desk/followups/{chance.choice(open_codes)}"),
        "college's ledger": page(keeper, lambda: "/desk/ledger"),
        "college's numbers": page(leader, lambda: "/desk/figures"),
        "all colleges' numbers": page(office, lambda: "/desk/figures"),
        "cases without a review": page(office, lambda: "/desk/figures/unreviewed"),  # the best case: none has one
        "readiness": page(office, lambda: "/desk/readiness"),
        "psychology centre": page(centre, lambda: "/desk/care"),
        "an export of 1,000": lambda: _export(world, 1000),
        "readyz": page(world.client, lambda: "/readyz"),
        "metrics": page(world.client, lambda: "/metrics"),
        "a report taken": lambda: world.report(**another_fraud()),
        "its work and texts": world.pump,
        "a reply with its code": lambda: world.phones["officer"].replies(world.report(**another_fraud()).code),
        "a reply without a code": lambda: world.phones["officer"].replies("收到"),
        "clock: obligations": lambda: deadlines.look_at_one(ledger),
        "clock: contacts": lambda: deadlines.remind_one(ledger),
        "clock: stops": lambda: deadlines.look_at_a_stop(ledger),
        "clock: a day of contacts": lambda: contactdays.count_one(ledger),
        "clock: leases": lambda: claims.lapse(ledger),
        "clock: open work": lambda: work.next_open(ledger, now()),
        "clock: unpublished": lambda: outbox.claim_unpublished(ledger),
        "sender: anything ready": read(lambda conn: deliveries.ready(conn, now())),
        "auditor": read(lambda conn: auditing.audit(conn, now())),
        "who has not confirmed": read(lambda conn: deliveries.unheard(conn, now())),
        "since when it rings": read(deliveries.rung_since),
    }
    return {name: _p95(what) for name, what in asked.items()} | {"an export's memory, KiB": _held(world, exports.MOST)}


def _export(world: World, newest: int) -> int:
    """The newest records, as the command line writes them; how many there were."""
    ledger, received = world.parts.ledger, t.cases.c.received_at
    with ledger.read() as conn:
        first = select(received).where(~t.cases.c.drill).order_by(received.desc()).limit(newest).subquery()
        since = conn.execute(select(func.min(first.c.received_at, type_=t.UtcTime))).scalar_one()
    with tempfile.TemporaryFile() as out:
        span = Span(since, ledger.clock.now())
        return export_sheet.write(ledger, export_rows.WHOLE, span, out, english=False, note=lambda _: None)


def _held(world: World, newest: int) -> float:
    """A file that grows takes no more memory: it is written batch by batch."""
    tracemalloc.start()
    try:
        _export(world, newest)
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()


def _p95(what: Callable[[], object]) -> float:
    took = []
    for n in range(TRIES + WARM):
        began = time.perf_counter()
        what()
        if n >= WARM:
            took.append((time.perf_counter() - began) * 1000)
    return at(took, 95)


def _cases(world: World, chance: random.Random) -> tuple[list[str], list[str], list[str]]:
    """Status links that still work, codes of any age, codes of this counselor's open records."""
    ledger, c, f = world.parts.ledger, t.cases.c, t.follow_ups.c
    with ledger.read() as conn:
        recent = (c.received_at > world.clock.now() - LINK_WORKS) & (c.state != "received")
        some = conn.execute(select(c.id, c.code, c.row_key).where(recent).order_by(c.id).limit(200)).all()
        old = conn.scalars(select(c.code).order_by(c.received_at).limit(100)).all()
        mine = select(c.code).join(t.follow_ups, f.case_id == c.id).where(f.closed_at.is_(None))
        counselor = world.person("C01")
        open_ = conn.scalars(mine.where(f.counselor_id == counselor).order_by(c.received_at.desc()).limit(50)).all()
    keys = ledger.keys
    tokens = [keys.unwrap(row.id, row.row_key).token("status") for row in some]
    return tokens, [row.code for row in some] + list(old), list(open_)


def go(sizes: Sequence[int]) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    postgresql = PostgreSQL(fsync=True)
    postgresql.start()
    try:
        for size in sizes:
            with tempfile.TemporaryDirectory(prefix="stopline-growth-") as folder:
                world = World.make(postgresql.new_database(), Path(folder), school())
                try:
                    found[size] = _sized(world, size)
                finally:
                    world.close()
    finally:
        postgresql.close()
    return found


def _sized(world: World, size: int) -> dict[str, float]:
    some, began = histories(world), time.monotonic()
    Years(world.parts.ledger, some, list(colleges(world))).fill(size)
    with world.parts.ledger.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("SET statement_timeout = 0"))
        conn.execute(text("VACUUM ANALYZE"))
        conn.execute(text("RESET statement_timeout"))
        big = conn.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    sys.stdout.write(f"{size} cases: filled in {time.monotonic() - began:.0f} s, {big / 2**20:.0f} MB\n")
    sys.stdout.flush()
    return measure(world, random.Random(1))


def table(found: Mapping[int, Mapping[str, float]]) -> str:
    sizes = list(found)
    first, last = sizes[0], sizes[-1]
    head = " | ".join(f"{size:,} cases" for size in sizes)
    lines = [f"| p95 ms | {head} | {last:,} ÷ {first:,} |", "|---|" + "--:|" * (len(sizes) + 1)]
    for name in found[first]:
        ratio = found[last][name] / found[first][name]
        cells = " | ".join(f"{found[size][name]:.1f}" for size in sizes)
        lines.append(f"| {name} | {cells} | {f'**{ratio:.2f}**' if ratio > RATIO else f'{ratio:.2f}'} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=lambda it: [int(n) for n in it.split(",")], default=[1000, 100_000])
    parser.add_argument("--results", type=Path, help="where to keep the figures, as JSON")
    order = parser.parse_args(argv)
    logging_as_json(logging.CRITICAL)
    found = go(order.sizes)
    sys.stdout.write(table(found) + "\n")
    if order.results:
        order.results.write_text(json.dumps({"machine": machine.about(), "p95_ms": found}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
