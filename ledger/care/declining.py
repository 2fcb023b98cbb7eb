"""A student who wants no contact, or whom nobody reaches: why the centre's word may not yet stand for calm contacts.

Pure; see docs/decisions/0028-left-in-peace.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from ledger.followups import AGREED, opens

LAST = "d90"
TRIED_DAYS = 3  # so many different days without an answer are as good as being declined
SPARED = frozenset({"contact_d30", "contact_d90", "agreed", "two_calm"})  # of followups.MISSING


@dataclass(frozen=True)
class Talk:
    """A contact of the record. `heard_at`: when the student was last heard in it; None where they were not.

    distress: signs of it, or talk of dying; so is an entry that cannot be read.
    """

    kind: str
    due_at: datetime
    heard_at: datetime | None = None
    declined: bool = False
    calm: bool = False
    distress: bool = False


@dataclass(frozen=True)
class History:
    """What the record tells of them. `tries`: those without an answer. `unsafe`: presses of 我现在不安全.

    danger: of dying was spoken at any time, or they would not say. `asking`: the centre has another question to answer.
    """

    talks: tuple[Talk, ...]
    tries: tuple[datetime, ...] = ()
    unsafe: tuple[datetime, ...] = ()
    danger: bool = False
    at_once: bool = False
    asking: bool = False


def bars(it: History, zone: tzinfo) -> list[str]:
    """Why two calm contacts cannot be spared, keys of the words on the page; empty where the centre may be asked."""
    heard = _heard(it)
    since, last = heard[-1] if heard else (None, None)
    final = next(opens(talk.kind, talk.due_at) for talk in it.talks if talk.kind == LAST)
    owed = [talk.kind for talk in it.talks if talk.heard_at is None and not _tried(it, _opened(talk, since), zone)]
    asked_again = last is not None and last.declined and since is not None and since >= final
    calm = max((at for at, talk in heard if talk.calm), default=None)
    distress = max((*(at for at, talk in heard if talk.distress), *it.unsafe), default=None)
    kept = {
        "contact_d30": "d30" not in owed,
        "contact_d90": LAST not in owed,
        "agreed": not any(kind.startswith(AGREED) for kind in owed),  # somebody was promised it
        "declines": asked_again or _tried(it, max(final, since or final), zone),
        "danger": not it.danger,
        "signs": distress is None or (calm is not None and calm > distress),
        "immediate": not it.at_once,
        "referral": not it.asking,
    }
    return [rule for rule, holds in kept.items() if not holds]


def concerned(it: History, zone: tzinfo) -> bool:
    """Whether it looks like one who declines or is out of reach: the page then says what it takes."""
    heard = _heard(it)
    return bool(heard and heard[-1][1].declined) or tried(it, zone) >= TRIED_DAYS


def tried(it: History, zone: tzinfo) -> int:
    """On how many days nobody answered since the student was last heard."""
    heard = _heard(it)
    return len(_days(it.tries, heard[-1][0] if heard else None, zone))


def _heard(it: History) -> list[tuple[datetime, Talk]]:
    """The contacts in which the student was heard, the last one last."""
    return sorted(((talk.heard_at, talk) for talk in it.talks if talk.heard_at), key=lambda heard: heard[0])


def _opened(talk: Talk, heard: datetime | None) -> datetime:
    return max(opens(talk.kind, talk.due_at), heard) if heard else opens(talk.kind, talk.due_at)


def _tried(it: History, since: datetime, zone: tzinfo) -> bool:
    return len(_days(it.tries, since, zone)) >= TRIED_DAYS


def _days(tries: Iterable[datetime], since: datetime | None, zone: tzinfo) -> set[object]:
    return {at.astimezone(zone).date() for at in tries if since is None or at >= since}
