"""Who was rung and has said that they cannot: nobody waits for them in that round."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("obligations", sa.Column("declined", sa.JSON))


def downgrade() -> None:
    op.drop_column("obligations", "declined")
