"""Whether the promises were kept, judged from outside: by the history of the run and the provider double's log alone.

Pure. It imports nothing of the service, and of the doors knows only what they answer. What the promises
allow is written here once, beside the rule it limits; a rule is never widened because a run has failed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults import aliases, alone, asking, doubt, ringing, spooling, texts
from tests.faults.clockwork import Time
from tests.faults.history import Entry

HEALED_S = 15.0  # promise 4: an alert this long after the last heal, at the latest
BROKERLESS_S = 5.0 + 2.0  # promise 8: what is on time comes within 2 s, and the want of a broker adds 5
BROKER = "broker"  # the group of faults that promise 8 speaks of
PROMISES = {
    1: "no accepted report is lost, or left without its police alert, counselor alert and follow-up",
    2: "nothing is stored from a 4xx, and a key makes one case",
    3: "whoever got no answer learns the truth from the key",
    4: "an alert is there 15 s after the last heal",
    5: "the provider is asked twice for a text only after an unknown answer, once, and after a look",
    6: "every step comes at its time, none is skipped or doubled",
    7: "no alert begins more than a second after an acknowledgement",
    8: "without the broker an alert is at most 5 s late",
    9: "whom the provider does not reach, somebody else is told instead, within 30 s",
    10: "rubbish in a queue delays nobody",
    13: "a report is taken without the database too, or at the worst answered with 110",
}


@dataclass
class Report:
    """What is known of one key."""

    key: str
    phone: str
    valid: bool
    asked: float
    accepted: float | None = None
    told: bool = False
    tokens: set[str] = field(default_factory=set)
    cases: list[str] = field(default_factory=list)  # in the order in which they were told
    refused: list[int] = field(default_factory=list)
    page: dict[str, Any] | None = None  # its status link's last answer
    page_status: int | None = None


@dataclass
class Verdict:
    """`breaches`: promise → what was found against it. `figures` are counts, and seconds."""

    breaches: dict[int, list[str]]
    figures: dict[str, float]

    @property
    def kept(self) -> bool:
        return not any(self.breaches.values())

    def lines(self) -> list[str]:
        """One for each promise."""
        shown = []
        for number, words in PROMISES.items():
            found = self.breaches[number]
            shown.append(f"{'BROKEN' if found else 'kept  '} {number}. {words}" + (f": {len(found)}" if found else ""))
        return shown

    def found(self) -> Iterable[str]:
        return (f"promise {number}: {breach}" for number, some in self.breaches.items() for breach in some)


def judge(history: Sequence[Entry], requests: Sequence[Entry]) -> Verdict:
    """`requests`: the double's log in its order, each with t, kind, to, body, outcome, status, sid and delivery."""
    as_told = history
    history, requests = aliases.under_last_codes(history, requests)
    time, reports = Time(history), reports_of(history)
    ringings = ringing.all_of(requests)
    breaches: dict[int, list[str]] = {number: [] for number in PROMISES}
    breaches[1] = [*_lost(reports.values(), ringings)]
    breaches[2] = [*_phantoms(reports.values(), requests)]
    breaches[3] = [*_untold(reports.values())]
    breaches[4] = [*_late(reports.values(), ringings, time)]
    breaches[5] = [*asking.repeated(requests, time)]
    unsure = doubt.keys(history, time)
    in_doubt = {case_of(report) for report in reports.values() if report.key in unsure}
    ladders = _ladders(reports.values(), history, ringings, time)
    breaches[6] = [*ringing.doubled(requests, in_doubt), *_missed_steps(ladders, time)]
    breaches[7] = [*ringing.after_acknowledgement(history, requests, time)]
    breaches[8] = [*_late_without_broker(reports.values(), ringings, time)]
    breaches[9] = [*alone.left_alone(requests, ringing.first_answers(history), time)]
    breaches[10] = [*alone.delayed_by_poison(_first_alerts(reports.values(), ringings), time)]
    breaches[13] = [*spooling.turned_away(as_told, time), *spooling.odd_codes(as_told)]
    return Verdict(breaches, _figures(reports.values(), history, requests, ringings, breaches, time))


