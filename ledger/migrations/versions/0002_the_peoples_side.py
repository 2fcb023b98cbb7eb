"""What the people's side adds"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import ledger.tables

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "remembered",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("until", ledger.tables.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_remembered_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remembered")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_remembered_token_hash")),
    )
    with op.batch_alter_table("remembered", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_remembered_user_id"), ["user_id"], unique=False)
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("invite_hash", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("invite_until", ledger.tables.UtcTime(timezone=True), nullable=True))
        batch_op.create_index("ix_users_invite_hash", ["invite_hash"], unique=True)

    op.create_table(
        "reopenings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", ledger.tables.UtcTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_reopenings_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reopenings")),
    )
    with op.batch_alter_table("reopenings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reopenings_case_id"), ["case_id"], unique=False)

    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", ledger.tables.UtcTime(timezone=True), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_uploads_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_uploads_case_id"), ["case_id"], unique=False)

    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("details_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("money_source_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("family_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("voice", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("asked", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("unsafe_at", ledger.tables.UtcTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("withdrawal_at", ledger.tables.UtcTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("linked_to", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_cases_linked_to"), ["linked_to"], unique=False)

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("entry_sealed", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("next_at", ledger.tables.UtcTime(timezone=True), nullable=True))

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bundle_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_deliveries_bundle_id"), ["bundle_id"], unique=False)

    with op.batch_alter_table("follow_ups", schema=None) as batch_op:
        batch_op.add_column(sa.Column("referred_at", ledger.tables.UtcTime(timezone=True), nullable=True))

    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_kind", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("outcome_fen", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("outcome_number_sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_invite_hash")
        batch_op.drop_column("invite_until")
        batch_op.drop_column("invite_hash")
    op.drop_table("remembered")
    with op.batch_alter_table("transfers", schema=None) as batch_op:
        batch_op.drop_column("outcome_number_sealed")
        batch_op.drop_column("outcome_fen")
        batch_op.drop_column("account_kind")

    with op.batch_alter_table("follow_ups", schema=None) as batch_op:
        batch_op.drop_column("referred_at")

    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deliveries_bundle_id"))
        batch_op.drop_column("bundle_id")

    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_column("next_at")
        batch_op.drop_column("entry_sealed")

    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cases_linked_to"))
        batch_op.drop_column("linked_to")
        batch_op.drop_column("withdrawal_at")
        batch_op.drop_column("unsafe_at")
        batch_op.drop_column("asked")
        batch_op.drop_column("voice")
        batch_op.drop_column("family_sealed")
        batch_op.drop_column("money_source_sealed")
        batch_op.drop_column("details_sealed")

    with op.batch_alter_table("uploads", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_uploads_case_id"))

    op.drop_table("uploads")
    with op.batch_alter_table("reopenings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reopenings_case_id"))

    op.drop_table("reopenings")
