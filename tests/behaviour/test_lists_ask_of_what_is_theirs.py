"""A list asks for the cases of one person as a set, a page whether one case is theirs: both mean the same cases."""

from uuid import UUID

from sqlalchemy import Connection, literal, select

from ledger import codes
from ledger import tables as t
from ledger.pages.views import all_of, visible
from ledger.police.acknowledgement import acknowledge
from ledger.staff.accounts import User
from ledger.store import naming
from tests.behaviour.stories import read_all
from tests.world import World, another_fraud


def of_list(conn: Connection, user: User, since: UUID) -> set[UUID] | None:
    found = all_of(user, literal(since))
    return None if found is None else set(conn.scalars(found))


def test_the_set_and_the_question_give_the_same_cases(world: World) -> None:
    """Their own student's; one that rang them as the stand-in, or reminded them of a contact; one they own without
    having been rung; a stranger's."""
    world.report(**another_fraud())
    world.report(**another_fraud(), student_no="2026020104")
    world.pump()
    world.advance(600)  # the stand-ins hear of both
    unknown = world.report(**another_fraud(), student_no="9999999999")
    world.pump()
    counselors = [UUID(world.person(key)) for key in ("C01", "C02", "C03", "S01")]
    with world.parts.ledger.begin("test") as uow:
        case = uow.case(naming.case_by_code(uow.conn, codes.fold(unknown.code)))
        acknowledge(uow, case, "counselor", counselors[1], "page", "test")
        record = uow.conn.execute(select(t.follow_ups.c.id).where(t.follow_ups.c.case_id == case.id)).scalar_one()
        uow.change(t.follow_ups, record, referred_at=uow.now)
    world.advance(45 * 60)
    assert world.rows("SELECT 1 FROM deliveries WHERE kind = 'counselor_reminder' AND NOT alert")
    users = [User(person, "somebody", "counselor", None, person, 0) for person in counselors]
    users += [
        User(person, "somebody", "officer", None, person, 0)
        for person in (UUID(world.person(key)) for key in ("O01", "O02", "O03"))
    ]
    users += [User(counselors[0], "somebody", role, None, None, 0) for role in ("psychologist", "security", "leader")]
    keepers = [User(counselors[0], "somebody", "keeper", code, None, 0) for code in (world.college, "GX", None)]
    users += keepers
    seen = []
    with world.parts.ledger.read() as conn:
        *_, last = cases = conn.scalars(select(t.cases.c.id).order_by(t.cases.c.id)).all()
        first = cases[0]
        for user in users:
            asked = set(conn.scalars(select(t.cases.c.id).where(visible(user))))
            assert of_list(conn, user, first) == (asked if user.role != "security" else None)
            assert of_list(conn, user, last) == ({last} & asked if user.role != "security" else None)
            seen.append(len(asked))
    assert {0, 1, 3} <= set(seen), seen  # nobody's, somebody's, the office's
    read_all(world)
