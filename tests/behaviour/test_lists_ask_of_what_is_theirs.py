"""A counselor's list asks for their cases as a set, a page whether one case is theirs: both mean the same cases."""

from uuid import UUID

from sqlalchemy import select

from ledger import codes, status
from ledger import tables as t
from ledger.accounts import User
from ledger.acknowledgement import acknowledge
from ledger.views import of_counselor, visible
from tests.behaviour.stories import read_all
from tests.world import World, another_fraud


def test_the_set_and_the_question_give_the_same_cases(world: World) -> None:
    """Their own student's; one that rang them as the stand-in; one they own without having been rung; a stranger's."""
    world.report(**another_fraud())
    world.report(**another_fraud(), student_no="2026020104")
    world.pump()
    world.advance(600)  # the stand-ins hear of both
    unknown = world.report(**another_fraud(), student_no="9999999999")
    world.pump()
    people = [UUID(world.person(key)) for key in ("C01", "C02", "C03", "S01")]
    with world.parts.ledger.begin("test") as uow:
        case = uow.case(status.case_by_code(uow.conn, codes.fold(unknown.code)))
        acknowledge(uow, case, "counselor", people[1], "page", "test")
    world.pump()
    seen = []
    with world.parts.ledger.read() as conn:
        for person in people:
            user = User(person, "somebody", "counselor", None, person, 0)
            asked = set(conn.scalars(select(t.cases.c.id).where(visible(user))))
            assert set(conn.scalars(of_counselor(person))) == asked
            seen.append(len(asked))
    assert len(set(seen)) > 1, seen  # not everybody sees everything, and somebody sees something
    read_all(world)
