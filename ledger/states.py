"""The states of a case, of its obligations and of a delivery, and which moves between them are legal.

Pure. Names are those of the JSON of a report and of docs/glossary.md; times and actors live in the case's events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_COUNSELOR = ("pending", "alerted", "acknowledged", "contacted", "done")
REFUSED = "refused"
# What the outcomes of its transfers make of a case.
ENDINGS = ("stopped", "stopped_empty", REFUSED, "too_late", "not_fraud", "false_report")

# a later state may be entered from every earlier one: an acknowledgement is legal straight from pending
ORDER: dict[str, tuple[str, ...]] = {
    "police": ("pending", "alerted", "acknowledged", "contacted", "filed", "done"),
    "counselor": _COUNSELOR,
    "dissuade": _COUNSELOR,
    "dissuaded": _COUNSELOR,
    "unsafe": _COUNSELOR,
    "immediate": _COUNSELOR,
    "care": ("open", "in_progress", "closed"),
    "case": ("received", "alerted", "acknowledged", "filed", *ENDINGS, "closed"),
}

# an owner without progress loses the obligation (escalation.owner_clock); what was ended too early is opened again
_BACK: dict[str, frozenset[tuple[str, str]]] = {
    "police": frozenset(
        {(state, "alerted") for state in ("acknowledged", "contacted", "filed")}
        | {("done", state) for state in ("pending", "alerted", "acknowledged", "contacted", "filed")}
    ),
    "counselor": frozenset({("acknowledged", "alerted"), ("done", "acknowledged"), ("done", "pending")}),
    "dissuade": frozenset({("acknowledged", "alerted"), ("done", "acknowledged"), ("done", "pending")}),
    "care": frozenset({("closed", "in_progress")}),
    "case": frozenset({("acknowledged", "alerted"), ("filed", "alerted")}),
}


@dataclass(frozen=True)
class Outcome:
    """What an officer can record for one transfer; `case` is the case state it leads to, None where it decides nothing.

    `needs` names what belongs to it and is asked for where it was not entered: an amount, or a registration number.
    """

    zh: str
    en: str
    case: str | None
    needs: Literal["amount", "number"] | None = None


OUTCOMES: dict[str, Outcome] = {
    "accepted_110": Outcome("110已受理", "110 has it", None),
    "stopped": Outcome("已止付", "stopped", "stopped", "amount"),
    "stopped_empty": Outcome("已止付余额不足", "stopped, but the account is empty", "stopped_empty"),
    "refused_name": Outcome("户名不符", "refused: the name does not match", REFUSED),
    "refused_other": Outcome("银行未受理", "refused: another reason", REFUSED),
    "already_stopped": Outcome("已被止付", "stopped before by someone else", "stopped"),
    "too_late": Outcome("已转走", "too late: the money has moved on", "too_late"),
    "not_fraud": Outcome("非诈骗", "not fraud", "not_fraud"),
    "false_report": Outcome("虚假报告", "false report", "false_report"),
    "frozen": Outcome("已冻结", "frozen", "stopped", "amount"),
    "returned": Outcome("已返还", "returned", "stopped", "amount"),
    "registered": Outcome("立案", "registered by the police", None, "number"),
}

# the best that any transfer reached names the case; the refusals of the others stand in their own rows
_WEIGHT = (
    *("returned", "frozen", "stopped", "already_stopped", "stopped_empty"),
    *("refused_name", "refused_other", "too_late", "not_fraud", "false_report"),
)

# What a later word about a delivery can still change. `cancelled` stands below `sending`: whatever is heard of a
# delivery after its cancelling proves that the call was made after all. A failure is ranked by how far it got.
_DELIVERY = (
    *("pending", "cancelled", "sending", "unknown", "sent"),
    *("failed_temporary", "failed_permanent", "undelivered", "delivered"),
)
DELIVERY_RANK: dict[str, int] = {state: rank for rank, state in enumerate(_DELIVERY)}
DELIVERY_FAILED = frozenset({"failed_temporary", "failed_permanent", "undelivered"})


FIRST_DUTIES = ("police", "dissuade")  # a case has one of them


def first_obligation(kind: str) -> str:
    """The one that cannot wait, by what was reported: the police's, or to dissuade while the money is still there."""
    return "dissuade" if kind == "in_progress" else "police"


def can_move(kind: str, old: str, new: str) -> bool:
    """Whether `kind` (a key of ORDER) may go from `old` to `new`; never to the state it is in.

    An ended case may be given another ending or be reopened to any earlier state. KeyError for an unknown kind.
    """
    order = ORDER[kind]
    if old not in order or new not in order or old == new:
        return False
    if kind == "case" and old in (*ENDINGS, "closed"):
        return True
    return order.index(new) > order.index(old) or (old, new) in _BACK.get(kind, frozenset())


def case_state(police_state: str, outcome: str | None) -> str:
    """The state a case shows: its police obligation's, until an outcome decides it and somebody closes it.

    `outcome` is a key of OUTCOMES, usually `case_outcome` of all transfers; 110已受理 and 立案 decide nothing, and a
    police obligation that is done without any deciding outcome (the office closed it after a call) is a closed case.
    """
    ending = OUTCOMES[outcome].case if outcome else None
    if ending:
        return ending
    shown = {"pending": "received", "contacted": "acknowledged", "done": "closed"}
    return shown.get(police_state, police_state)


def case_outcome(outcomes: Iterable[str | None]) -> str | None:
    """The outcome that names a case with several transfers; None while one of them still waits for a deciding one."""
    recorded = list(outcomes)
    if not recorded or any(outcome not in _WEIGHT for outcome in recorded):
        return None
    return min((outcome for outcome in recorded if outcome), key=_WEIGHT.index)


def endings(outcomes: Iterable[str | None]) -> list[str | None]:
    """Of each transfer the case state that its outcome would give by itself; None while nothing is decided."""
    return [OUTCOMES[outcome].case if outcome else None for outcome in outcomes]


def to_file(outcomes: Iterable[str | None]) -> bool:
    """Whether a stop is still to be filed: for a transfer without a deciding outcome, or anew for one refused."""
    recorded = list(outcomes)
    return case_outcome(recorded) is None or REFUSED in endings(recorded)


def merge(current: str, reported: str) -> str:
    """The delivery state after `reported` was heard: the higher rank wins, so any order of callbacks ends alike.

    Both are keys of DELIVERY_RANK (the provider's own words are mapped by its channel); KeyError for another word.
    A retry after `failed_temporary` is a decision of the sender and no merge.
    """
    return max(current, reported, key=DELIVERY_RANK.__getitem__)
