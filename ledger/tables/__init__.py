"""The ledger's tables. Sealed columns end in `_sealed`, blind indexes in `_index`; times are UTC; money is fen."""

from ledger.tables.base import UtcTime, metadata, new_id
from ledger.tables.care import anchors, centre_notes, contacts, exports, follow_ups, screening_consents, screenings
from ledger.tables.cases import case_events, cases, obligations, reopenings, spooled, transfers, uploads
from ledger.tables.figures import (
    contact_days,
    prevention_counts,
    prevention_months,
    registered_cases,
    registered_classes,
    registered_months,
)
from ledger.tables.messages import alarms, deliveries, inbound, work
from ledger.tables.people import (
    access_log,
    attempts,
    classes,
    colleges,
    duties,
    ladders,
    people,
    remembered,
    roster,
    users,
)

__all__ = [
    "UtcTime",
    "access_log",
    "alarms",
    "anchors",
    "attempts",
    "case_events",
    "cases",
    "centre_notes",
    "classes",
    "colleges",
    "contact_days",
    "contacts",
    "deliveries",
    "duties",
    "exports",
    "follow_ups",
    "inbound",
    "ladders",
    "metadata",
    "new_id",
    "obligations",
    "people",
    "prevention_counts",
    "prevention_months",
    "registered_cases",
    "registered_classes",
    "registered_months",
    "remembered",
    "reopenings",
    "roster",
    "screening_consents",
    "screenings",
    "spooled",
    "transfers",
    "uploads",
    "users",
    "work",
]
