"""What the police ask the student for, and until when it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping, select

from ledger import tables as t
from ledger.events import NOTICE, PRIORITY, ProgressRecorded, StudentAsked
from ledger.police.progress import PROGRESS, owned
from ledger.ringing import match_keys
from ledger.ringing.match_keys import Lack
from ledger.states import FIRST_DUTIES
from ledger.store.crypto import Keys
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

o, e = t.obligations.c, t.case_events.c


def ask_student(uow: UnitOfWork, case: Case, person: UUID | None, actor: str) -> tuple[str, ...]:
    """Ask for the match keys that the sheet lacks: on the status page, and in one text unless the phone may be watched.

    The same question is asked once, until the stop is filed; `person` None is the security office.
    """
    owned(uow, case, person)
    found = match_keys.lacking(match_keys.readable(case.key.lenient(), match_keys.transfers(uow.conn, case.id)))
    missing = match_keys.words_of(found)
    if not found or waits_for(uow.conn, case.row, found):
        return missing
    uow.change(t.cases, case.id, asked=match_keys.written(found))
    event = uow.append(case, StudentAsked(missing), actor)
    if phone := case.texts_to:
        deliveries.tell(uow, (phone, case.row["language"]), "ask", {"code": case.code, "missing": list(missing)},
                        case=case, dedup=f"{event}:reporter", priority=PRIORITY[NOTICE])  # fmt: skip
    return missing


def asked(conn: Connection, keys: Keys, case: RowMapping) -> list[Lack]:
    """What the police asked for and the sheet still lacks."""
    if not _asks(conn, case):
        return []
    return match_keys.asked(match_keys.lacking(match_keys.of_case(conn, keys, case)), case["asked"])


def waits_for(conn: Connection, case: Mapping[Any, Any], found: Sequence[Lack]) -> bool:
    """Whether just these were asked for, and still are."""
    return sorted(case["asked"] or ()) == sorted(match_keys.written(found)) and _asks(conn, case)


def _asks(conn: Connection, case: Mapping[Any, Any]) -> bool:
    """Filing the stop ends the question, until the police ask again; so does the end of the case."""
    if not case["asked"]:
        return False
    over = select(o.id).where(o.case_id == case["id"], o.kind.in_(FIRST_DUTIES), o.state == "done")
    if conn.execute(over).first():
        return False
    types = (StudentAsked.type, ProgressRecorded.type)
    said = select(e.type, e.data).where(e.case_id == case["id"], e.type.in_(types)).order_by(e.seq.desc())
    last = (row.type for row in conn.execute(said) if PROGRESS.get(row.data.get("progress")) != "contacted")
    return next(last, None) == StudentAsked.type
