"""Fewer and smaller indexes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Most rows have nothing there, and each change of a row writes into every index that it is in.
_WITH_A_VALUE = {
    "ix_cases_linked_to": ("cases", "linked_to"),
    "ix_cases_victim_phone_index": ("cases", "victim_phone_index"),
    "ix_deliveries_bundle_id": ("deliveries", "bundle_id"),
    "ix_obligations_next_at": ("obligations", "next_at"),
}


def upgrade() -> None:
    op.drop_index("ix_contacts_follow_up_id", "contacts")  # one with the kind behind it is there
    for name, (table, column) in _WITH_A_VALUE.items():
        some = sa.text(f"{column} IS NOT NULL")
        op.drop_index(name, table)
        op.create_index(name, table, [column], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    op.create_index("ix_contacts_follow_up_id", "contacts", ["follow_up_id"])
    for name, (table, column) in _WITH_A_VALUE.items():
        op.drop_index(name, table)
        op.create_index(name, table, [column])
