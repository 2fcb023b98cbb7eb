"""Anchoring: heads of the cases' chains and the access log go into one chain, whose head is kept outside the database.

What has been anchored cannot be edited, removed, reordered or cut off without `verify` seeing it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, select, update

from ledger import tables as t
from ledger.store.chain import entry, plain
from ledger.store.crypto import Keys
from ledger.store.statements import among
from ledger.store.unit_of_work import Ledger, UnitOfWork

_BATCH = 500
c, e, a, x = t.cases.c, t.case_events.c, t.anchors.c, t.access_log.c


def anchor(ledger: Ledger, file: Path) -> bool:
    """Anchor what is new, one batch; whether there may be more. Another clock doing the same wins, or gives way."""
    with ledger.read() as conn:
        if not conn.execute(_HEADS).first() and not _new_reads(conn):
            return False
    with ledger.begin("anchor") as uow:
        last = uow.conn.execute(_LAST_IF_FREE).first()
        heads, reads = _heads_if_free(uow.conn), _new_reads(uow.conn)
        if not heads and not reads:
            return False
        seq = last.seq + 1 if last else 1
        content = plain({
            "heads": {str(row.id): [row.last_seq, row.chain_head.hex()] for row in heads},
            "reads": [[str(r.id), r.at.astimezone(UTC).isoformat(), r.actor, r.action, r.object] for r in reads],
        })  # fmt: skip
        mac = uow.keys.chain(last.mac if last else b"", _bytes(seq, content))
        row = {"seq": seq, "at": uow.now, "content": content, "mac": mac}
        if not uow.conn.execute(uow.upsert(t.anchors).values(row).on_conflict_do_nothing().returning(a.seq)).first():
            return False
        _mark(uow, heads, reads)
    _keep_outside(file, seq, mac)
    return len(heads) == _BATCH or len(reads) == _BATCH


def _mark(uow: UnitOfWork, heads: list[Any], reads: list[Any]) -> None:
    if heads:  # they are locked: their last one is still the one that was read
        uow.conn.execute(_ANCHORED, {"these": [row.id for row in heads]})
    if reads:
        uow.conn.execute(update(t.access_log).where(x.id.in_([row.id for row in reads])).values(anchored=True))


def _new_heads() -> Select[Any]:
    query = select(c.id, c.last_seq, c.chain_head).where(c.last_seq > c.anchored_seq)
    return query.order_by(c.id).limit(_BATCH)


_HEADS = _new_heads()
# While another clock has the last one, this is an older one: the number after it is taken, and nothing is waited for.
_LAST_IF_FREE = select(a.seq, a.mac).order_by(a.seq.desc()).limit(1).with_for_update(skip_locked=True)
_ANCHORED = update(t.cases).where(among(c.id, "these")).values(anchored_seq=c.last_seq)


def _heads_if_free(conn: Connection) -> list[Any]:
    """Locked. One that somebody has in hand comes with the next anchor: to wait for it would hold up all the others."""
    return list(conn.execute(_HEADS.with_for_update(key_share=True, skip_locked=True)).all())


def _new_reads(conn: Connection) -> list[Any]:
    query = select(x.id, x.at, x.actor, x.action, x.object).where(~x.anchored)
    return list(conn.execute(query.order_by(x.id).limit(_BATCH)).all())


def _bytes(seq: int, content: dict[str, Any]) -> bytes:
    return json.dumps([seq, content], sort_keys=True, separators=(",", ":")).encode()


def _keep_outside(file: Path, seq: int, mac: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as out:
        out.write(f"{seq} {mac.hex()}\n")
        out.flush()
        os.fsync(out.fileno())


def log_reads(uow: UnitOfWork, actor: str, action: str, read: Sequence[str]) -> None:
    """These records were read, or their reading refused. What was in them is not said."""
    said = {"at": uow.now, "actor": actor, "action": action, "anchored": False}
    uow.insert(t.access_log, [{"id": t.new_id(), "object": what, **said} for what in read])


def verify(conn: Connection, keys: Keys, file: Path) -> Iterator[str]:
    """Yield one line for each break of the chains; nothing when all is as it was written."""
    anchored: dict[str, dict[int, str]] = {}  # case → every length at which it was anchored → its head then
    yield from _unless_unreadable("the anchors", lambda: _anchors(conn, keys, file, anchored))
    yield from _unless_unreadable("the cases", lambda: _cases(conn, keys, anchored))


def _unless_unreadable(what: str, check: Callable[[], Iterator[str]]) -> Iterator[str]:
    """An edit may leave a value that is no longer one: a broken row is a finding, not the end of the search."""
    try:
        yield from check()
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        yield f"{what}: unreadable ({type(error).__name__})"


def _anchors(conn: Connection, keys: Keys, file: Path, anchored: dict[str, dict[int, str]]) -> Iterator[str]:
    kept = dict(_kept_outside(file))
    previous, seq = b"", 0
    for row in conn.execute(select(t.anchors).order_by(a.seq)).mappings():
        seq += 1
        mac = keys.chain(previous, _bytes(row["seq"], row["content"]))
        if row["seq"] != seq or mac != row["mac"]:
            yield f"anchor {row['seq']}: not what was written"
            return
        if kept.get(seq, mac.hex()) != mac.hex():
            yield f"anchor {seq}: differs from the one kept in {file.name}"
        for case_id, (length, head) in row["content"]["heads"].items():
            anchored.setdefault(case_id, {})[length] = head
        yield from _reads(conn, row["content"]["reads"])
        previous = mac
    if kept and max(kept) > seq:
        yield f"anchors after {seq} are missing; {file.name} knows of {max(kept)}"


def _kept_outside(file: Path) -> Iterator[tuple[int, str]]:
    """What the file holds. A last line that a power cut left unfinished is no break."""
    for line in file.read_text().splitlines() if file.exists() else []:
        number, _, mac = line.partition(" ")
        if number.isdecimal() and len(mac) == 64:
            yield int(number), mac


def _reads(conn: Connection, entries: list[list[str]]) -> Iterator[str]:
    for row_id, at, actor, action, what in entries:
        row = conn.execute(select(x.at, x.actor, x.action, x.object).where(x.id == UUID(row_id))).first()
        if row is None or (row.at.astimezone(UTC).isoformat(), *row[1:]) != (at, actor, action, what):
            yield f"access log {row_id}: not what was written"


def _cases(conn: Connection, keys: Keys, anchored: dict[str, dict[int, str]]) -> Iterator[str]:
    for case in conn.execute(select(c.id, c.code, c.last_seq, c.chain_head)):
        known = anchored.pop(str(case.id), {})
        yield from _unless_unreadable(f"case {case.code}", partial(_case, conn, keys, case, known))
    for case_id in anchored:
        yield f"case {case_id}: anchored, but gone"


def _case(conn: Connection, keys: Keys, case: Any, anchored: dict[int, str]) -> Iterator[str]:
    seq, head, heads = 0, b"", {}
    rows = conn.execute(select(t.case_events).where(e.case_id == case.id).order_by(e.seq)).mappings()
    for seq, row in enumerate(rows, 1):  # the last one is compared below
        head = keys.chain(head, entry(dict(row)))
        heads[seq] = head.hex()
        if row["seq"] != seq or row["mac"] != head:
            yield f"case {case.code}, event {seq}: not what was written"
            return
    if (seq, head) != (case.last_seq, case.chain_head):
        yield f"case {case.code}: ends at event {seq}, its head says {case.last_seq}"
    for length, known in anchored.items():  # each of them: a shorter chain may have been anchored anew
        if heads.get(length) != known:
            yield f"case {case.code}: event {length} was anchored otherwise"