def reports_of(history: Sequence[Entry]) -> dict[str, Report]:
    reports: dict[str, Report] = {}
    for entry in history:
        if entry["what"] in ("report", "replay"):
            if entry["type"] == "invoke":
                made = Report(entry["key"], entry["phone"], entry["valid"], entry["t"])
                reports.setdefault(entry["key"], made)
            else:
                _note(reports[entry["key"]], entry)
        elif entry["what"] == "status":
            report = reports[entry["key"]]
            report.page_status = entry.get("status", report.page_status)
            report.page = entry.get("answer") or report.page
    return reports


def _note(report: Report, entry: Entry) -> None:
    report.told = entry["type"] != "info"
    if entry["type"] == "fail":
        report.refused.append(entry["status"])
    if entry["type"] == "ok":
        report.accepted = report.accepted if report.accepted is not None else entry["t"]
        report.tokens.add(entry["token"])
        if entry["case"] and entry["case"] not in report.cases:
            report.cases.append(entry["case"])


def case_of(report: Report) -> str:
    """Its code, from the door or from its page."""
    return next(iter(report.cases), "") or (report.page or {}).get("case", "")


def _accepted(reports: Iterable[Report]) -> Iterable[tuple[Report, float]]:
    return ((report, report.accepted) for report in reports if report.accepted is not None)


def _lost(reports: Iterable[Report], ringings: dict[str, ringing.Ringing]) -> Iterable[str]:
    for report, _ in _accepted(reports):
        if report.page is None:
            yield f"{report.key} {case_of(report)}: its page says {report.page_status}"
            continue
        rung, shown = ringings.get(case_of(report), ringing.NONE), report.page["obligations"]
        for kind in ("police", "counselor"):
            state = shown.get(kind, {})
            if not rung.made(kind):
                yield f"{report.key} {case_of(report)}: no {kind} alert was made"
            elif not (state.get("alerted_at") or state.get("acknowledged_at")):
                yield f"{report.key} {case_of(report)}: {kind} is not known as alerted"
        if not shown.get("care", {}).get("opened_at"):
            yield f"{report.key} {case_of(report)}: no follow-up was opened"


def _phantoms(reports: Iterable[Report], requests: Sequence[Entry]) -> Iterable[str]:
    reports = list(reports)
    known, owner = {case_of(report) for report in reports}, dict[str, str]()
    refused_phones = {report.phone for report in reports if not report.valid}
    for report in reports:
        if not report.valid and report.accepted is not None:
            yield f"{report.key}: accepted, though it was no report"
        # What was taken while the database was away has a link of its own, to the same case.
        links = 1 + len((report.page or {}).get("spool_codes", ()))
        if len(report.tokens) > links or len(report.cases) > 1:
            yield f"{report.key}: one key, several cases {report.cases} {len(report.tokens)} links"
        case = case_of(report)
        if case and owner.setdefault(case, report.key) != report.key:
            yield f"{case}: one case for two keys, {report.key} and {owner[case]}"
    strangers = dict[str, str]()
    for it in requests:
        text = texts.read(it["body"] or "") if it["kind"] == "create" else None
        if it["kind"] == "create" and (it["to"] or "")[-11:] in refused_phones:
            yield f"a text to {it['to']}, whose report was refused: {it['body']}"
        if text and text.code not in known:
            strangers.setdefault(text.code, it["body"])
    yield from (f"{code}: a case that nobody was told of: {body}" for code, body in strangers.items())


def _untold(reports: Iterable[Report]) -> Iterable[str]:
    for report in reports:
        if not report.told or (report.valid and report.accepted is None and not report.refused):
            yield f"{report.key}: never told what became of it"
        if report.valid and report.refused:
            yield f"{report.key}: refused with {report.refused}, though it was right"


def _late(reports: Iterable[Report], ringings: dict[str, ringing.Ringing], time: Time) -> Iterable[str]:
    for report, accepted in _accepted(reports):
        limit = time.grace(accepted, HEALED_S)
        rung = ringings.get(case_of(report), ringing.NONE)
        for kind in ("police", "counselor"):
            first = rung.first(kind)
            if (first is None or first > limit) and limit <= time.end:
                came = "never" if first is None else f"{first - limit:.1f} s late"
                yield f"{report.key} {case_of(report)}: its {kind} alert came {came}"


def _first_alerts(
    reports: Iterable[Report], ringings: dict[str, ringing.Ringing]
) -> Iterable[tuple[str, float, float | None]]:
    for report, accepted in _accepted(reports):
        begun = ringings.get(case_of(report), ringing.NONE).begun("police")
        yield f"{report.key} {case_of(report)}", accepted, begun


