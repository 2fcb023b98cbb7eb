"""The follow-up record, and the anchors of the chains."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from ledger.tables.base import UtcTime, id_column, metadata, only_while, reference

follow_ups = Table(
    "follow_ups",
    metadata,
    id_column(),
    reference("case_id", "cases", nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("immediate", Boolean, nullable=False, default=False),
    reference("counselor_id", "people"),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("referred_at", UtcTime),
)
contacts = Table(
    "contacts",
    metadata,
    id_column(),
    reference("follow_up_id", "follow_ups", nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("reached", Boolean),
    Column("note_sealed", LargeBinary),
    Column("entry_sealed", LargeBinary),  # one JSON object: ticks of Look–Listen–Link, signs, need
    Column("next_at", UtcTime),
    Column("reminders", Integer, nullable=False, default=0),
    Column("remind_at", UtcTime),
    Index("ix_contacts_remind", "remind_at", **only_while("remind_at IS NOT NULL")),
    UniqueConstraint("follow_up_id", "kind"),
)
anchors = Table(
    "anchors",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("content", JSON, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
