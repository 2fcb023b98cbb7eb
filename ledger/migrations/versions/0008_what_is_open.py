"""Indexes over what is open, and over what is somebody's: no page and no step reads what is over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# (index, table, columns, only while)
INDEXES: tuple[tuple[str, str, tuple[str, ...], str | None], ...] = (
    ("ix_cases_open_drills", "cases", ("received_at",), "drill AND closed_at IS NULL"),
    ("ix_cases_college_code_received_at", "cases", ("college_code", "received_at"), None),
    ("ix_cases_counselor_id", "cases", ("counselor_id",), None),
    ("ix_obligations_waiting", "obligations", ("case_id",), "state IN ('pending', 'alerted')"),
    ("ix_obligations_police_open", "obligations", ("case_id",), "kind IN ('police', 'dissuade') AND state <> 'done'"),
    ("ix_obligations_owner_id", "obligations", ("owner_id",), "owner_id IS NOT NULL"),
    ("ix_deliveries_to_index_created_at", "deliveries", ("to_index", "created_at"), None),
    ("ix_deliveries_alerted", "deliveries", ("person_id",), "alert"),
    ("ix_follow_ups_open", "follow_ups", ("case_id",), "closed_at IS NULL"),
    ("ix_follow_ups_referred", "follow_ups", ("case_id",), "referred_at IS NOT NULL"),
    ("ix_contacts_owed", "contacts", ("follow_up_id", "due_at"), "done_at IS NULL"),
    ("ix_access_log_unanchored", "access_log", ("id",), "NOT anchored"),
)
# Nearly every obligation of the police is done: without knowing that these two go together, PostgreSQL expects half of
# all cases to be open, and reads them all.
STATISTICS = "obligations_kind_state"


def upgrade() -> None:
    for name, table, columns, condition in INDEXES:
        where = sa.text(condition) if condition else None
        op.create_index(name, table, list(columns), sqlite_where=where, postgresql_where=where)
    op.drop_index("ix_deliveries_to_index", table_name="deliveries")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"CREATE STATISTICS {STATISTICS} (mcv) ON kind, state FROM obligations")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP STATISTICS {STATISTICS}")
    op.create_index("ix_deliveries_to_index", "deliveries", ["to_index"])
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table_name=table)
