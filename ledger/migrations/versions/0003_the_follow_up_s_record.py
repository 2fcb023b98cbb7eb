"""What the counselor's and the centre's side of the follow-up adds"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import ledger.tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_column("next_at")  # never written: what was agreed is a contact of its own

    with op.batch_alter_table("follow_ups", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seen_at", ledger.tables.UtcTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("debt", sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column("told_at", ledger.tables.UtcTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("closer_id", sa.Uuid(), nullable=True))

    op.create_table(
        "centre_notes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("follow_up_id", sa.Uuid(), nullable=False),
        sa.Column("at", ledger.tables.UtcTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["follow_up_id"], ["follow_ups.id"], name=op.f("fk_centre_notes_follow_up_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_centre_notes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_centre_notes")),
    )
    with op.batch_alter_table("centre_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_centre_notes_follow_up_id"), ["follow_up_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("centre_notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_centre_notes_follow_up_id"))

    op.drop_table("centre_notes")

    with op.batch_alter_table("follow_ups", schema=None) as batch_op:
        for name in ("closer_id", "told_at", "debt", "seen_at"):
            batch_op.drop_column(name)

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("next_at", ledger.tables.UtcTime(timezone=True), nullable=True))
