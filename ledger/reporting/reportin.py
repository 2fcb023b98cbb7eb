"""A report as a door hands it in, before it is anything in the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger import values


@dataclass(frozen=True)
class TransferIn:
    """One transfer, read as far as it could be. `when` is a bucket, an instant, or unknown."""

    amount_fen: int
    currency: str = "CNY"
    channel: str = "other"
    when: values.When | None = None
    payee_account: str | None = None
    payee_name: str | None = None
    payee_bank: str | None = None
    payer_bank: str | None = None
    payer_account_tail: str | None = None
    serial: str | None = None


@dataclass(frozen=True)
class ReportIn:
    """A report as a door has read it. Phones are E.164; `unread` keeps, by field, what was typed and not understood."""

    phone: str
    transfers: tuple[TransferIn, ...] = ()
    kind: str = "transferred"  # or in_progress
    source: str = "form"  # form · api · drill · drill_phones
    language: str = "zh"
    phone_unsafe: bool = False
    safe_phone: str | None = None  # where texts go instead of an unsafe one
    for_whom: str = "self"
    victim_phone: str | None = None
    name: str | None = None
    student_no: str | None = None
    college: str | None = None
    class_named: str | None = None
    fraud_type: str | None = None
    narrative: str | None = None
    called_110: bool | None = None
    unread: dict[str, str] = field(default_factory=dict)

    @property
    def drill(self) -> bool:
        return self.source.startswith("drill")
