"""Contacts on a day that something falls due, which may be taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contacts", sa.Column("taken_back_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("contacts", "taken_back_at")
