"""What somebody texted back. Idempotent by the provider's message id; answers go to the roster, never to strangers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from ledger import codes
from ledger import tables as t
from ledger.errors import NotFound, NotYet
from ledger.escalation import UNSAFE
from ledger.events import PRIORITY, CaseAcknowledged
from ledger.police import reply
from ledger.police.acknowledgement import acknowledge, answer_owner, stand_down
from ledger.police.reply import Reply
from ledger.ringing.alerting import obligation
from ledger.school import people
from ledger.school.people import Person
from ledger.store import naming
from ledger.store.statements import among, one_of
from ledger.store.unit_of_work import Case, UnitOfWork
from ledger.texts import deliveries

o, d, c, e = t.obligations.c, t.deliveries.c, t.cases.c, t.case_events.c
CLOCKS_APART = timedelta(seconds=5)  # the provider's and ours, at most
KNOWN_AFTER = timedelta(minutes=2)  # by then a report that was taken without the ledger is in it
OFFICERS = ("officer", "desk", "security")  # may take a case that rang somebody else

# Built once: see statements.
_ALERTS = select(d.case_id).join(t.obligations, o.id == d.obligation_id).where(d.alert)
_WAITING_FOR = _ALERTS.add_columns(d.called_at, deliveries.of_this_ring(o, d).label("now")).where(
    d.to_index == bindparam("phone"), d.called_at.is_not(None), one_of(o.state, deliveries.WAITING)
)
_OF_CASE = _ALERTS.where(d.case_id == bindparam("case")).distinct()
_RUNG = _OF_CASE.with_only_columns(o.kind, o.state, d.person_id).where(among(d.person_id, "people"))
_STILL = _OF_CASE.with_only_columns(o.kind).where(
    d.person_id == bindparam("person"), one_of(o.state, deliveries.WAITING)
)
_TAKEN_SINCE = select(e.data).where(
    e.case_id == bindparam("case"), e.type == CaseAcknowledged.type, e.at >= bindparam("since", type_=t.UtcTime)
)


def take(uow: UnitOfWork, sid: str, sender: str, body: str, sent_at: datetime | None = None) -> str:
    """Record an inbound text and act on it. Returns what it came to, one word (also kept with the text).

    duplicate · stranger · acknowledged · already_owned · code_needed · unknown_code · drill_end · not_understood

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
    outcome, case_id = _act(uow, sid, sender, body, sent_at)
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
    taken = uow.conn.scalars(_TAKEN_SINCE, {"case": row.case_id, "since": row.called_at})
    if str(row.person_id) in [it["owner"] for it in taken] and obligation(uow, case, row.kind)["owner_id"] is None:
        return "nothing", row.language
    owner = acknowledge(uow, case, row.kind, row.person_id, "keypad", f"person:{row.person_id}")
    return "acknowledged" if owner.person == row.person_id else "already_owned", row.language


def taken(conn: Connection, sids: Sequence[str]) -> set[str]:
    """Those of these texts that have been recorded: the provider lists them again and again, and few are new."""
    return set(conn.scalars(select(t.inbound.c.sid).where(t.inbound.c.sid.in_(sids))))


def _act(uow: UnitOfWork, sid: str, sender: str, body: str, sent_at: datetime | None) -> tuple[str, UUID | None]:
    staff = [p for p in people.by_phone(uow.conn, uow.keys, sender) if p.role not in ("student", "staff")]
    if not staff:
        return "stranger", None
    said = reply.read(body)
    if named := _named(uow, said.codes):
        return _take_named(uow, staff, named, said, sid, sender), named[0]
    waiting = _waiting_for(uow, sender)
    if said.codes:
        fresh = sent_at is None or uow.now - sent_at < KNOWN_AFTER
        if fresh and any(naming.gave(codes.fold(code)) for code in said.codes):
            raise NotYet  # nothing is kept of it: asked for again, the provider still has it
        facts = {"code": said.codes[0]}
        return _answer(uow, staff[0], "unknown_code", facts, sid), None
    if len(waiting) == 1 and said.bare:
        [(case_id, rung_at)] = waiting.items()
        # An answer whose callback was lost is found minutes later, and was to something that rang before it.
        if sent_at is None or sent_at + CLOCKS_APART >= rung_at:
            return _take_case(uow, staff, case_id, sid), case_id
    if waiting:
        return _answer(uow, staff[0], "code_needed", {"codes": _codes(uow, waiting)}, sid), None
    return "not_understood", None


