"""Reviews are found"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    reviewed = sa.text("type = 'case.reviewed.v1'")
    op.create_index(
        "ix_case_events_reviewed", "case_events", ["case_id"], sqlite_where=reviewed, postgresql_where=reviewed
    )


def downgrade() -> None:
    op.drop_index("ix_case_events_reviewed", "case_events")
