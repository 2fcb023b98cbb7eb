"""The migrations and the tables say the same on both databases, from an empty one and back."""

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
    assert migrations.current(engine) == migrations.newest(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    migrations.upgrade(engine)  # a second time changes nothing
    engine.dispose()


def test_the_first_migration_can_be_taken_back(database_url: str) -> None:
    engine = connect(database_url)
    migrations.upgrade(engine)
    command.downgrade(migrations._config(engine), "base")
    with engine.connect() as connection:
        assert not [name for name in engine.dialect.get_table_names(connection) if name != "alembic_version"]
    engine.dispose()
