"""What somebody texted back. Idempotent by the provider's message id; answers go to the roster, never to strangers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from ledger import codes
from ledger import tables as t
from ledger.errors import NotFound, NotYet
from ledger.escalation import UNSAFE
from ledger.events import PRIORITY
from ledger.police import reply
from ledger.police.acknowledgement import acknowledge, answer_owner, event_of, stand_down
from ledger.police.reply import Reply
from ledger.ringing import alerting
from ledger.ringing.alerting import obligation
from ledger.school import people
from ledger.school.people import Person
from ledger.store import naming
from ledger.store.statements import among, one_of
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries
from ledger.texts.deliveries import WAITING

o, d, c, e = t.obligations.c, t.deliveries.c, t.cases.c, t.case_events.c
CLOCKS_APART = timedelta(seconds=5)  # the provider's and ours, at most
KNOWN_AFTER = timedelta(minutes=2)  # by then a report that was taken without the ledger is in it
TAKEN_WITHIN = timedelta(days=1)  # of its ringing, by whomever
OFFICERS = ("officer", "desk", "security")  # may take a case that rang somebody else

# Built once: see statements.
_ALERTS = select(d.case_id).join(t.obligations, o.id == d.obligation_id).where(d.alert)
_WAITING_FOR = _ALERTS.add_columns(d.called_at, deliveries.of_this_ring(o, d).label("now")).where(
    d.to_index == bindparam("phone"), d.called_at.is_not(None), one_of(o.state, WAITING)
)
_OF_CASE = _ALERTS.where(d.case_id == bindparam("case")).distinct()
_RUNG = _OF_CASE.with_only_columns(o.kind, o.state, d.person_id).where(among(d.person_id, "people"))
_STILL = _OF_CASE.with_only_columns(o.kind).where(d.person_id == bindparam("person"), one_of(o.state, WAITING))
_TAKEN_SINCE = select(e.data).where(
    e.case_id == bindparam("case"), e.type == bindparam("type"), e.at >= bindparam("since", type_=t.UtcTime)
)
_LAST_TAKEN = select(func.max(e.at, type_=t.UtcTime)).where(e.case_id == bindparam("case"), e.type == bindparam("type"))
_RUNG_ANEW = select(func.min(d.created_at, type_=t.UtcTime)).where(
    d.obligation_id == bindparam("duty"), d.alert, d.created_at > bindparam("since", type_=t.UtcTime)
)
_TAKEN_FROM = _ALERTS.where(
    d.to_index == bindparam("phone"),
    d.called_at.between(bindparam("since", type_=t.UtcTime), bindparam("sent", type_=t.UtcTime)),
    o.acknowledged_at >= bindparam("sent", type_=t.UtcTime),
)


@dataclass(frozen=True)
class Answer:
    """An inbound text, read. `sent_at` where the provider was asked for it: its callback was lost, minutes ago."""

    sid: str
    sender: str
    said: Reply
    sent_at: datetime | None


def take(uow: UnitOfWork, sid: str, sender: str, body: str, sent_at: datetime | None = None) -> str:
    """Record an inbound text and act on it. Returns what it came to, one word (also kept with the text).

    duplicate · stranger · acknowledged · already_owned · code_needed · declined · unknown_code · drill_end ·
    not_understood

    Raises NotYet for a code that was given while the ledger was away and is not known here: it may come in a moment.
    Not where the text is known to be older (`sent_at`): then it is a slip of the thumb, and whoever made it must know.
    """
    row_id = t.new_id()
    key, wrapped = uow.keys.new_row_key(row_id)
    row = {
        "id": row_id,
        "sid": sid,
        "at": uow.now,
        "from_index": uow.keys.blind("phone", sender),
        "body_sealed": key.seal("inbound", row_id, "body", body[:1600]),
        "outcome": "new",
        "row_key": wrapped,
    }
    if not uow.insert_new(t.inbound, [row]):
        return "duplicate"
    outcome, case_id = _act(uow, Answer(sid, sender, reply.read(body), sent_at))
    uow.change(t.inbound, row_id, outcome=outcome, case_id=case_id)
    return outcome


def pressed(uow: UnitOfWork, delivery_id: UUID) -> tuple[str, str]:
    """A key on a call takes the case it was about: acknowledged · already_owned · nothing (it cannot be opened), and
    the language to answer in.

    The same key again, or a repeated callback, finds the same owner; one who was released since is not given it again
    by what they pressed before. Raises NotFound for no call of ours.
    """
    found = select(d.case_id, d.person_id, d.called_at, d.language, o.kind).join(t.obligations, o.id == d.obligation_id)
    row = uow.conn.execute(found.where(d.id == delivery_id, d.kind == "call")).one_or_none()
    if row is None:
        raise NotFound
    if (case := uow.readable(row.case_id)) is None:
        return "nothing", row.language
    taken = _taken_since(uow, case, row.kind, row.called_at)
    if str(row.person_id) in taken and obligation(uow, case, row.kind)["owner_id"] is None:
        return "nothing", row.language
    owner = acknowledge(uow, case, row.kind, row.person_id, "keypad", f"person:{row.person_id}")
    return "acknowledged" if owner.person == row.person_id else "already_owned", row.language


def taken(conn: Connection, sids: Sequence[str]) -> set[str]:
    """Those of these texts that have been recorded: the provider lists them again and again, and few are new."""
    return set(conn.scalars(select(t.inbound.c.sid).where(t.inbound.c.sid.in_(sids))))


def _act(uow: UnitOfWork, it: Answer) -> tuple[str, UUID | None]:
    staff = [p for p in people.by_phone(uow.conn, uow.keys, it.sender) if p.role not in ("student", "staff")]
    if not staff:
        return "stranger", None
    if named := _named(uow, it.said.codes):
        return _take_named(uow, staff, named, it), next(iter(named.values()))
    waiting = _waiting_for(uow, it.sender)
    if it.said.codes:
        fresh = it.sent_at is None or uow.now - it.sent_at < KNOWN_AFTER
        if fresh and any(naming.gave(codes.fold(code)) for code in it.said.codes):
            raise NotYet  # nothing is kept of it: asked for again, the provider still has it
        return _answer(uow, staff[0], "unknown_code", {"code": it.said.codes[0]}, it.sid), None
    if len(waiting) == 1 and (it.said.bare or it.said.refused):
        [(case_id, rung_at)] = waiting.items()
        if _can_only_mean(uow, it, rung_at):
            return _take_case(uow, staff, case_id, it), case_id
    if waiting:
        return _answer(uow, staff[0], "code_needed", {"codes": _codes(uow, waiting)}, it.sid), None
    return "not_understood", None


def _can_only_mean(uow: UnitOfWork, it: Answer, rung_at: datetime) -> bool:
    """Whether a yes without a code was to what rings its sender now: found late, it was to something that had rung by
    then, and to no other that somebody has taken since."""
    if it.sent_at is None:
        return True
    asked = {"phone": uow.keys.blind("phone", it.sender), "since": it.sent_at - TAKEN_WITHIN, "sent": it.sent_at}
    return it.sent_at + CLOCKS_APART >= rung_at and uow.conn.execute(_TAKEN_FROM, asked).first() is None


def _named(uow: UnitOfWork, found: tuple[str, ...]) -> dict[str, UUID]:
    """Which of these codes are those of cases, in their order."""
    cases: dict[str, UUID] = {}
    for code in found:
        with suppress(NotFound):
            cases[code] = naming.case_by_code(uow.conn, codes.fold(code))
    return cases


def _take_named(uow: UnitOfWork, staff: list[Person], named: Mapping[str, UUID], it: Answer) -> str:
    """Codes and a yes take all that they name; with more words around them the first alone, and a refusal none.

    Of what it leaves and still waits for them, and of what is not known, they hear that it is not taken.
    """
    cases, said = list(dict.fromkeys(named.values())), it.said
    meant = cases if said.plain or said.refused else cases[:1]
    # Locked in one order, so that two replies do not wait for each other.
    outcomes = {case_id: _take_case(uow, staff, case_id, it) for case_id in sorted(meant)}
    if len(cases) > len(meant) and (left := _waiting_for(uow, it.sender).keys() & set(cases[1:])):
        _answer(uow, staff[0], "code_needed", {"codes": _codes(uow, left)}, it.sid)
    unknown = [code for code in said.codes if code not in named and any(char.isdigit() for char in code)]
    if said.plain and said.whole and unknown:
        _answer(uow, staff[0], "unknown_code", {"code": unknown[0]}, it.sid)
    return outcomes[cases[0]]


def _codes(uow: UnitOfWork, cases: Iterable[UUID]) -> list[str]:
    return list(uow.conn.scalars(select(c.code).where(c.id.in_(cases)).order_by(c.id)))


def _waiting_for(uow: UnitOfWork, phone: str) -> dict[UUID, datetime]:
    """Cases whose alert to this phone is open, each with when it rang there first; one that rang it for an earlier
    stop counts where none rings it now."""
    found = uow.conn.execute(_WAITING_FOR, {"phone": uow.keys.blind("phone", phone)}).all()
    ringing = [row for row in found if row.now] or found
    return {row.case_id: row.called_at for row in sorted(ringing, key=lambda row: row.called_at, reverse=True)}


def _take_case(uow: UnitOfWork, staff: list[Person], case_id: UUID, it: Answer) -> str:
    case = uow.readable(case_id)
    if case is None:  # nobody can be given it; who answered must know that they have not got it
        return _answer(uow, staff[0], "unknown_code", {"code": _codes(uow, [case_id])[0]}, f"{it.sid}:{case_id}")
    meant = _meant(uow, case, staff, it)
    if meant is None:
        return _answer(uow, staff[0], "unknown_code", {"code": case.code}, it.sid, case)
    person, kind = meant
    waits, late = obligation(uow, case, kind)["state"] in WAITING, _too_old(uow, case, kind, it)
    if waits and (it.said.refused or late):
        _answer(uow, person, "code_needed", {"codes": [case.code]}, it.sid, case)
        said_no = not late and _decline(uow, case, [one.id for one in staff], it)
        return "declined" if said_no else "code_needed"
    owner = acknowledge(uow, case, kind, person.id, "reply", f"person:{person.id}")
    if owner.won:
        _answer_the_rest(uow, case, person, it)
        return "acknowledged"
    if owner.person == person.id and owner.at:
        answer_owner(uow, case, kind, person, owner.at, f"reply:{it.sid}:{case.id}")
        return "acknowledged"
    if case.row["drill"] and case.row["closed_at"]:
        return _answer(uow, person, "drill_end", {"code": case.code}, it.sid, case)
    stand_down(uow, case, person, owner, f"reply:{it.sid}:{case.id}")
    return "already_owned"


def _decline(uow: UnitOfWork, case: Case, them: Sequence[UUID], it: Answer) -> bool:
    """All that rings them of this case, and whether anything does: one number may stand on the roster twice, and a
    case ring it for two things."""
    rung: dict[str, set[UUID]] = {}
    for kind, state, person in uow.conn.execute(_RUNG, {"case": case.id, "people": them}):
        if state in WAITING:
            rung.setdefault(kind, set()).add(person)
    for kind in sorted(rung):
        if not _too_old(uow, case, kind, it):
            alerting.decline(uow, case, kind, them, sorted(rung[kind]))
    return bool(rung)


def _taken_since(uow: UnitOfWork, case: Case, kind: str, since: datetime) -> list[str]:
    """By whom this obligation was taken, if by anybody."""
    asked = {"case": case.id, "type": event_of(kind).type, "since": since}
    return [data["owner"] for data in uow.conn.scalars(_TAKEN_SINCE, asked)]


def _too_old(uow: UnitOfWork, case: Case, kind: str, it: Answer) -> bool:
    """An answer that is found late took what rang then: not what has begun since, nor what somebody has had since."""
    if it.sent_at is None:
        return False
    row, asked = obligation(uow, case, kind), {"case": case.id, "type": event_of(kind).type}
    began = row["owed_since"] or row["started_at"]
    if taken_at := uow.conn.execute(_LAST_TAKEN, asked).scalar_one():
        since = {"duty": row["id"], "since": taken_at}
        began = max(began, uow.conn.execute(_RUNG_ANEW, since).scalar_one() or taken_at)
    return bool(it.sent_at + CLOCKS_APART < began)


def _answer_the_rest(uow: UnitOfWork, case: Case, person: Person, it: Answer) -> None:
    """One reply answers everything that this case rang them for, as a counselor who is to dissuade and to care."""
    for kind in uow.conn.scalars(_STILL, {"case": case.id, "person": person.id}).all():
        if not _too_old(uow, case, kind, it):
            acknowledge(uow, case, kind, person.id, "reply", f"person:{person.id}")


def _meant(uow: UnitOfWork, case: Case, staff: list[Person], it: Answer) -> tuple[Person, str] | None:
    """Who of those with this number answers, and for which obligation: the one they were rung for, if it still waits.

    One person may stand on the roster twice (an officer who is on the desk by night). An officer who was not rung
    answers for the police.
    """
    by_id = {person.id: person for person in staff}
    rung = uow.conn.execute(_RUNG, {"case": case.id, "people": list(by_id)}).all()
    waiting = [row for row in rung if row.state in WAITING]
    waiting = [row for row in waiting if not _too_old(uow, case, row.kind, it)] or waiting
    if rung:
        kind, _state, person_id = max(
            waiting or rung, key=lambda row: (row.kind != UNSAFE, row.kind, str(row.person_id))
        )
        return by_id[person_id], str(kind)
    officer = next((person for person in staff if person.role in OFFICERS), None)
    return (officer, case.first_obligation) if officer else None


def _answer(
    uow: UnitOfWork, person: Person, kind: str, facts: Mapping[str, object], sid: str, case: Case | None = None
) -> str:
    dedup = f"reply:{sid}:{case.id}" if case else f"reply:{sid}"
    deliveries.tell(uow, person, kind, facts, case=case, dedup=dedup, priority=PRIORITY["police"])
    return kind
