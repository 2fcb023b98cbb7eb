"""`stopline export`: the ledger of the follow-ups, for whoever holds the database and the keys."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path

from ledger.errors import StoplineError
from ledger.export import export_rows, export_sheet, exports
from ledger.export.export_rows import Record
from ledger.export.exports import MACHINE, Period
from ledger.store import anchors, durable
from ledger.store.unit_of_work import Ledger
from services import compose
from services.settings import load


def export_ledger(options: argparse.Namespace) -> int:
    """Another person of the office signs for it afterwards, at /desk/exports; an alarm says so until then."""
    period = Period(_day("--from", options.first), _day("--to", options.last))
    if period.first and period.last and period.first > period.last:
        raise StoplineError("--from must not be after --to")
    ledger, _ = compose.build_ledger(load())
    try:
        written = _write(ledger, period, options.xlsx)
    except OSError as error:
        print(f"cannot write {options.xlsx}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{written} records in {options.xlsx}; somebody of the office has to sign for it at /desk/exports")
    return 0


def _write(ledger: Ledger, period: Period, path: Path) -> int:
    """Readable by its owner only, and under its name only when it is whole and all that was read is noted."""
    span = period.span(ledger.zone, ledger.clock.now())
    with durable.replacing(path) as out:
        written = export_sheet.write(ledger, export_rows.WHOLE, span, out, english=False, note=partial(_note, ledger))
        with ledger.begin("export") as uow:
            exports.made_on_the_machine(uow, period, written)
    return written


def _note(ledger: Ledger, batch: Sequence[Record]) -> None:
    with ledger.begin("read-log") as uow:
        anchors.log_reads(uow, MACHINE, "ledger.export", [f"case:{it.id}" for it in batch])


def _day(option: str, typed: str | None) -> date | None:
    found = exports.day(typed) if typed else None
    if typed and found is None:
        raise StoplineError(f"{option}: not a date such as 2026-01-31: {typed}")
    return found
