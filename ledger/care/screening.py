"""What the answers of a screening ask for: an action, never a score or a level of risk.

Pure; see docs/decisions/0032-answers-ask-for-actions.md.
"""

from __future__ import annotations

from collections.abc import Mapping

IMMEDIATE, SAME_DAY = "immediate", "same_day"
TIMES = ("0", "1", "2", "3")  # of the last two weeks: not at all … nearly every day
SAID = ("yes", "no", "refused")
PHQ2, PHQ9_ITEM9, GAD2 = ("phq2_1", "phq2_2"), ("phq9_9",), ("gad2_1", "gad2_2")
ASQ, NOW = ("asq1", "asq2", "asq3", "asq4"), "asq5"  # the fifth: thoughts of killing oneself right now
ITEMS = {**dict.fromkeys((*PHQ2, *PHQ9_ITEM9, *GAD2), TIMES), **dict.fromkeys((*ASQ, NOW), SAID)}
_LEAST = ((PHQ2, 3), (PHQ9_ITEM9, 1), (GAD2, 3))
Answers = Mapping[str, str]  # item → one of its ITEMS; what was not asked is not in it


def read(typed: Mapping[str, str]) -> dict[str, str]:
    """The answers among what a form sends, in the order of ITEMS."""
    return {item: typed[item] for item, known in ITEMS.items() if typed.get(item) in known}


def lacks_now(answers: Answers) -> bool:
    """Whether the fifth question of the ASQ has to be asked still: it says whether it is a matter of minutes."""
    return NOW not in answers and _asq_positive(answers)


def action(answers: Answers) -> str | None:
    """IMMEDIATE, which is a referral as well, SAME_DAY or None. Whoever will not say is as one who says yes."""
    if answers.get(NOW) in ("yes", "refused"):
        return IMMEDIATE
    high = any(sum(int(answers.get(item, "0")) for item in items) >= least for items, least in _LEAST)
    return SAME_DAY if high or _asq_positive(answers) else None


def _asq_positive(answers: Answers) -> bool:
    return any(answers.get(item) in ("yes", "refused") for item in ASQ)
