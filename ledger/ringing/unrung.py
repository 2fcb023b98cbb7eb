"""How far the ringing is behind the reports: what the police are owed and nobody has called yet (decision 43)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, func, select

from ledger import tables as t
from ledger.events import POLICE, PRIORITY
from ledger.store.statements import number, word
from ledger.store.unit_of_work import UnitOfWork

LOOK_BACK = timedelta(seconds=5)  # what is older waits for something else than its turn

w, d = t.work.c, t.deliveries.c
_since, _urgent = bindparam("since", type_=t.UtcTime), number(PRIORITY[POLICE])
_work = select(func.min(w.available_at, type_=t.UtcTime)).where(
    w.state == word("open"), w.priority == _urgent, w.available_at > _since, w.attempts == number(0)
)
_text = select(func.min(d.available_at, type_=t.UtcTime)).where(
    d.available_at.is_not(None), d.priority == _urgent, d.available_at > _since, d.state == word("pending")
)
_OLDEST = select(_work.scalar_subquery().label("work"), _text.scalar_subquery().label("text"))


def behind(uow: UnitOfWork) -> timedelta:
    """For how long the oldest of it is due that nobody has tried yet; zero where nothing is."""
    oldest = uow.conn.execute(_OLDEST, {"since": uow.now - LOOK_BACK}).one()
    return max((uow.now - at for at in oldest if at), default=timedelta())
