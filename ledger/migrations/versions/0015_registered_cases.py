"""Cases registered by the police"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.tables import UtcTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registered_months",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("imported_at", UtcTime, nullable=False),
    )
    op.create_table(
        "registered_cases",
        sa.Column("month", sa.String(7), sa.ForeignKey("registered_months.month"), primary_key=True),
        sa.Column("college_code", sa.String(32), primary_key=True),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("amount_fen", sa.BigInteger),
    )


def downgrade() -> None:
    op.drop_table("registered_cases")
    op.drop_table("registered_months")
