"""What has come in together is done in one transaction, for a few statements more than one takes; each as if alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from ledger import tables as t
from ledger.events import CARE, COUNSELOR, NOTICE, POLICE, PRIORITY
from ledger.store import failpoints, limits, work
from ledger.texts import claims, settling
from ledger.texts.calls import Claim, Outcome
from services.texts import renderer
from tests.behaviour.stories import POSTGRESQL, SQLITE, read_all
from tests.behaviour.test_statements_are_counted import counted
from tests.world import Report, World, another_fraud

SEVERAL = 8


@pytest.fixture
def burst(world: World) -> list[Report]:
    """Reports that have come in, and of which nobody has been told yet."""
    return [world.report(**another_fraud(), student_no="") for _ in range(SEVERAL)]


def open_work(world: World, queue: str) -> list[UUID]:
    return [row["event_id"] for row in work.next_open(world.parts.ledger, world.clock.now(), queue)]


def do(world: World, queue: str, handlers: Any = None) -> dict[UUID, str]:
    """Everything that is open in a queue, together."""
    return dict(work.run_some(world.parts.ledger, handlers or world.handlers, queue, open_work(world, queue)))


def claimed(world: World, count: int) -> list[Claim]:
    render = renderer(world.parts.settings, world.clock)
    return claims.claim(world.parts.ledger, count, PRIORITY[NOTICE], render)


@pytest.mark.parametrize("queue", [POLICE, COUNSELOR, CARE, NOTICE])
def test_many_cost_little_more_than_one(world: World, queue: str) -> None:
    world.report(**another_fraud(), student_no="")
    with counted(world) as one:
        assert set(do(world, queue).values()) == {"done"}
    for _ in range(SEVERAL):
        world.report(**another_fraud(), student_no="")
    with counted(world) as several:
        assert list(do(world, queue).values()) == ["done"] * SEVERAL
    # Of each alone: the look for an earlier report of the same fraud (SQLite), a record that may be there already.
    each_alone = {POLICE: not world.parts.ledger.postgres, CARE: 2}.get(queue, 0)
    assert several.total() <= one.total() + (SEVERAL - 1) * each_alone, several
    read_all(world)


def test_each_is_rung_as_if_it_had_come_alone(world: World, burst: list[Report]) -> None:
    for queue in (POLICE, COUNSELOR, CARE, NOTICE):
        do(world, queue)
    assert world.parts.sender.drain() >= 2 * SEVERAL
    [opened] = world.rows("SELECT count(DISTINCT case_id) AS n FROM follow_ups")
    assert opened.n == SEVERAL
    rung = [text.body for text in world.double.to(world.phones["officer"].number)]
    for report in burst:
        assert sum(f"紧急止付{report.code}" in text for text in rung) == 1
        assert report.state("police") == report.state("counselor") == "alerted"
    read_all(world)


def test_one_that_fails_takes_no_other_with_it(world: World, burst: list[Report]) -> None:
    spoilt = burst[3].code

    def handler(uow: Any, event: Any) -> None:
        if uow.case(event.case_id).code == spoilt:
            raise ValueError(spoilt)
        world.handlers[POLICE, event.type](uow, event)

    outcomes = do(world, POLICE, {**world.handlers, (POLICE, "report.received.v1"): handler})
    assert sorted(outcomes.values()) == ["done"] * (SEVERAL - 1) + ["open"]
    [left] = world.rows("SELECT reason, attempts FROM work WHERE queue = 'police' AND state = 'open'")
    assert left.reason.startswith("ValueError at behaviour/test_a_burst") and spoilt not in left.reason
    assert left.attempts == 1
    world.advance(5)  # the clock tries again, with the handler that works
    assert {report.state("police") for report in burst} == {"alerted"}
    read_all(world)


@POSTGRESQL
def test_a_case_in_other_hands_keeps_the_others_waiting_for_nothing(world: World, burst: list[Report]) -> None:
    ids = open_work(world, POLICE)
    going = work.run_some(world.parts.ledger, world.handlers, POLICE, ids)
    with world.parts.ledger.begin("somebody") as uow:
        uow.case(uow.conn.scalars(select(t.cases.c.id).where(t.cases.c.code == burst[2].code)).one())
        done = [next(going) for _ in range(SEVERAL - 1)]
    done += going  # now it is free
    assert sorted(done) == sorted((event_id, "done") for event_id in ids)
    assert done[-1][0] == _event_of(world, burst[2])
    world.pump()
    read_all(world)


@POSTGRESQL
def test_after_one_wait_those_in_other_hands_are_done_together_too(world: World, burst: list[Report]) -> None:
    """Somebody else does as many at once as we do: then they are free all at once."""
    ids = open_work(world, POLICE)
    going = work.run_some(world.parts.ledger, world.handlers, POLICE, ids)
    with world.parts.ledger.begin("somebody") as uow:
        held = uow.try_cases(uow.conn.scalars(select(t.cases.c.id).order_by(t.cases.c.received_at)).all()[2:])
        done = [next(going) for _ in range(SEVERAL - len(held))]
    with counted(world) as statements:
        done += going
    assert sorted(done) == sorted((event_id, "done") for event_id in ids)
    transactions = sum(n for statement, n in statements.items() if statement.startswith("UPDATE work"))
    assert transactions == 2  # the one that waited, and all the others
    world.pump()
    read_all(world)


def test_what_somebody_else_has_done_costs_one_look(world: World, burst: list[Report]) -> None:
    ids = open_work(world, NOTICE)
    do(world, NOTICE)
    with counted(world) as statements:
        assert dict(work.run_some(world.parts.ledger, world.handlers, NOTICE, ids)) == dict.fromkeys(ids, "gone")
    assert statements.total() <= 2, statements
    world.pump()
    read_all(world)


def _event_of(world: World, report: Report) -> UUID:
    with world.parts.ledger.read() as conn:
        query = select(t.case_events.c.id).join(t.cases, t.cases.c.id == t.case_events.c.case_id)
        found: UUID = conn.scalars(query.where(t.cases.c.code == report.code, t.case_events.c.seq == 1)).one()
        return found


def test_two_reports_of_one_fraud_are_seen_to_be_so(world: World) -> None:
    first, second, third = (world.report(phone=f"1391111000{n}", student_no="") for n in range(3))
    assert list(do(world, POLICE).values()) == ["done"] * 3
    world.pump()
    join = "cases later LEFT JOIN cases earlier ON earlier.id = later.linked_to"
    rows = world.rows(f"SELECT later.code AS code, earlier.code AS earlier FROM {join}")
    assert {row.code: row.earlier for row in rows} == {
        first.code: None,
        second.code: first.code,
        third.code: first.code,
    }
    rung = [text.body for text in world.double.to(world.phones["officer"].number)]
    assert sorted(f"疑同{first.code}" in text for text in rung) == [False, True, True]
    read_all(world)


def test_a_number_s_budget_holds_within_one_transaction(world: World, burst: list[Report]) -> None:
    world.parts.ledger.limits = limits.Limits(per_number=limits.per_number("3", len))
    do(world, POLICE)
    officer = "person_id = (SELECT person_id FROM deliveries WHERE kind = 'officer' ORDER BY created_at, id LIMIT 1)"
    texts = world.rows(f"SELECT kind, bundle_id FROM deliveries WHERE {officer}")
    single = [text for text in texts if text.bundle_id is None]
    assert sorted(text.kind for text in single) == ["bundle", "officer", "officer", "officer"]
    assert len(texts) - len(single) == SEVERAL - 3
    world.advance(30)
    assert {report.state("police") for report in burst} == {"alerted"}
    world.until(90)
    read_all(world)


def test_of_settlings_of_several_kinds_each_is_a_crash_point(
    world: World, burst: list[Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    do(world, POLICE)
    made = claimed(world, 2)
    mixed = [made[0], replace(made[1], draft=replace(made[1].draft, kind="escalation"))]
    come_to: list[tuple[str, str]] = []
    monkeypatch.setattr(failpoints, "hit", lambda name, of="": come_to.append((name, of)))
    settling.settle_some(world.parts.ledger, [Outcome(claim, "sent", sid=f"SM{claim.id}") for claim in mixed])
    assert {("before-commit", "settle:officer"), ("before-commit", "settle:escalation")} <= set(come_to)
    world.pump()
    read_all(world)


def test_what_calls_came_to_is_written_together(world: World, burst: list[Report]) -> None:
    do(world, POLICE)
    made = claimed(world, SEVERAL)
    outcomes = [Outcome(claim, "sent", sid=f"SM{n}") for n, claim in enumerate(made)]
    with counted(world) as statements:
        assert settling.settle_some(world.parts.ledger, outcomes) == outcomes
    assert statements.total() <= 6, statements
    assert {report.state("police") for report in burst} == {"alerted"}
    texts = world.rows("SELECT state, sid FROM deliveries WHERE kind = 'officer' ORDER BY sid")
    assert [(text.state, text.sid) for text in texts] == [("sent", f"SM{n}") for n in range(SEVERAL)]
    assert all(len(report.events("obligation.alerted.v1")) == 1 for report in burst)
    for queue in (COUNSELOR, CARE, NOTICE):
        do(world, queue)
    world.advance(1)
    read_all(world)


@POSTGRESQL
def test_a_text_in_other_hands_is_not_waited_for(world: World, burst: list[Report]) -> None:
    do(world, POLICE)
    made = claimed(world, SEVERAL)
    outcomes = [Outcome(claim, "sent", sid=f"SM{n}") for n, claim in enumerate(made)]
    with world.parts.ledger.begin("somebody") as uow:
        uow.conn.execute(select(t.deliveries.c.id).where(t.deliveries.c.id == made[3].id).with_for_update())
        assert settling.settle_some(world.parts.ledger, outcomes) == [it for it in outcomes if it.claim != made[3]]
    settling.settle(world.parts.ledger, outcomes[3])
    assert {report.state("police") for report in burst} == {"alerted"}
    world.pump()
    read_all(world)


def test_where_writing_together_fails_each_is_written_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("one of them is spoilt")

    monkeypatch.setattr(settling, "settle_some", fail)
    report = world.report()
    world.pump()
    assert report.state("police") == report.state("counselor") == "alerted"
    read_all(world)


@SQLITE
def test_of_two_texts_of_one_case_one_is_left_to_be_written_alone(world: World) -> None:
    report = world.report()
    for queue in (POLICE, COUNSELOR):
        do(world, queue)
    made = claimed(world, 2)
    outcomes = [Outcome(claim, "sent", sid=f"SM{n}") for n, claim in enumerate(made)]
    written = settling.settle_some(world.parts.ledger, outcomes)
    assert written == outcomes[:1]
    settling.settle(world.parts.ledger, outcomes[1])
    assert report.state("police") == report.state("counselor") == "alerted"
    assert [row.sid for row in world.rows("SELECT sid FROM deliveries ORDER BY sid")] == ["SM0", "SM1"]
    do(world, CARE)
    do(world, NOTICE)
    world.pump()
    read_all(world)


@SQLITE
def test_a_call_that_somebody_else_has_settled_is_as_it_was(world: World) -> None:
    """A lease that ran out: whoever asked the provider knows more than a late `unknown`."""
    report = world.report()
    do(world, POLICE)
    [made] = claimed(world, 1)
    settling.settle(world.parts.ledger, Outcome(made, "delivered", sid="SM1"))
    late = Outcome(replace(made, token=t.new_id()), "unknown")
    assert settling.settle_some(world.parts.ledger, [late]) == [late]
    assert [text.state for text in report.texts()] == ["delivered"]
    do(world, CARE)
    world.pump()
    read_all(world)
