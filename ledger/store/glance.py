"""What is due at all, asked in one statement each second, whoever then does it.

On a machine with nothing to do each look for itself costs more than the looking: it wakes a processor and a connection.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from ledger import tables as t
from ledger.store.statements import word
from ledger.store.unit_of_work import Ledger
from ledger.store.work import STALE

o, d, k, x, e, w = t.obligations.c, t.deliveries.c, t.contacts.c, t.transfers.c, t.case_events.c, t.work.c
f = t.follow_ups.c
_now, _stale = bindparam("now", type_=t.UtcTime), bindparam("stale", type_=t.UtcTime)
# As they stand in the conditions of the indexes over them: a bound value would be planned anew each time.
_sending, _open = d.state == word("sending"), w.state == word("open")


def _least(column: Any, *where: ColumnElement[bool]) -> ColumnElement[Any]:
    """The least goes by the index that begins with this column. PostgreSQL, which plans for any time once, reckons that
    a third of a table is due, and would read all of it for whether there `exists` a row."""
    return select(func.min(column)).where(*where).scalar_subquery()


_SIGNS: dict[str, ColumnElement[bool]] = {
    "obligations": _least(o.next_at, o.next_at.is_not(None)) <= _now,
    "leases": _least(d.lease_until, _sending) <= _now,
    "contacts": _least(k.remind_at, k.remind_at.is_not(None)) <= _now,
    "referrals": _least(f.referral_look_at, f.referral_look_at.is_not(None)) <= _now,
    "stops": _least(x.stop_look_at, x.stop_look_at.is_not(None)) <= _now,
    "events": _least(e.publish_after, e.publish_after.is_not(None)) <= _now,
    "texts": _least(d.priority, d.available_at <= _now).is_not(None),
    "open": _least(w.priority, _open, w.available_at <= _now).is_not(None),
    "work": _least(w.priority, _open, w.available_at <= _stale).is_not(None),
}
EVERYTHING = frozenset(_SIGNS)
_GLANCE = select(*(sign.label(name) for name, sign in _SIGNS.items()))


def glance(ledger: Ledger) -> frozenset[str]:
    """Names of what is due: obligations · leases · contacts · referrals · stops · events (to publish) · texts · open
    (work) · work (open for so long that the clock does it). Raises LedgerAway."""
    now = ledger.clock.now()
    with ledger.read() as conn:
        row = conn.execute(_GLANCE, {"now": now, "stale": now - STALE}).mappings().one()
    return frozenset(name for name, due in row.items() if due)
