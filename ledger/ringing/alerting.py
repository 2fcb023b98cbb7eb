"""Ringing: whom the present step of an obligation calls, and when the next one is due.

Everything here happens in the caller's transaction with the case locked, so any number of clocks and workers may try.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, select

from ledger import escalation
from ledger import tables as t
from ledger.errors import NotFound
from ledger.escalation import Advance, Ladder, NobodyLeft, Stay
from ledger.events import PRIORITY, AlertDeclined, AlertEscalated, NobodyReached
from ledger.followups import CENTRE_WITHIN
from ledger.ringing import ladders, linking, owing, pressing, rounds
from ledger.ringing.match_keys import alert_facts
from ledger.school import rungs
from ledger.school.people import Person
from ledger.states import FIRST_DUTIES
from ledger.store.alarms import alarm as alarm
from ledger.store.statements import among
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import bundling, deliveries, reminders, waits

o, d, e = t.obligations.c, t.deliveries.c, t.case_events.c
# obligation → priority of its texts
RINGING = dict.fromkeys((*FIRST_DUTIES, "unsafe", "immediate"), "police") | {"counselor": "counselor"}
CALL_WITHIN_MIN = 30  # what a counselor is asked for
OBLIGATION = select(t.obligations).where(among(o.case_id, "cases"), o.kind == bindparam("duty")).with_for_update()
_SAID = select(e.data).where(e.case_id == bindparam("this"), e.type == NobodyReached.type)


def obligation(uow: UnitOfWork, case: Case, kind: str) -> RowMapping:
    """The case's obligation, locked. The case itself is locked before: `case` proves it."""
    rows = uow.take_rows(OBLIGATION, case, duty=kind)
    if not rows:
        raise NotFound
    return rows[0]


def begin(uow: UnitOfWork, case: Case, kind: str) -> None:
    """Ring the first step, once: a second call finds the step already begun."""
    row = obligation(uow, case, kind)
    if row["entered_at"] is not None or row["state"] not in deliveries.WAITING:
        return
    if row["owed_since"] is None:  # alerted: a text went out while the ledger was away
        _enter(uow, case, row, Advance(0, "time", row["ladder_at"]))
    else:
        _from_the_first(uow, case, row)


def ring_anew(uow: UnitOfWork, case: Case, kind: str) -> bool:
    """From the first rung again, for whoever stands on it now; its number goes on, so that each text is written once.

    False where nobody needs to be rung any more.
    """
    row = obligation(uow, case, kind)
    if row["state"] not in (*deliveries.WAITING, "acknowledged"):
        return False
    again = {"state": "alerted" if row["alerted_at"] else "pending", "owner_id": None, "acknowledged_at": None}
    uow.change(t.obligations, row["id"], again)
    _from_the_first(uow, case, row)
    return True


