"""What is brought in or counted for the figures of each college, by month or day. Of nobody by name."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Integer, String, Table

from ledger.tables.base import UtcTime, metadata


def _months(name: str) -> Table:
    """Which months were imported; a month is locked by its row."""
    month = Column("month", String(7), primary_key=True)  # 2026-10
    return Table(name, metadata, month, Column("imported_at", UtcTime, nullable=False))


registered_months = _months(
    "registered_months"
)  # cases registered by the police (立案); see ledger/figures/registered.py
registered_cases = Table(
    "registered_cases",
    metadata,
    Column("month", String(7), ForeignKey("registered_months.month"), primary_key=True),
    Column("college_code", String(32), primary_key=True),  # "*" is the whole school
    Column("cases", Integer, nullable=False),
    Column("amount_fen", BigInteger),  # null: not said
)
registered_classes = Table(  # of the same cases those whose class is known
    "registered_classes",
    metadata,
    Column("month", String(7), ForeignKey("registered_months.month"), primary_key=True),
    Column("college_code", String(32), primary_key=True),
    Column("class_code", String(32), primary_key=True),
    Column("cases", Integer, nullable=False),
    Column("amount_fen", BigInteger),
)
prevention_months = _months("prevention_months")  # see ledger/figures/prevention.py
prevention_counts = Table(  # people counted by the school itself; null: not counted
    "prevention_counts",
    metadata,
    Column("month", String(7), ForeignKey("prevention_months.month"), primary_key=True),
    Column("college_code", String(32), primary_key=True),
    Column("class_code", String(32), primary_key=True),  # empty: the whole college
    *(Column(name, Integer) for name in ("asked", "aware", "people", "installed", "named", "warned")),
)
contact_days = Table(  # contacts by the day on which they fell due, once it is over: ledger/figures/contactdays.py
    "contact_days",
    metadata,
    Column("day", Date, primary_key=True),  # in the school's zone
    Column("college_code", String(32), primary_key=True),  # empty: not known; "*": that the day was counted
    Column("due", Integer, nullable=False),
    Column("kept", Integer, nullable=False),  # in time
)
