"""Readings of family and source of the money are found, the newest first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    read = sa.text("type = 'followup.background_read.v1'")
    op.create_index("ix_case_events_background_read", "case_events", ["id"], sqlite_where=read, postgresql_where=read)


def downgrade() -> None:
    op.drop_index("ix_case_events_background_read", "case_events")
