"""What bench/growth.py measures is a ledger as the service itself would have left it: sealed, chained, readable."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from bench.growth import _cases
from bench.years import Years, colleges, histories
from ledger import deadlines
from ledger import tables as t
from ledger.events import COUNSELOR, PRIORITY
from ledger.figures import contactdays, oversight
from ledger.ringing import unrung
from ledger.staff.accounts import User
from ledger.store import anchors, glance, outbox, work
from ledger.texts import claims, deliveries
from services.compose import anchor_file
from services.worker import run_open
from tests.behaviour.stories import POSTGRESQL, read_all
from tests.world import World

CASES, MANY, BURST = 40, 300, 120
READ = "SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables WHERE seq_tup_read > 100"
FETCHED = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname"
PREPARED = 7  # times, after which the driver has prepared a statement
# What is asked again and again, whether or not there is anything.
LOOKS = {
    "glance": glance._GLANCE,
    "texts": deliveries._READY,
    "leases": claims._LAPSED[0],
    "claims of the dead": claims._HELD[0],
    "events": outbox._ANY,
    "obligations": deadlines._DUE,
    "contacts": deadlines._CONTACT_DUE,
    "referrals": deadlines._REFERRAL_DUE,
    "stops": deadlines._STOP_DUE,
    "drills": deadlines._DRILL_OVER,
    "days of contacts": contactdays._LAST,
    "the first day": contactdays._FIRST,
    "work": work._WAITING,
    "work of a queue": work._WAITING_IN,
    "what is not rung": unrung._OLDEST,
}


@POSTGRESQL
def test_a_filled_ledger_is_whole_and_can_be_read(world: World) -> None:
    ledger = world.parts.ledger
    Years(ledger, histories(world), list(colleges(world))).fill(CASES)
    with ledger.read() as conn:
        assert conn.scalar(select(func.count()).select_from(t.cases)) == CASES + 4
        assert list(anchors.verify(conn, ledger.keys, anchor_file(world.parts.settings))) == []
    tokens, codes, _ = _cases(world, random.Random(1))
    office = world.user("office", "security")
    assert {world.client.get(f"/r/{token}").status_code for token in tokens} == {200}
    assert {office.get(f"/duty/{code}").status_code for code in codes} == {200}
    read_all(world)


@POSTGRESQL
def test_a_statement_that_looks_large_is_run_at_once(world: World) -> None:
    """Compiled first, the board's took 30 ms more in a ledger of 100,000 cases, for nothing that it had to show."""
    wish = "SET jit_above_cost = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;"
    with world.parts.ledger.read() as conn:
        conn.exec_driver_sql(f"{wish} SET min_parallel_table_scan_size = 0")
        plan = "\n".join(conn.scalars(text("EXPLAIN ANALYZE SELECT count(*) FROM cases WHERE drill")))
    assert "Seq Scan" in plan and "JIT" not in plan and "Workers" not in plan


@POSTGRESQL
@pytest.mark.parametrize("counted", [False, True], ids=["uncounted", "counted"])
def test_no_look_for_what_is_due_reads_a_table(world: World, counted: bool) -> None:
    """Planned for any values, as PostgreSQL plans what has been asked often."""
    ledger = world.parts.ledger
    Years(ledger, histories(world), list(colleges(world))).fill(MANY)
    if counted:
        with ledger.engine.connect() as conn:
            conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    now = world.clock.now()
    asked = {"now": now, "stale": now, "before": now - timedelta(hours=1), "from": "police", "left": [], "dead": []}
    asked["since"] = now - timedelta(days=300)
    read_all(world)
    for name, look in LOOKS.items():
        with ledger.begin("look") as uow:
            uow.conn.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
            for _ in range(PREPARED):
                uow.conn.execute(look, asked).all()
            read = uow.conn.execute(text(READ)).all()
        assert read == [], name


@POSTGRESQL
def test_the_figures_of_a_year_read_nothing_of_other_years(world: World) -> None:
    """Of what hangs on a case: as much for each of the year, or that is open, however many there were before."""
    ledger = world.parts.ledger
    Years(ledger, histories(world), list(colleges(world))).fill(MANY)
    with ledger.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    read_all(world)
    office, now = User(t.new_id(), "office", "security", None, None, 0), world.clock.now()
    with ledger.begin("look") as uow:
        school = oversight.figures(uow.conn, office, now, ledger.zone).school
        for table in ("transfers", "obligations", "case_events"):
            read = uow.conn.execute(text(f"{FETCHED} = '{table}'")).scalar_one()
            assert school and read <= 4 * school.reports.year < MANY, (table, read)
        assert uow.conn.execute(text(f"{FETCHED} = 'contacts'")).scalar_one() == 0  # see contactdays


@POSTGRESQL
def test_a_day_of_contacts_is_counted_without_reading_those_of_other_days(world: World) -> None:
    ledger = world.parts.ledger
    Years(ledger, histories(world), list(colleges(world))).fill(MANY)
    with ledger.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    read_all(world)
    day = (world.clock.now() - timedelta(days=200)).date()
    with ledger.begin("count") as uow:
        contactdays._count(uow, day)
        due = uow.conn.execute(select(func.sum(t.contact_days.c.due)).where(t.contact_days.c.day == day)).scalar_one()
        for table in ("contacts", "follow_ups", "cases"):
            read = uow.conn.execute(text(f"{FETCHED} = '{table}'")).scalar_one()
            assert read <= 2 * due + 20 < MANY, (table, read)


@POSTGRESQL
def test_claiming_a_text_reads_nothing_of_what_its_person_was_sent_before(world: World) -> None:
    """Nor, for one that nobody needs any more, all texts there are; also with a plan made when there were few."""
    ledger, now = world.parts.ledger, world.clock.now()
    asked = {"now": now, "worst": PRIORITY[COUNSELOR], "most": 2 * BURST, "asks": True, "left": []}

    def claim() -> tuple[list[bool], int]:
        """Which texts are wanted still, the police's first; how many rows of the table were read."""
        with ledger.begin("claim") as uow:
            wanted = [row["wanted"] for row in uow.conn.execute(claims._READY, asked).mappings()]
            return wanted, uow.conn.execute(text(f"{FETCHED} = 'deliveries'")).scalar_one()

    def report(number: int) -> None:
        world.report(phone=f"1390000{number:04d}")
        while run_open(ledger, world.handlers):
            pass

    report(0)
    for _ in range(2 * PREPARED):  # so that it is planned while there is next to nothing
        claim()
    for number in range(1, BURST):
        report(number)
    with ledger.begin("some were handled otherwise") as uow:
        theirs = t.obligations.update().where(t.obligations.c.kind == "counselor")
        uow.conn.execute(theirs.values(state="acknowledged"))
    wanted, read = claim()
    assert wanted == [True] * BURST + [False] * BURST
    assert read < 2 * len(wanted)
    read_all(world)
