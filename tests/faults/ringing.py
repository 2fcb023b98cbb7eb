"""Promises 6 and 7: whose phone rang for a case, when, and until when. Pure; a part of the checker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from tests.faults import texts
from tests.faults.clockwork import Time
from tests.faults.history import Entry

ALERTS = ("police", "counselor")
# The made-up school's ladder for the police: seconds after the report, and how many texts there are by then. Later
# rounds are not counted: they begin anew when one has reached nobody.
STEPS = ((120.0, 3), (240.0, 4), (480.0, 5))
ON_TIME_S, HEALED_S = 2.0, 15.0
SETTLES_S = 4.0  # after a leap of the clock, when all that fell due in it has been said
STARTED_S = 1.0  # promise 7: a call that began before an acknowledgement may still arrive
CALL_S = 10.0  # the longest that one call to the provider lasts
KILLED = "kill -9 "  # a process that dies is no trouble to a ladder, which counts from the report on
HELD_S = 890.0  # an owner without progress loses the case after fifteen minutes, and it rings again


@dataclass(frozen=True)
class Alert:
    t: float
    to: str
    kind: str
    code: str
    nth: int
    again: bool
    made: bool
    delivery: str
    body: str
    spooled: bool = False  # under the code that the spool gave


@dataclass
class Ringing:
    """The alerts of one case in their order."""

    alerts: list[Alert] = field(default_factory=list)

    def made(self, kind: str) -> list[Alert]:
        """Those that the provider took, without resends."""
        found = dict[str, Alert]()
        for alert in self.alerts:
            if alert.kind == kind and alert.made:
                found.setdefault(alert.delivery, alert)
        return list(found.values())

    def first(self, kind: str) -> float | None:
        """When the first was taken."""
        return next((alert.t for alert in self.made(kind)), None)

    def begun(self, kind: str) -> float | None:
        """When the provider was first asked, whatever it answered."""
        return next((alert.t for alert in self.alerts if alert.kind == kind), None)


NONE = Ringing()


def alerts_of(requests: Sequence[Entry]) -> Iterable[Alert]:
    for it in requests:
        text = texts.read(it["body"] or "") if it["kind"] == "create" else None
        if text:
            yield Alert(it["t"], it["to"], text.kind, text.code, text.nth, text.again, bool(it["sid"]),
                        it["delivery"] or "", it["body"], it.get("spooled", False))  # fmt: skip


def all_of(requests: Sequence[Entry]) -> dict[str, Ringing]:
    """By case code."""
    found: defaultdict[str, Ringing] = defaultdict(Ringing)
    for alert in alerts_of(requests):
        found[alert.code].alerts.append(alert)
    return dict(found)


def doubled(requests: Sequence[Entry], in_doubt: Collection[str] = ()) -> Iterable[str]:
    """Two texts with the same words to one phone, neither of them a resend: one step was taken twice.

    `in_doubt`: codes of reports whose commit may have got no answer. Such a one may be in the ledger and in the spool,
    and ring under both codes before the two meet (docs/decisions/0011): each code is judged for itself.
    """
    said = dict[tuple[str, str, str, int, bool], str]()
    for alert in alerts_of(requests):
        if alert.made and not alert.again and alert.kind in ALERTS:
            name = (alert.to, alert.kind, alert.code, alert.nth, alert.spooled and alert.code in in_doubt)
            if said.setdefault(name, alert.delivery) != alert.delivery:
                yield f"{alert.code}: said twice to {alert.to}: {alert.body}"


def rung_twice(requests: Sequence[Entry]) -> int:
    """How often one phone rang for one report under the spool's code and under the ledger's."""
    made = [alert for alert in alerts_of(requests) if alert.made and not alert.again and alert.nth == 1]
    by_spool, by_ledger = ({(it.to, it.kind, it.code) for it in made if it.spooled is one} for one in (True, False))
    return len(by_spool & by_ledger)


def first_answers(history: Sequence[Entry]) -> dict[str, float]:
    """Case → when somebody first tried to take it: from then on nobody outside can know whether it rings."""
    found = dict[str, float]()
    for entry in history:
        if entry["what"] == "reply" and entry["kind"] == "police":
            found.setdefault(entry["case"], entry["t"])
    return found


@dataclass(frozen=True)
class Step:
    """What has to have been said by `limit`; `strict` where nothing was broken that gave it more time."""

    after_s: float
    count: int
    limit: float
    strict: bool


def steps(rung: Ringing, asked: float, accepted: float, until: float, time: Time) -> Iterable[Step]:
    """Of a case that nobody took before `until`, and whose first alert was not itself in trouble.

    The steps of a ladder whose first round reached nobody have other times than these.
    """
    if not _well_begun(rung, asked, time):
        return
    lost = 0
    for after_s, count in STEPS:
        due = time.moment(time.service(accepted) + after_s)
        limit = _limit(due, time)
        if limit >= until:
            return
        # Promise 5 forbids a third try: of what is said while the way to the provider is broken one text may be lost.
        lost += time.broken(due - ON_TIME_S, limit, "provider", "link twilio")
        yield Step(after_s, count - lost, limit, limit == due + ON_TIME_S)


def missed_steps(rung: Ringing, asked: float, accepted: float, until: float, time: Time) -> Iterable[str]:
    made = rung.made("police")
    for step in steps(rung, asked, accepted, until, time):
        if len([alert for alert in made if alert.t <= step.limit]) < step.count:
            yield f"less than {step.count} alerts {step.after_s:.0f} s after the report"
    if _well_begun(rung, asked, time):
        yield from _too_early(made, asked, time)


def _well_begun(rung: Ringing, asked: float, time: Time) -> bool:
    first = rung.first("police")
    return first is not None and all(
        spell.name.startswith(KILLED) for spell in time.among(asked - HEALED_S, first + ON_TIME_S)
    )


def _limit(due: float, time: Time) -> float:
    """When a step has to have been taken that was due then."""
    trouble = {spell.group for spell in time.spells} - {"advance"}
    hindered = bool(trouble) and time.broken(due - HEALED_S, due + ON_TIME_S, *trouble)
    if hindered or time.broken(due - SETTLES_S, due + ON_TIME_S, "advance"):
        return time.grace(due, HEALED_S)
    return due + ON_TIME_S


def _too_early(made: list[Alert], asked: float, time: Time) -> Iterable[str]:
    """Where nothing was broken since the report: a lost receipt, say, rightly brings the next step forward."""
    trouble = {spell.group for spell in time.spells} - {"advance"}
    counts = [1, *(count for _, count in STEPS)]
    for (after_s, _), before in zip(STEPS, counts, strict=False):
        due = time.moment(time.service(asked) + after_s)
        if len(made) <= before:
            return
        alert = made[before]
        if alert.t < due - 0.5 and not (trouble and time.broken(asked, alert.t, *trouble)):
            yield f"an alert {due - alert.t:.1f} s before its time: {alert.body}"


def after_acknowledgement(history: Sequence[Entry], requests: Sequence[Entry], time: Time) -> Iterable[str]:
    taken = dict[tuple[str, str], float]()
    for entry in history:
        if entry["what"] == "reply" and entry["type"] == "ok":
            taken.setdefault((entry["case"], entry["kind"]), entry["t"])
    excused = set[str]()
    for alert in alerts_of(requests):
        at = taken.get((alert.code, alert.kind))
        if at is None or alert.t <= at + STARTED_S or time.service(alert.t) - time.service(at) > HELD_S:
            continue
        if alert.delivery not in excused and _had_begun(alert, at, time):
            excused.add(alert.delivery)  # once for each text
            continue
        yield f"{alert.code}: rung {alert.t - at:.1f} s after it was acknowledged: {alert.body}"


def _had_begun(alert: Alert, at: float, time: Time) -> bool:
    """Whether the call may have begun in time all the same: on its way through a link that was slow, or in the hands
    of a process that was stopped between the last look at the ledger and the call."""
    slow = alert.t - at <= STARTED_S + CALL_S and any(
        spell.name.startswith("twilio ") and spell.began <= alert.t and spell.ended >= at - CALL_S
        for spell in time.spells
    )
    stopped = any(
        spell.group == "pause" and spell.began <= at + STARTED_S and 0 <= alert.t - spell.ended <= STARTED_S + 2
        for spell in time.spells
    )
    return slow or stopped
