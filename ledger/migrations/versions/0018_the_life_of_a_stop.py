"""Until when a stop holds the money, and when somebody must be told that it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from alembic import op

from ledger.tables import UtcTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

LIFE, WARN_BEFORE = timedelta(hours=48), timedelta(hours=6)
DECIDE_NOTHING = ("accepted_110", "registered")
REMINDED = "kind IN ('follow_up', 'counselor_reminder'{})"
cases = sa.table("cases", sa.column("id", sa.Uuid), sa.column("drill", sa.Boolean))
transfers = sa.table(
    "transfers",
    *(sa.column(name, sa.Uuid) for name in ("id", "case_id")),
    sa.column("position", sa.Integer),
    sa.column("outcome", sa.String),
    *(sa.column(name, UtcTime) for name in ("outcome_at", "stop_ends_at", "stop_look_at")),
)
events = sa.table(
    "case_events",
    sa.column("case_id", sa.Uuid),
    sa.column("seq", sa.Integer),
    sa.column("type", sa.String),
    sa.column("at", UtcTime),
    sa.column("data", sa.JSON),
)


def upgrade() -> None:
    op.add_column("transfers", sa.Column("stop_ends_at", sa.DateTime(timezone=True)))
    op.add_column("transfers", sa.Column("stop_renewed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("transfers", sa.Column("stop_look_at", sa.DateTime(timezone=True)))
    where = sa.text("stop_look_at IS NOT NULL")
    op.create_index(
        "ix_transfers_stop_look_at", "transfers", ["stop_look_at"], sqlite_where=where, postgresql_where=where
    )
    _reminded(", 'lapse'")
    _stops_that_run(op.get_bind())


def _stops_that_run(conn: sa.Connection) -> None:
    """Those of the 48 hours before the last outcome, from when they were recorded: one begins when 已止付 is said
    first, and is over when another outcome is. What is over by now the clock puts away at its first look."""
    x, e = transfers.c, events.c
    newest = conn.execute(sa.select(sa.func.max(x.outcome_at, type_=UtcTime))).scalar_one()
    if newest is None:
        return
    since = newest - LIFE
    stopped = sa.select(x.id, x.case_id, x.position).join(cases, cases.c.id == x.case_id)
    for row in conn.execute(stopped.where(x.outcome == "stopped", x.outcome_at > since, ~cases.c.drill)).all():
        its = sa.select(e.at, e.data).where(e.case_id == row.case_id, e.type == "outcome.recorded.v1").order_by(e.seq)
        began = _began([(it.at, it.data["outcome"]) for it in conn.execute(its) if it.data["transfer"] == row.position])
        if began and began > since:
            ends = {"stop_ends_at": began + LIFE, "stop_look_at": began + LIFE - WARN_BEFORE}
            conn.execute(sa.update(transfers).where(x.id == row.id).values(ends))


def _began(said: list[tuple[datetime, str]]) -> datetime | None:
    began = None
    for at, outcome in said:
        if outcome not in DECIDE_NOTHING:
            began = (began or at) if outcome == "stopped" else None
    return began


def _reminded(more: str) -> None:
    op.drop_index("ix_deliveries_reminded", "deliveries")
    where = sa.text(REMINDED.format(more))
    op.create_index(
        "ix_deliveries_reminded", "deliveries", ["person_id", "case_id"], sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    _reminded("")
    op.drop_index("ix_transfers_stop_look_at", "transfers")
    for name in ("stop_look_at", "stop_renewed", "stop_ends_at"):
        op.drop_column("transfers", name)
