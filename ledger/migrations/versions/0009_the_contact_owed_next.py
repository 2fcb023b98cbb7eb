"""Each follow-up names when its next contact is due: a list of those that are due reads no others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# (index, table, columns, only while)
INDEXES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("ix_follow_ups_next_due_at", "follow_ups", ("next_due_at",), "closed_at IS NULL"),
    ("ix_follow_ups_pressing", "follow_ups", ("case_id",),
     "closed_at IS NULL AND (immediate OR state = 'review' OR next_due_at IS NULL)"),
    ("ix_obligations_unsafe", "obligations", ("case_id",), "kind = 'unsafe' AND next_at IS NOT NULL"),
)  # fmt: skip
OWED_NEXT = """
    UPDATE follow_ups SET next_due_at =
        (SELECT min(due_at) FROM contacts WHERE follow_up_id = follow_ups.id AND done_at IS NULL)
"""


def upgrade() -> None:
    op.add_column("follow_ups", sa.Column("next_due_at", sa.DateTime(timezone=True)))
    op.execute(OWED_NEXT)
    for name, table, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table_name=table)
    op.drop_column("follow_ups", "next_due_at")