def _late_without_broker(reports: Iterable[Report], ringings: dict[str, ringing.Ringing], time: Time) -> Iterable[str]:
    for report, accepted in _without_broker(reports, time):
        until = accepted + BROKERLESS_S
        first = ringings.get(case_of(report), ringing.NONE).first("police")
        if first is None or first > until:
            yield f"{report.key} {case_of(report)}: no alert within {BROKERLESS_S:.0f} s"


def _without_broker(reports: Iterable[Report], time: Time) -> Iterable[tuple[Report, float]]:
    """Reports that came while the broker and nothing else was broken, nor had been for a while."""
    others = sorted({spell.group for spell in time.spells} - {BROKER})
    for report, accepted in _accepted(reports):
        until = accepted + BROKERLESS_S
        if not time.broken(accepted, until, BROKER) or until > time.end:
            continue
        if not others or not time.broken(accepted - HEALED_S, until, *others):
            yield report, accepted


Ladder = tuple[Report, ringing.Ringing, float, float, float]  # its alerts, asked, accepted, and until when it rings


def _missed_steps(ladders: Iterable[Ladder], time: Time) -> Iterable[str]:
    for report, rung, asked, accepted, until in ladders:
        for said in ringing.missed_steps(rung, asked, accepted, until, time):
            yield f"{report.key} {case_of(report)}: {said}"


def _strict_steps(ladders: Iterable[Ladder], time: Time) -> int:
    """Those judged without any allowance."""
    return sum(
        step.strict
        for _, rung, asked, accepted, until in ladders
        for step in ringing.steps(rung, asked, accepted, until, time)
    )


def _ladders(
    reports: Iterable[Report], history: Sequence[Entry], ringings: dict[str, ringing.Ringing], time: Time
) -> Iterable[Ladder]:
    answered = ringing.first_answers(history)
    for report, accepted in _accepted(reports):
        code = case_of(report)
        yield report, ringings.get(code, ringing.NONE), report.asked, accepted, answered.get(code, time.end)


def _figures(
    reports: Iterable[Report],
    history: Sequence[Entry],
    requests: Sequence[Entry],
    ringings: dict[str, ringing.Ringing],
    breaches: dict[int, list[str]],
    time: Time,
) -> dict[str, float]:
    accepted = [*_accepted(reports)]
    waits, calm = [], []
    for report, at in accepted:
        first = ringings.get(case_of(report), ringing.NONE).begun("police")
        if first is not None:
            waits.append(max(0.0, first - at))
            if not time.broken(at - HEALED_S, at + 2):
                calm.append(waits[-1])
    injected = [entry for entry in history if entry["what"] == "fault" and entry["phase"] == "inject"]
    seen: defaultdict[str, int] = defaultdict(int)
    for entry in history:
        seen[f"{entry['what']} {entry['type']}"] += 1
    return {
        "accepted": len(accepted),
        "lost": len({breach.partition(":")[0] for breach in breaches[1]}),
        "faults": len(injected),
        "replays": seen["replay ok"],
        "refused": sum(not report.valid for report in reports),
        "asked again": seen["report info"],
        "acknowledgements": seen["reply ok"],
        "provider requests": sum(it["kind"] == "create" for it in requests),
        "rung under both codes": ringing.rung_twice(requests),
        "resent": sum(texts.AGAIN in (it["body"] or "") for it in requests),
        "p50": percentile(waits, 0.5),
        "p99": percentile(waits, 0.99),
        "calm p50": percentile(calm, 0.5),
        "calm p99": percentile(calm, 0.99),
        "calm reports": len(calm),
        "due within 20 s": sum(time.grace(at, HEALED_S) <= at + 20 for _, at in accepted),
        "steps to the second": _strict_steps(_ladders(reports, history, ringings, time), time),
        "turned away": spooling.count(history),
        "failed by the provider alone": alone.judged(requests, ringing.first_answers(history), time),
        "beside rubbish alone": sum(alone.beside_poison(at, time) for _, at in accepted),
        "without the broker": len([*_without_broker(reports, time)]),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """0 where there are none."""
    ranked = sorted(values)
    return round(ranked[min(len(ranked) - 1, int(share * len(ranked)))], 3) if ranked else 0.0
