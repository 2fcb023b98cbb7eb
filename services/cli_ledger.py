"""`stopline db`, `audit`, `keys` and `work`."""

from __future__ import annotations

import argparse
import sys

from ledger import migrations
from ledger.store import anchors, keyring, work
from ledger.store.engine import connect
from services import compose
from services.settings import load, make_state_dir


def db_upgrade(_options: argparse.Namespace) -> int:
    settings = load()
    make_state_dir(settings)
    engine = connect(settings.database_url)
    with compose.opening(engine):
        migrations.upgrade(engine)
        have = migrations.current(engine)
    print(f"ledger at revision {have}")
    return 0


def db_current(_options: argparse.Namespace) -> int:
    engine, newest = connect(load().database_url), migrations.NEWEST
    with compose.opening(engine):
        have = migrations.current(engine)
    print(have or "none")
    if have != newest:
        print(f"the program wants {newest}; run: stopline db upgrade")
    return 0 if have == newest else 1


def audit_verify(_options: argparse.Namespace) -> int:
    settings = load()
    ledger, _ = compose.build_ledger(settings)
    with ledger.read() as conn:
        breaks = list(anchors.verify(conn, ledger.keys, compose.anchor_file(settings)))
    for line in breaks:
        print(line)
    print("the chain holds" if not breaks else f"{len(breaks)} breaks")
    return 1 if breaks else 0


def work_retry(_options: argparse.Namespace) -> int:
    ledger, _ = compose.build_ledger(load())
    print(f"{work.reopen_parked(ledger)} rows are tried again")
    return 0


def keys_rewrap(_options: argparse.Namespace) -> int:
    ledger, _ = compose.build_ledger(load())
    writes, *known = ledger.keys.names
    done = keyring.rewrap(ledger)
    print(f"{done.rows} rows are now wrapped with {writes}, the first key of STOPLINE_DATA_KEYS")
    for table, row in done.spoiled:
        print(f"{table} {row} cannot be opened and stays as it is", file=sys.stderr)
    if known:  # nothing here tells which of them are old, and which are new and not first yet
        print(f"{', '.join(known)}: an old key may leave it once every process runs with {writes} first; "
              "a new one is to stand first before this is run")  # fmt: skip
    return 1 if done.spoiled else 0
