"""The migrations and the tables say the same on both databases, from an empty one and back."""

from hashlib import sha256
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ledger import migrations
from ledger.tables import metadata
from ledger.unit_of_work import connect


def test_an_upgraded_database_has_exactly_the_tables_of_the_program(database_url: str) -> None:
    engine = connect(database_url)
    assert migrations.current(engine) is None
    migrations.upgrade(engine)
    assert migrations.current(engine) == migrations.NEWEST
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    migrations.upgrade(engine)  # a second time changes nothing
    engine.dispose()


def test_a_migration_that_somebody_may_have_run_is_never_edited() -> None:
    """What changes after it has gone out is a migration of its own. Add the next one here once it is out."""
    folder = Path(migrations.__file__).parent / "versions"
    digests = {path.name: sha256(path.read_bytes()).hexdigest()[:16] for path in folder.glob("000[12]_*.py")}
    assert digests == {"0001_first_tables.py": "f5f5fde1793319f2", "0002_the_peoples_side.py": "29167e89c1252216"}


def test_the_first_migration_can_be_taken_back(database_url: str) -> None:
    engine = connect(database_url)
    migrations.upgrade(engine)
    command.downgrade(migrations._config(engine), "base")
    with engine.connect() as connection:
        assert not [name for name in engine.dialect.get_table_names(connection) if name != "alembic_version"]
    engine.dispose()
