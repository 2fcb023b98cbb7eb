"""Whose edition of the roster it is"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The first one, too, is a random word: another ledger that begins here has another roster.
    first = sa.text("UPDATE roster SET edition = :edition WHERE edition = 'first'")
    op.execute(first.bindparams(edition=secrets.token_hex(16)))
    if op.get_bind().dialect.name == "postgresql":
        # By its schema: where a backup's rows are put back, no table is found by its name alone.
        op.execute("""CREATE OR REPLACE FUNCTION roster_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                      EXECUTE format('UPDATE %I.roster SET edition = gen_random_uuid()::text', TG_TABLE_SCHEMA);
                      RETURN NULL; END $$""")


def downgrade() -> None:
    """Both serve the former ledger as well."""
