"""Since when an owner owes progress, and when a transfer came in after its report."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

OWED_SINCE_TAKEN = """
    UPDATE obligations SET owed_since = acknowledged_at
    WHERE kind = 'police' AND state = 'acknowledged' AND next_at IS NOT NULL
"""


def upgrade() -> None:
    op.add_column("obligations", sa.Column("owed_since", sa.DateTime(timezone=True)))
    op.add_column("transfers", sa.Column("added_at", sa.DateTime(timezone=True)))
    op.execute(OWED_SINCE_TAKEN)


def downgrade() -> None:
    op.drop_column("transfers", "added_at")
    op.drop_column("obligations", "owed_since")
