"""What happened: cases, transfers, obligations and the chain of events."""

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
    UniqueConstraint,
    Uuid,
)

from ledger.tables.base import UtcTime, id_column, metadata, only_while, reference, where_there

cases = Table(
    "cases",
    metadata,
    id_column(),
    Column("code", String(5), nullable=False, unique=True),
    Column("code_fold", String(5), nullable=False, unique=True),  # 5/S, 8/B and 2/Z count as one
    Column("kind", String(16), nullable=False),  # transferred · in_progress (the money is still here)
    Column("drill", Boolean, nullable=False, default=False),
    Column("state", String(16), nullable=False),  # see states.ORDER
    Column("source", String(16), nullable=False),  # form · api · drill (to the sink) · drill_phones
    Column("language", String(2), nullable=False),
    Column("received_at", UtcTime, nullable=False, index=True),
    Column("closed_at", UtcTime),  # of a drill; a real case is closed by its state
    Column("college_code", String(32)),
    reference("victim_id", "people"),
    reference("counselor_id", "people"),
    Column("match_grade", String(16), nullable=False),  # none · phone (推测) · student_no
    Column("for_whom", String(8), nullable=False),  # self · other
    Column("phone_sealed", LargeBinary),
    Column("phone_index", LargeBinary, index=True),
    Column("phone_unsafe", Boolean, nullable=False),
    Column("safe_phone_sealed", LargeBinary),
    Column("victim_phone_sealed", LargeBinary),
    Column("victim_phone_index", LargeBinary),
    Column("name_sealed", LargeBinary),
    Column("student_no_sealed", LargeBinary),
    Column("narrative_sealed", LargeBinary),
    Column("fraud_type", String(2)),  # see fraud.KINDS
    Column("called_110", Boolean),
    Column("flags", JSON, nullable=False),  # what was typed and could not be read: named here, kept sealed beside
    Column("unread_sealed", LargeBinary),
    Column("submission_hash", LargeBinary, unique=True),
    Column("body_hash", LargeBinary),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("details_sealed", LargeBinary),  # what stage 2 adds: one JSON object, question → answer
    Column("money_source_sealed", LargeBinary),
    Column("family_sealed", LargeBinary),
    Column("voice", String(16)),  # called 已电话核实 · unreached 未接通，先行报送; null: nobody has tried yet
    Column("asked", JSON),  # the match keys that the student was asked for, with their transfer: 1.name
    Column("unsafe_at", UtcTime),  # 我现在不安全, since when
    Column("withdrawal_at", UtcTime),  # a request: only an officer or the office closes the case
    Column("linked_to", Uuid),  # 疑同: an earlier case; one acknowledgement serves both
    Column("row_key", LargeBinary, nullable=False),  # wrapped; it seals all that hangs on the case
    Column("last_seq", Integer, nullable=False),  # of its newest event, whose MAC is the head
    Column("chain_head", LargeBinary, nullable=False),
    Column("anchored_seq", Integer, nullable=False, default=0),
    Index("ix_cases_victim_phone_index", "victim_phone_index", **where_there("victim_phone_index")),
    Index("ix_cases_linked_to", "linked_to", **where_there("linked_to")),
    Index("ix_cases_unanchored", "id", **only_while("last_seq > anchored_seq")),
    Index("ix_cases_open_drills", "received_at", **only_while("drill AND closed_at IS NULL")),
    Index("ix_cases_college_code_received_at", "college_code", "received_at"),
    Index("ix_cases_counselor_id_id", "counselor_id", "id"),
    Index("ix_cases_withdrawal", "withdrawal_at", **only_while("withdrawal_at IS NOT NULL AND state <> 'closed'")),
)
transfers = Table(
    "transfers",
    metadata,
    id_column(),
    reference("case_id", "cases", nullable=False),
    Column("position", Integer, nullable=False),  # from 1
    Column("amount_fen", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("channel", String(8), nullable=False),  # see channels.WORDS
    Column("when_bucket", String(8)),  # now · 30min · 24h · earlier
    Column("happened_at", UtcTime),
    Column("account_kind", String(16)),  # personal 个人 · corporate 对公
    Column("payee_account_sealed", LargeBinary),
    Column("payee_account_index", LargeBinary, index=True),
    Column("payee_name_sealed", LargeBinary),
    Column("payee_bank_sealed", LargeBinary),
    Column("payer_bank_sealed", LargeBinary),
    Column("payer_account_tail_sealed", LargeBinary),
    Column("serial_sealed", LargeBinary),
    Column("added_at", UtcTime),  # when it came in after the report; null: it came with it
    Column("outcome", String(16)),  # see states.OUTCOMES
    Column("outcome_at", UtcTime),
    Column("outcome_fen", BigInteger),
    Column("outcome_number_sealed", LargeBinary),
    Column("stop_ends_at", UtcTime),  # until when the bank holds the money; null: no stop, or nobody knows since when
    Column("stop_renewed", Boolean, nullable=False, default=False),  # 再止付: there is no third one
    Column("stop_look_at", UtcTime),  # when the clock must look at its stop again; null: never
    UniqueConstraint("case_id", "position"),
    Index("ix_transfers_stop_look_at", "stop_look_at", **where_there("stop_look_at")),
)
uploads = Table(
    "uploads",
    metadata,
    id_column(),  # random enough to be a name, and told to nobody but staff
    reference("case_id", "cases", nullable=False, index=True),
    Column("at", UtcTime, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("content_sealed", LargeBinary, nullable=False),  # a JPEG, encoded anew
)
spooled = Table(  # reports that were taken while the ledger was away: the code and link that their reporters hold
    "spooled",
    metadata,
    id_column(),
    Column("code", String(5), nullable=False),
    Column("code_fold", String(5), nullable=False, index=True),  # two doors apart may have given the same one
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    reference("case_id", "cases", nullable=False, index=True),
    Column("taken_at", UtcTime, nullable=False),
)
reopenings = Table(
    "reopenings",
    metadata,
    id_column(),
    reference("case_id", "cases", nullable=False, index=True),
    Column("code_hash", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("expires_at", UtcTime, nullable=False),
)
obligations = Table(
    "obligations",
    metadata,
    id_column(),
    reference("case_id", "cases", nullable=False),
    Column("kind", String(16), nullable=False),  # see states.ORDER, which has the states of each
    Column("state", String(16), nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("deadline_at", UtcTime, nullable=False),
    Column("step", Integer, nullable=False, default=-1),  # of the ladder, counted on through its rounds; -1: not begun
    Column("ladder_at", UtcTime, nullable=False),  # from when the ladder's seconds count
    Column("entered_at", UtcTime),  # when the present step began
    Column("barren", Integer, nullable=False, default=0),  # steps in a row before this one that reached nobody
    Column("declined", JSON),  # person who cannot → the last step of that round; null: none has said so
    Column("next_at", UtcTime),  # when the clock must look again; null: never
    reference("owner_id", "people"),
    Column("owed_since", UtcTime),  # since when its owner owes progress; null: none
    Column("reminded", Boolean, nullable=False, default=False),
    Column("alerted_at", UtcTime),
    Column("acknowledged_at", UtcTime),
    Column("contacted_at", UtcTime),
    Column("filed_at", UtcTime),
    Column("done_at", UtcTime),
    UniqueConstraint("case_id", "kind"),
    Index("ix_obligations_next_at", "next_at", **where_there("next_at")),
    Index("ix_obligations_waiting", "case_id", **only_while("state IN ('pending', 'alerted')")),
    Index("ix_obligations_police_open", "case_id", **only_while("kind IN ('police', 'dissuade') AND state <> 'done'")),
    Index("ix_obligations_owner_id_case_id", "owner_id", "case_id", **only_while("owner_id IS NOT NULL")),
    Index("ix_obligations_unsafe", "case_id", **only_while("kind = 'unsafe' AND next_at IS NOT NULL")),
    Index("ix_obligations_unrung", "case_id", **only_while("alerted_at IS NULL AND state = 'pending'")),
)
case_events = Table(
    "case_events",
    metadata,
    id_column(),
    reference("case_id", "cases", nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", String(48), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("sealed", LargeBinary),  # what was typed, under the key of the case
    Column("mac", LargeBinary, nullable=False),  # over the one before, too: see chain
    Column("publish_after", UtcTime),  # null: published, or nobody is told, or there is no broker
    UniqueConstraint("case_id", "seq"),
    Index("ix_case_events_reviewed", "case_id", **only_while("type = 'case.reviewed.v1'")),
    Index("ix_case_events_background_read", "id", **only_while("type = 'followup.background_read.v1'")),
    Index("ix_case_events_unpublished", "publish_after", **only_while("publish_after IS NOT NULL")),
)
