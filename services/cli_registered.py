"""`stopline registered`: cases registered by the police (立案), which the security office gets once a month."""

from __future__ import annotations

import argparse
import sys

from ledger.export.exports import MACHINE
from ledger.figures import registered, registerfile, registerimport
from ledger.figures.registerfile import BadRegister
from services.cli_people import ledger_of_settings, print_faults


def registered_import(options: argparse.Namespace) -> int:
    """A dry run unless --apply; a bad row names file, row and column, and nothing is applied."""
    try:
        data = options.path.read_bytes()
    except OSError as error:
        print(f"{options.path}: cannot be read: {error.strerror} 文件无法读取", file=sys.stderr)
        return 1
    try:
        read, ledger = registerfile.read(options.path.name, data), ledger_of_settings()
        if options.apply:
            with ledger.begin("registered") as uow:
                changes = registerimport.apply(uow, read, MACHINE)
        else:
            with ledger.read() as conn:
                changes = registerimport.changes(conn, read, ledger.clock.now(), ledger.zone)
    except BadRegister as bad:
        print_faults(bad)
        return 1
    for change in changes:
        print(change)
    print(f"{len(changes)} changes" + (" applied" if options.apply else "; nothing was applied (use --apply)"))
    return 0


def registered_template(options: argparse.Namespace) -> int:
    ledger = ledger_of_settings()
    month = registered.last_month(ledger.clock.now(), ledger.zone)
    with ledger.read() as conn:
        colleges = registerimport.colleges(conn)
    try:
        with options.path.open("xb") as out:
            registerfile.write_template(colleges, month, out)
    except FileExistsError:
        print(f"{options.path}: is there already, and may be filled in; name another file", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot write {options.path}: {error.strerror}", file=sys.stderr)
        return 1
    print(options.path)
    return 0
