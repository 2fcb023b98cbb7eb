"""Who there is: colleges, classes, people, duty shifts, ladders, staff accounts, and who read what."""

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
    Text,
    Uuid,
)

from ledger.tables.base import UtcTime, id_column, metadata, only_while, reference

colleges = Table(
    "colleges",
    metadata,
    Column("code", String(32), primary_key=True),
    Column("name", Text, nullable=False),
)
people = Table(
    "people",
    metadata,
    id_column(),
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
    id_column(),
    Column("college_code", String(32), nullable=False),  # "*" is the compulsory default row
    Column("role", String(32), nullable=False),
    reference("person_id", "people", nullable=False),
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
roster = Table(  # one row; the database names a new edition with each change of people, duties or ladders
    "roster",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("edition", String(36), nullable=False),
)
users = Table(
    "users",
    metadata,
    id_column(),
    Column("username", String(64), nullable=False, unique=True),
    Column("role", String(32), nullable=False),
    Column("college_code", String(32)),
    reference("person_id", "people"),
    Column("password_hash", Text, nullable=False),
    Column("totp_sealed", LargeBinary, nullable=False),
    Column("totp_used", BigInteger, nullable=False, default=0),  # the last accepted time step: a code works once
    Column("session_epoch", Integer, nullable=False, default=0),  # raised to end every session of this user
    Column("failures", Integer, nullable=False, default=0),
    Column("locked_until", UtcTime),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("invite_hash", LargeBinary),  # of the link by which its owner chooses a password; null: chosen, or none sent
    Column("invite_until", UtcTime),
    Column("row_key", LargeBinary, nullable=False),
    Index("ix_users_invite_hash", "invite_hash", unique=True),
)
attempts = Table(  # failed sign-ins and the like from one address, within some minutes (ledger/staff/attempts.py)
    "attempts",
    metadata,
    Column("who_index", LargeBinary, primary_key=True),  # of what was tried and of the address
    Column("tries", Integer, nullable=False),
    Column("ends_at", UtcTime, nullable=False, index=True),
)
remembered = Table(  # phones on which the second factor was shown a while ago
    "remembered",
    metadata,
    id_column(),
    reference("user_id", "users", nullable=False, index=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("until", UtcTime, nullable=False),
)
access_log = Table(
    "access_log",
    metadata,
    id_column(),
    Column("at", UtcTime, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("object", Text, nullable=False),
    Column("anchored", Boolean, nullable=False, default=False),
    Index("ix_access_log_unanchored", "id", **only_while("NOT anchored")),
)
