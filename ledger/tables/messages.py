"""What is on its way: work rows, texts out and in, alarms."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
)

from ledger.tables.base import UtcTime, id_column, metadata, only_while, reference, where_there

work = Table(
    "work",
    metadata,
    Column("event_id", Uuid, ForeignKey("case_events.id"), primary_key=True),
    Column("queue", String(16), primary_key=True),
    Column("state", String(8), nullable=False, default="open"),  # open · done · parked
    Column("priority", Integer, nullable=False),
    Column("available_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("reason", Text),
    Index("ix_work_open", "priority", "available_at", **only_while("state = 'open'")),
)
deliveries = Table(
    "deliveries",
    metadata,
    id_column(),
    Column("dedup", Text, nullable=False, unique=True),  # who is told what because of which step: once
    reference("case_id", "cases", index=True),  # null: an answer about no case, sealed with its person's key
    reference("obligation_id", "obligations", index=True),
    Column("step", Integer),
    reference("person_id", "people"),
    Column("kind", String(24), nullable=False),  # with its facts, a message: see notifier.messages
    Column("facts", JSON, nullable=False),
    Column("language", String(2), nullable=False),
    Column("to_sealed", LargeBinary, nullable=False),
    Column("to_index", LargeBinary, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("channel", String(16), nullable=False),  # provider · sink (drills)
    Column("alert", Boolean, nullable=False),  # goes out only while its obligation waits for somebody
    Column("state", String(16), nullable=False),  # see states.DELIVERY_RANK
    Column("attempt", Integer, nullable=False, default=1),  # 2: the one resend after an unknown answer
    Column("tries", Integer, nullable=False, default=0),  # how often a sender wrote what came of a call
    Column("settled", Boolean, nullable=False, default=False),  # an unknown one that nobody waits for
    Column("sender_id", Uuid),  # who claimed it last
    Column("token", Uuid),  # which of its claims it is, until when
    Column("lease_until", UtcTime),
    Column("available_at", UtcTime),  # when a sender may look at it; null: nothing more to do
    Column("expires_at", UtcTime, nullable=False),
    Column("body_sealed", LargeBinary),  # what was said, or is about to be
    Column("bundle_id", Uuid),  # the one text that speaks for this one too
    Column("sid", String(64), index=True),  # its id at the provider
    Column("error_code", String(32)),
    Column("created_at", UtcTime, nullable=False),
    Column("called_at", UtcTime),
    Column("sent_at", UtcTime),
    Column("delivered_at", UtcTime),
    Index("ix_deliveries_bundle_id", "bundle_id", **where_there("bundle_id")),
    Index("ix_deliveries_to_index_created_at", "to_index", "created_at"),
    Index("ix_deliveries_alerted", "person_id", "case_id", **only_while("alert")),
    Index(
        "ix_deliveries_reminded",
        "person_id",
        "case_id",
        **only_while("kind IN ('follow_up', 'counselor_reminder', 'lapse')"),
    ),
    Index("ix_deliveries_ready", "priority", "available_at", **only_while("available_at IS NOT NULL")),
    Index("ix_deliveries_leased", "lease_until", **only_while("state = 'sending'")),
)
inbound = Table(
    "inbound",
    metadata,
    id_column(),
    Column("sid", String(64), nullable=False, unique=True),
    Column("at", UtcTime, nullable=False),
    Column("from_index", LargeBinary, nullable=False, index=True),
    Column("body_sealed", LargeBinary),
    Column("outcome", String(24), nullable=False),  # see replies.take
    reference("case_id", "cases"),
    Column("row_key", LargeBinary, nullable=False),
)
alarms = Table(
    "alarms",
    metadata,
    id_column(),
    Column("dedup", Text, nullable=False, unique=True),
    Column("kind", String(24), nullable=False),
    reference("case_id", "cases"),
    Column("at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cleared_at", UtcTime),
    Index("ix_alarms_open", "at", **only_while("cleared_at IS NULL")),
)
