"""What is due at all, asked in one statement each second, whoever then does it.

On a machine with nothing to do each look for itself costs more than the looking: it wakes a processor and a connection.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, func, literal_column, select

from ledger import tables as t
from ledger.unit_of_work import Ledger
from ledger.work import STALE

o, d, k, e, w = t.obligations.c, t.deliveries.c, t.contacts.c, t.case_events.c, t.work.c
_now, _stale = bindparam("now", type_=t.UtcTime), bindparam("stale", type_=t.UtcTime)
# As they stand in the conditions of the indexes over them: a bound value would be planned anew each time.
_sending, _open = d.state == literal_column("'sending'"), w.state == literal_column("'open'")


def _earliest(time: Any, *where: ColumnElement[bool]) -> ColumnElement[Any]:
    """Goes by the index, also before the database has counted the rows: `<=` alone might read the whole table."""
    return select(func.min(time)).where(*where).scalar_subquery()


_SIGNS: dict[str, ColumnElement[bool]] = {
    "obligations": _earliest(o.next_at) <= _now,
    "leases": _earliest(d.lease_until, _sending) <= _now,
    "contacts": _earliest(k.remind_at, k.remind_at.is_not(None)) <= _now,
    "events": _earliest(e.publish_after, e.publish_after.is_not(None)) <= _now,
    "texts": exists().where(d.available_at <= _now),
    "open": exists().where(_open, w.available_at <= _now),
    "work": exists().where(_open, w.available_at <= _stale),
}
EVERYTHING = frozenset(_SIGNS)
_GLANCE = select(*(sign.label(name) for name, sign in _SIGNS.items()))


def glance(ledger: Ledger) -> frozenset[str]:
    """Names of what is due: obligations · leases · contacts · events (to publish) · texts · open (work) · work (open
    for so long that the clock does it). Raises LedgerAway."""
    now = ledger.clock.now()
    with ledger.read() as conn:
        row = conn.execute(_GLANCE, {"now": now, "stale": now - STALE}).mappings().one()
    return frozenset(name for name, due in row.items() if due)