def _named(uow: UnitOfWork, found: tuple[str, ...]) -> list[UUID]:
    """The cases of these codes, in their order; words that are none are left out."""
    cases: list[UUID] = []
    for code in found:
        with suppress(NotFound):
            cases.append(naming.case_by_code(uow.conn, codes.fold(code)))
    return list(dict.fromkeys(cases))


def _take_named(uow: UnitOfWork, staff: list[Person], named: list[UUID], said: Reply, sid: str, sender: str) -> str:
    """Codes and a yes take all that they name; with more words around them the first alone, and a refusal none.

    Of what it leaves and still waits for them they hear that it is not taken.
    """
    meant = named if said.plain or said.refused else named[:1]
    # Locked in one order, so that two replies do not wait for each other.
    outcomes = {it: _take_case(uow, staff, it, sid, refused=said.refused) for it in sorted(meant)}
    if len(named) > len(meant) and (left := _waiting_for(uow, sender).keys() & set(named[1:])):
        _answer(uow, staff[0], "code_needed", {"codes": _codes(uow, left)}, sid)
    return outcomes[named[0]]


def _codes(uow: UnitOfWork, cases: Iterable[UUID]) -> list[str]:
    return list(uow.conn.scalars(select(c.code).where(c.id.in_(cases)).order_by(c.id)))


def _waiting_for(uow: UnitOfWork, phone: str) -> dict[UUID, datetime]:
    """Cases whose alert to this phone is open, each with when it rang there first; one that rang it for an earlier
    stop counts where none rings it now."""
    found = uow.conn.execute(_WAITING_FOR, {"phone": uow.keys.blind("phone", phone)}).all()
    ringing = [row for row in found if row.now] or found
    return {row.case_id: row.called_at for row in sorted(ringing, key=lambda row: row.called_at, reverse=True)}


def _take_case(uow: UnitOfWork, staff: list[Person], case_id: UUID, sid: str, *, refused: bool = False) -> str:
    """`refused`: only if somebody has it already they hear more than that it is not taken."""
    case = uow.readable(case_id)
    if case is None:  # nobody can be given it; who answered must know that they have not got it
        return _answer(uow, staff[0], "unknown_code", {"code": _codes(uow, [case_id])[0]}, f"{sid}:{case_id}")
    meant = _meant(uow, case, staff)
    if meant is None:
        return _answer(uow, staff[0], "unknown_code", {"code": case.code}, sid, case)
    person, kind = meant
    if refused and obligation(uow, case, kind)["state"] in deliveries.WAITING:
        return _answer(uow, person, "code_needed", {"codes": [case.code]}, sid, case)
    owner = acknowledge(uow, case, kind, person.id, "reply", f"person:{person.id}")
    if owner.won:
        _answer_the_rest(uow, case, person)
        return "acknowledged"
    if owner.person == person.id and owner.at:
        answer_owner(uow, case, kind, person, owner.at, f"reply:{sid}:{case.id}")
        return "acknowledged"
    if case.row["drill"] and case.row["closed_at"]:
        return _answer(uow, person, "drill_end", {"code": case.code}, sid, case)
    stand_down(uow, case, person, owner, f"reply:{sid}:{case.id}")
    return "already_owned"


def _answer_the_rest(uow: UnitOfWork, case: Case, person: Person) -> None:
    """One reply answers everything that this case rang them for, as a counselor who is to dissuade and to care."""
    for kind in uow.conn.scalars(_STILL, {"case": case.id, "person": person.id}).all():
        acknowledge(uow, case, kind, person.id, "reply", f"person:{person.id}")


def _meant(uow: UnitOfWork, case: Case, staff: list[Person]) -> tuple[Person, str] | None:
    """Who of those with this number answers, and for which obligation: the one they were rung for, if it still waits.

    One person may stand on the roster twice (an officer who is on the desk by night). An officer who was not rung
    answers for the police.
    """
    by_id = {person.id: person for person in staff}
    rung = uow.conn.execute(_RUNG, {"case": case.id, "people": list(by_id)}).all()
    waiting = [row for row in rung if row.state in deliveries.WAITING]
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
