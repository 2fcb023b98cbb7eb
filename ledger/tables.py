"""The ledger's tables. Sealed columns end in `_sealed`, blind indexes in `_index`; times are UTC; money is fen."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """Timezone-aware UTC in and out; SQLite drops zones, so they are put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): made here, ordered by time, so that indexes grow at one end."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (random >> 68 & 0xFFF) << 64
    return UUID(int=value | 0b10 << 62 | random & (1 << 62) - 1)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(**options: Any) -> Column[UUID]:
    return Column("id", Uuid, primary_key=True, default=new_id, **options)


def _to(name: str, target: str, **options: Any) -> Column[UUID]:
    return Column(name, Uuid, ForeignKey(f"{target}.id"), **options)


def _when(condition: str) -> dict[str, Any]:
    """A partial index on both databases: it holds what is still open, so its size does not grow with age."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# ── people ──────────────────────────────────────────────────────────────────────────────────────────────────────────
colleges = Table(
    "colleges",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("name", Text, nullable=False),
)
people = Table(
    "people",
    metadata,
    _id(),
    Column("key", String(64), nullable=False, unique=True),  # the roster's own name for the row
    Column("role", String(32), nullable=False),
    Column("name_sealed", LargeBinary),
    Column("called_sealed", LargeBinary),  # how others see them: 欧阳警官
    Column("phone_sealed", LargeBinary),
    Column("phone_index", LargeBinary, index=True),
    Column("student_no_sealed", LargeBinary),
    Column("student_no_index", LargeBinary, index=True),
    Column("college_code", String(32)),
    Column("class_code", String(32)),
    Column("stand_in_id", Uuid),
    Column("language", String(2), nullable=False, default="zh"),
    Column("active", Boolean, nullable=False, default=True),
    Column("row_key", LargeBinary, nullable=False),
)
classes = Table(
    "classes",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("college_code", String(32), nullable=False),
    Column("counselor_id", Uuid),
)
duties = Table(
    "duties",
    metadata,
    _id(),
    Column("college_code", String(32), nullable=False),  # "*" is the compulsory default row
    Column("role", String(32), nullable=False),
    _to("person_id", "people", nullable=False),
    Column("days", String(16), nullable=False),
    Column("start", String(5), nullable=False),
    Column("end", String(5), nullable=False),
    Index("ix_duties_role_college", "role", "college_code"),
)
ladders = Table(
    "ladders",
    metadata,
    Column("obligation", String(16), primary_key=True),
    Column("college_code", String(32), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("after_s", Integer, nullable=False),
    Column("targets", JSON, nullable=False),
)
users = Table(
    "users",
    metadata,
    _id(),
    Column("username", String(64), nullable=False, unique=True),
    Column("role", String(32), nullable=False),
    Column("college_code", String(32)),
    _to("person_id", "people"),
    Column("password_hash", Text, nullable=False),
    Column("totp_sealed", LargeBinary, nullable=False),
    Column("totp_used", BigInteger, nullable=False, default=0),  # the last accepted time step: a code works once
    Column("session_epoch", Integer, nullable=False, default=0),  # raised to end every session of this user
    Column("failures", Integer, nullable=False, default=0),
    Column("locked_until", UtcTime),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("row_key", LargeBinary, nullable=False),
)
access_log = Table(
    "access_log",
    metadata,
    _id(),
    Column("at", UtcTime, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("object", Text, nullable=False),
    Column("anchored", Boolean, nullable=False, default=False),
)

# ── cases ───────────────────────────────────────────────────────────────────────────────────────────────────────────
cases = Table(
    "cases",
    metadata,
    _id(),
    Column("code", String(5), nullable=False, unique=True),
    Column("code_fold", String(5), nullable=False, unique=True),  # 5/S, 8/B and 2/Z count as one
    Column("kind", String(16), nullable=False),
    Column("drill", Boolean, nullable=False, default=False),
    Column("state", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    Column("language", String(2), nullable=False),
    Column("received_at", UtcTime, nullable=False, index=True),
    Column("closed_at", UtcTime),
    Column("college_code", String(32)),
    _to("victim_id", "people"),
    _to("counselor_id", "people"),
    Column("match_grade", String(16), nullable=False),  # none · phone (推测) · student_no
    Column("for_whom", String(8), nullable=False),
    Column("phone_sealed", LargeBinary),
    Column("phone_index", LargeBinary, index=True),
    Column("phone_unsafe", Boolean, nullable=False),
    Column("victim_phone_sealed", LargeBinary),
    Column("victim_phone_index", LargeBinary, index=True),
    Column("name_sealed", LargeBinary),
    Column("student_no_sealed", LargeBinary),
    Column("narrative_sealed", LargeBinary),
    Column("fraud_type", String(2)),
    Column("called_110", Boolean),
    Column("flags", JSON, nullable=False),  # what was typed and could not be read: named here, kept sealed beside
    Column("unread_sealed", LargeBinary),
    Column("submission_hash", LargeBinary, unique=True),
    Column("body_hash", LargeBinary),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("row_key", LargeBinary, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("chain_head", LargeBinary, nullable=False),
    Column("anchored_seq", Integer, nullable=False, default=0),
    Index("ix_cases_unanchored", "id", **_when("last_seq > anchored_seq")),
)
transfers = Table(
    "transfers",
    metadata,
    _id(),
    _to("case_id", "cases", nullable=False),
    Column("position", Integer, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("when_bucket", String(8)),
    Column("happened_at", UtcTime),
    Column("payee_account_sealed", LargeBinary),
    Column("payee_account_index", LargeBinary, index=True),
    Column("payee_name_sealed", LargeBinary),
    Column("payee_bank_sealed", LargeBinary),
    Column("payer_bank_sealed", LargeBinary),
    Column("payer_account_tail_sealed", LargeBinary),
    Column("serial_sealed", LargeBinary),
    Column("outcome", String(16)),
    Column("outcome_at", UtcTime),
    UniqueConstraint("case_id", "position"),
)
obligations = Table(
    "obligations",
    metadata,
    _id(),
    _to("case_id", "cases", nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("deadline_at", UtcTime, nullable=False),
    Column("step", Integer, nullable=False, default=-1),
    Column("ladder_at", UtcTime, nullable=False),  # from when the ladder's seconds count
    Column("entered_at", UtcTime),  # when the present step began
    Column("barren", Integer, nullable=False, default=0),  # steps in a row before this one that reached nobody
    Column("next_at", UtcTime, index=True),  # when the clock must look again; null: never
    _to("owner_id", "people"),
    Column("reminded", Boolean, nullable=False, default=False),
    Column("alerted_at", UtcTime),
    Column("acknowledged_at", UtcTime),
    Column("contacted_at", UtcTime),
    Column("filed_at", UtcTime),
    Column("done_at", UtcTime),
    UniqueConstraint("case_id", "kind"),
)
case_events = Table(
    "case_events",
    metadata,
    _id(),
    _to("case_id", "cases", nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", String(48), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("sealed", LargeBinary),
    Column("mac", LargeBinary, nullable=False),
    Column("publish_after", UtcTime),  # null: published, or nobody consumes it, or there is no broker
    UniqueConstraint("case_id", "seq"),
    Index("ix_case_events_unpublished", "publish_after", **_when("publish_after IS NOT NULL")),
)
work = Table(
    "work",
    metadata,
    Column("event_id", Uuid, ForeignKey("case_events.id"), primary_key=True),
    Column("queue", String(16), primary_key=True),
    Column("state", String(8), nullable=False, default="open"),
    Column("priority", Integer, nullable=False),
    Column("available_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("reason", Text),
    Index("ix_work_open", "priority", "available_at", **_when("state = 'open'")),
)
deliveries = Table(
    "deliveries",
    metadata,
    _id(),
    Column("dedup", Text, nullable=False, unique=True),  # who is told what because of which step: once
    _to("case_id", "cases", index=True),  # null: an answer about no case in particular, sealed with the person's key
    _to("obligation_id", "obligations", index=True),
    Column("step", Integer),
    _to("person_id", "people"),
    Column("kind", String(24), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("language", String(2), nullable=False),
    Column("to_sealed", LargeBinary, nullable=False),
    Column("to_index", LargeBinary, nullable=False, index=True),
    Column("priority", Integer, nullable=False),
    Column("channel", String(16), nullable=False),  # provider · sink (drills)
    Column("alert", Boolean, nullable=False),  # goes out only while its obligation waits for somebody
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False, default=1),
    Column("tries", Integer, nullable=False, default=0),
    Column("settled", Boolean, nullable=False, default=False),  # an unknown one that will not be tried again
    Column("token", Uuid),
    Column("lease_until", UtcTime),
    Column("available_at", UtcTime),  # when a sender may look at it; null: nothing more to do
    Column("expires_at", UtcTime, nullable=False),
    Column("body_sealed", LargeBinary),
    Column("sid", String(64), index=True),
    Column("error_code", String(32)),
    Column("created_at", UtcTime, nullable=False),
    Column("called_at", UtcTime),
    Column("sent_at", UtcTime),
    Column("delivered_at", UtcTime),
    Index("ix_deliveries_ready", "priority", "available_at", **_when("available_at IS NOT NULL")),
    Index("ix_deliveries_leased", "lease_until", **_when("state = 'sending'")),
)
inbound = Table(
    "inbound",
    metadata,
    _id(),
    Column("sid", String(64), nullable=False, unique=True),
    Column("at", UtcTime, nullable=False),
    Column("from_index", LargeBinary, nullable=False, index=True),
    Column("body_sealed", LargeBinary),
    Column("outcome", String(24), nullable=False),
    _to("case_id", "cases"),
    Column("row_key", LargeBinary, nullable=False),
)
alarms = Table(
    "alarms",
    metadata,
    _id(),
    Column("dedup", Text, nullable=False, unique=True),
    Column("kind", String(24), nullable=False),
    _to("case_id", "cases"),
    Column("at", UtcTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cleared_at", UtcTime),
    Index("ix_alarms_open", "at", **_when("cleared_at IS NULL")),
)

# ── follow-up and audit ─────────────────────────────────────────────────────────────────────────────────────────────
follow_ups = Table(
    "follow_ups",
    metadata,
    _id(),
    _to("case_id", "cases", nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("immediate", Boolean, nullable=False, default=False),
    _to("counselor_id", "people"),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
)
contacts = Table(
    "contacts",
    metadata,
    _id(),
    _to("follow_up_id", "follow_ups", nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("reached", Boolean),
    Column("note_sealed", LargeBinary),
    Column("reminders", Integer, nullable=False, default=0),
    Column("remind_at", UtcTime),
    Index("ix_contacts_remind", "remind_at", **_when("remind_at IS NOT NULL")),
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
