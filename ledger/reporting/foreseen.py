"""What a door asks for each report that it rings for, asked in one statement (docs/decisions/0025).

Who needs an answer asks for it as ever, and finds it known. Nothing depends on it: what was not foreseen is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, select, true

from ledger.ringing import linking
from ledger.school import people
from ledger.store import kept
from ledger.store.unit_of_work import UnitOfWork

_one = select(literal(1).label("row")).subquery("one")
_answers = kept.EDITION.scalar_subquery().label("edition"), linking.EARLIEST.scalar_subquery().label("earliest")
_ALL = {
    grade: select(*_answers, *student.c).select_from(_one.outerjoin(student, true()))
    for grade, query in people.STUDENTS.items()
    for student in [query.subquery("student")]
}


def ask(
    uow: UnitOfWork,
    case_id: UUID,
    at: datetime,
    *,
    phone: bytes | None,
    student_no: bytes | None,
    paid: Sequence[tuple[bytes, int]],
    drill: bool,
) -> None:
    """Which edition the roster has, whom it knows by this number, and whether a report of the same fraud came before.

    `phone` is the victim's; `paid`: the account and amount of each transfer.
    """
    if len(paid) > 1:
        return  # asked in another way, and rare
    grade, index = ("student_no", student_no) if student_no else ("phone", phone)
    asked = linking.facts(case_id, phone, at, drill=drill, paid=paid)
    rows = uow.conn.execute(_ALL[grade], {"index": index, **asked}).all()
    found = {"edition": rows[0].edition, ("earliest", case_id): rows[0].earliest}
    uow.foreseen({**found, (grade, index): [row for row in rows if row.id]})
