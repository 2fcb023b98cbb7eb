"""What a call came to, written down: merged with what the provider has said meanwhile, and when to try again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from ledger import states
from ledger import tables as t
from ledger.store import alarms, failpoints
from ledger.store.unit_of_work import URGENT, Case, Ledger, UnitOfWork
from ledger.texts import deliveries
from ledger.texts.calls import Outcome

ASK_AFTER_S, ASK_MAX_S = 2.0, 5.0  # a provider lists a new message a moment later; one that is away has time
WAIT_FOR_ANSWER = timedelta(seconds=8)
RETRY_MAX_S, RETRY_AFTER_MAX_S = 5.0, 10.0  # of our own, and as the provider says: three refusals are the next person's


def settle(ledger: Ledger, outcome: Outcome) -> None:
    """Write what a call came to, once its case is free. One that cannot be opened is told of a failure all the same."""
    with ledger.begin(f"settle:{outcome.claim.draft.kind}", URGENT) as uow:
        case = uow.readable(outcome.claim.case_id) if outcome.claim.case_id else None
        row = deliveries.locked(uow, [outcome.claim.id])[outcome.claim.id]
        _settle(uow, outcome, case, row)
        _of_the_provider(uow, [(outcome, row)])


def settle_some(ledger: Ledger, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Write what some calls came to, in one transaction that waits for nothing; those that it wrote.

    Left out, to be written alone, are those whose case or text somebody else has in hand, which speak for several
    cases or for none, or which follow one of the same case.
    """
    one_a_case: dict[UUID, Outcome] = {}
    for it in outcomes:
        if it.claim.case_id:
            one_a_case.setdefault(it.claim.case_id, it)
    kinds = {it.claim.draft.kind for it in outcomes}
    with ledger.begin(f"settle:{'several' if len(kinds) > 1 else next(iter(kinds))}", URGENT) as uow:
        free = uow.try_cases(list(one_a_case))
        chosen = [(it, uow.case(case_id)) for case_id, it in one_a_case.items() if case_id in free]
        rows = deliveries.locked(uow, [it.claim.id for it, _ in chosen], wait=False) if chosen else {}
        chosen = [(it, case) for it, case in chosen if it.claim.id in rows]
        for it, case in chosen:
            _settle(uow, it, case, rows[it.claim.id])
        _of_the_provider(uow, [(it, rows[it.claim.id]) for it, _ in chosen])
        for kind in kinds if len(kinds) > 1 else ():
            failpoints.hit("before-commit", f"settle:{kind}")  # each kind's, whoever else is written with it
    return [it for it, _ in chosen]


def _settle(uow: UnitOfWork, outcome: Outcome, case: Case | None, row: RowMapping) -> None:
    """Merged by rank, since the provider's callback may have been faster."""
    if deliveries.erased(row):
        return
    claim, state, sid = outcome.claim, outcome.state, outcome.sid
    lapsed = row["token"] != claim.token
    if lapsed and state == "unknown":
        return  # whoever found the lease lapsed is asking the provider
    merged = states.merge(row["state"], state)
    given_up = merged == "unknown" and (outcome.exhausted or row["settled"] or _unanswered(uow.now, outcome, row))
    values: dict[str, Any] = {"state": merged, "tries": row["tries"] + 1, "settled": given_up}
    values["sid"], values["error_code"] = sid or row["sid"], outcome.error or row["error_code"]
    if merged in ("sent", "delivered"):
        values["sent_at"] = row["sent_at"] or uow.now
    if merged == "delivered":
        values["delivered_at"] = row["delivered_at"] or uow.now
    # Only a refusal of this very call is tried again: what the provider took and then lost is the next person's.
    untaken = merged == state and sid is None and state in ("failed_temporary", "unknown")
    if not untaken:
        values["available_at"] = None
    elif not lapsed:
        values["available_at"] = _next_try(uow.now, merged, row["tries"], outcome)
    uow.change_later(t.deliveries, claim.id, values)
    lost = outcome.exhausted or (given_up and not row["settled"])  # from then on the next person's
    deliveries.tell_obligation(uow, case, row, merged, taken=sid is not None, exhausted=lost)
    deliveries.spread(uow, {**row, **values}, taken=sid is not None, exhausted=outcome.exhausted)


def _unanswered(now: datetime, outcome: Outcome, row: RowMapping) -> bool:
    """For long enough that somebody else is rung as well; it is asked on, and sent again if it did not arrive.

    Not before its step has begun, as of a text out of the spool: nobody would hear of it then.
    """
    begun = row["duty_step"] is None or row["duty_step"] >= row["step"]
    long = row["called_at"] is not None and now - row["called_at"] >= WAIT_FOR_ANSWER
    return outcome.unanswered and begun and long


def _of_the_provider(uow: UnitOfWork, done: Sequence[tuple[Outcome, RowMapping]]) -> None:
    """An alarm, before a whole ladder has failed, for what no next person helps against.

    By region, so that two who settle at once take the alarms in one order.
    """
    for it, row in sorted(done, key=lambda one: one[0].region):
        if it.operator and it.region:
            alarms.provider_refuses(uow, it.region, it.error or "")
        elif it.sid and it.region and row["refusing"]:
            alarms.provider_takes(uow, it.region)


def _next_try(now: datetime, state: str, tries: int, outcome: Outcome) -> datetime | None:
    if state == "failed_temporary":
        wished_s = min(outcome.retry_after_s or 0, RETRY_AFTER_MAX_S)
        return now + timedelta(seconds=max(min(2.0**tries, RETRY_MAX_S), wished_s))
    if outcome.exhausted:
        return None
    return now + timedelta(seconds=min(ASK_AFTER_S * 2.0 ** max(tries - 1, 0), ASK_MAX_S))
