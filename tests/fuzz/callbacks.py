"""What a provider says of a text, in any order and number: `python -m tests.fuzz.callbacks --sequences N`.

Callbacks of one fate in any order, repeated or missing, mixed with our own answer (taken, or doubtful) at any place,
must leave the row that the same fate leaves in good order.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from sqlalchemy import select

from ledger import tables as t
from ledger.school import people
from ledger.texts import claims, deliveries, settling
from ledger.texts.calls import Outcome
from services.worker import run_open
from tests.fuzz import results
from tests.fuzz.databases import databases
from tests.world import World

FATES = (("sent", "delivered"), ("sent", "undelivered"), ("failed_permanent",), ("failed_temporary",), ("sent",))


def try_many(world: World, sequences: int, seed: int | None = None) -> tuple[int, str]:
    """How many sequences ended alike, so many at most, and the smallest that did not, or nothing."""
    world.report()
    run_open(world.parts.ledger, world.handlers, "police")
    numbers, tried = itertools.count(), itertools.count()

    def after(heard: list[str], at: int, own: str) -> tuple[object, ...]:
        return _end_of(world, heard[:at], own, heard[at:], next(numbers))

    @settings(max_examples=sequences, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.sampled_from(FATES), st.sampled_from(["sent", "unknown"]), st.data())
    def holds(fate: tuple[str, ...], own: str, data: st.DataObject) -> None:
        heard = data.draw(st.lists(st.sampled_from(fate), max_size=4).map(lambda more: [*fate, *more]))
        shuffled = data.draw(st.permutations(heard))
        at = data.draw(st.integers(0, len(shuffled)))
        assert after(shuffled, at, own) == after(list(fate), 0, own)
        next(tried)

    wrong = ""
    try:
        (holds if seed is None else seeded(seed)(holds))()
    except (AssertionError, ExceptionGroup) as error:  # one, or one of each kind
        wrong = "\n".join([str(error) or "ends otherwise", *getattr(error, "__notes__", [])])
    return next(tried), wrong


def _end_of(world: World, before: list[str], own: str, later: list[str], number: int) -> tuple[object, ...]:
    """What a fresh text's row comes to: heard before our own answer, our own answer, heard after it."""
    ledger = world.parts.ledger
    with ledger.begin("test") as uow:
        row = uow.conn.execute(select(t.obligations).where(t.obligations.c.kind == "police")).one()
        [officer] = people.by_phone(uow.conn, uow.keys, world.phones["officer"].number)
        uow.conn.execute(t.deliveries.delete())  # those of earlier sequences: looking through them takes ever longer
        uow.conn.execute(t.obligations.update().values(state="pending", alerted_at=None))
        case = uow.case(row.case_id)
        deliveries.tell(uow, officer, "officer", {"code": case.code}, case=case, dedup=f"test {number}",
                        priority=0, obligation=row.id, step=number + 1, alert=True)  # fmt: skip
    [made] = claims.claim(ledger, 1, 0, lambda draft: "words")
    sid = f"SM{number}"
    _hear(world, made.id, sid, before)
    settling.settle(ledger, Outcome(made, own, sid=sid if own == "sent" else None))
    _hear(world, made.id, sid, later)
    with ledger.read() as conn:
        end = conn.execute(select(t.deliveries).where(t.deliveries.c.id == made.id)).one()
        obligation = conn.execute(select(t.obligations.c.state).where(t.obligations.c.id == row.id)).scalar_one()
    return end.state, end.sid == sid, end.available_at, end.settled, obligation


def _hear(world: World, delivery: UUID, sid: str, states: list[str]) -> None:
    for state in states:
        with world.parts.ledger.begin("test") as uow:
            deliveries.report(uow, delivery, sid, state, None)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.callbacks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sequences", type=int, default=10_000)
    results.arguments(parser)
    options = parser.parse_args(argv)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stopline-callbacks-") as name, databases(options.postgresql) as url:
        world = World.make(url(Path(name)), Path(name))
        try:
            tried, wrong = try_many(world, options.sequences, options.seed)
        finally:
            world.close()
    seconds = time.monotonic() - begun
    said = f"one ends otherwise:\n{wrong}" if wrong else "all end alike"
    sys.stdout.write(f"seed {options.seed}: {tried} sequences in {seconds:.0f} s, {said}\n")
    results.keep("callbacks", tried, 1 if wrong else 0, seconds, options)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