def _from_the_first(uow: UnitOfWork, case: Case, row: RowMapping) -> None:
    ladder = ladders.of(uow, case, row)
    step = (row["step"] // len(ladder.rungs) + 1) * len(ladder.rungs)
    if row["declined"]:  # what they said was of another occasion
        uow.change(t.obligations, row["id"], declined=None)
    _enter(uow, case, row, Advance(step, "time", uow.now - (escalation.due_at(ladder, uow.now, step) - uow.now)))


def on_ladder(uow: UnitOfWork, case: Case, row: RowMapping) -> set[UUID]:
    """Whomever the rungs of its ladder would ring now, the last ones as well."""
    return {person.id for rung in ladders.of(uow, case, row).rungs for person in _on_rung(uow, case, rung.targets)}


def look(uow: UnitOfWork, case: Case, kind: str) -> None:
    """What the clock does when an obligation's `next_at` has come. Nothing where it has another name by now."""
    try:
        row = obligation(uow, case, kind)
    except NotFound:
        return  # the money has gone after all: to dissuade is over
    if row["next_at"] is None or row["next_at"] > uow.now:
        return  # another clock was faster
    if row["state"] in deliveries.WAITING:
        _climb(uow, case, row)
    elif row["owed_since"] is not None:
        if pressing.press(uow, case, row):
            _one_rung_up(uow, case, row)
    elif row["kind"] == escalation.IMMEDIATE and row["state"] == "acknowledged":
        # Nobody has said that somebody is with the student.
        uow.change(t.obligations, row["id"], deadline_at=uow.now + CENTRE_WITHIN)
        ring_anew(uow, case, kind)
    else:
        if row["state"] == "contacted" and row["kind"] == "police":
            pressing.remind_to_file(uow, case, row)
        _wait(uow, row, None)


def decline(uow: UnitOfWork, case: Case, kind: str, people: Sequence[UUID], rung: Collection[UUID]) -> None:
    """These, some of whom were rung, say that they cannot: the clock looks now, and waits for none in this round."""
    row = obligation(uow, case, kind)
    many, step = len(ladders.of(uow, case, row).rungs), max(row["step"], 0)
    values = {"declined": (row["declined"] or {}) | {str(it): step - step % many + many - 1 for it in people}}
    uow.change(t.obligations, row["id"], values | ({"next_at": uow.now} if row["entered_at"] else {}))
    for person in rung:
        uow.append(case, AlertDeclined(kind, row["step"], str(person)), f"person:{person}")


def _climb(uow: UnitOfWork, case: Case, row: RowMapping) -> None:
    if row["entered_at"] is None and row["owed_since"] is not None:
        return _from_the_first(uow, case, row)
    ladder = ladders.of(uow, case, row)
    present = rounds.of(uow, row, len(ladder.rungs))
    present.give_up_waiting(uow)
    verdict = escalation.decide(
        ladder, row["ladder_at"], row["step"], uow.now, present.sent, row["barren"],
        entered_at=row["entered_at"], lost=present.lost, doubt=present.doubt,
    )  # fmt: skip
    barren = 0 if present.reached else row["barren"] + 1
    if present.in_vain(barren, over=isinstance(verdict, NobodyLeft)):
        why = "declined" if present.declined else "failed" if present.texts else "empty"
        _nobody(uow, case, row["kind"], row["id"], row["step"], why)
    if isinstance(verdict, Advance):  # one that was said again begins no series of barren steps with those before it
        return _enter(uow, case, row, verdict, barren if verdict.to_step == row["step"] + 1 else 0)
    return _wait(uow, row, min([verdict.until, *present.over_at(uow.now)]))


def _enter(
    uow: UnitOfWork, case: Case, row: RowMapping, to: Advance, barren: int = 0, without: UUID | None = None
) -> None:
    """Begin a step: ring its people, but for one who had their time; an empty one is left at once for the next.

    Of one that rings nobody, though somebody in the round may have heard, `_climb` decides at once: it knows what
    became of the others. So it does of one whose texts came out of the spool.
    """
    ladder, step, began = ladders.of(uow, case, row), to.to_step, to.started_at
    reason: str = "moved_on" if without else to.reason
    nobody = "failed" if barren else "empty"
    first = step if row["entered_at"] is None else 0
    while True:
        told = _ring(uow, case, row, ladder, step, without, calls=step > first)
        due = escalation.due_at(ladder, began, step + 1)
        verdict = escalation.decide(ladder, began, step, uow.now, told, barren, entered_at=uow.now)
        if told or not isinstance(verdict, Advance):
            break
        barren, step, began, reason = barren + 1, verdict.to_step, verdict.started_at, verdict.reason
    if isinstance(verdict, NobodyLeft) and escalation.DECLINED not in told:  # a whole round, and nobody in doubt
        _nobody(uow, case, row["kind"], row["id"], step, "failed" if told else nobody)
        due = verdict.until
    elif told and isinstance(verdict, Stay) and not rounds.known_before(uow, row):
        due = verdict.until
    else:
        due = min(due, uow.now)
    entered = {"step": step, "ladder_at": began, "entered_at": uow.now, "barren": barren, "next_at": due}
    uow.change_later(t.obligations, row["id"], entered)
    if row["step"] >= 0 or step > 0:
        uow.append(case, AlertEscalated(row["kind"], step, reason, len(told)), "clock")


def _on_rung(uow: UnitOfWork, case: Case, targets: tuple[str, ...]) -> list[Person]:
    return uow.once(
        ("rung", targets, *rungs.decide(targets, case.row)),
        lambda: rungs.called(uow.conn, uow.keys, targets, case.row, uow.now, uow.zone, uow.of_roster),
    )


def _ring(
    uow: UnitOfWork, case: Case, row: RowMapping, ladder: Ladder, step: int, without: UUID | None, *, calls: bool
) -> list[str]:
    """Write the texts of a step; the state of each as escalation counts it."""
    on_rung = _on_rung(uow, case, escalation.rung_of(ladder, step).targets)
    called = [person for person in on_rung if person.id != without]
    since = row["owed_since"] if owing.again(row) else None
    numbered = step or reminders.possible(uow, case, row["kind"])
    earlier = reminders.read_before(uow, case, row["kind"], replacing=row["id"], since=since) if numbered else {}
    facts = alert_facts(uow, case, since) | {
        "same_as": linking.same_as(uow.conn, case),
        **owing.occasion(uow, case, row),
    }
    gap = escalation.due_at(ladder, row["ladder_at"], step + 1) - escalation.due_at(ladder, row["ladder_at"], step)
    facts["next_minutes"] = max(1, round(gap.total_seconds() / 60))
    dissuade = row["kind"] == "dissuade"
    bundled = (dissuade or row["kind"] == "police") and not case.row["drill"]
    flood = bundled and bundling.flooded(uow, case)
    told = []
    for person in called:
        over_budget = bundled and bool(person.phone) and bundling.spent(uow, person.phone or "")
        # Others are tried at once, but once: where every number is spent, the ladder keeps its times from then on.
        hurry = over_budget and step + 1 < len(ladder.rungs)
        nth = earlier.get(person.id, 0) + 1
        kind = _kind_of_text(row["kind"], nth, case)
        deliveries.tell(
            uow,
            person,
            kind,
            {**facts, "nth": nth}
            | ({"minutes": CALL_WITHIN_MIN} if kind == "counselor" else {})
            | ({"over_budget": True} if hurry else {}),
            case=case,
            dedup=f"{row['id']}:{step}:{person.id}",
            priority=PRIORITY[RINGING[row["kind"]]],
            obligation=row["id"],
            step=step,
            alert=True,
            bundle=bundling.place(uow, person, flood, dissuade) if flood or over_budget else None,
        )
        cannot = waits.cannot(row["declined"], person.id, step)
        told.append(escalation.DECLINED if cannot else "over_budget" if hurry else "pending")
        if calls and not cannot and row["kind"] == "police" and not case.row["drill"]:
            _call(uow, case, row["id"], step, person)
    return told


def _call(uow: UnitOfWork, case: Case, obligation_id: UUID, step: int, person: Person) -> None:
    """From the second step on the phone rings as well, where a key pressed comes back: a text alone woke nobody.

    As an alert it goes no more once somebody has the case, and a person who was reached by either was reached.
    """
    if person.phone and uow.ledger.limits.voice(person.phone):
        deliveries.tell(uow, person, "call", {"code": case.code}, case=case, priority=PRIORITY["police"],
                        dedup=f"{obligation_id}:{step}:{person.id}:call", obligation=obligation_id, step=step,
                        alert=True)  # fmt: skip


def _kind_of_text(obligation_kind: str, nth: int, case: Case) -> str:
    if obligation_kind == "police":
        if case.row["drill"]:
            return "drill"
        return "officer" if nth == 1 else "escalation"
    if obligation_kind == "counselor":
        return "counselor" if nth == 1 else "counselor_reminder"
    return "immediate" if obligation_kind == escalation.UNSAFE else obligation_kind  # a text of the same name


def _nobody(uow: UnitOfWork, case: Case, kind: str, obligation_id: UUID, step: int, reason: str) -> None:
    """Said once, not once a round; and of a drill only in its record: nobody has to come running for one."""
    uow.write_changes()  # the case may be new, and the alarm names it
    if case.row["drill"]:
        said = any(it["obligation"] == kind for it in uow.conn.scalars(_SAID, {"this": case.id}))
    else:
        said = not alarm(uow, f"nobody:{obligation_id}", "nobody_reached", f"{kind}: {reason}", case.id)
    if not said:
        uow.append(case, NobodyReached(kind, step, reason), "clock")


def _wait(uow: UnitOfWork, row: RowMapping, until: datetime | None) -> None:
    uow.change(t.obligations, row["id"], next_at=until)


def _one_rung_up(uow: UnitOfWork, case: Case, row: RowMapping) -> None:
    """Now; the officer who fell silent has just been told and is not rung with it."""
    ladder, following = ladders.of(uow, case, row), row["step"] + 1
    into = escalation.due_at(ladder, uow.now, following) - uow.now
    _enter(uow, case, row, Advance(following, "time", uow.now - into), without=row["owner_id"])
