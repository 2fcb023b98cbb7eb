"""What the plan wants of everybody as it is counted each month, registered cases by class, contacts kept by the day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.tables import UtcTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_NUMBERS = ("asked", "aware", "people", "installed", "named", "warned")


def upgrade() -> None:
    op.create_table(
        "registered_classes",
        sa.Column("month", sa.String(7), sa.ForeignKey("registered_months.month"), primary_key=True),
        sa.Column("college_code", sa.String(32), primary_key=True),
        sa.Column("class_code", sa.String(32), primary_key=True),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("amount_fen", sa.BigInteger),
    )
    op.create_table(
        "prevention_months",
        sa.Column("month", sa.String(7), primary_key=True),
        sa.Column("imported_at", UtcTime, nullable=False),
    )
    op.create_table(
        "prevention_counts",
        sa.Column("month", sa.String(7), sa.ForeignKey("prevention_months.month"), primary_key=True),
        sa.Column("college_code", sa.String(32), primary_key=True),
        sa.Column("class_code", sa.String(32), primary_key=True),
        *(sa.Column(name, sa.Integer) for name in _NUMBERS),
    )
    op.create_table(
        "contact_days",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("college_code", sa.String(32), primary_key=True),
        sa.Column("due", sa.Integer, nullable=False),
        sa.Column("kept", sa.Integer, nullable=False),
    )
    op.create_index("ix_contacts_due_at", "contacts", ["due_at"])


def downgrade() -> None:
    op.drop_index("ix_contacts_due_at", "contacts")
    for table in ("contact_days", "prevention_counts", "prevention_months", "registered_classes"):
        op.drop_table(table)
