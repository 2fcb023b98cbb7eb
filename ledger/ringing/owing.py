"""Since when progress with a stop, or with a dissuasion, is owed; see docs/decisions/0024 and 0027.

`owed_since` of the first obligation is what the owner's clock counts from; null: they owe none. The clock runs while
`next_at` is set as well: of a closed case nobody is asked. Without an owner it says since when the ladder rings for a
stop that came in later, by the times of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, bindparam, exists, func, or_, select

from ledger import tables as t
from ledger.escalation import REMIND_AFTER
from ledger.events import CaseAmended, CaseClosed, CaseReopened, Event, OutcomeRecorded, ProgressRecorded
from ledger.states import OUTCOMES, REFUSED, endings
from ledger.store.unit_of_work import Case, UnitOfWork

FILED_WITHIN = timedelta(minutes=30)
NOTHING: Mapping[str, Any] = {"owed_since": None, "next_at": None}
UNREAD = "unread_transfer"  # a further transfer whose amount could not be understood
BEYOND = "beyond_transfer"  # one more than the sheet lists
UNLISTED = frozenset((UNREAD, BEYOND))
Stop = Mapping[Any, Any]
o, x, e = t.obligations.c, t.transfers.c, t.case_events.c
_SAID = select(e.at, e.data, e.seq).where(e.case_id == bindparam("case"), e.type == bindparam("type")).order_by(e.seq)


def since(at: datetime) -> dict[str, Any]:
    """Columns of an obligation whose owner owes progress from then on."""
    return {"owed_since": at, "reminded": False, "next_at": at + REMIND_AFTER}


def unowned(row: Mapping[Any, Any], at: datetime) -> dict[str, Any]:
    """Columns of an obligation that nobody has any more: for what came in then, its ladder begins anew."""
    return {
        "state": "alerted" if row["alerted_at"] else "pending",
        **dict.fromkeys(("owner_id", "acknowledged_at", "entered_at", "done_at")),
        "step": max(row["step"], 0),  # the next is a further one, also where somebody took it before it rang
        "owed_since": at,
        "reminded": False,
        "next_at": at,
    }


def unfiled_since() -> ColumnElement[Any]:
    """Of a row of obligations whose reporter was reached: when the first stop that is not dealt with was reported.

    Null where there is none, or progress is owed, which has a clock of its own. Of those that came with the report one
    that is dealt with counts for all.
    """
    with_it = t.transfers.alias().c
    dealt = exists().where(with_it.case_id == o.case_id, with_it.added_at.is_(None), with_it.outcome.is_not(None))
    dealt = dealt.correlate(t.obligations)
    reported = select(func.min(func.coalesce(x.added_at, o.started_at), type_=t.UtcTime))
    waits = reported.where(x.case_id == o.case_id, x.outcome.is_(None), or_(x.added_at.is_not(None), ~dealt))
    reached = o.kind == "police", o.state == "contacted", o.owed_since.is_(None)
    return waits.where(*reached).correlate(t.obligations).scalar_subquery()


def file_by(uow: UnitOfWork, obligation: UUID, *, drill: bool) -> datetime | None:
    """When that stop has to be filed, if that is still to come; nobody has to come running for a drill."""
    uow.write_changes()
    since: datetime | None = uow.conn.execute(select(unfiled_since()).where(o.id == obligation)).scalar_one()
    due = since + FILED_WITHIN if since and not drill else None
    return due if due and due > uow.now else None


def stops(uow: UnitOfWork, case: Case) -> list[Stop]:
    """(position, outcome, outcome_at, added_at) of each transfer, as they came in; `added_at` of one after the report.

    One that the sheet does not list has no position, and never an outcome.
    """
    query = select(x.position, x.outcome, x.outcome_at, x.added_at).where(x.case_id == case.id)
    listed: Sequence[Stop] = uow.conn.execute(query.order_by(x.position)).mappings().all()
    nothing = dict.fromkeys(("position", "outcome", "outcome_at"))
    further = [{**nothing, "added_at": at} for at in unlisted(uow.conn, case.id)]
    return sorted([*listed, *further], key=lambda it: it["added_at"] or case.row["received_at"])


def unlisted(conn: Connection, case_id: UUID) -> list[datetime]:
    """When each transfer came in that the sheet cannot list."""
    return [row.at for row in said(conn, case_id, CaseAmended) if not UNLISTED.isdisjoint(row.data["fields"])]


def said(conn: Connection, case_id: UUID, what: type[Event]) -> Sequence[Row[*tuple[Any, ...]]]:
    """(at, data, seq) of a case's events of this type, oldest first. `seq` counts all of the case's."""
    return conn.execute(_SAID, {"case": case_id, "type": what.type}).all()


def unheard(uow: UnitOfWork, case: Case, all_stops: Sequence[Stop]) -> list[Stop]:
    """Those that the sheet does not list and of which no owner knew who recorded progress: an outcome says nothing of
    them, and who takes the case has not asked yet."""
    if all(it["position"] for it in all_stops):
        return []
    known = 0
    for row in said(uow.conn, case.id, ProgressRecorded):
        before = sum((it["added_at"] or row.at) <= row.at for it in all_stops)  # as releases took it that did not say
        known = max(known, row.data.get("known", before))
    return [it for it in all_stops[known:] if not it["position"]]


def to_file_anew(conn: Connection, case_id: UUID, all_stops: Iterable[Stop]) -> set[int]:
    """Positions of refused stops whose case the office has opened again since, and of which nothing was decided then.

    Not once it is closed again: a transfer that opens it later is another matter.
    """
    refused = {it["position"] for it in all_stops if endings([it["outcome"]]) == [REFUSED]}
    if not refused:
        return refused
    opened = [row.seq for row in said(conn, case_id, CaseReopened) if row.data.get("by", "office") == "office"]
    last = max(opened, default=0)
    if last <= max((row.seq for row in said(conn, case_id, CaseClosed)), default=0):
        return set()
    since = (row.data for row in said(conn, case_id, OutcomeRecorded) if row.seq > last)
    return refused - {it["transfer"] for it in since if OUTCOMES[it["outcome"]].case}


def outcomes(of: Iterable[Stop]) -> list[str | None]:
    """Of those that the sheet lists."""
    return [it["outcome"] for it in of if it["position"]]


def after_progress(row: Mapping[Any, Any], unheard: Iterable[Stop]) -> Mapping[str, Any]:
    """Columns of the obligation once there was progress with all but these further ones: the clock goes on for them."""
    came = [it["added_at"] for it in unheard if it["added_at"] and not it["outcome"]]
    first: datetime | None = min(came, default=None)
    if first is None or row["owed_since"] is None:
        return NOTHING
    return {} if first <= row["owed_since"] else since(first)


def waiting(row: Mapping[Any, Any], all_stops: Iterable[Stop]) -> list[Stop]:
    """Those that came in since progress is owed, and have no outcome."""
    if row["owed_since"] is None:
        return []
    later = (it for it in all_stops if it["added_at"] and it["added_at"] >= row["owed_since"])
    return [it for it in later if it["outcome"] is None]


def again(row: Mapping[Any, Any]) -> bool:
    """Whether a stop is owed for what came, or was opened again, after somebody had taken the case."""
    taken = row["acknowledged_at"]
    if row["kind"] in ("dissuade", "in_progress"):  # of an obligation, or of a case: there is no stop to be filed
        return False
    return row["owed_since"] is not None and (taken is None or row["owed_since"] > taken)


def occasion(uow: UnitOfWork, case: Case, row: RowMapping) -> dict[str, Any]:
    """What is owed that was not when somebody took the case: the transfer that was added, or what else."""
    if not again(row):
        return {}
    added = [it for it in waiting(row, stops(uow, case)) if it["added_at"] == row["owed_since"]]
    return {"transfer": added[0]["position"]} if added and added[0]["position"] else {"again": True}
