"""`stopline erase`, `hold` and `retention`: nothing is erased but by somebody who says so."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from uuid import UUID

from ledger.erasure import erasing, holds, retention
from ledger.erasure.erasing import BARS, REASONS, RETENTION
from ledger.erasure.retention import Due, Kept
from ledger.errors import NotAllowed, StoplineError
from ledger.export.exports import MACHINE
from ledger.staff import accounts
from ledger.store.unit_of_work import Ledger
from services import compose
from services.settings import load

__all__ = ["HOLDS", "REASONS"]
HOLDS = holds.REASONS


def erase(options: argparse.Namespace) -> int:
    """Exit 0 also for one that was erased before; 1 where it may not be, or nobody confirmed it."""
    ledger, by = _opened(options.by)
    kept = _shown(ledger, options.code)
    if kept.erased_at:
        print(f"erased already on {kept.erased_at:%Y-%m-%d} 已删除")
        return 0
    if not _may(kept, gone=options.key_is_gone):
        return 1
    if options.dry_run:
        print("nothing was erased (--dry-run) 没有删除")
        return 0
    print("What the police or an appeal may still need, and is not written here, is lost with it.")
    print("公安办案或申诉还要用、这里没有记下的，也会一并删除。")
    if not options.yes and not _confirmed(kept.code):
        return 1
    _erase(ledger, kept.id, options.reason, by, gone=options.key_is_gone)
    print(f"{kept.code} is erased 已删除; backups keep it until they expire (docs/operations)")
    return 0


def _opened(name: str) -> tuple[Ledger, UUID]:
    ledger = compose.build_ledger(load())[0]
    with ledger.read() as conn:
        return ledger, accounts.of_office(conn, name)


def _shown(ledger: Ledger, code: str) -> Kept:
    """Printed without a name."""
    now = ledger.clock.now()
    with ledger.read() as conn:
        kept = retention.find(conn, ledger.keys, code, now)
    closed = f"{kept.over_since:%Y-%m-%d}" if kept.over_since else "no 未结"
    print(f"{kept.code}  {kept.state}{'  its key is gone 密钥已毁' if kept.lost and not kept.erased_at else ''}")
    print(f"reported 报告 {kept.received_at:%Y-%m-%d}, {(now - kept.received_at).days} days ago 天前")
    print(f"follow-up closed 跟进结案 {closed}")
    return kept


def _may(kept: Kept, *, gone: bool) -> bool:
    if gone and not kept.lost:
        print("its key is there, so --key-is-gone does not apply 密钥还在", file=sys.stderr)
        return False
    ended = [bar for bar in kept.bars if gone and bar not in erasing.LASTING]
    barred = [bar for bar in kept.bars if bar not in ended]
    for bar in ended:
        print("will be ended, though not done 没有办完，将终止:", *BARS[bar], sep="  ")
    for bar in barred:
        print("not erased 不能删除:", *BARS[bar], sep="  ", file=sys.stderr)
    if barred and kept.lost and not gone:
        print("its key is gone: put it back from a backup, or end the case with --key-is-gone", file=sys.stderr)
        print("密钥已毁：请从备份恢复；恢复不了，用 --key-is-gone 终止", file=sys.stderr)
    return not barred


def _confirmed(word: str) -> bool:
    try:
        typed = input(f"This cannot be undone. Type {word} to erase 不可恢复，输入 {word} 确认: ")
    except EOFError:
        typed = ""
    if typed.strip().upper() != word.upper():
        print("nothing was erased 没有删除", file=sys.stderr)
        return False
    return True


def _erase(ledger: Ledger, case: UUID, reason: str, by: UUID, *, gone: bool = False) -> bool:
    with ledger.begin("erase") as uow:
        return erasing.erase(uow, case, reason, by, gone=gone)


def hold(options: argparse.Namespace) -> int:
    ledger, by = _opened(options.by)
    kept = _shown(ledger, options.code)
    if kept.erased_at:
        raise StoplineError(f"erased already on {kept.erased_at:%Y-%m-%d} 已删除")
    change = holds.release if options.release else holds.place
    with ledger.begin("hold") as uow:
        changed = change(uow, erasing.in_hand(uow, kept.id), options.reason, by, MACHINE)
    with ledger.read() as conn:
        standing = holds.standing(conn, kept.id)
    print(f"held for 保留: {', '.join(standing) or 'nothing 无'}" + ("" if changed else " (as before 未变)"))
    return 0


def retain(options: argparse.Namespace) -> int:
    """A list; with --erase each in a transaction of its own, so what stops it leaves each whole or erased."""
    settings = load()
    if options.erase and not options.by:
        raise StoplineError("--erase needs --by NAME 删除须写明由谁负责")
    ledger = compose.build_ledger(settings)[0]
    with ledger.read() as conn:
        by = accounts.of_office(conn, options.by) if options.by else None
        due = retention.due(conn, ledger.clock.now(), settings.retention_days)
    for it in due:
        held = [f"held 保留: {'  '.join(BARS[bar])}" for bar in it.bars]
        print(f"{it.code}  closed 结案 {it.over_since:%Y-%m-%d}", *held, sep="  ")
    free = [it for it in due if not it.bars]
    counted = f"{len(free)} to erase 应删除, {len(due) - len(free)} held 保留"
    print(f"{counted} (STOPLINE_RETENTION_DAYS={settings.retention_days})")
    if by is None or not options.erase or not free:
        return 0
    if not options.yes and not _confirmed("ERASE"):
        return 1
    return _erase_all(ledger, free, by)


def _erase_all(ledger: Ledger, free: Sequence[Due], by: UUID) -> int:
    """Exit 1 where something came up meanwhile: that one stays, and is listed the next time."""
    stayed = 0
    for it in free:
        try:
            _erase(ledger, it.id, RETENTION, by)
        except NotAllowed as barred:
            stayed += 1
            print(f"{it.code} stays 保留: {barred}", file=sys.stderr)
    print(f"{len(free) - stayed} erased 已删除")
    return 1 if stayed else 0
