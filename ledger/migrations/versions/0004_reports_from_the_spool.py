"""The codes and links of reports that were taken while the ledger was away"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import ledger.tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spooled",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=5), nullable=False),
        sa.Column("code_fold", sa.String(length=5), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", ledger.tables.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_spooled_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spooled")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_spooled_token_hash")),
    )
    with op.batch_alter_table("spooled", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_spooled_case_id"), ["case_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_spooled_code_fold"), ["code_fold"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("spooled", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_spooled_code_fold"))
        batch_op.drop_index(batch_op.f("ix_spooled_case_id"))

    op.drop_table("spooled")
