"""How often one address may try: counted in the ledger, so that all processes count together. Reports never count.

A campus shares one address, so the numbers are generous: they stop guessing by machine, not people.
"""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from sqlalchemy import case, delete, select

from ledger import tables as t
from ledger.errors import TooMany
from ledger.store.unit_of_work import Ledger, UnitOfWork

SIGN_IN, REOPEN, INVITATION = "sign-in", "reopen", "invitation"
MOST, WITHIN = 60, timedelta(minutes=5)
a = t.attempts.c


def check(ledger: Ledger, what: str, address: str | None) -> None:
    """Raises TooMany with the seconds to wait. It only reads: what is refused costs no write."""
    now = ledger.clock.now()
    query = select(a.ends_at).where(a.who_index == ledger.keys.blind(what, address or "-"), a.tries >= MOST)
    with ledger.read() as conn:
        ends_at = conn.scalars(query.where(a.ends_at > now)).one_or_none()
    if ends_at is not None:
        raise TooMany(ceil((ends_at - now).total_seconds()))


def count(uow: UnitOfWork, what: str, address: str | None) -> None:
    """One more try; the first one after a while begins a new count. Counts that are over are forgotten."""
    ends_at = uow.now + WITHIN
    row = uow.upsert(t.attempts).values(who_index=uow.keys.blind(what, address or "-"), tries=1, ends_at=ends_at)
    again = {"tries": case((a.ends_at <= uow.now, 1), else_=a.tries + 1),
             "ends_at": case((a.ends_at <= uow.now, ends_at), else_=a.ends_at)}  # fmt: skip
    uow.conn.execute(row.on_conflict_do_update(index_elements=["who_index"], set_=again))
    # After its own row, and past those that others hold: two that wait for each other's would be a deadlock.
    over = select(a.who_index).where(a.ends_at <= uow.now).limit(100).with_for_update(skip_locked=True)
    uow.conn.execute(delete(t.attempts).where(a.who_index.in_(over)))
