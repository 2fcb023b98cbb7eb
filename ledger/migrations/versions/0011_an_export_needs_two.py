"""An export needs two"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.tables import UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("asker_id", sa.Uuid, sa.ForeignKey("users.id")),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("asked_at", UtcTime, nullable=False),
        sa.Column("first_day", sa.Date),
        sa.Column("last_day", sa.Date),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("signer_id", sa.Uuid, sa.ForeignKey("users.id")),
        sa.Column("decided_at", UtcTime),
    )
    asked = sa.text("state = 'asked'")
    for name, columns, unique, where in (
        ("ix_exports_waiting", ["asker_id", "role", "first_day", "last_day"], True, asked),
        ("ix_exports_asker_id_asked_at", ["asker_id", "asked_at"], False, None),
        ("ix_exports_open", ["asked_at"], False, asked),
    ):
        op.create_index(name, "exports", columns, unique=unique, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_table("exports")
