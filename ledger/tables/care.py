"""The follow-up record, who may take it out as a file, and the anchors of the chains."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    Uuid,
)

from ledger.tables.base import UtcTime, id_column, metadata, only_while, reference, where_there

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
    Column("referred_at", UtcTime),  # the latest referral; answered when `seen_at` is set
    Column("seen_at", UtcTime),
    Column("same_day_since", UtcTime),  # since when the centre is asked for the same day; null: it is not, or answered
    Column("unreached_since", UtcTime),  # since when the student does not answer: from the report, or from a first try
    Column("referral_look_at", UtcTime),  # when the clock looks at either of them
    Column("debt", String(8)),  # plan · none: as the counselor said when asking to close
    Column("told_at", UtcTime),  # the student knows that the record is to be closed
    Column("closer_id", Uuid),  # the user who asked; somebody else signs
    Column("next_due_at", UtcTime),  # of the contact that is owed next; null: none is owed. See contacts.note_next
    Index("ix_follow_ups_open", "case_id", **only_while("closed_at IS NULL")),
    Index("ix_follow_ups_next_due_at", "next_due_at", **only_while("closed_at IS NULL")),
    Index("ix_follow_ups_immediate", "next_due_at", **only_while("closed_at IS NULL AND immediate")),
    Index(
        "ix_follow_ups_signing",
        "opened_at",
        **only_while("closed_at IS NULL AND (state = 'review' OR next_due_at IS NULL)"),
    ),
    Index("ix_follow_ups_referred", "case_id", **only_while("referred_at IS NOT NULL")),
    Index("ix_follow_ups_same_day_since", "same_day_since", **where_there("same_day_since")),
    Index("ix_follow_ups_referral_look_at", "referral_look_at", **where_there("referral_look_at")),
)
contacts = Table(
    "contacts",
    metadata,
    id_column(),
    reference("follow_up_id", "follow_ups", nullable=False),  # found by the index over it and `kind`
    Column("kind", String(16), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Column("reached", Boolean),
    Column("note_sealed", LargeBinary),
    Column("entry_sealed", LargeBinary),  # one JSON object: ticks of Look–Listen–Link, signs, need
    Column("reminders", Integer, nullable=False, default=0),
    Column("remind_at", UtcTime),
    Column("taken_back_at", UtcTime),  # of one on a day: it is owed no more, and done since then, without the student
    Index("ix_contacts_due_at", "due_at"),  # a day is counted once it is over
    Index("ix_contacts_owed", "follow_up_id", "due_at", **only_while("done_at IS NULL")),
    Index("ix_contacts_remind", "remind_at", **only_while("remind_at IS NOT NULL")),
    UniqueConstraint("follow_up_id", "kind"),
)
centre_notes = Table(  # what only the psychology centre reads
    "centre_notes",
    metadata,
    id_column(),
    reference("follow_up_id", "follow_ups", nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    reference("user_id", "users", nullable=False),
    Column("content_sealed", LargeBinary, nullable=False),  # one JSON object: note; old ones also screening → answer
)
screening_consents = Table(  # what the student said to being screened by the centre; nothing is overwritten
    "screening_consents",
    metadata,
    id_column(),
    reference("follow_up_id", "follow_ups", nullable=False),  # found by the index over it and `number`
    Column("number", Integer, nullable=False),  # counted from 1 with the case locked: the last one holds
    Column("state", String(12), nullable=False),  # given · refused · withdrawn
    Column("at", UtcTime, nullable=False),  # when it was written down
    reference("user_id", "users", nullable=False),
    Column("content_sealed", LargeBinary, nullable=False),  # one JSON object: how, when it was said, who asked
    UniqueConstraint("follow_up_id", "number"),
)
screenings = Table(  # what only the psychology centre reads; none without a consent
    "screenings",
    metadata,
    id_column(),
    reference("follow_up_id", "follow_ups", nullable=False, index=True),
    reference("consent_id", "screening_consents", nullable=False),
    Column("at", UtcTime, nullable=False),
    reference("user_id", "users", nullable=False),
    Column("content_sealed", LargeBinary, nullable=False),  # one JSON object: item → answer (ledger/care/screening.py)
)
exports = Table(  # of the ledger of the follow-ups: one person asks, another signs
    "exports",
    metadata,
    id_column(),
    reference("asker_id", "users"),  # null: made on the machine, by whoever holds the keys; it is signed afterwards
    Column("role", String(32), nullable=False),  # the asker's: a signature is for what that role reads
    Column("asked_at", UtcTime, nullable=False),
    Column("first_day", Date),  # in the school's zone, both included; null: from the beginning, until it was asked for
    Column("last_day", Date),
    Column("records", Integer, nullable=False),  # how many there were when it was asked for
    Column("reason_sealed", LargeBinary),  # with the asker's key
    Column("state", String(8), nullable=False),  # asked · signed · refused · dropped: by its asker
    reference("signer_id", "users"),
    Column("decided_at", UtcTime),
    Index(  # the same period twice is one wish, however often the button is pressed
        "ix_exports_waiting", "asker_id", "role", "first_day", "last_day", unique=True, **only_while("state = 'asked'")
    ),
    Index("ix_exports_asker_id_asked_at", "asker_id", "asked_at"),
    Index("ix_exports_open", "asked_at", **only_while("state = 'asked'")),
)
anchors = Table(
    "anchors",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("content", JSON, nullable=False),
    Column("mac", LargeBinary, nullable=False),
)
