"""Money that was still here has gone after all: the warning becomes a report, and the police are rung."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, select

from ledger import tables as t
from ledger.events import CaseReopened, ReportConverted
from ledger.reporting import later
from ledger.reporting.reportin import TransferIn
from ledger.reporting.reports import DEADLINES, NET, transfer_row
from ledger.ringing import owing
from ledger.ringing.alerting import obligation
from ledger.store import alarms
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries


def convert(uow: UnitOfWork, case: Case, transfer: TransferIn, unread: Mapping[str, str], actor: str) -> bool:
    """False where it is a report already, or was a drill: a second tap changes nothing.

    `unread`: what was said of the transfer and could not be understood, by field.

    To dissuade is over, under a name of its own, and the police obligation starts now, as with a new report; also
    where somebody had closed the case.
    """
    if case.row["kind"] != "in_progress" or case.row["closed_at"] is not None:
        return False
    if case.row["state"] == "closed":
        uow.append(case, CaseReopened(later.REPORTER), actor)
    dissuade = obligation(uow, case, "dissuade")
    over = {"kind": "dissuaded", "state": "done", "done_at": uow.now, **owing.NOTHING}
    uow.change(t.obligations, dissuade["id"], over)
    deliveries.cancel_alerts(uow, dissuade["id"])
    alarms.clear(uow, case.id, "dissuade")
    row = {"case_id": case.id, "kind": "police", "state": "pending", "started_at": uow.now, "ladder_at": uow.now,
           "deadline_at": uow.now + DEADLINES["police"], "next_at": uow.now + NET["police"]}  # fmt: skip
    uow.conn.execute(insert(t.obligations).values(row))
    last = select(func.max(t.transfers.c.position)).where(
        t.transfers.c.case_id == case.id
    )  # the API may have named some
    position = (uow.conn.execute(last).scalar_one() or 0) + 1
    uow.conn.execute(insert(t.transfers).values(transfer_row(uow, case, position, transfer)))
    changed: dict[str, Any] = {"kind": "transferred", "state": "received"}
    if unread:
        kept = json.dumps(json.loads(case.readable("unread") or "{}") | dict(unread), ensure_ascii=False)
        changed["unread_sealed"] = case.key.seal("cases", case.id, "unread", kept)
        changed["flags"] = sorted({*case.row["flags"], *unread})
    uow.change(t.cases, case.id, changed)
    uow.append(case, ReportConverted(), actor)
    return True
