"""Screenings of the psychology centre, and the student's consent to them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("follow_up_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=False),
    ]


def _keys(table: str) -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["follow_up_id"], ["follow_ups.id"], name=op.f(f"fk_{table}_follow_up_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    ]


def upgrade() -> None:
    op.create_table(
        "screening_consents",
        *_columns(),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        *_keys("screening_consents"),
        sa.UniqueConstraint("follow_up_id", "number", name=op.f("uq_screening_consents_follow_up_id_number")),
    )
    op.create_table(
        "screenings",
        *_columns(),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        *_keys("screenings"),
        sa.ForeignKeyConstraint(["consent_id"], ["screening_consents.id"], name=op.f("fk_screenings_consent_id")),
    )
    op.create_index(op.f("ix_screenings_follow_up_id"), "screenings", ["follow_up_id"])


def downgrade() -> None:
    op.drop_table("screenings")
    op.drop_table("screening_consents")
