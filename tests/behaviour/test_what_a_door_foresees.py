"""A door that rings asks for everything at once; what it hears is what it would have heard by asking one by one."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from ledger.reporting import foreseen, reports
from ledger.reporting.reportin import ReportIn, TransferIn
from ledger.ringing import doorbell
from tests.behaviour.stories import read_all
from tests.world import STUDENT, STUDENT_NO, World

SELF, STRANGER = f"+86{STUDENT}", "+8613912345678"
PAID = TransferIn(amount_fen=3_860_000, payee_account="6217 0000 0000 4417")
OTHER = TransferIn(amount_fen=100, payee_account="6217 0000 0000 0001")


class TakenBack(Exception):  # a test's
    """So that the same may be taken once more."""


def found(world: World, report: ReportIn, *, at_once: bool) -> dict[str, Any]:
    """Whose report it is held for, and which earlier one it is linked to."""
    row: dict[str, Any] = {}
    with suppress(TakenBack), world.parts.ledger.begin("report") as uow:
        made = reports.accept(uow, report, ring=at_once, new=True)
        case = uow.in_hand(made.case_id)
        assert case
        if not at_once:
            doorbell.ring(uow, case)
        row |= case.row
        raise TakenBack
    return {name: row[name] for name in ("victim_id", "counselor_id", "college_code", "match_grade", "linked_to")}


@pytest.mark.parametrize(("report", "grade", "linked"), [
    (ReportIn(SELF, (OTHER,)), "phone", True),
    (ReportIn(SELF, (OTHER,), student_no=STUDENT_NO), "student_no", True),
    (ReportIn(SELF, (OTHER,), student_no="1999000000"), "phone", True),
    (ReportIn(STRANGER, (PAID,)), "none", True),
    (ReportIn(STRANGER, (OTHER,)), "none", False),
    (ReportIn(STRANGER, (OTHER,), student_no=STUDENT_NO), "student_no", False),
    (ReportIn(STRANGER, (OTHER,), for_whom="other", victim_phone=SELF), "phone", True),
    (ReportIn(SELF, (OTHER,), for_whom="other"), "none", False),
    (ReportIn(STRANGER, (OTHER, PAID)), "none", True),
    (ReportIn(STRANGER, (TransferIn(amount_fen=3_860_000),)), "none", False),
    (ReportIn(STRANGER, kind="in_progress"), "none", False),
    (ReportIn(SELF, (PAID,), source="drill"), "phone", False),
])  # fmt: skip
def test_it_is_what_asking_one_by_one_finds(world: World, report: ReportIn, grade: str, *, linked: bool) -> None:
    world.report()
    one_by_one, at_once = (found(world, report, at_once=it) for it in (False, True))
    assert at_once == one_by_one
    assert (at_once["match_grade"], at_once["linked_to"] is not None) == (grade, linked)
    read_all(world)


def test_what_is_not_foreseen_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.report()
    known = found(world, ReportIn(SELF, (PAID,)), at_once=True)
    monkeypatch.setattr(foreseen, "ask", lambda *_, **__: None)
    assert found(world, ReportIn(SELF, (PAID,)), at_once=True) == known != {}
    read_all(world)
