"""How Alembic reaches the ledger: over the engine that it is handed."""

from alembic import context
from sqlalchemy import text

from ledger.tables import metadata

engine = context.config.attributes["engine"]
with engine.begin() as connection:
    if connection.dialect.name == "postgresql":  # an index over years may take longer than a page may
        connection.execute(text("SET LOCAL statement_timeout = 0"))
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite"
    )
    with context.begin_transaction():
        context.run_migrations()
