"""What the owner gets done: the reporter reached, the stop filed, and what became of each transfer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select

from ledger import tables as t
from ledger.errors import NotAllowed
from ledger.events import OutcomeRecorded, ProgressRecorded
from ledger.police import stopped
from ledger.police.resuming import resume
from ledger.ringing import owing, unsafety
from ledger.ringing.alerting import obligation
from ledger.states import OUTCOMES, can_move, case_outcome, case_state
from ledger.store import alarms
from ledger.store.unit_of_work import Case, UnitOfWork

PROGRESS = {"contacted": "contacted", "filed": "filed", "accepted_110": "filed"}  # what it makes of the obligation


def record_progress(
    uow: UnitOfWork, case: Case, progress: str, person: UUID | None, actor: str, seen: int | None = None,
    unsafe: str | None = None,
) -> None:  # fmt: skip
    """The owner reached the reporter, filed the stop, or learnt that 110 has it. `person` None: the security office.

    `seen`: how many transfers they knew of, if not all (`owing.stops`); what came in while their page was open is owed.
    `unsafe`: as it had it, see `unsafety.settle`.
    """
    row, stops = owned(uow, case, person), owing.stops(uow, case)
    recorded = owing.outcomes(stops)
    named, old, state = case_outcome(recorded), row["state"], PROGRESS[progress]
    known, unheard = len(stops[:seen]), owing.unheard(uow, case, stops)
    if old == "done" and named is None:  # by a ledger that did not open it again for a further transfer
        old = resume(uow, case, row, recorded)
    # What is done may be opened again by the office alone: a button pressed late must not take an outcome away.
    if old != "done":
        values = dict(owing.after_progress(row, stops[known:]))
        if can_move(row["kind"], old, state):
            at = f"{state}_at"
            values |= {"state": state, at: row[at] or uow.now}  # another officer may have come so far before
            uow.change(t.cases, case.id, state=case_state(state, named))
        heard = unheard and all(it["position"] for it in stops[known:])
        if named and heard and not owing.to_file_anew(uow.conn, case.id, stops):  # nothing else was waited for
            values |= _done(uow, case, named)
        if values:
            uow.change(t.obligations, row["id"], values)
        if progress == "contacted":
            _file_in_time(uow, case, row)
    if progress == "contacted" and person is None:
        unsafety.settle(uow, case, unsafe)
    alarms.clear(uow, case.id, row["kind"])  # that its owner could not be reminded; where more is owed, it comes again
    uow.append(case, ProgressRecorded(progress, known), actor)


def student_reached(uow: UnitOfWork, case: Case, actor: str) -> None:
    """By whoever follows them up: progress with a dissuasion that somebody has. A counselor has no duty page."""
    if case.first_obligation != "dissuade":
        return
    row = obligation(uow, case, "dissuade")
    if row["state"] == "acknowledged":
        record_progress(uow, case, "contacted", row["owner_id"], actor)


def record_outcome(
    uow: UnitOfWork,
    case: Case,
    position: int,
    outcome: str,
    amount_fen: int | None,
    person: UUID | None,
    actor: str,
    number: str = "",
    since: datetime | None = None,
) -> str:
    """What became of one transfer; when every transfer has an outcome, and a refused one that the office opened again
    another word, the police obligation is done.

    立案 and 110已受理 decide nothing: they leave the outcome that the transfer has, and its amount. So does the same
    outcome once more without an amount. `since`: when it was stopped, if not now. Returns what the
    transfer lacks then: amount · number, or nothing.
    """
    row, c = owned(uow, case, person), t.transfers.c
    found = select(t.transfers).where(c.case_id == case.id, c.position == position)
    transfer = uow.conn.execute(found).mappings().one_or_none()
    if transfer is None or outcome not in OUTCOMES:
        raise NotAllowed(f"no transfer {position} or no outcome {outcome!r}")
    values: dict[str, Any] = {"outcome_at": uow.now}
    again = outcome == transfer["outcome"] and amount_fen is None
    if not again and (OUTCOMES[outcome].case or not transfer["outcome"]):
        values |= {"outcome": outcome, "outcome_fen": amount_fen}
    values |= stopped.after(transfer, outcome, since, case.row["drill"], uow.now)
    if number:
        values["outcome_number_sealed"] = case.key.seal("transfers", transfer["id"], "outcome_number", number)
    uow.change(t.transfers, transfer["id"], values)
    stopped.hush(uow, case, transfer["id"], values)
    alarms.clear(uow, case.id, row["kind"])
    recorded_as = OutcomeRecorded(position, outcome, amount_fen, stopped.until(values))
    uow.append(case, recorded_as, actor, sealed=number or None)
    stops = owing.stops(uow, case)
    recorded, unheard = owing.outcomes(stops), owing.unheard(uow, case, stops)
    before = [{**it, "outcome": transfer["outcome"]} if it["position"] == position else it for it in stops]
    named, anew = case_outcome(recorded), owing.to_file_anew(uow.conn, case.id, before)
    left = anew - {position} if OUTCOMES[outcome].case else anew
    if row["state"] == "done" and named is None:  # as in record_progress
        resume(uow, case, row, recorded)
    elif named and (row["state"] == "done" or not (unheard or left)):
        uow.change(t.obligations, row["id"], _done(uow, case, named))
    else:
        if _dealt_with(row, position, before, anew):
            others = owing.waiting(row, [it for it in stops if it["position"] != position])
            progress = owing.after_progress(row, [*others, *unheard])
            if unheard and row["owed_since"] is None:
                progress = owing.since(uow.now)
            uow.change(t.obligations, row["id"], {"state": row["state"], **progress})
            _file_in_time(uow, case, row)
        uow.change(t.cases, case.id, state=case_state(row["state"], named if left else None))
    return _lacks({**transfer, **values}, outcome)


def _dealt_with(row: RowMapping, position: int, before: Iterable[owing.Stop], anew: set[int]) -> bool:
    """Whether a word on this transfer is progress: of those that were there when the clock began, one that is being
    dealt with counts for all. `before`: what was known of each until now."""
    of = {it["position"]: it for it in before if it["position"]}
    this = of.pop(position)
    if position in anew:
        return all(it["outcome"] for it in of.values())
    # Another outcome of what had one is none, nor is one of what came in since with those to be filed anew by then.
    return not case_outcome([this["outcome"]]) and not (anew and owing.waiting(row, [this]))


def _done(uow: UnitOfWork, case: Case, named: str) -> dict[str, Any]:
    """Columns of the obligation once nothing is left to file; the case shows what became of it."""
    uow.change(t.cases, case.id, state=case_state("done", named))
    return {"state": "done", "done_at": uow.now, **owing.NOTHING}


def _file_in_time(uow: UnitOfWork, case: Case, row: RowMapping) -> None:
    """Whoever has reached the reporter, and owes nothing else, hears of a stop that is not filed in half an hour."""
    if due := owing.file_by(uow, row["id"], drill=case.row["drill"]):
        uow.change(t.obligations, row["id"], next_at=due)


def _lacks(transfer: Mapping[Any, Any], said: str) -> str:
    """What belongs to the outcome that was said just now, then to the one that the transfer has."""
    lacking = {"amount": transfer["outcome_fen"] is None, "number": transfer["outcome_number_sealed"] is None}
    needed = (OUTCOMES[outcome].needs for outcome in (said, transfer["outcome"]))
    return next((needs for needs in needed if needs and lacking[needs]), "")


def owned(uow: UnitOfWork, case: Case, person: UUID | None, *, closed: bool = False) -> RowMapping:
    """The first obligation, for its owner or the office (`person` None). NotAllowed for others, and once closed, unless
    it may be (`closed`)."""
    row = obligation(uow, case, case.first_obligation)
    if case.row["state"] == "closed" and not closed:
        raise NotAllowed("the case is closed")
    if row["owner_id"] is None or (person is not None and row["owner_id"] != person):
        raise NotAllowed("the case has to be acknowledged first, and only its owner or the office may do this")
    return row
