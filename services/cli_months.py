"""`stopline registered` and `stopline prevention`: a month's numbers, which the security office brings."""

from __future__ import annotations

import argparse
import io
import sys

from ledger.export.exports import MACHINE
from ledger.figures import monthimport
from ledger.figures.monthfile import BadMonth
from services.cli_people import ledger_of_settings, print_faults


def bring(options: argparse.Namespace) -> int:
    """A dry run unless --apply; a bad row names file, row and column, and nothing is applied."""
    sort = monthimport.SORTS[options.sort]
    try:
        data = options.path.read_bytes()
    except OSError as error:
        print(f"{options.path}: cannot be read: {error.strerror} 文件无法读取", file=sys.stderr)
        return 1
    try:
        read, ledger = monthimport.read(sort, options.path.name, data), ledger_of_settings()
        if options.apply:
            with ledger.begin(sort.name) as uow:
                changes = monthimport.apply(uow, sort, read, MACHINE)
        else:
            with ledger.read() as conn:
                changes = monthimport.changes(conn, sort, read, ledger.clock.now(), ledger.zone)
    except BadMonth as bad:
        print_faults(bad)
        return 1
    for change in changes:
        print(change)
    print(f"{len(changes)} changes" + (" applied" if options.apply else "; nothing was applied (use --apply)"))
    return 0


def template(options: argparse.Namespace) -> int:
    ledger, made = ledger_of_settings(), io.BytesIO()
    with ledger.read() as conn:
        monthimport.write_template(conn, monthimport.SORTS[options.sort], ledger.clock.now(), ledger.zone, made)
    try:
        with options.path.open("xb") as out:
            out.write(made.getvalue())
    except FileExistsError:
        print(f"{options.path}: is there already, and may be filled in; name another file", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot write {options.path}: {error.strerror}", file=sys.stderr)
        return 1
    print(options.path)
    return 0
