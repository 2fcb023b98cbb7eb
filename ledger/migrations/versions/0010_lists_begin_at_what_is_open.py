"""Lists begin at what is open: by somebody's cases from the first open one on, by kind; a drill leaves nothing open."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# (index, table, columns, only while)
Indexes = tuple[tuple[str, str, tuple[str, ...], str | None], ...]
INDEXES: Indexes = (
    ("ix_cases_counselor_id_id", "cases", ("counselor_id", "id"), None),
    ("ix_cases_withdrawal", "cases", ("withdrawal_at",), "withdrawal_at IS NOT NULL AND state <> 'closed'"),
    ("ix_obligations_owner_id_case_id", "obligations", ("owner_id", "case_id"), "owner_id IS NOT NULL"),
    ("ix_deliveries_alerted", "deliveries", ("person_id", "case_id"), "alert"),
    ("ix_deliveries_reminded", "deliveries", ("person_id", "case_id"), "kind IN ('follow_up', 'counselor_reminder')"),
    ("ix_follow_ups_immediate", "follow_ups", ("next_due_at",), "closed_at IS NULL AND immediate"),
    ("ix_follow_ups_signing", "follow_ups", ("opened_at",),
     "closed_at IS NULL AND (state = 'review' OR next_due_at IS NULL)"),
)  # fmt: skip
BEFORE: Indexes = (
    ("ix_cases_counselor_id", "cases", ("counselor_id",), None),
    ("ix_obligations_owner_id", "obligations", ("owner_id",), "owner_id IS NOT NULL"),
    ("ix_deliveries_alerted", "deliveries", ("person_id",), "alert"),
    ("ix_follow_ups_pressing", "follow_ups", ("case_id",),
     "closed_at IS NULL AND (immediate OR state = 'review' OR next_due_at IS NULL)"),
)  # fmt: skip
DRILLS_OVER = """
    UPDATE follow_ups SET state = 'closed', next_due_at = NULL,
        closed_at = (SELECT closed_at FROM cases WHERE id = follow_ups.case_id)
    WHERE closed_at IS NULL AND case_id IN (SELECT id FROM cases WHERE drill AND closed_at IS NOT NULL)
"""
NO_REMINDERS = """
    UPDATE contacts SET remind_at = NULL
    WHERE remind_at IS NOT NULL AND follow_up_id IN (SELECT id FROM follow_ups WHERE closed_at IS NOT NULL)
"""


def upgrade() -> None:
    op.execute(DRILLS_OVER)
    op.execute(NO_REMINDERS)
    _replace(BEFORE, INDEXES)


def downgrade() -> None:
    _replace(INDEXES, BEFORE)


def _replace(old: Indexes, new: Indexes) -> None:
    for name, table, _, _ in old:
        op.drop_index(name, table_name=table)
    for name, table, columns, condition in new:
        where = sa.text(condition) if condition else None
        op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)
