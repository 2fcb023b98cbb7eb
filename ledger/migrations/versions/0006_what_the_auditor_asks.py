"""An index over obligations that no text has gone out for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UNRUNG = sa.text("alerted_at IS NULL AND state = 'pending'")


def upgrade() -> None:
    op.create_index("ix_obligations_unrung", "obligations", ["case_id"], sqlite_where=UNRUNG, postgresql_where=UNRUNG)


def downgrade() -> None:
    op.drop_index("ix_obligations_unrung", table_name="obligations")
