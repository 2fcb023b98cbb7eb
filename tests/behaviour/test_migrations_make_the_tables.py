"""The migrations and the tables say the same on both databases, from an empty one and back."""

from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import update
from sqlalchemy.event import listens_for

from ledger import codes, migrations
from ledger import tables as t
from ledger.care import contacts
from ledger.ringing import referrals
from ledger.store import kept, naming
from ledger.store.engine import connect
from ledger.tables import metadata
from tests.behaviour.stories import read_all
from tests.private_services import PostgreSQL
from tests.world import World, another_fraud, sqlite_url

# Add the next one here once it is out.
OUT = {
    "0001_first_tables.py": "f5f5fde1793319f2",
    "0002_the_peoples_side.py": "29167e89c1252216",
    "0003_the_follow_up_s_record.py": "e557a727c623c3a5",
    "0004_reports_from_the_spool.py": "3d0245802aab656c",
    "0005_a_safe_number.py": "4800c1ad33dd85dd",
    "0006_what_the_auditor_asks.py": "bce8f2e9e03e210b",
    "0007_tries_from_one_address.py": "14cbaf507a6f823c",
    "0008_what_is_open.py": "305aa42ec8b1e234",
    "0009_the_contact_owed_next.py": "48f5149732774e25",
    "0010_lists_begin_at_what_is_open.py": "209678147753f0cc",
    "0011_an_export_needs_two.py": "4ec4a51b2f45ce30",
    "0012_fewer_indexes.py": "ad41e24f0112da75",
    "0013_an_edition_of_the_roster.py": "7c3f8aeb0709d96c",
    "0014_progress_owed_anew.py": "c564b57279026a4d",
    "0015_registered_cases.py": "5bc9463e6ecc3525",
    "0016_reviews.py": "89effa29586dd783",
    "0017_whose_edition.py": "87356075c93d668d",
    "0018_the_life_of_a_stop.py": "1a20ffc22f9e4d7e",
    "0019_screenings_and_the_consent_to_them.py": "d77bcd3a07139546",
    "0020_who_does_not_answer.py": "ff10f215bd447750",
    "0021_contacts_on_a_day.py": "5c5a2e72a16e3bef",
    "0022_who_read_the_background.py": "ae4084ae2cb75f77",
    "0023_what_the_plan_wants.py": "2e3bce7bcd5c967a",
    "0024_who_cannot.py": "a4a1f3511e2bbbf0",
    "0025_who_claimed_it.py": "de61f2cfa5294941",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()


def test_an_index_over_years_may_take_its_time(postgresql: PostgreSQL) -> None:
    """A page's time-out would end the upgrade of a large ledger, with all processes stopped for it."""
    engine = connect(postgresql.new_database())
    allowed = set()

    @listens_for(engine, "before_cursor_execute")
    def look(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("CREATE INDEX"):
            cursor.execute("SHOW statement_timeout")
            allowed.add(cursor.fetchone()[0])

    migrations.upgrade(engine)
    assert allowed == {"0"}
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "15s"
    engine.dispose()


def test_an_upgraded_database_has_exactly_the_tables_of_the_program(empty_database: str) -> None:
    engine = connect(empty_database)
    assert migrations.current(engine) is None
    migrations.upgrade(engine)
    assert migrations.current(engine) == migrations.NEWEST
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    migrations.upgrade(engine)  # a second time changes nothing
    engine.dispose()


def test_a_migration_that_somebody_may_have_run_is_never_edited() -> None:
    """What changes after it has gone out is a migration of its own."""
    folder = Path(migrations.__file__).parent / "versions"
    digests = {name: sha256((folder / name).read_bytes()).hexdigest()[:16] for name in OUT}
    assert digests == OUT


def test_the_first_migration_can_be_taken_back(empty_database: str) -> None:
    engine = connect(empty_database)
    migrations.upgrade(engine)
    command.downgrade(migrations._config(engine), "base")
    with engine.connect() as connection:
        assert not [name for name in engine.dialect.get_table_names(connection) if name != "alembic_version"]
    engine.dispose()


def test_a_roster_has_another_edition_each_time_that_it_is_given_one(empty_database: str) -> None:
    """0017: a ledger restored from before it and upgraded again has not the edition that a process still remembers."""
    engine, editions = connect(empty_database), set[str | None]()
    for _ in range(2):
        migrations.upgrade(engine)
        with engine.connect() as connection:
            editions.add(kept.edition(connection))
        command.downgrade(migrations._config(engine), "0012")
    engine.dispose()
    assert len(editions - {None}) == 2


def test_records_from_before_name_their_next_contact(world: World) -> None:
    """0009: one with several contacts owed, and one that owes nothing."""
    for _ in range(2):
        world.report(**another_fraud())
    world.pump()
    [(kept, due), (done, _)] = world.rows("SELECT id, next_due_at FROM follow_ups")
    with world.parts.ledger.begin("test") as uow:
        its = update(t.contacts).where(t.contacts.c.follow_up_id == UUID(str(done)))
        uow.conn.execute(its.values(done_at=t.contacts.c.due_at))
    config = migrations._config(world.parts.ledger.engine)
    command.downgrade(config, "0008")
    command.upgrade(config, "head")
    assert dict(map(tuple, world.rows("SELECT id, next_due_at FROM follow_ups"))) == {kept: due, done: None}
    assert due is not None
    read_all(world)


def test_owners_from_before_owe_progress_since_they_took_the_case(world: World) -> None:
    """0014: who has shown none; neither where there was some, nor of another obligation."""
    late, done = (world.report(**another_fraud()) for _ in range(2))
    read_all(world)
    for report in (late, done):
        world.call_the_student(report)
        world.phones["officer"].replies(report.code)
    read_all(world)
    world.press(world.user("s", "security"), f"/duty/{done.code}/outcome", progress="filed")
    config = migrations._config(world.parts.ledger.engine)
    command.downgrade(config, "0013")
    command.upgrade(config, "head")
    owed = "SELECT c.code, o.owed_since = o.acknowledged_at AND o.kind = 'police' FROM obligations o"
    rows = world.rows(f"{owed} JOIN cases c ON c.id = o.case_id WHERE o.owed_since IS NOT NULL")
    assert [(row[0], bool(row[1])) for row in rows] == [(late.code, True)]
    world.until(600)
    for name in ("officer", "office"):
        world.phones[name].expects(late.code, "尚无进展")


def test_stops_from_before_end_48_hours_after_they_were_recorded(world: World) -> None:
    """0018: one whose amount came later, one that was registered since; none that is over by another outcome."""
    reports = [world.report(**another_fraud()) for _ in range(3)]
    read_all(world)
    office = world.user("s", "security")
    for report in reports:
        world.call_the_student(report)
        world.phones["officer"].replies(report.code)
        world.press(office, f"/duty/{report.code}/outcome", transfer="1", outcome="stopped")
    read_all(world)
    for report, outcome in zip(reports, ("stopped", "registered", "frozen"), strict=True):
        world.clock.advance(3600)
        world.press(office, f"/duty/{report.code}/outcome", transfer="1", outcome=outcome, amount="100")
    ends = "SELECT c.code, x.stop_ends_at, x.stop_look_at FROM transfers x JOIN cases c ON c.id = x.case_id ORDER BY 1"
    before = world.rows(ends)
    config = migrations._config(world.parts.ledger.engine)
    command.downgrade(config, "0016")
    command.upgrade(config, "head")
    assert world.rows(ends) == before
    assert sum(row.stop_ends_at is not None for row in before) == 2
    read_all(world)


def test_records_from_before_are_looked_at_for_what_they_wait_for(world: World) -> None:
    """0020: one that nobody reached, referrals that wait or were answered, a danger, a question without hurry alone and
    beside a referral."""
    ways: tuple[tuple[str, ...], ...] = ((), ("asked",), ("asked", "seen"), ("danger",), ("declined",))
    for reasons in (*ways, ("unreachable", "declined")):
        report = world.report(**another_fraud())
        read_all(world)
        with world.parts.ledger.begin("refer") as uow:
            case = uow.case(naming.case_by_code(uow.conn, codes.fold(report.code)))
            if reasons:
                contacts.record(uow, case, "call_30m", contacts.Said("yes"), "test")
            for it in reasons:
                if it == "seen":
                    referrals.seen(uow, case, "test")
                elif it == "danger":
                    referrals.raise_immediate(uow, case, "test")
                else:
                    referrals.refer(uow, case, it, "test")
        world.clock.advance(60)
    waits = "SELECT same_day_since, unreached_since, referral_look_at FROM follow_ups ORDER BY opened_at"
    before = world.rows(waits)
    assert [[column is not None for column in row] for row in before] == [
        [False, True, True], [True, False, True], [False] * 3, [True, False, False], [False] * 3, [True, False, True],
    ]  # fmt: skip
    config = migrations._config(world.parts.ledger.engine)
    command.downgrade(config, "0018")
    command.upgrade(config, "head")
    assert world.rows(waits) == before
    world.pump()
    read_all(world)


def test_drills_from_before_leave_no_record_open(world: World) -> None:
    """0010: of a drill that was ended before, as it stood then, nor anybody to be reminded of it; a student's record
    stays as it is."""
    world.report(**another_fraud())
    drill = world.report(**another_fraud())
    world.pump()
    with world.parts.ledger.begin("test") as uow:
        its = update(t.cases).where(t.cases.c.code == drill.code)
        uow.conn.execute(its.values(drill=True, closed_at=uow.now))
    config = migrations._config(world.parts.ledger.engine)
    command.downgrade(config, "0009")
    command.upgrade(config, "head")
    drills = "SELECT c.drill, f.state, f.closed_at = c.closed_at, f.next_due_at IS NULL"
    rows = world.rows(f"{drills} FROM follow_ups f JOIN cases c ON c.id = f.case_id ORDER BY c.id")
    assert [tuple(row) for row in rows] == [(False, "first_contact", None, False), (True, "closed", True, True)]
    left = (
        "SELECT DISTINCT f.state FROM contacts k JOIN follow_ups f ON f.id = k.follow_up_id WHERE remind_at IS NOT NULL"
    )
    assert [row.state for row in world.rows(left)] == ["first_contact"]
    read_all(world)
