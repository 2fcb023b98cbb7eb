"""Since when the centre is asked for the same day, since when a student does not answer, when the clock looks at it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.tables import UtcTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TIMES = ("same_day_since", "unreached_since", "referral_look_at")
SEARCHED = ("same_day_since", "referral_look_at")
REMIND_AFTER, UNREACHED_FOR = timedelta(hours=4), timedelta(hours=24)
MADE, ANSWERED = "followup.referred.v1", ("followup.seen.v1", "followup.contact_waived.v1")
cases = sa.table("cases", sa.column("id", sa.Uuid), sa.column("drill", sa.Boolean))
follow_ups = sa.table(
    "follow_ups",
    *(sa.column(name, sa.Uuid) for name in ("id", "case_id")),
    sa.column("state", sa.String),
    sa.column("immediate", sa.Boolean),
    *(sa.column(name, UtcTime) for name in ("opened_at", "closed_at", "referred_at", "seen_at", *TIMES)),
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
    for name in TIMES:
        op.add_column("follow_ups", sa.Column(name, sa.DateTime(timezone=True)))
    for name in SEARCHED:
        where = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_follow_ups_{name}", "follow_ups", [name], sqlite_where=where, postgresql_where=where)
    _records_that_wait(op.get_bind())


def _records_that_wait(conn: sa.Connection) -> None:
    """For the centre, or for a first talk. Danger has a ladder of its own, and nobody looks at a drill."""
    f = follow_ups.c
    for_the_centre = f.referred_at.is_not(None) & f.seen_at.is_(None)
    open_ = sa.select(follow_ups).join(cases, cases.c.id == f.case_id).where(f.closed_at.is_(None), ~cases.c.drill)
    for row in conn.execute(open_.where(sa.or_(for_the_centre, f.state == "first_contact"))).mappings().all():
        values: dict[str, Any] = {}
        if row["state"] == "first_contact":
            values = {"unreached_since": row["opened_at"], "referral_look_at": row["opened_at"] + UNREACHED_FOR}
        elif since := _asked_since(conn, row):
            look_at = None if row["immediate"] else since + REMIND_AFTER
            values = {"same_day_since": since, "referral_look_at": look_at}
        if values:
            conn.execute(sa.update(follow_ups).where(f.id == row["id"]).values(values))


def _asked_since(conn: sa.Connection, row: sa.RowMapping) -> datetime | None:
    """Whether the student is to be left in peace is no question of the same day, and takes none away."""
    e, since = events.c, None
    told = sa.select(e.type, e.at, e.data).where(e.case_id == row["case_id"], e.type.in_((MADE, *ANSWERED)))
    for it in conn.execute(told.order_by(e.seq)):
        if it.type != MADE:
            since = None
        elif it.data["reason"] != "declined":
            since = since or it.at
    return since


def downgrade() -> None:
    for name in SEARCHED:
        op.drop_index(f"ix_follow_ups_{name}", "follow_ups")
    for name in reversed(TIMES):
        op.drop_column("follow_ups", name)
