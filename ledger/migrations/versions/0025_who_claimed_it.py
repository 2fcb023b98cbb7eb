"""Which sender claimed a text, so that what one held which has died waits for no lease."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("sender_id", sa.Uuid))


def downgrade() -> None:
    op.drop_column("deliveries", "sender_id")
